//! Storing entries and making them current.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;

use engine_catalog::{
    EngineEntry, EntryError, Error, ErrorKind, Expect, Filter, ObjectError, ObjectId, Op, Put,
    RefNameError, SecretKind,
};

use super::assert_conflict;
use super::support::{Home, entry, files, listing, name, stamp};

const ABSENT: ObjectId = ObjectId::from_bytes([7; 32]);

#[test]
fn put_makes_the_entry_current_and_keeps_the_one_before() {
    let home = Home::new();
    let first = home.catalog.put(&entry("b1", 1), &stamp(10)).unwrap();
    assert_eq!(first.previous, None);
    assert!(!first.is_unchanged());
    let second = home.catalog.put(&entry("b1", 2), &stamp(20)).unwrap();
    assert_eq!(second.previous, Some(first.object));
    let current = home.catalog.current(&name("llamacpp/b1")).unwrap().unwrap();
    assert_eq!(
        (current.object, current.entry),
        (second.object, entry("b1", 2))
    );
    let before = home.catalog.entry(&first.object).unwrap();
    assert_eq!(before, Some(entry("b1", 1)));

    let history = home.catalog.history(&name("llamacpp/b1")).unwrap();
    let seen = history
        .iter()
        .map(|c| (c.at_ms, c.op, c.old, c.new, c.actor.as_str()));
    let expected = [
        (10, Op::Put, None, Some(first.object), "tester@here"),
        (
            20,
            Op::Put,
            Some(first.object),
            Some(second.object),
            "tester@here",
        ),
    ];
    assert!(seen.eq(expected));
}

#[test]
fn putting_what_is_current_changes_nothing() {
    let home = Home::new();
    let object = home.put(&entry("b1", 1));
    let (refs, history) = (listing(&home.at("refs")), listing(&home.at("history")));
    for expect in [Expect::Any, Expect::Object(object)] {
        let put = home
            .catalog
            .put_if(&entry("b1", 1), expect, &stamp(2))
            .unwrap();
        assert_eq!(
            put,
            Put {
                object,
                previous: Some(object)
            }
        );
        assert!(put.is_unchanged());
    }
    assert_eq!(listing(&home.at("refs")), refs);
    assert_eq!(listing(&home.at("history")), history);
    assert_eq!(files(&home.at("objects")).len(), 1);
    assert!(files(&home.at("tmp")).is_empty());
}

#[test]
fn put_if_goes_ahead_where_the_ref_is_as_expected() {
    let home = Home::new();
    let put = |ms, expect| {
        home.catalog
            .put_if(&entry("b1", ms), expect, &stamp(1))
            .unwrap()
    };
    let first = put(1, Expect::Absent);
    let second = put(2, Expect::Object(first.object));
    assert_eq!(second.previous, Some(first.object));
    let third = put(3, Expect::Any);
    assert_eq!(third.previous, Some(second.object));
}

#[test]
fn stale_expectation_changes_nothing_at_all() {
    let home = Home::new();
    let old = home.put(&entry("b1", 1));
    let current = home.put(&entry("b1", 2));
    let before = listing(home.outside());
    for (version, ms, expect, found) in [
        ("b1", 3, Expect::Absent, Some(current)),
        ("b1", 3, Expect::Object(old), Some(current)),
        ("b1", 3, Expect::Object(ABSENT), Some(current)),
        // Also for an entry that is in the store, or even current.
        ("b1", 1, Expect::Object(old), Some(current)),
        ("b1", 2, Expect::Absent, Some(current)),
        ("b2", 1, Expect::Object(current), None),
    ] {
        let put = home.catalog.put_if(&entry(version, ms), expect, &stamp(5));
        assert_conflict(put, expect, found);
        assert_eq!(listing(home.outside()), before, "{version} {expect}");
    }
    let retired = home
        .catalog
        .retire(&name("llamacpp/b1"), Expect::Object(old), &stamp(5));
    assert_conflict(retired, Expect::Object(old), Some(current));
    let retired = home
        .catalog
        .retire(&name("llamacpp/b1"), Expect::Absent, &stamp(5));
    assert_conflict(retired, Expect::Absent, Some(current));
    assert_eq!(listing(home.outside()), before);
}

#[test]
fn conflict_says_what_was_expected_and_what_was_found() {
    let home = Home::new();
    let object = home.put(&entry("b1", 1));
    let error = home
        .catalog
        .put_if(&entry("b1", 2), Expect::Absent, &stamp(1))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let expected =
        format!("ref llamacpp/b1 is not as expected: expected no current entry, found {object}");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn put_all_returns_results_in_the_order_of_the_entries() {
    let home = Home::new();
    let before = home.put(&entry("b2", 1));
    let entries = [
        entry("b3", 1),
        entry("b2", 2),
        entry("b1", 1),
        entry("b2", 2),
    ];
    let puts = home.catalog.put_all(&entries, &stamp(2)).unwrap();
    for (put, entry) in puts.iter().zip(&entries) {
        assert_eq!(
            home.catalog.entry(&put.object).unwrap().as_ref(),
            Some(entry)
        );
    }
    let previous: Vec<_> = puts.iter().map(|put| put.previous).collect();
    assert_eq!(previous, [None, Some(before), None, Some(puts[1].object)]);
    assert!(puts[3].is_unchanged());
    assert_eq!(home.catalog.put_all(&[], &stamp(3)).unwrap(), []);
}

#[test]
fn of_several_entries_of_one_ref_the_last_is_current_and_history_has_all() {
    let home = Home::new();
    let entries = [
        entry("b1", 1),
        entry("b2", 1),
        entry("b1", 2),
        entry("b1", 3),
        entry("b1", 1),
    ];
    let puts = home.catalog.put_all(&entries, &stamp(2)).unwrap();
    let mine = [0, 2, 3, 4].map(|at| puts[at].object);
    let history = home.catalog.history(&name("llamacpp/b1")).unwrap();
    assert!(history.iter().map(|change| change.new.unwrap()).eq(mine));
    assert_eq!(puts[4].previous, Some(mine[2]));
    assert_eq!(puts[4].object, puts[0].object);
    let current = home.catalog.current(&name("llamacpp/b1")).unwrap().unwrap();
    assert_eq!(current.entry, entry("b1", 1));
}

#[test]
fn one_refused_entry_keeps_all_others_out() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let before = listing(home.outside());
    let bad = EngineEntry {
        id: "a\nb".into(),
        ..entry("b3", 1)
    };
    let entries = [entry("b1", 2), entry("b2", 1), bad, entry("b4", 1)];
    let refused = home.catalog.put_all(&entries, &stamp(1));
    assert!(matches!(
        refused,
        Err(Error::Entry { id, cause: EntryError::Control { field: "id", found: '\n' } }) if id == "a\nb"
    ));
    assert_eq!(listing(home.outside()), before);
}

#[test]
fn many_entries_are_put_in_several_batches() {
    let home = Home::new();
    let entries: Vec<_> = (0..200).map(|n| entry(&format!("b{n}"), n)).collect();
    let puts = home.catalog.put_all(&entries, &stamp(1)).unwrap();
    assert_eq!(puts.len(), 200);
    for (entry, put) in entries.iter().zip(&puts) {
        let current = home
            .catalog
            .current(&entry.ref_name().unwrap())
            .unwrap()
            .unwrap();
        assert_eq!((current.object, &current.entry), (put.object, entry));
    }
    assert_eq!(home.catalog.list(&Filter::default()).unwrap().count(), 200);
    assert_eq!(files(&home.at("objects")).len(), 200);
    assert!(files(&home.at("tmp")).is_empty());
    // Once more, each with a new build, and one twice.
    let mut newer: Vec<_> = (0..200).map(|n| entry(&format!("b{n}"), n + 1)).collect();
    newer.push(entry("b0", 7));
    let again = home.catalog.put_all(&newer, &stamp(2)).unwrap();
    let previous = again.iter().take(200).map(|put| put.previous);
    assert!(previous.eq(puts.iter().map(|put| Some(put.object))));
    assert_eq!(home.catalog.history(&name("llamacpp/b0")).unwrap().len(), 3);
}

#[test]
fn what_cannot_be_stored_is_refused_before_anything_is_written() {
    let home = Home::new();
    let before = listing(home.outside());
    let refused = |entry: &EngineEntry| match home.catalog.put(entry, &stamp(1)) {
        Err(Error::Entry { cause, .. }) => cause,
        other => panic!("{other:?}"),
    };
    let path = std::path::PathBuf::from(OsString::from_vec(b"/opt/\xff".to_vec()));
    let not_utf8 = EngineEntry {
        artifacts: vec![path.clone()],
        ..entry("b1", 1)
    };
    assert_eq!(refused(&not_utf8), EntryError::NotUtf8 { path });
    let nameless = EngineEntry {
        version: String::new(),
        ..entry("b1", 1)
    };
    assert!(matches!(
        refused(&nameless),
        EntryError::Name(RefNameError::Version { .. })
    ));
    let digest = EngineEntry {
        digest: Some("blake3:0f".into()),
        ..entry("b1", 1)
    };
    assert!(matches!(refused(&digest), EntryError::Digest { .. }));

    let huge = EngineEntry {
        build_flags: Some(vec!["x".repeat(1 << 20)]),
        ..entry("b1", 1)
    };
    let result = home.catalog.put(&huge, &stamp(1));
    let Err(error @ Error::EntryObject { .. }) = result else {
        panic!("{result:?}")
    };
    assert!(
        matches!(&error, Error::EntryObject { id, cause: ObjectError::TooLarge { limit: 0x10_0000, .. } } if id == "llamacpp:b1")
    );
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(listing(home.outside()), before);
}

#[test]
fn credentials_are_refused_and_never_repeated() {
    let home = Home::new();
    let before = listing(home.outside());
    let secret = "https://me:hunter2@host.example/x";
    let flags = EngineEntry {
        build_flags: Some(vec!["-O3".into(), format!("--url={secret}")]),
        ..entry("b1", 1)
    };
    let id = EngineEntry {
        id: secret.into(),
        ..entry("b1", 1)
    };
    for (entry, field, id) in [(flags, "build_flags[1]", "llamacpp:b1"), (id, "id", "…")] {
        let error = home.catalog.put(&entry, &stamp(1)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        match error {
            Error::Entry {
                id: found,
                cause: EntryError::Secret { field: f, kind },
            } => {
                assert_eq!((&*found, &*f, kind), (id, field, SecretKind::UrlPassword));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(listing(home.outside()), before);
    assert!(fs::read_dir(home.at("objects")).unwrap().next().is_none());
}
