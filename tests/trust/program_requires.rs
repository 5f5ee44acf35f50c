//! `--require-signatures` of the program.

use std::fs;

use engine_catalog::{Catalog, Filter, Members};
use insta::assert_snapshot;

use crate::keygen::ED25519;
use crate::keys::Keys;
use crate::program::Program;
use crate::support::{entry, name, stamp};

/// A catalog whose b1 two keys have signed, b2 one, and b3 none.
fn signed(keys: &Keys) -> Program {
    let program = Program::with_catalog();
    let catalog = Catalog::open(program.root()).unwrap();
    for (version, by) in [("b1", &["a", "b"][..]), ("b2", &["a"]), ("b3", &[])] {
        let put = catalog.put(&entry(version, 1), &stamp(1)).unwrap();
        for key in by {
            keys.sign(key, &catalog, &put.object);
        }
    }
    fs::write(program.dir().join("signers"), keys.lines()).unwrap();
    program
}

fn keys() -> Option<Keys> {
    Keys::of(&[("a", ED25519), ("b", ED25519)])
}

const TWO: [&str; 4] = ["--require-signatures", "2", "--signers", "signers"];

#[test]
fn get_and_capture_stop_at_what_too_few_have_signed() {
    let Some(keys) = keys() else { return };
    let program = signed(&keys);
    let with = |args: &[&str]| program.shows(&[args, &TWO].concat());
    assert!(with(&["get", "llamacpp/b1"]).starts_with("object "));
    assert_snapshot!(with(&["get", "llamacpp/b2"]), @"
    | error: entry b8ff21552c3ebd36dbc47b2dccf63b042988195d69d29ca4a54d5348c41e452f is signed by 1 accepted key, 2 required
    | hint: whoever vouches for it signs it: `sign`; `signatures` shows what there is
    [exit status 1]
    ");
    assert_snapshot!(with(&["capture", "--out", "bundle"]), @"
    | error: entry b8ff21552c3ebd36dbc47b2dccf63b042988195d69d29ca4a54d5348c41e452f is signed by 1 accepted key, 2 required
    | hint: whoever vouches for it signs it: `sign`; `signatures` shows what there is
    [exit status 1]
    ");
    assert!(!program.dir().join("bundle").exists());
    assert_snapshot!(program.shows(&["get", "llamacpp/b1", "--require-signatures", "2"]), @"
    | error: say whose signatures count with --signers: the catalog has no policy
    [exit status 2]
    ");
}

#[test]
fn verify_finds_what_too_few_have_signed() {
    let Some(keys) = keys() else { return };
    let program = signed(&keys);
    assert_snapshot!(program.shows(&[&["verify"][..], &TWO].concat()), @"
    error  signatures-lacking  refs/llamacpp/b2  accepted keys that have signed it: 1, required: 2
    error  signatures-lacking  refs/llamacpp/b3  accepted keys that have signed it: 0, required: 2
    | hint: signatures-lacking: whoever vouches for it signs it: `sign`; or attach a signature that was made elsewhere
    | verify: 6 objects, 1.51 KiB: 2 errors, 0 warnings, 0 notices
    [exit status 1]
    ");
    let (_, status) = program.stdout(&["verify"]);
    assert_eq!(status, 0, "nothing is wrong where none are required");
}

#[test]
fn pull_moves_only_refs_to_what_enough_have_signed() {
    let Some(keys) = keys() else { return };
    let (theirs, ours) = (signed(&keys), Program::with_catalog());
    fs::write(ours.dir().join("signers"), keys.lines()).unwrap();
    let source = theirs.root().display().to_string();
    for command in ["import", "pull"] {
        let output = ours.output(&[&[command, &source][..], &TWO].concat(), b"");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(" is signed by 1 accepted key, 2 required"),
            "{said}"
        );
        assert!(
            said.contains(" is signed by no accepted key, 2 required"),
            "{said}"
        );
        let catalog = Catalog::open(ours.root()).unwrap();
        let current = |version| {
            catalog
                .current(&name(&format!("llamacpp/{version}")))
                .unwrap()
        };
        assert!(current("b1").is_some());
        assert!(current("b2").is_none());
        assert!(current("b3").is_none());
    }
}

#[test]
fn file_of_signers_that_is_none_is_refused_before_anything_is_done() {
    let Some(keys) = keys() else { return };
    let program = signed(&keys);
    fs::write(program.dir().join("signers"), "a@example.org nonsense\n").unwrap();
    let theirs = signed(&keys);
    let only_there = Catalog::open(theirs.root()).unwrap();
    let only_there = only_there.put(&entry("b4", 1), &stamp(1)).unwrap().object;
    let source = theirs.root().display().to_string();
    for command in [
        &["get", "llamacpp/b1"][..],
        &["verify"],
        &["capture", "--out", "bundle"],
        &["import", &source],
        &["pull", &source],
    ] {
        let output = program.output(&[command, &TWO].concat(), b"");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("signers: line 1"), "{said}");
    }
    assert!(!program.dir().join("bundle").exists());
    let catalog = Catalog::open(program.root()).unwrap();
    assert!(catalog.has_object(&only_there).is_ok_and(|has| !has));
}

#[test]
fn bundle_of_a_signed_snapshot_is_captured_also_where_that_has_no_name() {
    let Some(keys) = keys() else { return };
    let program = signed(&keys);
    let catalog = Catalog::open(program.root()).unwrap();
    let all = Members::Current(Filter::default());
    let snapshot = catalog.create_snapshot(&all, None).unwrap();
    let capture = |out: &str| {
        let snapshot = snapshot.to_string();
        let args = ["capture", "--snapshot", &snapshot, "--out", out];
        program.stdout(&[&args[..], &TWO].concat()).1
    };
    assert_eq!(capture("one"), 1);
    for key in ["a", "b"] {
        keys.sign(key, &catalog, &snapshot);
    }
    assert_eq!(capture("two"), 0);
    let (_, status) = program.stdout(&[&["get", "llamacpp/b3"][..], &TWO].concat());
    assert_eq!(status, 0);
}
