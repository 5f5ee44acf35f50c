//! What goes while somebody who has looked waits for the lock.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use engine_catalog::{Catalog, Error, Expect, LockWait, ObjectId};

use crate::support::{Home, document, entry, link_file, name, snapshot_value, stamp, to_cbor};

/// Does something that waits for the store lock, and meanwhile something else.
fn waiting<T: Send>(
    home: &Home,
    act: impl FnOnce(&Catalog) -> T + Send,
    meanwhile: impl FnOnce(),
) -> T {
    let lock = fs::File::open(home.at("lock")).unwrap();
    lock.lock().unwrap();
    let (tell, told) = channel();
    let waits = LockWait::default().telling(Duration::ZERO, move |_| tell.send(()).unwrap());
    let catalog = Catalog::open(home.catalog.root())
        .unwrap()
        .with_lock_wait(waits);
    thread::scope(|scope| {
        let acting = scope.spawn(|| act(&catalog));
        told.recv().unwrap();
        meanwhile();
        lock.unlock().unwrap();
        acting.join().unwrap()
    })
}

#[test]
fn entry_that_goes_before_it_becomes_current_does_not_come_back_without_what_describes_it() {
    let home = Home::new();
    let stored = home.catalog.store(&[entry("b1", 1)]).unwrap()[0];
    let note = home.catalog.attach(&document(stored, "a note")).unwrap();
    // As a collection does.
    let collect = || {
        fs::remove_file(link_file(home.catalog.root(), stored, note)).unwrap();
        fs::remove_file(home.object(&stored)).unwrap();
        fs::remove_file(home.object(&note)).unwrap();
    };
    let put = |catalog: &Catalog| catalog.put_object(&stored, Expect::Absent, &stamp(1));
    let put = waiting(&home, put, collect);
    assert!(
        matches!(put, Err(Error::NoSuchEntry { object }) if object == stored),
        "{put:?}"
    );
    assert!(!home.catalog.has_object(&stored).unwrap());
}

#[test]
fn document_does_not_come_to_what_goes_before_it_is_imported() {
    let (ours, theirs) = (Home::new(), Home::new());
    let [object, _] = [&ours, &theirs].map(|it| it.catalog.store(&[entry("b1", 1)]).unwrap()[0]);
    let note = theirs.catalog.attach(&document(object, "a note")).unwrap();
    let import = |catalog: &Catalog| catalog.import(&theirs.catalog, &stamp(2)).unwrap();
    let collect = || fs::remove_file(ours.object(&object)).unwrap();
    let imported = waiting(&ours, import, collect);
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    assert_eq!(ours.catalog.attachments(&object).unwrap(), []);
    assert!(!ours.catalog.has_object(&note).unwrap());
    // Where it stays, the document comes.
    ours.catalog.store(&[entry("b1", 1)]).unwrap();
    import(&ours.catalog);
    assert_eq!(ours.catalog.attachments(&object).unwrap(), [note]);
}

#[test]
fn entry_that_goes_while_it_is_imported_does_not_come_without_what_describes_it() {
    let (ours, theirs) = (Home::new(), Home::new());
    let [old, new] = [1, 2].map(|ms| {
        let object = theirs.catalog.store(&[entry("b1", ms)]).unwrap()[0];
        let note = document(object, "a note");
        (object, theirs.catalog.attach(&note).unwrap())
    });
    theirs.point("llamacpp/b1", &old.0);
    // It takes long to read, and then says that the old one was put, and the new one is about to be.
    let mut lines = format!("1 put - {} me\n1 retire {} - me\n", old.0, old.0).repeat(12_000);
    lines += &format!("1 put - {} me\n1 put {} {} me\n", old.0, old.0, new.0);
    let history = theirs.at("history/llamacpp/b1");
    fs::create_dir_all(history.parent().unwrap()).unwrap();
    fs::write(history, lines).unwrap();
    let imported = thread::scope(|scope| {
        let importing = scope.spawn(|| ours.catalog.import(&theirs.catalog, &stamp(2)).unwrap());
        // By now the entry was read.
        thread::sleep(Duration::from_millis(20));
        // As a writer and a collection do.
        fs::write(theirs.at("tmp/ref"), format!("{}\n", new.0)).unwrap();
        fs::rename(theirs.at("tmp/ref"), theirs.at("refs/llamacpp/b1")).unwrap();
        fs::remove_file(link_file(theirs.catalog.root(), old.0, old.1)).unwrap();
        fs::remove_file(theirs.object(&old.0)).unwrap();
        fs::remove_file(theirs.object(&old.1)).unwrap();
        importing.join().unwrap()
    });
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    let current = ours.catalog.current(&name("llamacpp/b1")).unwrap();
    assert_eq!(current.map(|it| it.object), Some(new.0));
    assert_eq!(ours.catalog.attachments(&new.0).unwrap(), [new.1]);
}

#[test]
fn snapshot_that_loses_its_name_and_goes_is_not_dangling() {
    let home = Home::new();
    let name = home.at("snapshots/s");
    fs::create_dir_all(name.parent().unwrap()).unwrap();
    let snapshots: Vec<_> = (0..50)
        .map(|number| {
            let member = ObjectId::from_bytes([number; 32]);
            let object = home.plant(&to_cbor(&snapshot_value(&[member])));
            let [its_name, elsewhere] =
                ["name", "object"].map(|it| home.at(&format!("tmp/{it} {number}")));
            fs::write(&its_name, format!("{object}\n")).unwrap();
            fs::rename(home.object(&object), &elsewhere).unwrap();
            (its_name, elsewhere, home.object(&object))
        })
        .collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        // As whoever names a snapshot, removes the name, and collects; quicker than disks let them.
        scope.spawn(|| {
            for (its_name, elsewhere, object) in snapshots.iter().cycle() {
                fs::rename(elsewhere, object).unwrap();
                fs::rename(its_name, &name).unwrap();
                fs::rename(&name, its_name).unwrap();
                fs::rename(object, elsewhere).unwrap();
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let found = (0..20_000).map(|_| home.catalog.find_snapshot("s"));
        let failed: Vec<_> = found.filter_map(Result::err).collect();
        done.store(true, Ordering::Relaxed);
        assert!(failed.is_empty(), "{} times {}", failed.len(), failed[0]);
    });
}
