//! What a person, and a program, is told of each entry.

use std::fs;

use engine_catalog::{Catalog, EngineEntry, Expect};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::program::Program;
use crate::support::observe::state;
use crate::support::{entry, listing, name, stamp};
use crate::{build, with};

/// A catalog in which some of the index is, and something else in the place of some.
fn program() -> Program {
    let program = Program::with_catalog();
    let catalog = Catalog::open(program.root()).unwrap();
    let other = EngineEntry {
        build_ref: Some("ours".into()),
        ..entry("conflict", 1)
    };
    let entries = [
        entry("same", 1),
        entry("same-build", 99),
        entry("kept", 1),
        build("newer", "kept", 2),
        entry("kept-retired", 1),
        other,
    ];
    catalog.put_all(&entries, &stamp(1)).unwrap();
    let retired = name("llamacpp/kept-retired");
    catalog.retire(&retired, Expect::Any, &stamp(2)).unwrap();
    program
}

/// One of everything.
fn index() -> String {
    let id = |version: &str| format!("llamacpp:{version}");
    let mut entries = serde_json::Map::new();
    for version in [
        "created",
        "same",
        "same-build",
        "kept",
        "kept-retired",
        "conflict",
    ] {
        entries.insert(
            id(version),
            with(&entry(version, 1), &[("lifecycle", "Active")]),
        );
    }
    let retired = with(&entry("retired", 1), &[("state", "RETIRED")]);
    entries.insert(id("retired"), retired);
    entries.insert(
        id("same#"),
        with(&entry("same", 1), &[("lifecycle", "Retired")]),
    );
    for (at, version) in [(2, "builds"), (3, "builds"), (1, "builds")] {
        let of = format!("builds@{at}");
        entries.insert(of.clone(), with(&build(&of, version, at), &[]));
    }
    let mut refuse = |version: &str, key: &str, value: Value| {
        let mut entry = with(&entry(version, 1), &[]);
        entry[key] = value;
        entries.insert(id(version), entry);
    };
    refuse("digest", "digest", json!("sha256:00"));
    refuse("empty", "build_ref", json!(""));
    refuse("flag", "build_flags", json!(["-DHF_TOKEN=hunter2"]));
    refuse("key", "motor", json!(1));
    refuse("lifecycle", "lifecycle", json!("Asleep"));
    refuse("missing", "artifacts", json!(null));
    refuse("name", "engine", json!("a/b"));
    refuse("other-id", "id", json!("another"));
    refuse("secret-key", "HF_TOKEN=hunter2", json!(1));
    refuse("time", "created_ms", json!("now"));
    entries.insert("HF_TOKEN=hunter2".into(), with(&entry("under", 1), &[]));
    entries.insert("list".into(), json!([]));
    json!({ "schema_version": 1, "engines": entries }).to_string()
}

#[test]
fn every_entry_of_an_index_is_reported() {
    let program = program();
    let file = program.dir().join("index.json");
    fs::write(&file, index()).unwrap();
    let before = listing(program.dir());
    let planned = program.shows(&["import", "--dry-run", "index.json"]);
    let planned_json = program.stdout(&["import", "--dry-run", "--json", "index.json"]);
    assert_eq!(listing(program.dir()), before, "a dry run writes nothing");

    let shown = program.shows(&["import", "index.json"]);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert_snapshot!(shown, @r#"
    superseded  llamacpp  builds        -             6d6f9dce8b14
    superseded  llamacpp  builds        -             49e008208b5b
    created     llamacpp  builds        -             becdd1f8f10c
    conflict    llamacpp  conflict      dbd3b9268580  fab42bb21269  build_ref
    created     llamacpp  created       -             97c919fc96a7
    kept        llamacpp  kept          511918e5c0f9  6060a3fa8c3a
    kept        llamacpp  kept-retired  -             ccd52bf38d4c
    retired     llamacpp  retired       -             920ec0800158
    same        llamacpp  same          8ceb69ef794b  8ceb69ef794b
    same        llamacpp  same-build    7a3fe947f648  ef14c00de71a
    refused  entry 1   …                    it stands under "…", and its id is "llamacpp:under"
    refused  entry 5   list                 it is not an object
    refused  entry 8   llamacpp:digest      digest "sha256:00" is malformed: sha256 takes 64 lower-case hexadecimal digits
    refused  entry 9   llamacpp:empty       build_ref is empty
    refused  entry 10  llamacpp:flag        build_flags[0] looks like it contains a token, password or secret that is given a value; records are immutable and shared, so it is not stored
    refused  entry 13  llamacpp:key         unknown field `motor`, expected one of `id`, `engine`, `version`, `build_ref`, `digest`, `build_flags`, `artifacts`, `created_ms`
    refused  entry 14  llamacpp:lifecycle   its "lifecycle" or "state" is "Asleep", which is neither Active nor Retired
    refused  entry 15  llamacpp:missing     artifacts: invalid type: null, expected a sequence
    refused  entry 16  llamacpp:name        engine "a/b" is no name: it contains '/', which separates engine and version
    refused  entry 17  llamacpp:other-id    it stands under "llamacpp:other-id", and its id is "another"
    refused  entry 20  llamacpp:same#       it stands under "llamacpp:same#", and its id is "llamacpp:same"
    refused  entry 22  llamacpp:secret-key  it is not an entry, and looks like it contains a token, password or secret that is given a value
    refused  entry 23  llamacpp:time        created_ms: invalid type: string "now", expected i64
    | import: 2 created, 0 forward, 2 same, 2 kept, 1 conflict, 2 superseded, 1 retired, 13 refused
    | hint: `diff OURS THEIRS` shows how they differ
    [exit status 1]
    "#);
    let planned = planned.replace("| would import:", "| import:");
    let hint = "| hint: `diff OURS THEIRS` shows how they differ\n";
    assert_eq!(planned, shown.replace(hint, ""));

    // Again: nothing changes, and all that was taken is the same or kept.
    let catalog = Catalog::open(program.root()).unwrap();
    let before = state(&catalog);
    let again = program.shows(&["import", "index.json"]);
    assert_eq!(state(&catalog), before);
    let again: Vec<_> = again
        .lines()
        .filter(|it| !it.starts_with("refused"))
        .collect();
    assert_snapshot!(again.join("\n"), @r#"
    kept      llamacpp  builds        becdd1f8f10c  6d6f9dce8b14
    kept      llamacpp  builds        becdd1f8f10c  49e008208b5b
    same      llamacpp  builds        becdd1f8f10c  becdd1f8f10c
    conflict  llamacpp  conflict      dbd3b9268580  fab42bb21269  build_ref
    same      llamacpp  created       97c919fc96a7  97c919fc96a7
    kept      llamacpp  kept          511918e5c0f9  6060a3fa8c3a
    kept      llamacpp  kept-retired  -             ccd52bf38d4c
    same      llamacpp  retired       -             920ec0800158
    same      llamacpp  same          8ceb69ef794b  8ceb69ef794b
    same      llamacpp  same-build    7a3fe947f648  ef14c00de71a
    | import: 0 created, 0 forward, 5 same, 4 kept, 1 conflict, 13 refused
    | hint: `diff OURS THEIRS` shows how they differ
    [exit status 1]
    "#);
    assert_eq!(program.stdout(&["verify"]).1, 0);

    assert_eq!(planned_json.1, 1);
    let keys = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        (value["outcome"] == "refused", keys.join(" "))
    };
    let mut kinds: Vec<_> = planned_json.0.lines().map(keys).collect();
    kinds.dedup();
    let of_entry = "differences engine ours outcome theirs version".to_owned();
    let of_refused = "id outcome position reason".to_owned();
    assert_eq!(kinds, [(false, of_entry), (true, of_refused)]);
    assert_eq!(planned_json.0.lines().count(), 23);
    assert!(!planned_json.0.contains("hunter2"));
}

#[test]
fn exit_status_is_1_only_where_something_was_refused_or_conflicts() {
    let status = |program: &Program, index: &Value| {
        let output = program.output(&["import", "-"], index.to_string().as_bytes());
        output.status.code().unwrap()
    };
    let program = program();
    let [good, conflict] = ["created", "conflict"].map(|it| with(&entry(it, 1), &[]));
    let bad = json!({ "id": "x" });
    assert_eq!(status(&program, &json!([good])), 0);
    assert_eq!(status(&program, &json!([good, bad])), 1);
    assert_eq!(status(&program, &json!([conflict])), 1);
    // One that cannot be decided does not stop the others.
    fs::write(program.root().join("refs/llamacpp/conflict"), "damaged").unwrap();
    let other = with(&entry("other", 1), &[]);
    assert_eq!(status(&program, &json!([conflict, other])), 3);
    let catalog = Catalog::open(program.root()).unwrap();
    assert!(catalog.exists("llamacpp:other").unwrap());
}

#[test]
fn source_is_a_directory_or_an_index() {
    let program = program();
    fs::create_dir(program.dir().join("empty")).unwrap();
    assert_snapshot!(program.shows(&["import", "empty"]), @"
    | error: empty is neither a catalog nor a proof bundle
    [exit status 3]
    ");
    let (shown, status) = program.stdout(&["import", "/dev/null"]);
    assert_eq!((shown.as_str(), status), ("", 0));
}
