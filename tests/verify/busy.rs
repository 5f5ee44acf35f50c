//! A catalog in use has no finding: verification looks again before it calls something damage.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use engine_catalog::{
    Catalog, Expect, Filter, Finding, Members, Name, Scrub, VerifyScope, encode_entry,
};

use crate::support::{Home, entry, name, object_of, stamp};
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

#[test]
fn ref_that_moves_on_while_its_old_entry_is_collected_is_not_dangling() {
    let home = Home::new();
    for n in 0..20 {
        home.put(&entry(&format!("b{n}"), 0));
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        // As writers and garbage collection would, and quicker than disks let them.
        scope.spawn(|| {
            let mut old: Vec<_> = (0..20)
                .map(|n| object_of(&entry(&format!("b{n}"), 0)))
                .collect();
            for at in (1..).take_while(|_| !done.load(Ordering::Relaxed)) {
                for (n, old) in old.iter_mut().enumerate() {
                    let next = encode_entry(&entry(&format!("b{n}"), at)).unwrap();
                    let id = crate::cases::object(&home, &next);
                    let moved = home.outside().join("next");
                    fs::write(&moved, format!("{id}\n")).unwrap();
                    fs::rename(moved, home.at(&format!("refs/llamacpp/b{n}"))).unwrap();
                    fs::remove_file(home.object(old)).unwrap();
                    *old = id;
                }
            }
        });
        for name in 0..20 {
            fs::remove_file(home.at(&format!("history/llamacpp/b{name}"))).unwrap();
        }
        // The first part is that of the names, and nothing is remembered.
        let catalog = Catalog::open_read_only(home.catalog.root()).unwrap();
        let scope = VerifyScope::Scrub(Scrub {
            budget: Some(Duration::ZERO),
            max_age: None,
            clock: &|| 0,
        });
        let names = || catalog.verify(&scope, &|_| {}).unwrap().findings;
        let found: Vec<_> = (0..600).flat_map(|_| names()).collect();
        done.store(true, Ordering::Relaxed);
        let of_refs = found
            .iter()
            .filter(|it| it.slug.as_str().starts_with("ref-"));
        let of_refs: Vec<_> = of_refs.collect();
        assert!(of_refs.is_empty(), "{of_refs:#?}");
    });
}
