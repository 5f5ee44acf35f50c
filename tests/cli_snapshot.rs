//! What a person sees of snapshots.

#[path = "support/program.rs"]
mod program;
mod support;

use std::fs;

use engine_catalog::{Catalog, EngineEntry, ObjectId};
use insta::assert_snapshot;
use program::Program;
use support::{object_file, stamp};

fn entry(engine: &str, version: &str, build_ref: &str) -> EngineEntry {
    EngineEntry {
        build_ref: Some(build_ref.into()),
        ..EngineEntry::new(engine, version, 1_758_240_000_000)
    }
}

/// A catalog with three entries, and a snapshot of them.
fn with_snapshot() -> (Program, Catalog) {
    let program = Program::with_catalog();
    let catalog = Catalog::open(program.root()).unwrap();
    let entries = [
        entry("vllm", "0.9.2", "v0.9.2"),
        entry("llamacpp", "b1", "b1"),
        entry("llamacpp", "b2", "b2"),
    ];
    catalog.put_all(&entries, &stamp(1)).unwrap();
    let created = program.stdout(&["snapshot", "create", "first"]);
    assert_eq!(created.1, 0);
    (program, catalog)
}

/// What a command shows, less what differs from day to day.
fn shows(program: &Program, args: &[&str]) -> String {
    let shown = program.shows(args);
    let lines = shown.lines().map(|line| match line.rfind("  ") {
        Some(at) if line.ends_with(" ago") => format!("{}  [AGE]\n", line[..at].trim_end()),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn snapshot_is_made_listed_shown_and_deleted() {
    let (program, _catalog) = with_snapshot();
    let again = ["snapshot", "create", "first"];
    assert_snapshot!(shows(&program, &again), @"
    ad2f98d79f5964b5e4595a73174ed341e14a98bf7a270ae458942fff6c58e51b
    | snapshot: 3 entries, named first
    ");
    let one = ["snapshot", "create", "--entry", "llamacpp/b1", "only one"];
    assert_snapshot!(shows(&program, &one), @"
    4cbf8476900a094cc7e78a2bf36d680ed46ab01f0fab5a065f6d0c966c877c4f
    | snapshot: 1 entry, named only one
    ");
    assert_snapshot!(shows(&program, &["snapshot", "list"]), @"
    first     ad2f98d79f59  3
    only one  4cbf8476900a  1
    ");
    assert_snapshot!(shows(&program, &["--json", "snapshot", "list"]), @r#"
    {"name":"first","snapshot":"ad2f98d79f5964b5e4595a73174ed341e14a98bf7a270ae458942fff6c58e51b","entries":3}
    {"name":"only one","snapshot":"4cbf8476900a094cc7e78a2bf36d680ed46ab01f0fab5a065f6d0c966c877c4f","entries":1}
    "#);
    assert_snapshot!(shows(&program, &["snapshot", "show", "first"]), @"
    llamacpp  b1     44ffe855f16a  b1  [AGE]
    llamacpp  b2     904cf044516a  b2  [AGE]
    vllm      0.9.2  2fea94c1c609  v0.9.2  [AGE]
    ");
    assert_snapshot!(shows(&program, &["snapshot", "show", "only one", "--json"]), @r#"{"object":"44ffe855f16ae34592d5d808e221d2aadbb43b697b557d9bbf59fa201c131144","state":"current","entry":{"id":"llamacpp:b1","engine":"llamacpp","version":"b1","build_ref":"b1","digest":null,"build_flags":null,"artifacts":[],"created_ms":1758240000000}}"#);
    assert_snapshot!(shows(&program, &["snapshot", "delete", "only one"]), @"4cbf8476900a094cc7e78a2bf36d680ed46ab01f0fab5a065f6d0c966c877c4f");
    assert_snapshot!(shows(&program, &["snapshot", "delete", "only one"]), @r#"
    | error: no snapshot is found for "only one": `snapshot list` shows the names
    [exit status 1]
    "#);
    assert_snapshot!(shows(&program, &["snapshot", "show", "only one"]), @r#"
    | error: no snapshot is found for "only one": `snapshot list` shows the names
    [exit status 1]
    "#);
    assert_eq!(program.stdout(&["snapshot", "list"]).0.lines().count(), 1);
}

#[test]
fn print_id_writes_nothing_and_prints_what_create_would() {
    let (program, _catalog) = with_snapshot();
    let before = support::listing(&program.root());
    for filter in [&[][..], &["--engine", "llama*"], &["--entry", "vllm/0.9.2"]] {
        let wanted = [&["snapshot", "create", "--print-id"], filter].concat();
        let (printed, status) = program.stdout(&wanted);
        assert_eq!(status, 0);
        assert_eq!(support::listing(&program.root()), before);
        let copy = tempfile::tempdir().unwrap();
        let copied = std::process::Command::new("cp")
            .arg("-r")
            .arg(program.root())
            .arg(copy.path().join("copy"))
            .status();
        assert!(copied.unwrap().success());
        let root = copy.path().join("copy");
        let create = [
            &["--root", root.to_str().unwrap(), "snapshot", "create"],
            filter,
        ]
        .concat();
        assert_eq!(program.stdout(&create).0, printed);
    }
}

#[test]
fn diff_of_snapshots_shows_what_came_went_and_changed() {
    let (program, catalog) = with_snapshot();
    assert_eq!(
        program.stdout(&["snapshot", "diff", "first"]),
        (String::new(), 0)
    );
    let changed = entry("vllm", "0.9.2", "v0.9.2-rc1");
    let new = entry("tgi", "3.2", "v3.2");
    catalog.put_all(&[changed, new], &stamp(2)).unwrap();
    catalog.delete("llamacpp:b1", &stamp(3)).unwrap();
    assert_snapshot!(program.shows(&["snapshot", "diff", "first"]), @"
    - llamacpp/b1  44ffe855f16a
    + tgi/3.2  b2c8a0752706
    ~ vllm/0.9.2  2fea94c1c609 -> cc5d574eb0f2
        build_ref
          - v0.9.2
          + v0.9.2-rc1
    [exit status 1]
    ");
    assert_eq!(program.stdout(&["snapshot", "create", "second"]).1, 0);
    assert_snapshot!(program.shows(&["snapshot", "diff", "first", "second", "--json"]), @r#"
    {"change":"removed","engine":"llamacpp","version":"b1","from":"44ffe855f16ae34592d5d808e221d2aadbb43b697b557d9bbf59fa201c131144","to":null}
    {"change":"added","engine":"tgi","version":"3.2","from":null,"to":"b2c8a0752706286fa4ca61f482e4c9e869ce6fd85da9eb1a07e748fe4a3016a6"}
    {"change":"changed","engine":"vllm","version":"0.9.2","from":"2fea94c1c609820c82e994543fbda6c3003f47083c8960a95486bf25be2a27f9","to":"cc5d574eb0f2f97aee4b18df817750d2d1ea1016ba04637e952744a763dd34b6","fields":[{"field":"build_ref","kind":"value","from":"v0.9.2","to":"v0.9.2-rc1"}]}
    [exit status 1]
    "#);
}

#[test]
fn name_of_another_snapshot_is_refused() {
    let (program, catalog) = with_snapshot();
    let (_, status) = program.stdout(&["snapshot", "create", "first"]);
    assert_eq!(status, 0, "it is that of the same snapshot");
    catalog
        .put(&entry("tgi", "3.2", "v3.2"), &stamp(2))
        .unwrap();
    assert_snapshot!(program.shows(&["snapshot", "create", "first"]), @"
    | error: the name first is taken: it is that of snapshot ad2f98d79f5964b5e4595a73174ed341e14a98bf7a270ae458942fff6c58e51b
    [exit status 1]
    ");
}

#[test]
fn missing_entry_of_a_snapshot_is_reported_and_hides_no_other() {
    let (program, catalog) = with_snapshot();
    let lost: ObjectId = catalog.find("llamacpp/b1").unwrap().unwrap().object;
    fs::remove_file(object_file(&program.root(), lost)).unwrap();
    assert_snapshot!(shows(&program, &["snapshot", "show", "first"]), @"
    llamacpp  b2     904cf044516a  b2  [AGE]
    vllm      0.9.2  2fea94c1c609  v0.9.2  [AGE]
    | error: entry 44ffe855f16ae34592d5d808e221d2aadbb43b697b557d9bbf59fa201c131144 of the snapshot is missing
    | error: something could not be read
    [exit status 3]
    ");
    // A snapshot is not made of what is not there.
    assert_snapshot!(program.shows(&["snapshot", "create"]), @"
    | error: ref llamacpp/b1 holds object 44ffe855f16ae34592d5d808e221d2aadbb43b697b557d9bbf59fa201c131144, which is missing
    | hint: `put` of the same entry heals it, and so does `heal --from` another catalog that has the object; `record` makes a new entry current
    [exit status 3]
    ");
}
