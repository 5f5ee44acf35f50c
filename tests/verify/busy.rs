//! A catalog in use has no finding: verification looks again before it calls something damage.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use engine_catalog::{Catalog, Expect, Filter, Finding, Members, Name};

use crate::support::{Home, entry, name, stamp};
use crate::verify;

#[test]
fn catalog_with_many_entries_has_no_finding() {
    let home = Home::new();
    let entries: Vec<_> = (0..2000).map(|n| entry(&format!("b{n}"), n)).collect();
    home.catalog.put_all(&entries, &stamp(1)).unwrap();
    let report = verify(&home.catalog);
    assert_eq!(report.findings, []);
    assert_eq!(report.objects, 2000);
}

#[test]
fn writers_at_work_cause_no_finding() {
    let home = Home::new();
    for n in 0..50 {
        home.put(&entry(&format!("b{n}"), 0));
    }
    let root = home.catalog.root();
    let done = AtomicBool::new(false);
    let is_done = || done.load(Ordering::Relaxed);
    thread::scope(|scope| {
        scope.spawn(|| {
            let catalog = Catalog::open(root).unwrap();
            for n in (1..).take_while(|_| !is_done()) {
                catalog
                    .put(&entry(&format!("b{}", n % 50), n), &stamp(n))
                    .unwrap();
            }
        });
        scope.spawn(|| {
            let (catalog, ours) = (Catalog::open(root).unwrap(), name("llamacpp/come-and-go"));
            for n in (1..).take_while(|_| !is_done()) {
                catalog.put(&entry("come-and-go", n), &stamp(n)).unwrap();
                catalog
                    .put(&entry("come-and-go", n + 1), &stamp(n))
                    .unwrap();
                catalog.retire(&ours, Expect::Any, &stamp(n)).unwrap();
                let fresh = entry(&format!("new-{n}"), n);
                catalog.put(&fresh, &stamp(n)).unwrap();
            }
        });
        scope.spawn(|| {
            let catalog = Catalog::open(root).unwrap();
            let release = Name::new("release").unwrap();
            let members = Members::Current(Filter::default());
            while !is_done() {
                catalog.create_snapshot(&members, Some(&release)).unwrap();
                catalog.remove_snapshot(&release).unwrap();
            }
        });
        let mut found: Vec<Finding> = Vec::new();
        for _ in 0..30 {
            found.extend(verify(&home.catalog).findings);
        }
        done.store(true, Ordering::Relaxed);
        let faults: Vec<_> = found.iter().filter(|it| it.is_fault()).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    });
    assert_eq!(verify(&home.catalog).findings, []);
}
