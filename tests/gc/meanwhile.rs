//! What goes while somebody who has looked waits for the lock.

use std::fs;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use engine_catalog::{Catalog, Error, Expect, LockWait};

use crate::support::{Home, document, entry, link_file, stamp};

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
