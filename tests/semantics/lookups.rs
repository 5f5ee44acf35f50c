//! Finding entries: by id, by engine and version, by pattern, by the start of a hash.

use std::collections::HashMap;
use std::path::PathBuf;

use engine_catalog::{
    EngineEntry, Error, ErrorKind, Expect, Filter, ObjectId, Prefix, State, encode_entry,
};

use super::support::{Home, entry, listing, name, stamp};

fn with_id(id: &str, version: &str, created_ms: i64) -> EngineEntry {
    EngineEntry {
        id: id.into(),
        ..entry(version, created_ms)
    }
}

fn retire(home: &Home, text: &str) {
    home.catalog
        .retire(&name(text), Expect::Any, &stamp(9))
        .unwrap()
        .unwrap();
}

fn prefix(id: &ObjectId, digits: usize) -> Prefix {
    id.to_string()[..digits].parse().unwrap()
}

#[test]
fn get_prefers_the_current_entry_to_any_that_came_before() {
    let home = Home::new();
    let old = home.put(&with_id("mine", "b1", 1));
    let new = home.put(&with_id("mine", "b1", 2));
    let found = home.catalog.get("mine").unwrap().unwrap();
    assert_eq!(
        (found.object, &found.entry),
        (new, &with_id("mine", "b1", 2))
    );
    assert_eq!(home.catalog.state(&found).unwrap(), State::Current);
    assert_eq!(found.name(), name("llamacpp/b1"));

    // Even to one that was recorded later, under another ref that is gone.
    home.put(&with_id("mine", "b2", 3));
    retire(&home, "llamacpp/b2");
    assert_eq!(home.catalog.get("mine").unwrap().unwrap().object, new);
    assert!(home.catalog.entry(&old).unwrap().is_some());
}

#[test]
fn get_finds_what_is_superseded_or_retired_the_last_recorded_first() {
    let home = Home::new();
    home.catalog
        .put(&with_id("old", "b1", 1), &stamp(1))
        .unwrap();
    let old = home
        .catalog
        .put(&with_id("old", "b1", 2), &stamp(2))
        .unwrap()
        .object;
    home.catalog
        .put(&with_id("new", "b1", 3), &stamp(3))
        .unwrap();
    let found = home.catalog.get("old").unwrap().unwrap();
    assert_eq!(found.object, old);
    assert_eq!(home.catalog.state(&found).unwrap(), State::Superseded);

    retire(&home, "llamacpp/b1");
    let found = home.catalog.get("new").unwrap().unwrap();
    assert_eq!(home.catalog.state(&found).unwrap(), State::Retired);

    // Of two refs, the one that was changed later counts.
    let later = home
        .catalog
        .put(&with_id("old", "b0", 5), &stamp(5))
        .unwrap()
        .object;
    retire(&home, "llamacpp/b0");
    assert_eq!(home.catalog.get("old").unwrap().unwrap().object, later);

    // What is no longer in the store is passed over.
    std::fs::remove_file(home.object(&later)).unwrap();
    assert_eq!(home.catalog.get("old").unwrap().unwrap().object, old);
}

#[test]
fn id_that_is_current_under_two_refs_is_an_error_that_names_both() {
    let home = Home::new();
    home.put(&with_id("mine", "b2", 1));
    home.put(&with_id("mine", "b1", 1));
    home.put(&with_id("other", "b3", 1));
    let before = listing(home.outside());
    for error in [
        home.catalog.get("mine").unwrap_err(),
        home.catalog.exists("mine").unwrap_err(),
        home.catalog.locate("mine").unwrap_err(),
        home.catalog.find("mine").unwrap_err(),
        home.catalog.delete("mine", &stamp(1)).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Refused);
        let shown = r#"id "mine" is current under two refs, llamacpp/b1 and llamacpp/b2"#;
        assert_eq!(error.to_string(), shown);
        assert!(matches!(error, Error::AmbiguousId { .. }));
    }
    assert_eq!(listing(home.outside()), before);
    assert!(home.catalog.exists("other").unwrap());
    retire(&home, "llamacpp/b1");
    assert_eq!(
        home.catalog.get("mine").unwrap().unwrap().name(),
        name("llamacpp/b2")
    );
}

#[test]
fn unknown_ids_are_absent_and_no_error() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    for id in ["llamacpp:b2", "", "llamacpp", "../format", "a\0b"] {
        assert_eq!(home.catalog.get(id).unwrap(), None);
        assert!(!home.catalog.exists(id).unwrap());
        assert_eq!(home.catalog.locate(id).unwrap(), None);
        assert_eq!(home.catalog.find(id).unwrap(), None);
    }
    assert_eq!(home.catalog.entry(&ObjectId::of(b"x")).unwrap(), None);
    assert_eq!(home.catalog.current(&name("llamacpp/b2")).unwrap(), None);
}

#[test]
fn exists_and_locate_know_current_entries_only() {
    let home = Home::new();
    let paths: Vec<PathBuf> = vec!["/opt/b1/llama-server".into(), "/opt/b1/libggml.so".into()];
    let located = EngineEntry {
        artifacts: paths.clone(),
        ..with_id("first", "b1", 1)
    };
    home.put(&located);
    assert!(home.catalog.exists("first").unwrap());
    assert_eq!(home.catalog.locate("first").unwrap(), Some(paths));
    home.put(&with_id("second", "b1", 2));
    assert_eq!(home.catalog.locate("second").unwrap(), Some(vec![]));
    for gone in ["first", "second"] {
        if gone == "second" {
            retire(&home, "llamacpp/b1");
        }
        assert!(!home.catalog.exists(gone).unwrap());
        assert_eq!(home.catalog.locate(gone).unwrap(), None);
        assert!(home.catalog.get(gone).unwrap().is_some());
    }
}

#[test]
fn listing_is_sorted_and_filtered_by_name_or_pattern() {
    let home = Home::new();
    let of = |engine: &str, version: &str| EngineEntry::new(engine, version, 1);
    let entries = [
        of("vllm", "0.9.2"),
        of("llamacpp", "b4321"),
        of("llama", "b1"),
        of("llamacpp", "b4321-grün"),
        of("llamacpp-source:master", "b4320"),
        of("llamacpp", "feature/*"),
    ];
    home.catalog.put_all(&entries, &stamp(1)).unwrap();
    home.put(&of("llamacpp", "retired"));
    retire(&home, "llamacpp/retired");
    let list = |engine: Option<&str>, version: Option<&str>| {
        let filter = Filter {
            engine: engine.map(Into::into),
            version: version.map(Into::into),
        };
        let records = home.catalog.list(&filter).unwrap().map(Result::unwrap);
        records
            .map(|record| record.name().to_string())
            .collect::<Vec<_>>()
    };
    let all = [
        "llama/b1",
        "llamacpp/b4321",
        "llamacpp/b4321-grün",
        "llamacpp/feature/*",
        "llamacpp-source:master/b4320",
        "vllm/0.9.2",
    ];
    assert_eq!(list(None, None), all);
    assert_eq!(list(Some("*"), Some("*")), all);
    assert_eq!(list(Some("llamacpp"), None), all[1..4]);
    assert_eq!(list(Some("llama*"), None), all[..5]);
    assert_eq!(list(None, Some("b432?")), [all[1], all[4]]);
    assert_eq!(list(Some("llamacpp"), Some("b4321")), all[1..2]);
    assert_eq!(list(Some("llamacpp"), Some("*/*")), all[3..4]);
    assert_eq!(list(Some("*:*"), None), all[4..5]);
    for (engine, version) in [
        ("tgi", "*"),
        ("llamacpp", "b"),
        ("", "*"),
        ("..", "*"),
        ("LLAMA", "*"),
    ] {
        assert!(
            list(Some(engine), Some(version)).is_empty(),
            "{engine} {version}"
        );
    }
}

/// Two entries whose objects start with the same four digits.
fn twins() -> [EngineEntry; 2] {
    let mut seen = HashMap::new();
    for ms in 0.. {
        let entry = entry("b1", ms);
        let id = ObjectId::of(&encode_entry(&entry).unwrap());
        if let Some(other) = seen.insert(id.as_bytes()[..2].to_vec(), entry.clone()) {
            return [other, entry];
        }
    }
    unreachable!()
}

#[test]
fn prefixes_resolve_where_they_are_unique() {
    let home = Home::new();
    let mut ids = twins().map(|entry| home.put(&entry));
    ids.sort();
    let common = prefix(&ids[0], 4);
    let error = home.catalog.resolve(&common).unwrap_err();
    assert!(error.to_string().contains(&ids[1].to_string()), "{error}");
    assert_eq!(error.kind(), ErrorKind::Refused);
    let Error::AmbiguousPrefix {
        prefix: shown,
        candidates,
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!((shown, &candidates[..]), (common.clone(), &ids[..]));
    assert!(matches!(
        home.catalog.find(common.as_str()),
        Err(Error::AmbiguousPrefix { .. })
    ));

    for id in ids {
        for digits in [12, 63, 64] {
            assert_eq!(
                home.catalog.resolve(&prefix(&id, digits)).unwrap(),
                Some(id)
            );
        }
        let found = home
            .catalog
            .find(prefix(&id, 12).as_str())
            .unwrap()
            .unwrap();
        assert_eq!(found.object, id);
    }
    let other = ObjectId::of(b"x");
    assert_eq!(home.catalog.resolve(&prefix(&other, 64)).unwrap(), None);
    assert_eq!(home.catalog.resolve(&prefix(&other, 8)).unwrap(), None);
    // Also what is no longer current, or never was.
    retire(&home, "llamacpp/b1");
    assert_eq!(
        home.catalog.resolve(&prefix(&ids[0], 20)).unwrap(),
        Some(ids[0])
    );
    let loose = home.plant(&encode_entry(&entry("b7", 1)).unwrap());
    let found = home.catalog.find(&loose.to_string()).unwrap().unwrap();
    assert_eq!(home.catalog.state(&found).unwrap(), State::Retired);
}

#[test]
fn find_takes_a_ref_before_an_id_before_a_hash() {
    let home = Home::new();
    let by_ref = home.put(&entry("b1", 1));
    let by_id = home.put(&with_id("llamacpp/b1", "b2", 1));
    let find = |spec: &str| home.catalog.find(spec).unwrap().map(|record| record.object);
    assert_eq!(find("llamacpp/b1"), Some(by_ref));
    retire(&home, "llamacpp/b1");
    assert_eq!(find("llamacpp/b1"), Some(by_id));
    assert_eq!(
        find("llamacpp:b1"),
        Some(by_ref),
        "a retired entry has its id still"
    );

    let hex = by_ref.to_string();
    assert_eq!(find(&hex), Some(by_ref));
    let named_like_it = home.put(&with_id(&hex[..8], "b3", 1));
    assert_eq!(find(&hex[..8]), Some(named_like_it));
    retire(&home, "llamacpp/b3");
    assert_eq!(find(&hex[..8]), Some(named_like_it));
    assert_eq!(find(&hex[..9]), Some(by_ref));
    for spec in [
        &hex[..3],
        &hex.to_uppercase(),
        &format!("{hex}0"),
        "llamacpp/",
        "/b1",
        "/",
    ] {
        assert_eq!(find(spec), None, "{spec}");
    }
}
