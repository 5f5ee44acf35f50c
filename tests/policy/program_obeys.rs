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
    | error: llamacpp/b1 stays as it is: entry 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33 is signed by no accepted key, 1 required
    | hint: it is stored: `put --object 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33 --key FILE` signs it too, or `sign` it first
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
    | error: entry 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33 is signed by no accepted key, 1 required
    | hint: whoever vouches for it signs it: `sign`; `signatures` shows what there is
    [exit status 1]
    ");
    assert_snapshot!(program.shows(&["capture", "--out", "bundle"]), @"
    | error: entry 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33 is signed by no accepted key, 1 required
    | hint: whoever vouches for it signs it: `sign`; `signatures` shows what there is
    [exit status 1]
    ");
    assert_snapshot!(program.shows(&["verify"]), @"
    error  signatures-lacking  refs/llamacpp/b1  accepted keys that have signed it: 0, required: 1
    | hint: signatures-lacking: whoever vouches for it signs it: `sign`; or attach a signature that was made elsewhere
    | verify: 1 object, 88 B: 1 error, 0 warnings, 0 notices
    [exit status 1]
    ");
    let none = ["--ignore-policy"];
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
    | error: entry 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33 is signed by no accepted key, 2 required
    | hint: whoever vouches for it signs it: `sign`; `signatures` shows what there is
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
    | error: rules: line 1: expected `require N ENGINE/VERSION`, where * stands for any text and ? for one character
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
    assert!(
        said.contains("is signed by no accepted key, 1 required"),
        "{said}"
    );
    let (_, status) = program.stdout(&["get", "llamacpp/b1"]);
    assert_eq!(status, 1);
}

#[test]
fn key_that_cannot_be_read_is_told_before_anything_is_done() {
    let Some((program, _)) = program() else {
        return;
    };
    fs::write(program.dir().join("server"), "ELF").unwrap();
    fs::write(program.dir().join("no-key"), "ELF").unwrap();
    let record = ["record", "--engine", "llamacpp", "--artifact", "server"];
    for key in ["absent", "no-key"] {
        let more = ["--version", "dev-1", "--key", key];
        let (_, status) = program.stdout(&[&record[..], &more].concat());
        assert_eq!(status, 1, "{key}");
        let put = ENTRY.replace("b1", "dev-1");
        let put = program.output(&["put", "--key", key], put.as_bytes());
        assert_eq!(put.status.code(), Some(1), "{key}");
        let (listed, _) = program.stdout(&["list"]);
        assert_eq!(listed, "", "{key}");
    }
}

#[test]
fn many_entries_are_signed_and_become_current_together() {
    let Some((program, keys)) = program() else {
        return;
    };
    let entries: String = (0..70)
        .map(|n| ENTRY.replace("b1", &format!("b{n}")))
        .collect();
    let key = keys.keygen.at("a").display().to_string();
    let put = program.output(&["put", "--json", "--key", &key], entries.as_bytes());
    assert_eq!(put.status.code(), Some(0));
    let lines = String::from_utf8(put.stdout).unwrap();
    assert_eq!(lines.lines().count(), 70);
    assert_eq!(lines.matches("\"unchanged\":false").count(), 70, "{lines}");
}

#[test]
fn what_a_caller_asks_for_comes_besides_the_policy() {
    let Some((program, keys)) = program() else {
        return;
    };
    let key = keys.keygen.at("a").display().to_string();
    let dev = ENTRY.replace("b1", "dev-1");
    assert!(program.output(&["put"], dev.as_bytes()).status.success());
    let signed = program.output(&["put", "--key", &key], ENTRY.as_bytes());
    assert!(signed.status.success());
    keys.keygen.key("other", ED25519, "");
    let other = format!("other@example.org {}\n", keys.keygen.public("other"));
    fs::write(program.dir().join("others"), other).unwrap();
    let one = ["--require-signatures", "1"];
    let by_other = [&one[..], &["--signers", "others"]].concat();
    for (spec, args, expected) in [
        ("llamacpp/b1", &[][..], 0),
        ("llamacpp/b1", &one, 0),
        ("llamacpp/b1", &["--require-signatures", "2"], 1),
        ("llamacpp/b1", &by_other, 1),
        ("llamacpp/dev-1", &[], 0),
        ("llamacpp/dev-1", &one, 1),
    ] {
        let (_, status) = program.stdout(&[&["get", spec][..], args].concat());
        assert_eq!(status, expected, "{spec} {args:?}");
    }
    // Of those whose signature counts for the caller, the policy has none.
    let path = keys.keygen.at("other").display().to_string();
    let object = program
        .stdout(&["put", "--object", "4a0ae150", "--key", &path])
        .0;
    assert_eq!(object.len(), 65, "{object}");
    let (_, status) = program.stdout(&[&["get", "llamacpp/b1"][..], &by_other].concat());
    assert_eq!(status, 0);
    fs::write(program.dir().join("rules"), "").unwrap();
    let set = ["policy", "set", "rules", "--signers", "others"];
    assert_eq!(program.stdout(&set).1, 0);
    fs::write(program.dir().join("rules"), "require 1 */*\n").unwrap();
    assert_eq!(program.stdout(&set).1, 0);
    let by_a = [&one[..], &["--signers", "a"]].concat();
    fs::write(program.dir().join("a"), keys.lines()).unwrap();
    let dev = |args: &[&str]| {
        program
            .stdout(&[&["get", "llamacpp/dev-1"][..], args].concat())
            .1
    };
    assert_eq!(dev(&[]), 1);
    assert_eq!(dev(&["--ignore-policy"]), 0);
    assert_eq!(dev(&[&by_a[..], &["--ignore-policy"]].concat()), 1);
}

#[test]
fn files_of_an_engine_are_written_only_where_it_is_signed() {
    let Some((program, keys)) = program() else {
        return;
    };
    program.output(&["policy", "remove"], b"");
    fs::write(program.dir().join("server"), "ELF").unwrap();
    let record = [
        "record",
        "--store",
        "--engine",
        "llamacpp",
        "--version",
        "b1",
    ];
    let (object, status) = program.stdout(&[&record[..], &["--artifact", "server"]].concat());
    assert_eq!(status, 0);
    program.output(&["policy", "set", "rules", "--signers", "signers"], b"");
    let write = |more: &[&str]| {
        let args = ["materialize", "llamacpp/b1", "--to", "there"];
        program.stdout(&[&args[..], more].concat()).1
    };
    let there = program.dir().join("there");
    assert_eq!((write(&[]), there.exists()), (1, false));
    assert_eq!((write(&["--ignore-policy"]), there.exists()), (0, true));
    fs::remove_dir_all(&there).unwrap();
    let key = keys.keygen.at("a").display().to_string();
    let sign = program.stdout(&["sign", object.trim(), "--key", &key]).1;
    assert_eq!((sign, write(&["--record", "--key", &key])), (0, 0));
    let verified = program.stdout(&["verify"]);
    assert_eq!(verified, (String::new(), 0));
}

#[test]
fn nothing_is_signed_but_what_was_named() {
    let Some((program, keys)) = program() else {
        return;
    };
    let key = keys.keygen.at("a").display().to_string();
    let sign = |spec: &str| program.shows(&["sign", spec, "--key", &key]);
    // An entry whose id is the name of a snapshot, and one whose id is an engine and version.
    let decoy = |id: &str, version: &str| {
        let entry = ENTRY
            .replace("llamacpp:b1", id)
            .replace("\"b1\"", &format!("\"{version}\""));
        let put = program.output(&["put"], entry.as_bytes());
        assert!(put.status.success());
    };
    decoy("release-7", "dev-1");
    let snapshot = program.output(&["snapshot", "create", "release-7"], b"");
    assert!(snapshot.status.success());
    decoy("llamacpp/b9", "dev-2");
    assert_snapshot!(sign("release-7"), @r#"
    | error: "release-7" stands for entry a7f86210bd6f2e3dbe3402c602fb2f6f54f950726850816cfa332219bab81296 and for snapshot a014189915ba10d19f07c7189787526c7667e5205d50c1fad7b16427df58add3: name one by its object id
    [exit status 1]
    "#);
    let listed = program.json("snapshot list --json");
    let release = listed[0]["snapshot"].as_str().unwrap().to_owned();
    let put = ["put", "--object", &release, "--key", &key];
    assert_eq!(program.stdout(&put).1, 1);
    let signed = program.stdout(&["signatures", &release, "--signers", "signers"]);
    assert_eq!(signed, (String::new(), 1));
    assert_snapshot!(sign("llamacpp/b9"), @r#"
    | error: "llamacpp/b9" is the id of entry ec128fc6034511737eac6ef6006012ed7f0da413f27cf5ca0f76f5403a159e96 of llamacpp/dev-2: name it by its object id
    [exit status 1]
    "#);
    let (object, _) = program.stdout(&["get", "llamacpp/dev-2", "--identity"]);
    assert!(object.contains("llamacpp/b9"));
    assert_snapshot!(sign("llamacpp/dev-2").lines().last().unwrap(), @"| sign: entry ec128fc6034511737eac6ef6006012ed7f0da413f27cf5ca0f76f5403a159e96 of llamacpp/dev-2");
}
