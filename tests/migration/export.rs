//! What `export` writes, and that it comes back as the same.

use std::fs;

use engine_catalog::{Catalog, EngineEntry, Members};
use insta::assert_snapshot;

use crate::program::Program;
use crate::support::{entry, object_of, stamp};

/// A catalog with two engines, of which one is of several versions and another was retired.
fn program() -> Program {
    let program = Program::with_catalog();
    let catalog = Catalog::open(program.root()).unwrap();
    let odd = EngineEntry {
        artifacts: vec!["/opt/\u{1b}[31m\u{202e}".into()],
        build_flags: Some(vec!["a\nb".into()]),
        ..EngineEntry::new("vllm", "0.9 \u{e9}/x", 3)
    };
    let entries = [entry("b1", 1), odd, entry("b2", 1), entry("b2", 2)];
    catalog.put_all(&entries, &stamp(1)).unwrap();
    catalog.put(&entry("gone", 1), &stamp(1)).unwrap();
    catalog.delete("llamacpp:gone", &stamp(2)).unwrap();
    program
}

#[test]
fn export_writes_what_is_current_an_entry_a_line() {
    let program = program();
    assert_snapshot!(program.shows(&["export"]), @r#"
    {"id":"llamacpp:b1","engine":"llamacpp","version":"b1","build_ref":null,"digest":null,"build_flags":null,"artifacts":[],"created_ms":1}
    {"id":"llamacpp:b2","engine":"llamacpp","version":"b2","build_ref":null,"digest":null,"build_flags":null,"artifacts":[],"created_ms":2}
    {"id":"vllm:0.9 é/x","engine":"vllm","version":"0.9 é/x","build_ref":null,"digest":null,"build_flags":["a\nb"],"artifacts":["/opt/\u001b[31m\u202e"],"created_ms":3}
    "#);
    // It is JSON already.
    assert_eq!(
        program.stdout(&["--json", "export"]),
        program.stdout(&["export"])
    );
    let ids = |args: &[&str]| {
        let (lines, status) = program.stdout(args);
        assert_eq!(status, 0, "{args:?}");
        let entries = lines
            .lines()
            .map(|line| EngineEntry::from_json(line).unwrap());
        entries
            .map(|entry| format!("{} {}", entry.id, entry.created_ms))
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&["export", "--engine", "v*"]), ["vllm:0.9 \u{e9}/x 3"]);
    assert_eq!(ids(&["export", "--version", "?1"]), ["llamacpp:b1 1"]);

    // Also what is no longer current, the older first.
    let objects = [entry("b2", 2), entry("b2", 1), entry("gone", 1)].map(|it| object_of(&it));
    let catalog = Catalog::open(program.root()).unwrap();
    let named = "old".parse().unwrap();
    let made = catalog.create_snapshot(&Members::Objects(objects.into()), Some(&named));
    let id = made.unwrap().to_string();
    for snapshot in ["old", &id[..9]] {
        let found = ids(&["export", "--snapshot", snapshot]);
        assert_eq!(found, ["llamacpp:b2 1", "llamacpp:b2 2", "llamacpp:gone 1"]);
    }
    assert_eq!(
        ids(&["export", "--snapshot", "old", "--version", "g*"]),
        ["llamacpp:gone 1"]
    );
    assert_snapshot!(program.shows(&["export", "--snapshot", "none"]), @r#"
    | error: no snapshot is found for "none": `snapshot list` shows the names
    [exit status 1]
    "#);
}

#[test]
fn what_is_exported_comes_back_as_the_same_objects_by_put_and_by_import() {
    let from = program();
    let (lines, _) = from.stdout(&["export"]);
    let id = from.stdout(&["snapshot", "create", "--print-id"]);
    for args in [["put", "-"], ["import", "-"]] {
        let to = Program::with_catalog();
        assert!(to.output(&args, lines.as_bytes()).status.success());
        assert_eq!(
            to.stdout(&["snapshot", "create", "--print-id"]),
            id,
            "{args:?}"
        );
        assert_eq!(to.stdout(&["export"]).0, lines, "{args:?}");
    }
}

#[test]
fn damaged_entries_are_told_and_the_others_written() {
    let program = program();
    fs::write(program.root().join("refs/llamacpp/b1"), "damaged").unwrap();
    let shown = program.shows(&["export"]);
    assert_eq!(
        shown.lines().filter(|line| line.starts_with('{')).count(),
        2
    );
    assert!(
        shown.contains("| error: ref llamacpp/b1 is damaged"),
        "{shown}"
    );
    assert!(shown.ends_with("[exit status 3]\n"), "{shown}");
}
