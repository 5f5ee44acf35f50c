//! Keeping the files of an engine, and writing them to a directory again, by the program.

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use program::Program;
use serde_json::Value;

/// A catalog, and an engine of two files beside it, which are recorded and kept.
fn kept() -> Program {
    let program = Program::with_catalog();
    for (file, content) in [
        ("bin/server", "ELF server"),
        ("lib/engine.so", "ELF library"),
    ] {
        let file = program.dir().join("built").join(file);
        fs::create_dir_all(file.parent().expect("it has one")).expect("there is room");
        fs::write(&file, content).expect("there is room");
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    let record = "record --store --engine llamacpp --version b1 --created-ms 7 --build-ref b1 \
                  --flag -DX=ON --artifact built/bin/server built/lib/engine.so";
    let shown = shows(&program, record);
    assert!(
        shown.contains("| record: 2 files, 21 B; new: 2 blobs, 21 B"),
        "{shown}"
    );
    program
}

fn shows(program: &Program, line: &str) -> String {
    program.shows(&line.split_whitespace().collect::<Vec<_>>())
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("it is an object");
    object.keys().map(String::as_str).collect()
}

#[test]
fn blobs_are_added_and_listed() {
    let program = kept();
    let added = &program.json("--json blobs add llamacpp/b1")[0];
    assert_eq!(
        keys(added),
        [
            "bytes",
            "engine",
            "files",
            "new_blobs",
            "new_bytes",
            "object",
            "shared_bytes",
            "version"
        ]
    );
    assert_eq!(
        (&added["files"], &added["new_blobs"]),
        (&2.into(), &0.into())
    );
    let listed = program.json("--json blobs list");
    assert_eq!(listed.len(), 2);
    assert_eq!(keys(&listed[0]), ["blob", "bytes"]);
    let of_engine = program.json("--json blobs list llamacpp/b1");
    assert_eq!(keys(&of_engine[0]), ["blob", "bytes", "path", "stored"]);
    assert!(of_engine.iter().all(|file| file["stored"] == true));
    let blob = of_engine[0]["blob"].as_str().expect("it is a hash");
    let why = shows(&program, &format!("why {blob}"));
    assert!(why.contains("blob of 10 bytes"), "{why}");
    assert!(
        why.contains("which names it as the content of a file"),
        "{why}"
    );
    let absent = program
        .root()
        .join("blobs")
        .join(&blob[..2])
        .join(&blob[2..]);
    fs::remove_file(absent).expect("it is there");
    let of_engine = program.json("--json blobs list llamacpp/b1");
    assert_eq!(of_engine[0]["stored"], false);
}

#[test]
fn file_that_drifted_is_named_and_what_to_do() {
    let program = kept();
    fs::remove_dir_all(program.root().join("blobs")).expect("it is there");
    fs::write(program.dir().join("built/bin/server"), "ELF servant").expect("there is room");
    let shown = shows(&program, "blobs add llamacpp/b1");
    assert!(
        shown.contains("built/bin/server is not what was recorded"),
        "{shown}"
    );
    assert!(
        shown.contains("| hint: `check` shows all that has drifted"),
        "{shown}"
    );
    assert!(shown.ends_with("[exit status 1]\n"), "{shown}");
}

#[test]
fn materialized_entry_can_be_put_and_recorded() {
    let program = kept();
    fs::remove_dir_all(program.dir().join("built")).expect("it is there");
    let entry = program.json("materialize llamacpp/b1 --to here").remove(0);
    let server = program.dir().join("here/bin/server");
    let server = server.canonicalize().expect("it is there");
    assert_eq!(entry["artifacts"][0], server.to_str().expect("it is text"));
    let again = shows(&program, "materialize llamacpp/b1 --to here");
    assert!(
        again.contains("| error: there is something at here already"),
        "{again}"
    );

    // By the entry; by the files; and at once.
    let shown = program.shows_with_input(&["put"], &entry.to_string());
    let put = shown.lines().next().expect("it is stored");
    assert_eq!(put.len(), 64, "{shown}");
    let library = entry["artifacts"][1].as_str().expect("it is a path");
    let record = format!(
        "record --json --from llamacpp/b1 --artifact {} {library}",
        server.display()
    );
    let recorded = &program.json(&record)[0];
    assert_eq!(
        (&recorded["entry"], &recorded["object"]),
        (&entry, &put.into())
    );
    let there = &program.json("--json materialize llamacpp/b1 --to there --record")[0];
    assert_eq!(there["unchanged"], false);
    assert_eq!(there["entry"]["id"], entry["id"]);
    assert_eq!(there["entry"]["created_ms"], 7);
    assert!(shows(&program, "check llamacpp/b1").contains("pass, 2 files"));
}

#[test]
fn record_from_an_entry_takes_what_is_not_given() {
    let program = kept();
    let recorded = &program.json("record --json --from llamacpp/b1 --version b2 --id x")[0];
    let entry = &recorded["entry"];
    assert_eq!(
        (&entry["version"], &entry["id"]),
        (&"b2".into(), &"x".into())
    );
    assert_eq!(
        (&entry["build_ref"], &entry["build_flags"][0]),
        (&"b1".into(), &"-DX=ON".into())
    );
    assert_eq!(entry["created_ms"], 7, "it was prepared then");
    // Another binary is another engine.
    let other = shows(
        &program,
        "record --from llamacpp/b1 --artifact built/lib/engine.so",
    );
    assert!(other.contains("does not match its digest"), "{other}");
    assert!(shows(&program, "record --from llamacpp/b9").ends_with("[exit status 1]\n"));
}

#[test]
fn contents_come_along_with_an_import_where_asked_for() {
    let program = kept();
    let elsewhere = program.dir().join("elsewhere");
    let root = elsewhere.to_str().expect("it is text");
    let source = program.root();
    let source = source.to_str().expect("it is text");
    shows(&program, &format!("--root {root} init"));
    let shown = shows(&program, &format!("--root {root} import {source}"));
    assert!(!shown.contains("blobs"), "{shown}");
    let missing = shows(
        &program,
        &format!("--root {root} materialize llamacpp/b1 --to to"),
    );
    assert!(
        missing.contains("| hint: where the files are, `blobs add` keeps them"),
        "{missing}"
    );
    let shown = shows(&program, &format!("--root {root} import --blobs {source}"));
    assert!(
        shown.contains("| blobs: 2 files, 21 B; new: 2 blobs, 21 B"),
        "{shown}"
    );
    shows(
        &program,
        &format!("--root {root} materialize llamacpp/b1 --to to"),
    );
    let content = fs::read(program.dir().join("to/bin/server"));
    assert_eq!(content.expect("it is there"), b"ELF server");
}
