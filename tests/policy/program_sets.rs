//! `policy set`, and who may sign where nobody is named.

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
fn signers_stay_where_only_the_rules_are_given() {
    let Some((program, keys)) = prepared() else {
        return;
    };
    assert_snapshot!(set(&program, &["rules"]), @"
    | error: rules: line 2: it requires 1 of the 0 keys that [allowed_signers] names
    [exit status 1]
    ");
    let signers = format!("# who may\n\n{}", keys.lines());
    fs::write(program.dir().join("signers"), &signers).unwrap();
    set(&program, &["rules", "--signers", "signers"]);
    fs::write(program.dir().join("rules"), "require 1 */*\n").unwrap();
    assert_snapshot!(set(&program, &["rules"]), @"
    require 1 */*
    | policy: 1 key may sign
    ");
    let policy = || fs::read_to_string(program.root().join("policy")).unwrap();
    let expected = format!("require 1 */*\n[allowed_signers]\n{signers}");
    assert_eq!(policy(), expected);
    // Also where the rules that are there are wrong: these are what is to be set right.
    let wrong = format!("nonsense\n[allowed_signers]\n{signers}");
    fs::write(program.root().join("policy"), wrong).unwrap();
    assert_eq!(program.stdout(&["policy", "set", "rules"]).1, 0);
    assert_eq!(policy(), expected);
    // One file may have both.
    fs::write(program.dir().join("whole"), &expected).unwrap();
    assert_eq!(program.stdout(&["policy", "set", "whole"]).1, 0);
    assert_eq!(policy(), expected);
    assert_snapshot!(set(&program, &["whole", "--signers", "signers"]), @"
    | error: whole has signers of its own: leave --signers out
    [exit status 2]
    ");
}

#[test]
fn standard_input_is_one_of_the_files() {
    let Some((program, keys)) = prepared() else {
        return;
    };
    let both = ["policy", "set", "-", "--signers", "-"];
    assert_snapshot!(program.shows_with_input(&both, keys.lines()), @"
    | error: only one of the two files can be standard input
    [exit status 2]
    ");
    let signers = ["policy", "set", "rules", "--signers", "-"];
    let set = program.output(&signers, keys.lines().as_bytes());
    assert!(set.status.success(), "{set:?}");
}

#[test]
fn fewer_accepted_keys_than_required_are_told() {
    let Some((program, mut keys)) = prepared() else {
        return;
    };
    keys.keygen.key("b", ED25519, "");
    keys.accept("b", "namespaces=\"git\"");
    keys.accept("b", "valid-before=\"20200101Z\"");
    fs::write(program.dir().join("signers"), keys.lines()).unwrap();
    let rules = "require 2 llamacpp/*\nrequire 1 vllm/*\nrequire 2 */*\n";
    fs::write(program.dir().join("rules"), rules).unwrap();
    assert_snapshot!(set(&program, &["rules", "--signers", "signers"]), @"
    require 2 llamacpp/*
    require 1 vllm/*
    require 2 */*
    | policy: 2 keys may sign
    | warning: `require 2 llamacpp/*` cannot be met: 1 key can sign now
    | warning: `require 2 */*` cannot be met: 1 key can sign now
    ");
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
