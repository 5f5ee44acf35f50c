//! What a person sees of `capture` and `import`.

use std::fs;

use engine_catalog::Catalog;
use insta::assert_snapshot;

use crate::program::Program;
use crate::sample::names;
use crate::support::{entry, stamp};

/// A catalog with two entries.
fn with_entries() -> Program {
    let program = Program::with_catalog();
    let catalog = Catalog::open(program.root()).unwrap();
    let entries = [entry("b1", 1), entry("b2", 2)];
    catalog.put_all(&entries, &stamp(1)).unwrap();
    program
}

fn shows(program: &Program, args: &[&str]) -> String {
    let dir = program.dir().canonicalize().unwrap();
    program.shows(args).replace(dir.to_str().unwrap(), "[DIR]")
}

#[test]
fn bundle_is_made_read_and_brought_in() {
    let program = with_entries();
    assert_snapshot!(shows(&program, &["capture", "--out", "bundle"]), @"
    a125150d6be6b953f1fd04b3d1317e442dd27898b4976bf64a8ad08b7ce2994c
    | capture: 2 entries in bundle
    ");
    assert_snapshot!(shows(&program, &["capture", "--out", "bundle"]), @"
    | error: there is something at bundle already
    | hint: a bundle never takes the place of anything: name another directory with --out
    [exit status 1]
    ");
    let bundle = |args: &[&str]| program.stdout(&[&["--root", "bundle"], args].concat());
    assert_eq!(bundle(&["list"]).0.lines().count(), 2);
    assert_eq!(bundle(&["verify"]).1, 0);
    assert_eq!(bundle(&["get", "llamacpp:b1"]).1, 0);
    assert_snapshot!(bundle(&["snapshot", "list"]).0, @"captured  a125150d6be6  2");
    assert_eq!(
        bundle(&["snapshot", "show", "captured"]).0.lines().count(),
        2
    );

    assert_eq!(program.stdout(&["--root", "other", "init"]).1, 0);
    let import = ["--root", "other", "import", "bundle"];
    assert_snapshot!(shows(&program, &import), @"
    created  llamacpp  b1  -  4a0ae150b0a8
    created  llamacpp  b2  -  60cb7ecdff4b
    | import: 2 created, 0 forward, 0 same, 0 kept, 0 conflict
    ");
    assert_snapshot!(shows(&program, &import), @"| import: 0 created, 0 forward, 2 same, 0 kept, 0 conflict");
}

#[test]
fn conflict_is_shown_with_what_differs() {
    let (ours, theirs) = (Program::with_catalog(), with_entries());
    let catalog = Catalog::open(ours.root()).unwrap();
    catalog.put(&entry("b1", 7), &stamp(1)).unwrap();
    assert_eq!(theirs.stdout(&["capture", "--out", "bundle"]).1, 0);
    let bundle = theirs.dir().join("bundle");
    let bundle = bundle.to_str().unwrap();
    assert_snapshot!(shows(&ours, &["import", bundle]), @"
    conflict  llamacpp  b1  37c92996d138  4a0ae150b0a8  created_ms
    created   llamacpp  b2  -             60cb7ecdff4b
    | import: 1 created, 0 forward, 0 same, 0 kept, 1 conflict
    | hint: `diff OURS THEIRS` shows how they differ
    [exit status 1]
    ");
    assert_snapshot!(shows(&ours, &["import", bundle, "--json"]), @r#"
    {"outcome":"conflict","engine":"llamacpp","version":"b1","ours":"37c92996d138682b93a5c9e3ffb92c2f211ae77e5dd84c8d89222e506fe807a3","theirs":"4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33","differences":[{"field":"created_ms","kind":"value","from":"7","to":"1"}]}
    | import: 0 created, 0 forward, 1 same, 0 kept, 1 conflict
    | hint: `diff OURS THEIRS` shows how they differ
    [exit status 1]
    "#);
}

#[test]
fn only_what_is_wanted_is_captured() {
    let program = with_entries();
    let catalog = Catalog::open(program.root()).unwrap();
    let vllm = engine_catalog::EngineEntry::new("vllm", "0.9.2", 1);
    catalog.put(&vllm, &stamp(1)).unwrap();
    assert_eq!(program.stdout(&["snapshot", "create", "all"]).1, 0);
    for (args, count) in [
        (&["--engine", "llama*"][..], 2),
        (&["--engine", "vllm", "--engine", "llamacpp"], 3),
        (&["--snapshot", "all", "--engine", "vllm"], 1),
    ] {
        let capture = [&["capture", "--json", "--out", "some"], args].concat();
        let (made, status) = program.stdout(&capture);
        assert_eq!(status, 0);
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        assert_eq!(made["entries"], count);
        fs::remove_dir_all(program.dir().join("some")).unwrap();
    }
    let nothing = ["capture", "--out", "none", "--engine", "tgi"];
    assert_snapshot!(shows(&program, &nothing), @"
    | error: no entry is of such an engine
    [exit status 1]
    ");
    assert!(!program.dir().join("none").exists());
}

#[test]
fn without_a_directory_the_conventions_of_proof_bundles_are_followed() {
    let program = with_entries();
    let capture = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = program.command();
        command.arg("capture").args(args);
        command.envs(variables.iter().copied());
        assert!(command.output().unwrap().status.success());
    };
    let run = ("LLORCH_RUN_ID", "run 1");
    capture(&[run], &[]);
    assert!(
        program
            .dir()
            .join(".proof_bundle/determinism/run 1/format")
            .exists()
    );
    capture(
        &[run, ("LLORCH_PROOF_DIR", "proofs")],
        &["--type", "e2e-haiku"],
    );
    assert!(program.dir().join("proofs/e2e-haiku/run 1/B3SUMS").exists());
    // Outside of a Git repository a run is named by its time.
    capture(&[("LLORCH_PROOF_DIR", "timed")], &["--type", "unit"]);
    let runs = names(&program.dir().join("timed/unit"));
    assert!(
        runs.len() == 1 && runs[0].parse::<u64>().is_ok(),
        "{runs:?}"
    );
}
