//! How what goes is removed.

use std::fs;
use std::time::Duration;

use engine_catalog::{Catalog, Error, LockWait, VerifyScope};

use crate::support::{Home, entry, files, stamp};
use crate::{collect, options};

#[test]
fn what_is_left_is_a_sound_catalog_without_empty_directories() {
    let home = Home::new();
    let entries: Vec<_> = (0..600).map(|n| entry(&format!("b{n}"), 1)).collect();
    home.put(&entry("kept", 1));
    let before = files(home.catalog.root());
    let dirs = |home: &Home| {
        walkdir::WalkDir::new(home.at("objects"))
            .into_iter()
            .count()
    };
    let dirs_before = dirs(&home);
    home.catalog.store(&entries).unwrap();
    let plan = collect(&home, &options());
    assert_eq!(plan.objects.len(), 600);
    let told = fs::read_to_string(home.at("removed")).unwrap();
    assert_eq!(told.lines().count(), 600);
    fs::remove_file(home.at("removed")).unwrap();
    assert_eq!(files(home.catalog.root()), before);
    assert_eq!(dirs(&home), dirs_before);
    let report = home.catalog.verify(&VerifyScope::Everything, &|_| {});
    assert!(report.unwrap().findings.is_empty());
}

#[test]
fn catalog_that_must_not_be_written_is_planned_and_not_collected() {
    let home = Home::new();
    home.catalog.store(&[entry("b1", 1)]).unwrap();
    let reader = Catalog::open_read_only(home.catalog.root()).unwrap();
    assert_eq!(reader.plan_gc(&options()).unwrap().objects.len(), 1);
    let refused = reader.collect_garbage(&options(), &stamp(9));
    assert!(matches!(refused, Err(Error::ReadOnly { .. })));
}

#[test]
fn collection_waits_for_writers() {
    let home = Home::new();
    let writer = fs::File::open(home.at("lock")).unwrap();
    writer.lock_shared().unwrap();
    let impatient = Catalog::open(home.catalog.root()).unwrap();
    let impatient = impatient.with_lock_wait(LockWait::default().at_most(Duration::ZERO));
    let busy = impatient
        .collect_garbage(&options(), &stamp(9))
        .unwrap_err();
    assert_eq!(busy.kind(), engine_catalog::ErrorKind::Busy);
}
