//! What goes while somebody who has looked waits for the lock.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use engine_catalog::{Catalog, Error, Expect, LockWait, ObjectId};

use crate::support::{Home, document, entry, link_file, snapshot_value, stamp, to_cbor};

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
