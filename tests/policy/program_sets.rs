//! The signers of a policy, by the program.

use std::fs;

use insta::assert_snapshot;

use crate::RULES;
use crate::keygen::ED25519;
use crate::keys::Keys;
use crate::program::Program;

/// A program with a key that `signers` names, and `rules`; its catalog has no policy.
fn prepared() -> Option<(Program, Keys)> {
    let keys = Keys::of(&[("a", ED25519)])?;
    let program = Program::with_catalog();
    fs::write(program.dir().join("rules"), RULES).unwrap();
    fs::write(program.dir().join("signers"), keys.lines()).unwrap();
    Some((program, keys))
}

fn set(program: &Program, more: &[&str]) -> String {
    program.shows(&[&["policy", "set"], more].concat())
}

#[test]
fn signatures_are_compared_with_the_signers_of_the_policy() {
    let Some((program, keys)) = prepared() else {
        return;
    };
    let entry = r#"{"id": "llamacpp:b1", "engine": "llamacpp", "version": "b1", "artifacts": [], "created_ms": 1}"#;
    assert!(program.output(&["put"], entry.as_bytes()).status.success());
    let key = keys.keygen.at("a").display().to_string();
    let sign = ["sign", "llamacpp/b1", "--key", &key];
    assert_eq!(program.stdout(&sign).1, 0);
    let list = || program.output(&["signatures", "llamacpp/b1"], b"");
    let unknown = list();
    assert_eq!(unknown.status.code(), Some(1));
    assert_snapshot!(String::from_utf8(unknown.stderr).unwrap(), @"
    note: there are no signers to compare with: name them with --signers, or in a policy
    signed: by no key that is accepted
    ");
    set(&program, &["rules", "--signers", "signers"]);
    let known = list();
    assert_eq!(known.status.code(), Some(0), "{known:?}");
    // Those that are named count instead.
    fs::write(program.dir().join("none"), "").unwrap();
    let named = ["signatures", "llamacpp/b1", "--signers", "none"];
    assert_eq!(program.stdout(&named).1, 1);
}
