//! What was removed on purpose is not missed, and no repair brings it back.

use std::fs;

use engine_catalog::{GcOptions, RetentionRule, VerifyScope};

use crate::support::{Home, document, entry, name, object_of};
use crate::{any_engine, by_rule, collect, objects};

/// Three builds, each with a document; and the same again, which is a copy of all of it.
fn home() -> Home {
    let home = Home::new();
    for build in 1..=3 {
        let object = home.put(&entry("b1", build));
        home.catalog.attach(&document(object, "a note")).unwrap();
    }
    home
}

fn last_build() -> GcOptions {
    by_rule(RetentionRule {
        builds: Some(1),
        ..any_engine()
    })
}

#[test]
fn repair_leaves_away_what_was_removed() {
    let (home, copy) = (home(), home());
    let gone = objects(&collect(&home, &last_build()));
    assert_eq!(gone.len(), 4);
    let report = home
        .catalog
        .verify(&VerifyScope::Everything, &|_| {})
        .unwrap();
    assert_eq!(report.findings, []);
    let needed = home.catalog.plan_repair(&|_| {}).unwrap();
    assert!(needed.is_whole(), "{needed:?}");
    let report = home.catalog.repair(&[&copy.catalog], &|_| {}).unwrap();
    assert!(report.repairs.is_empty(), "{:?}", report.repairs);
    for object in &gone {
        assert!(!home.catalog.has_object(object).unwrap());
    }
}

#[test]
fn what_was_removed_and_put_again_is_missed_as_anything_else() {
    let (home, copy) = (home(), home());
    collect(&home, &last_build());
    let again = home.put(&entry("b1", 1));
    fs::remove_file(home.object(&again)).unwrap();
    assert!(home.catalog.current(&name("llamacpp/b1")).is_err());
    home.catalog.repair(&[&copy.catalog], &|_| {}).unwrap();
    assert!(home.catalog.has_object(&again).unwrap());
    // But not that of which only the history tells.
    assert!(
        !home
            .catalog
            .has_object(&object_of(&entry("b1", 2)))
            .unwrap()
    );
}

#[test]
fn without_the_note_of_it_what_a_history_names_comes_back_until_it_is_removed_again() {
    let (home, copy) = (home(), home());
    let gone = objects(&collect(&home, &last_build()));
    fs::remove_file(home.at("removed")).unwrap();
    let report = home
        .catalog
        .verify(&VerifyScope::Everything, &|_| {})
        .unwrap();
    assert!(
        report.is_clean() && report.findings.len() == 2,
        "{:?}",
        report.findings
    );
    home.catalog.repair(&[&copy.catalog], &|_| {}).unwrap();
    let back: Vec<_> = [1, 2].map(|build| object_of(&entry("b1", build))).into();
    let again = objects(&collect(&home, &last_build()));
    assert!(back.iter().all(|it| again.contains(it)));
    assert!(again.iter().all(|it| gone.contains(it)));
    let done = home.catalog.repair(&[&copy.catalog], &|_| {}).unwrap();
    assert!(done.repairs.is_empty());
}
