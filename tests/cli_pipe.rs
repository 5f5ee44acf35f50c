//! What the program does when whoever reads its output stops reading.

#[path = "support/program.rs"]
mod program;
mod support;

use std::process::{Output, Stdio};

use engine_catalog::{Catalog, Filter};
use program::Program;
use support::{entry, stamp};

/// Runs the program with nobody at the other end of its standard output.
fn unread(program: &Program, args: &[&str]) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = program.command();
    command.args(args).stdout(writer).stderr(Stdio::piped());
    command.spawn().unwrap().wait_with_output().unwrap()
}

#[test]
fn a_closed_pipe_is_quiet() {
    let output = unread(&Program::with_catalog(), &["completions", "bash"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_closed_pipe_does_not_hide_that_entries_differ() {
    let program = Program::with_catalog();
    let catalog = Catalog::open(program.root()).unwrap();
    catalog
        .put_all(&[entry("1", 1), entry("2", 1)], &stamp(1))
        .unwrap();
    let output = unread(&program, &["diff", "llamacpp/1", "llamacpp/2"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_is_put_is_stored_also_when_nobody_reads_the_object_ids() {
    let program = Program::with_catalog();
    // Many more than are stored before the first object ids are printed.
    let entries: Vec<_> = (0..300).map(|n| entry(&n.to_string(), 1)).collect();
    let file = program.dir().join("entries.json");
    std::fs::write(&file, serde_json::to_vec(&entries).unwrap()).unwrap();
    for json in [&["--json"][..], &[]] {
        let file = [file.to_str().unwrap()];
        let output = unread(&program, &[json, &["put"], &file].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{message}");
        assert!(message.starts_with("put: "), "{message}");
        let catalog = Catalog::open_read_only(program.root()).unwrap();
        assert_eq!(catalog.list(&Filter::default()).unwrap().count(), 300);
    }
}

#[test]
fn a_closed_pipe_hides_no_finding_and_no_drift() {
    let program = Program::with_catalog();
    let catalog = Catalog::open(program.root()).unwrap();
    let mut missing = entry("b1", 1);
    missing.artifacts = vec![program.dir().join("missing")];
    missing.digest = Some(format!("blake3:{}", "0".repeat(64)));
    catalog.put(&missing, &stamp(1)).unwrap();
    assert_eq!(unread(&program, &["check", "--all"]).status.code(), Some(1));
    std::fs::write(program.root().join("refs/llamacpp/b1"), "torn").unwrap();
    for args in [&["verify"][..], &["verify", "--json"]] {
        assert_eq!(unread(&program, args).status.code(), Some(1), "{args:?}");
    }
}
