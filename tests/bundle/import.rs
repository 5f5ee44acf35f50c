//! Bringing in a bundle, or another catalog: what becomes of each ref.

use std::fs;

use engine_catalog::{
    Catalog, EngineEntry, Error, Expect, Filter, ImportOutcome, ImportSide, Imported, Members, Op,
    RefError, Snapshot, encode_entry,
};

use crate::capture;
use crate::sample::{assert_same, fill};
use crate::support::crowd::{assert_chains, meanwhile};
use crate::support::observe::{assert_clean, state};
use crate::support::{Home, attach, entry, listing, name, object_of, stamp};
use ImportOutcome::{Conflict, Created, Forward, Kept, Same};

/// Imports a bundle of what is current in `from`.
fn import_bundle(from: &Home, to: &Home) -> Imported {
    let out = tempfile::tempdir().unwrap();
    capture(&from.catalog, out.path()).unwrap();
    let bundle = Catalog::open_read_only(out.path()).unwrap();
    to.catalog.import(&bundle, &stamp(5)).unwrap()
}

/// Imports the catalog itself, which has histories.
fn import_catalog(from: &Home, to: &Home) -> Imported {
    let source = Catalog::open_read_only(from.catalog.root()).unwrap();
    to.catalog.import(&source, &stamp(5)).unwrap()
}

fn outcomes(imported: &Imported) -> Vec<(String, ImportOutcome)> {
    let shown = |it: &engine_catalog::ImportedRef| (it.name().to_string(), it.outcome);
    imported.refs.iter().map(shown).collect()
}

/// The outcome of the only ref, without problems.
fn only(imported: &Imported) -> ImportOutcome {
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    assert_eq!(imported.refs.len(), 1);
    imported.refs[0].outcome
}

fn home_of(builds: &[i64]) -> Home {
    let home = Home::new();
    for build in builds {
        home.put(&entry("b1", *build));
    }
    home
}

fn retire(home: &Home) {
    let retired = home
        .catalog
        .retire(&name("llamacpp/b1"), Expect::Any, &stamp(1));
    assert!(retired.unwrap().is_some());
}

fn current(home: &Home) -> Option<i64> {
    let record = home.catalog.current(&name("llamacpp/b1")).unwrap();
    record.map(|record| record.entry.created_ms)
}

#[test]
fn bundle_imported_into_an_empty_catalog_and_captured_again_is_the_same() {
    let (from, to) = (Home::new(), Home::new());
    let server = from.outside().join("server");
    fs::write(&server, "ELF").unwrap();
    fill(&from.catalog, &server);
    let (bundle, again) = (from.outside().join("bundle"), to.outside().join("again"));
    capture(&from.catalog, &bundle).unwrap();
    let source = Catalog::open_read_only(&bundle).unwrap();
    let before = listing(&bundle);
    let imported = to.catalog.import(&source, &stamp(5)).unwrap();
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    assert!(imported.refs.iter().all(|it| it.outcome == Created));
    assert!(imported.refs.iter().all(|it| it.ours.is_none()));
    assert!(
        imported
            .refs
            .is_sorted_by_key(engine_catalog::ImportedRef::name)
    );
    assert_eq!(listing(&bundle), before, "the source is only read");
    capture(&to.catalog, &again).unwrap();
    assert_same(&bundle, &again);
    for record in &imported.refs {
        let history = to.catalog.history(&record.name()).unwrap();
        let [line] = &history[..] else {
            panic!("{history:?}")
        };
        assert_eq!((line.op, line.old), (Op::Import, None));
    }

    // Again: nothing changes.
    let before = state(&to.catalog);
    let imported = to.catalog.import(&source, &stamp(6)).unwrap();
    assert!(imported.refs.iter().all(|it| it.outcome == Same));
    assert_eq!(state(&to.catalog), before);
    assert_clean(to.catalog.root());
}

#[test]
fn bundle_with_several_builds_of_one_name_brings_all_of_them() {
    let (from, to) = (home_of(&[1, 2]), Home::new());
    let objects = [1, 2].map(|build| object_of(&entry("b1", build)));
    let snapshot = Snapshot {
        objects: objects.into(),
    };
    let (bundle, again) = (from.outside().join("bundle"), to.outside().join("again"));
    from.catalog.capture(&bundle, &snapshot).unwrap();
    let source = Catalog::open_read_only(&bundle).unwrap();
    let imported = to.catalog.import(&source, &stamp(5)).unwrap();
    assert_eq!(outcomes(&imported), []);
    let id = snapshot.id().unwrap();
    let (found, snapshot) = to.catalog.find_snapshot(&id.to_string()).unwrap().unwrap();
    assert_eq!(found, id);
    to.catalog.capture(&again, &snapshot).unwrap();
    assert_same(&bundle, &again);
    assert!(
        to.catalog.snapshots().unwrap().is_empty(),
        "names stay there"
    );
}

#[test]
fn what_was_held_here_is_kept_and_never_brought_back() {
    let from = home_of(&[1]);
    for (ours, expected) in [
        (&[1][..], Same),
        (&[1, 2], Kept),
        (&[2], Conflict),
        (&[2, 1, 3], Kept),
    ] {
        let to = home_of(ours);
        let before = state(&to.catalog);
        assert_eq!(only(&import_bundle(&from, &to)), expected, "{ours:?}");
        assert_eq!(state(&to.catalog), before, "{ours:?}");
    }
    let retired = home_of(&[1, 2]);
    retire(&retired);
    assert_eq!(only(&import_bundle(&from, &retired)), Kept);
    assert_eq!(current(&retired), None);
    let other = home_of(&[2]);
    retire(&other);
    assert_eq!(only(&import_bundle(&from, &other)), Created);
    assert_eq!(current(&other), Some(1));
}

#[test]
fn catalog_with_a_history_moves_refs_forward() {
    let from = home_of(&[1, 2, 3]);
    for (ours, expected, after) in [
        (&[][..], Created, 3),
        (&[1], Forward, 3),
        (&[2], Forward, 3),
        (&[3], Same, 3),
        (&[4], Conflict, 4),
        (&[1, 4], Conflict, 4),
        (&[1, 2, 3, 4], Kept, 4),
    ] {
        let to = home_of(ours);
        let imported = import_catalog(&from, &to);
        assert_eq!(only(&imported), expected, "{ours:?}");
        assert_eq!(current(&to), Some(after), "{ours:?}");
        let ours = ours.last().map(|build| object_of(&entry("b1", *build)));
        assert_eq!(imported.refs[0].ours, ours);
        assert_eq!(imported.refs[0].theirs.object, object_of(&entry("b1", 3)));
        assert_chains(&to.catalog, &[name("llamacpp/b1")]);
    }
}

#[test]
fn rollback_there_is_followed_and_rollback_here_is_not_undone() {
    let b1 = name("llamacpp/b1");
    let (one, other) = (home_of(&[1, 2]), home_of(&[1, 2]));
    one.catalog.rollback(&b1, None, &stamp(3)).unwrap();
    assert_eq!(only(&import_catalog(&other, &one)), Kept);
    assert_eq!(current(&one), Some(1));
    assert_eq!(only(&import_catalog(&one, &other)), Forward);
    assert_eq!(current(&other), Some(1));
}

#[test]
fn conflict_leaves_ours_and_brings_in_what_theirs_holds() {
    let (from, to) = (home_of(&[1]), home_of(&[2]));
    let server = from.outside().join("server");
    fs::write(&server, "ELF").unwrap();
    let theirs = object_of(&entry("b1", 1));
    let note = attach(from.catalog.root(), theirs, b"\xa1\x66schema\x66note/9");
    assert_eq!(only(&import_bundle(&from, &to)), Conflict);
    assert_eq!(current(&to), Some(2));
    assert_eq!(to.catalog.entry(&theirs).unwrap(), Some(entry("b1", 1)));
    assert_eq!(to.catalog.attachments(&theirs).unwrap(), [note]);
}

#[test]
fn what_cannot_be_read_of_one_ref_does_not_stop_the_others() {
    let (from, to) = (Home::new(), Home::new());
    let versions = ["b1", "b2", "b3", "b4", "b5"];
    let objects = versions.map(|version| from.put(&entry(version, 1)));
    fs::remove_file(from.object(&objects[0])).unwrap();
    fs::remove_file(from.object(&objects[1])).unwrap();
    fs::write(from.object(&objects[1]), "damaged").unwrap();
    fs::write(from.at("refs/llamacpp/b3"), "damaged").unwrap();
    let lost = attach(from.catalog.root(), objects[3], b"\xa1\x66schema\x66note/9");
    fs::remove_file(from.object(&lost)).unwrap();
    // And one that no catalog should have taken.
    let leaky = EngineEntry {
        build_ref: Some("https://me:hunter2@git.example/x".into()),
        ..entry("b6", 1)
    };
    let object = from.plant(&encode_entry(&leaky).unwrap());
    from.point("llamacpp/b6", &object);

    let imported = import_catalog(&from, &to);
    assert_eq!(outcomes(&imported), [("llamacpp/b5".to_owned(), Created)]);
    let mut problems = imported.problems.iter();
    let mut next = || {
        let problem = problems.next().unwrap();
        assert_eq!(problem.at, ImportSide::Source);
        &problem.cause
    };
    assert!(matches!(next(), Error::Dangling { .. }));
    assert!(matches!(next(), Error::Unreadable { .. }));
    assert!(matches!(next(), Error::Ref(RefError::Damaged { .. })));
    assert!(matches!(next(), Error::DanglingAttachment { .. }));
    assert!(matches!(next(), Error::Entry { .. }));
    assert!(problems.next().is_none());
    assert!(!to.object(&object).exists(), "no secrets");
    assert!(
        !to.object(&objects[3]).exists(),
        "an entry comes whole or not"
    );
    assert_clean(to.catalog.root());
}

#[test]
fn snapshot_with_a_missing_member_brings_the_others() {
    let (from, to) = (home_of(&[1, 2]), Home::new());
    let objects = [1, 2].map(|build| object_of(&entry("b1", build)));
    let members = Members::Objects(objects.into());
    let named = "release".parse().unwrap();
    from.catalog
        .create_snapshot(&members, Some(&named))
        .unwrap();
    fs::remove_file(from.object(&objects[0])).unwrap();
    let imported = import_catalog(&from, &to);
    assert_eq!(outcomes(&imported), [("llamacpp/b1".to_owned(), Created)]);
    let [problem] = &imported.problems[..] else {
        panic!("{:?}", imported.problems)
    };
    assert!(matches!(problem.cause, Error::MissingMember { object } if object == objects[0]));
}

#[test]
fn damaged_ref_here_is_reported_and_stays() {
    let (from, to) = (home_of(&[1]), home_of(&[2]));
    from.put(&entry("b2", 1));
    fs::write(to.at("refs/llamacpp/b1"), "damaged").unwrap();
    let imported = import_bundle(&from, &to);
    assert_eq!(outcomes(&imported), [("llamacpp/b2".to_owned(), Created)]);
    let [problem] = &imported.problems[..] else {
        panic!("{:?}", imported.problems)
    };
    assert_eq!(problem.at, ImportSide::Here);
    assert!(matches!(
        problem.cause,
        Error::Ref(RefError::Damaged { .. })
    ));
    assert_eq!(fs::read(to.at("refs/llamacpp/b1")).unwrap(), b"damaged");
}

#[test]
fn catalog_that_is_only_read_imports_nothing() {
    let (from, to) = (home_of(&[1]), Home::new());
    let closed = Catalog::open_read_only(to.catalog.root()).unwrap();
    let before = listing(to.catalog.root());
    let error = closed.import(&from.catalog, &stamp(5)).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }));
    assert_eq!(listing(to.catalog.root()), before);
}

#[test]
fn import_of_the_catalog_itself_changes_nothing() {
    let home = home_of(&[1, 2]);
    let before = state(&home.catalog);
    assert_eq!(only(&import_catalog(&home, &home)), Same);
    assert_eq!(state(&home.catalog), before);
}

#[test]
fn import_beside_writers_loses_no_change() {
    let (from, to) = (Home::new(), Home::new());
    let names: Vec<_> = (0..40).map(|n| format!("b{n}")).collect();
    let entries: Vec<_> = names.iter().map(|version| entry(version, 1)).collect();
    from.catalog.put_all(&entries, &stamp(1)).unwrap();
    let counter = std::sync::atomic::AtomicI64::new(2);
    let put_something = || {
        let n = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let version = &names[usize::try_from(n).unwrap() % names.len()];
        to.put(&entry(version, n));
    };
    meanwhile(put_something, || {
        for _ in 0..5 {
            let imported = import_catalog(&from, &to);
            assert_eq!(imported.refs.len(), names.len());
        }
    });
    let listed = to.catalog.list(&Filter::default()).unwrap();
    let listed: Vec<_> = listed.map(|record| record.unwrap().name()).collect();
    assert_eq!(listed.len(), names.len());
    assert_chains(&to.catalog, &listed);
}

#[test]
fn entry_with_a_credential_is_not_brought_in() {
    let (from, into) = (Home::new(), Home::new());
    let secret = EngineEntry {
        build_ref: Some("https://me:hunter2@git.example/x".into()),
        ..entry("b1", 1)
    };
    // Another program wrote it.
    let object = from.plant(&encode_entry(&secret).unwrap());
    from.point("llamacpp/b1", &object);
    let imported = import_catalog(&from, &into);
    assert!(matches!(imported.problems[0].cause, Error::Entry { .. }));
    assert!(!imported.problems[0].to_string().contains("hunter2"));
    assert!(imported.refs.is_empty());
    assert!(!into.object(&object_of(&secret)).exists());
}
