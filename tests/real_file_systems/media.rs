//! A catalog on media that cannot be written: every command that reads says what it says elsewhere.

use std::fs;

use engine_catalog::{Artifacts, Catalog, Expect, PreparedEngine};

use crate::calls::{all, snapshot};
use crate::program::Program;
use crate::support::mount::{Kind, Mounted};
use crate::support::sample::{entry, name};
use crate::support::{files, listing, object_of, stamp};

/// The commands that read, in a catalog of [`fill`], with what they need to say.
const READS: [(&[&str], &str); 15] = [
    (&["get", "e0/1"], "current"),
    (&["get", "e0:1"], "e0"),
    (&["list"], "tgi"),
    (&["history", "e0/1"], "put"),
    (&["diff", "e0/1", "e1/1"], "engine"),
    (&["check", "tgi/1"], "pass"),
    (&["verify", "--json"], ""),
    (&["verify", "--budget", "60s", "--json"], ""),
    (&["snapshot", "list"], "s"),
    (&["snapshot", "show", "s"], "tgi"),
    (&["snapshot", "diff", "first", "s"], "tgi"),
    (&["snapshot", "create", "--print-id"], ""),
    (&["capture", "--out", "bundle"], ""),
    (&["compare", "{root}"], "equal"),
    (&["why", "{object}"], "ref e0/1"),
];

/// Two refs, a retired one, an engine with its file, and two snapshots.
fn fill(catalog: &Catalog, server: std::path::PathBuf) {
    let entries = ["e0", "e1", "gone"].map(|engine| entry(engine, "build"));
    let put = catalog.put_all(&entries, &stamp(1));
    put.expect("there is room");
    let made = catalog.create_snapshot(&all(), Some(&snapshot("first")));
    made.expect("there is room");
    let retired = catalog.retire(&name("gone"), Expect::Any, &stamp(1));
    retired.expect("it is there");
    fs::write(&server, "ELF").expect("there is room");
    let engine = PreparedEngine::new("tgi", "1", Artifacts::Files(vec![server]), 1);
    catalog.record(&engine, &stamp(1)).expect("it is there");
    let made = catalog.create_snapshot(&all(), Some(&snapshot("s")));
    made.expect("there is room");
}

/// What each command prints, its status, and what is in the bundle.
fn run_all(file_system: &Mounted) -> (Vec<(String, i32)>, Vec<String>) {
    let program = Program::without_catalog();
    let root = file_system.path().join("root");
    let root = root.to_str().expect("it is text");
    let object = object_of(&entry("e0", "build")).to_string();
    let mut said = Vec::new();
    for (words, expected) in READS {
        let words = words.iter().map(|word| match *word {
            "{object}" => &*object,
            "{root}" => root,
            word => word,
        });
        let args: Vec<_> = ["--root", root].into_iter().chain(words).collect();
        let (stdout, status) = program.stdout(&args);
        assert!(stdout.contains(expected), "{args:?}: {stdout}");
        said.push((stdout, status));
    }
    (said, files(&program.dir().join("bundle")))
}

#[test]
fn every_command_that_reads_says_the_same_on_media_that_cannot_be_written() {
    for kind in Kind::ALL {
        let Some(file_system) = Mounted::new(kind) else {
            return;
        };
        let root = file_system.path().join("root");
        let catalog = Catalog::create(&root).expect("there is room");
        fill(&catalog, file_system.path().join("server"));
        let writable = run_all(&file_system);
        assert!(writable.1.len() > 10, "a bundle was captured");
        file_system.remount("ro");
        let before = listing(file_system.path());
        let read_only = run_all(&file_system);
        assert_eq!(read_only, writable, "{kind:?}");
        let statuses = read_only.0.iter().map(|(_, status)| *status);
        // That of `diff`, and of `snapshot diff`, is that they differ.
        assert_eq!(
            statuses.collect::<Vec<_>>(),
            [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
        );
        doctor_tries_nothing(&file_system);
        assert_eq!(listing(file_system.path()), before, "{kind:?}");
    }
}

/// Doctor says that nothing can be written, and that is all that fails.
fn doctor_tries_nothing(file_system: &Mounted) {
    let program = Program::without_catalog();
    let root = file_system.path().join("root");
    let root = root.to_str().expect("it is text");
    let (stdout, _) = program.stdout(&["--root", root, "doctor", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&stdout).expect("it is JSON");
    let checks = said["checks"].as_array().expect("there are checks");
    let failed = checks.iter().filter(|check| check["status"] == "failed");
    assert_eq!(failed.count(), 0, "{stdout}");
    let unknown = checks.iter().filter(|check| check["status"] == "unknown");
    assert!(
        unknown.count() > 3,
        "what has to be tried is unknown: {stdout}"
    );
    assert_eq!(said["counts"]["refs"]["files"], 3, "{stdout}");
}
