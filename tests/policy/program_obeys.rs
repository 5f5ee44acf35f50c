//! The policy of a catalog, by the program.

use std::fs;

use insta::assert_snapshot;

use crate::RULES;
use crate::keygen::ED25519;
use crate::keys::Keys;
use crate::program::Program;

const ENTRY: &str = r#"{"id": "llamacpp:b1", "engine": "llamacpp", "version": "b1", "artifacts": [], "created_ms": 1}"#;

/// A program whose catalog has a policy, and the key that counts.
fn program() -> Option<(Program, Keys)> {
    let keys = Keys::of(&[("a", ED25519)])?;
    let program = Program::with_catalog();
    fs::write(program.dir().join("rules"), RULES).unwrap();
    fs::write(program.dir().join("signers"), keys.lines()).unwrap();
    let set = program.output(&["policy", "set", "rules", "--signers", "signers"], b"");
    assert!(set.status.success(), "{set:?}");
    Some((program, keys))
}

#[test]
fn entry_is_put_signed_and_made_current() {
    let Some((program, keys)) = program() else {
        return;
    };
    assert_snapshot!(program.shows(&["policy"]), @"
    require 0 llamacpp/dev-*
    require 1 llamacpp/*
    | policy: 1 key may sign
    ");
    assert_snapshot!(program.shows_with_input(&["put"], ENTRY), @"
    | error: llamacpp/b1 stays as it is: entry 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33, which is stored, is signed by 0 of the 1 keys that are required
    | hint: `sign 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33 --key FILE`, or attach a signature that was made elsewhere; then `put --object 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33`
    [exit status 1]
    ");
    let key = keys.keygen.at("a").display().to_string();
    let (_, status) = program.stdout(&["sign", "4a0ae150", "--key", &key]);
    assert_eq!(status, 0);
    assert_snapshot!(program.shows(&["put", "--object", "4a0ae150"]), @"
    4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33
    | put: 1 stored, 0 unchanged
    ");
    assert_snapshot!(program.shows(&["put", "--object", "4a0ae150"]), @"
    4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33
    | put: 0 stored, 1 unchanged
    ");
    assert_snapshot!(program.shows(&["put", "--object", "ffff"]), @"
    | error: no object starts with ffff
    [exit status 1]
    ");
    assert_snapshot!(program.shows(&["get", "llamacpp/b1", "--identity"]), @r#"{"engine":"llamacpp","engine_version":"b1","engine_digest":null,"engine_catalog_id":"llamacpp:b1","object":"4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33"}"#);
}

#[test]
fn get_capture_and_verify_require_what_the_policy_does() {
    let Some((program, _)) = program() else {
        return;
    };
    program.output(&["policy", "remove"], b"");
    assert!(program.output(&["put"], ENTRY.as_bytes()).status.success());
    assert_snapshot!(program.shows(&["policy", "set", "rules", "--signers", "signers"]), @"
    require 0 llamacpp/dev-*
    require 1 llamacpp/*
    | policy: 1 key may sign
    | policy: too few keys have signed what is current in 1 ref: `verify` names them
    ");
    assert_snapshot!(program.shows(&["get", "llamacpp/b1"]), @"
    | error: entry 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33 is signed by 0 of the 1 keys that are required
    | hint: whoever vouches for it signs it: `sign`; `--require-signatures 0` asks for no signature
    [exit status 1]
    ");
    assert_snapshot!(program.shows(&["capture", "--out", "bundle"]), @"
    | error: entry 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33 is signed by 0 of the 1 keys that are required
    | hint: whoever vouches for it signs it: `sign`; `--require-signatures 0` asks for no signature
    [exit status 1]
    ");
    assert_snapshot!(program.shows(&["verify"]), @"
    error  signatures-lacking  refs/llamacpp/b1  it is signed by 0 of 1 keys
    | hint: signatures-lacking: whoever vouches for it signs it: `sign`; or attach a signature that was made elsewhere
    | verify: 1 object, 88 B: 1 error, 0 warnings, 0 notices
    [exit status 1]
    ");
    let none = ["--require-signatures", "0"];
    for command in [
        &["get", "llamacpp/b1"][..],
        &["capture", "--out", "bundle"],
        &["verify"],
    ] {
        let (_, status) = program.stdout(&[command, &none].concat());
        assert_eq!(status, 0, "{command:?}");
    }
    // The signers are those of the policy where no others are named.
    assert_snapshot!(program.shows(&["get", "llamacpp/b1", "--require-signatures", "2"]), @"
    | error: entry 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33 is signed by 0 of the 2 keys that are required
    | hint: whoever vouches for it signs it: `sign`; `--require-signatures 0` asks for no signature
    [exit status 1]
    ");
}

#[test]
fn policy_is_shown_and_removed() {
    let Some((program, _)) = program() else {
        return;
    };
    assert_snapshot!(program.shows(&["policy", "--json"]), @r#"{"keys":1,"rules":[{"engine":"llamacpp","require":0,"version":"dev-*"},{"engine":"llamacpp","require":1,"version":"*"}]}"#);
    assert_snapshot!(program.shows(&["policy", "remove"]), @"| policy: nothing need be signed");
    assert_snapshot!(program.shows(&["policy", "remove", "--json"]), @r#"
    {"keys":null,"rules":[]}
    | policy: there was none
    "#);
    assert_snapshot!(program.shows(&["policy"]), @"| policy: nothing need be signed");
    fs::write(program.dir().join("rules"), "require two */*\n").unwrap();
    assert_snapshot!(program.shows(&["policy", "set", "rules", "--signers", "signers"]), @"
    | error: the policy is refused: `policy`, line 1: expected `require N ENGINE/VERSION`, where * stands for any text and ? for one character
    [exit status 1]
    ");
}

#[test]
fn what_is_signed_on_the_way_becomes_current() {
    let Some((program, keys)) = program() else {
        return;
    };
    fs::write(program.dir().join("server"), "ELF").unwrap();
    let key = keys.keygen.at("a").display().to_string();
    let record = |version: &str| {
        let args = [
            "--engine",
            "llamacpp",
            "--version",
            version,
            "--artifact",
            "server",
        ];
        program.stdout(&[&["record"][..], &args, &["--key", &key]].concat())
    };
    let (object, status) = record("b2");
    assert_eq!(status, 0);
    let signatures =
        |spec: &str| program.json(&format!("signatures {spec} --signers signers --json"));
    assert_eq!(signatures("llamacpp/b2")[0]["subject"], object.trim());
    // The same again, and what need not be signed.
    assert_eq!(record("b2"), (object, 0));
    assert_eq!(record("dev-1").1, 0);
    let put = program.output(&["put", "--key", &key], ENTRY.as_bytes());
    assert_eq!(put.status.code(), Some(0));
    for spec in ["llamacpp/b1", "llamacpp/b2", "llamacpp/dev-1"] {
        let verdicts: Vec<_> = signatures(spec)
            .into_iter()
            .map(|it| it["verdict"].clone())
            .collect();
        assert_eq!(verdicts, ["valid"], "{spec}");
    }
    let (_, status) = program.stdout(&["verify"]);
    assert_eq!(status, 0);
}

#[test]
fn key_that_does_not_count_signs_and_moves_no_ref() {
    let Some((program, keys)) = program() else {
        return;
    };
    let key = keys.keygen.key("other", ED25519, "").display().to_string();
    let put = program.output(&["put", "--key", &key], ENTRY.as_bytes());
    let said = String::from_utf8(put.stderr).unwrap();
    assert_eq!(put.status.code(), Some(1), "{said}");
    assert!(said.contains("is signed by 0 of the 1 keys"), "{said}");
    let (_, status) = program.stdout(&["get", "llamacpp/b1"]);
    assert_eq!(status, 1);
}
