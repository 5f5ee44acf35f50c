//! What `import` makes of a bundle, and of another catalog.

use std::fs;

use engine_catalog::{
    Catalog, EngineEntry, Error, Expect, ImportOutcome, ImportSide, Imported, Op, State,
};

use crate::capture;
use crate::sample::{assert_same, fill};
use crate::support::{Home, entry, listing, name, object_file, object_of, stamp};

fn import(into: &Home, source: &Catalog) -> Imported {
    into.catalog.import(source, &stamp(7)).unwrap()
}

/// What became of the one ref that the source has.
fn outcome(into: &Home, source: &Catalog) -> ImportOutcome {
    let imported = import(into, source);
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    let [only] = &imported.refs[..] else {
        panic!("{:?}", imported.refs);
    };
    only.outcome
}

fn current(home: &Home) -> Option<EngineEntry> {
    let record = home.catalog.current(&name("llamacpp/b1")).unwrap();
    record.map(|record| record.entry)
}

/// A bundle of what is current.
fn bundle(home: &Home) -> Catalog {
    let out = home.outside().join("bundle");
    capture(&home.catalog, &out).unwrap();
    Catalog::open_read_only(out).unwrap()
}

#[test]
fn bundle_makes_what_was_not_there_and_changes_nothing_the_second_time() {
    let (from, into) = (Home::new(), Home::new());
    let server = from.outside().join("server");
    fs::write(&server, "\x7fELF").unwrap();
    fill(&from.catalog, &server);
    let bundle = bundle(&from);
    let imported = import(&into, &bundle);
    assert_eq!(imported.refs.len(), 6);
    let created = |it: &engine_catalog::ImportedRef| it.outcome == ImportOutcome::Created;
    assert!(imported.refs.iter().all(created) && imported.problems.is_empty());
    let history = into.catalog.history(&name("llamacpp/b4330")).unwrap();
    assert_eq!(history[0].op, Op::Import);
    // What was attached came along, of whatever kind it is.
    for record in imported.refs.iter().map(|it| &it.theirs) {
        let attached = |catalog: &Catalog| catalog.attachments(&record.object).unwrap();
        assert_eq!(attached(&into.catalog), attached(&from.catalog));
    }
    let before = listing(&into.at("refs"));
    let again = import(&into, &bundle);
    let same = |it: &engine_catalog::ImportedRef| it.outcome == ImportOutcome::Same;
    assert!(again.refs.iter().all(same));
    assert_eq!(listing(&into.at("refs")), before);
    // A bundle of what was brought in is the bundle again.
    let out = into.outside().join("again");
    capture(&into.catalog, &out).unwrap();
    assert_same(&out, bundle.root());
}

#[test]
fn ref_follows_a_source_that_has_moved_on_and_stays_where_it_is_ahead() {
    let (one, other) = (Home::new(), Home::new());
    let [old, new] = [1, 2].map(|ms| entry("b1", ms));
    for home in [&one, &other] {
        home.put(&old);
    }
    one.put(&new);
    assert_eq!(outcome(&one, &other.catalog), ImportOutcome::Kept);
    assert_eq!(current(&one), Some(new.clone()));
    assert_eq!(outcome(&other, &one.catalog), ImportOutcome::Forward);
    assert_eq!(current(&other), Some(new));
    assert_eq!(outcome(&other, &one.catalog), ImportOutcome::Same);
}

#[test]
fn bundle_of_what_was_replaced_or_retired_here_changes_nothing() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let bundle = bundle(&home);
    home.put(&entry("b1", 2));
    assert_eq!(outcome(&home, &bundle), ImportOutcome::Kept);
    home.catalog
        .retire(&name("llamacpp/b1"), Expect::Any, &stamp(3))
        .unwrap();
    assert_eq!(outcome(&home, &bundle), ImportOutcome::Kept);
    assert_eq!(current(&home), None);
}

#[test]
fn conflict_leaves_ours_and_brings_theirs_into_the_store() {
    let (ours, theirs) = (Home::new(), Home::new());
    ours.put(&entry("b1", 1));
    let other = theirs.put(&entry("b1", 2));
    let bundle = bundle(&theirs);
    for source in [&bundle, &theirs.catalog] {
        assert_eq!(outcome(&ours, source), ImportOutcome::Conflict);
        assert_eq!(current(&ours), Some(entry("b1", 1)));
        let found = ours.catalog.find(&other.to_string()).unwrap().unwrap();
        assert_eq!(ours.catalog.state(&found).unwrap(), State::Superseded);
    }
    // Once a person has chosen, it is settled.
    ours.put(&entry("b1", 2));
    assert_eq!(outcome(&ours, &bundle), ImportOutcome::Same);
}

#[test]
fn damage_in_the_source_is_reported_and_stops_nothing_else() {
    let (from, into) = (Home::new(), Home::new());
    from.put(&entry("b1", 1));
    let damaged = from.put(&entry("b2", 1));
    from.put(&entry("b3", 1));
    let file = object_file(from.catalog.root(), damaged);
    fs::remove_file(&file).unwrap();
    fs::write(&file, "damaged").unwrap();
    let imported = import(&into, &from.catalog);
    assert_eq!(imported.refs.len(), 2);
    let [problem] = &imported.problems[..] else {
        panic!("{:?}", imported.problems);
    };
    assert_eq!(problem.at, ImportSide::Source);
    assert!(matches!(problem.cause, Error::Unreadable { .. }));
    assert!(into.catalog.entry(&damaged).unwrap().is_none());
}

#[test]
fn entry_with_a_credential_is_not_brought_in() {
    let (from, into) = (Home::new(), Home::new());
    let secret = EngineEntry {
        build_ref: Some("https://me:hunter2@git.example/x".into()),
        ..entry("b1", 1)
    };
    // Another program wrote it.
    let object = from.plant(&engine_catalog::encode_entry(&secret).unwrap());
    from.point("llamacpp/b1", &object);
    let imported = import(&into, &from.catalog);
    assert!(matches!(imported.problems[0].cause, Error::Entry { .. }));
    assert!(!imported.problems[0].to_string().contains("hunter2"));
    assert!(imported.refs.is_empty());
    assert!(!into.object(&object_of(&secret)).exists());
}
