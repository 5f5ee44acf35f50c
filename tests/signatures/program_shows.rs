//! `sign` and `signatures` as a person sees them, and a script.

use std::fs;

use engine_catalog::{Attachment, Catalog, Name, SshSignature};

use crate::keygen::ZONE;
use crate::program::Program;
use crate::stock_signs::program;

const KEY: &str = include_str!("../support/rfc8032-test-1.key");
const PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

/// A catalog with the known entry, and a published key.
fn signed() -> Program {
    let program = program();
    fs::write(program.dir().join("key"), KEY).unwrap();
    let (object, status) = program.stdout(&["sign", "llamacpp/b4321", "--key", "key"]);
    assert_eq!((object.len(), status), (65, 0), "{object}");
    program
}

/// Attaches what is no signature, as it comes from a catalog that did not look.
fn attach_what_is_none(program: &Program) {
    let catalog = Catalog::open(program.root()).unwrap();
    let attachment = Attachment {
        subject: catalog.find("llamacpp/b4321").unwrap().unwrap().object,
        media_type: SshSignature::media_type(),
        name: Some(Name::new("note").unwrap()),
        payload: b"no signature".to_vec(),
    };
    catalog.attach(&attachment).unwrap();
}

fn with_line(program: &Program, line: &str) {
    fs::write(program.dir().join("signers"), format!("{line}\n")).unwrap();
}

const LIST: [&str; 4] = ["signatures", "llamacpp/b4321", "--signers", "signers"];

#[test]
fn signatures_are_listed_with_what_they_are_worth() {
    let program = signed();
    let mut shown = String::new();
    for options in [
        "",
        "namespaces=\"git\" ",
        "valid-before=\"20260101Z\" ",
        "valid-after=\"20280101Z\" ",
    ] {
        with_line(&program, &format!("alice@example.org {options}{PUBLIC}"));
        shown += &program.shows(&[&LIST[..], &["--at", "2026-06-01T00:00:00Z"]].concat());
    }
    shown += &program.shows(&LIST[..2]);
    insta::assert_snapshot!(shown, @"
    7a2c6bfe40ff9ba1d914627f6034613aabbb0568bde325c86f2b12cdb3399841  valid  SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8  signed by alice@example.org
    | signed: by 1 key that is accepted
    7a2c6bfe40ff9ba1d914627f6034613aabbb0568bde325c86f2b12cdb3399841  other-namespaces  SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8  its key is accepted for other namespaces only: git
    | signed: by no key that is accepted
    [exit status 1]
    7a2c6bfe40ff9ba1d914627f6034613aabbb0568bde325c86f2b12cdb3399841  expired  SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8  its key is not valid after 20260101000000Z
    | signed: by no key that is accepted
    [exit status 1]
    7a2c6bfe40ff9ba1d914627f6034613aabbb0568bde325c86f2b12cdb3399841  not-yet-valid  SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8  its key is not valid before 20280101000000Z
    | signed: by no key that is accepted
    [exit status 1]
    7a2c6bfe40ff9ba1d914627f6034613aabbb0568bde325c86f2b12cdb3399841  unknown-signer  SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8  its key is not among the allowed signers
    | note: there are no signers to compare with: name them with --signers, or in a policy
    | signed: by no key that is accepted
    [exit status 1]
    ");
}

#[test]
fn json_has_stable_keys() {
    let program = signed();
    with_line(&program, &format!("alice@example.org,bob@* {PUBLIC}"));
    attach_what_is_none(&program);
    let shown = program.shows(&[&["--json"], &LIST[..]].concat());
    insta::assert_snapshot!(shown, @r#"
    {"object":"1c154ab9ccae80752747d5bb67e7c92cb0f4a682e95281a0b6144b45a84bfd08","subject":"6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64","verdict":"malformed","message":"it is no armored SSH signature: its first line is not -----BEGIN SSH SIGNATURE-----"}
    {"object":"7a2c6bfe40ff9ba1d914627f6034613aabbb0568bde325c86f2b12cdb3399841","subject":"6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64","verdict":"valid","fingerprint":"SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8","algorithm":"ssh-ed25519","principals":["alice@example.org,bob@*"],"message":"signed by alice@example.org,bob@*"}
    | signed: by 1 key that is accepted
    "#);
    let again = program.shows(&["--json", "sign", "llamacpp/b4321", "--key", "key"]);
    insta::assert_snapshot!(again, @r#"
    {"object":"7a2c6bfe40ff9ba1d914627f6034613aabbb0568bde325c86f2b12cdb3399841","subject":"6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64","fingerprint":"SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8","algorithm":"ssh-ed25519"}
    | sign: entry 6cdceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64 of llamacpp/b4321
    "#);
}

#[test]
fn what_is_refused_is_told() {
    let program = signed();
    with_line(
        &program,
        &format!("# all of us\nca cert-authority {PUBLIC}"),
    );
    let mut shown = program.shows(&LIST);
    shown += &program.shows(&["sign", "llamacpp/b4321", "--signature", "signers"]);
    shown += &program.shows(&["sign", "llamacpp/b4321", "--key", "absent"]);
    shown += &program.shows(&["sign", "llamacpp/b4322", "--key", "key"]);
    insta::assert_snapshot!(shown, @r#"
    | error: signers: line 2: cert-authority is not supported: name each key that signs
    [exit status 1]
    | error: signers: the signature is refused: it is no armored SSH signature: its first line is not -----BEGIN SSH SIGNATURE-----
    [exit status 1]
    | error: cannot read absent: No such file or directory (os error 2)
    [exit status 1]
    | error: nothing is found for "llamacpp/b4322": tried engine/version, id, name of a snapshot and object id
    [exit status 1]
    "#);
}

#[test]
fn signature_is_attached_by_sign_only() {
    let program = signed();
    let (before, _) = program.stdout(&LIST[..2]);
    fs::write(program.dir().join("it.sig"), "no signature").unwrap();
    let media_type = "application/vnd.openssh.sshsig";
    let attach = [
        "attach",
        "llamacpp/b4321",
        "it.sig",
        "--media-type",
        media_type,
    ];
    insta::assert_snapshot!(program.shows(&attach), @"
    | error: it.sig: a signature is attached by `sign --signature`, which checks it
    [exit status 1]
    ");
    assert_eq!(program.stdout(&LIST[..2]).0, before);
}

#[test]
fn signature_of_another_object_is_refused() {
    let program = signed();
    let snapshot = program.stdout(&["snapshot", "create", "release-7"]);
    assert_eq!(snapshot.1, 0);
    let (list, _) = program.stdout(&["attachments", "llamacpp/b4321"]);
    let object = list.split(' ').next().unwrap();
    let payload = program.output(&["attachments", "get", object], b"").stdout;
    let shown = program.output(&["sign", "release-7", "--signature", "-"], &payload);
    let said = String::from_utf8(shown.stderr).unwrap();
    assert_eq!(
        said,
        "error: standard input: the signature is refused: it was not made by its key over these bytes\n"
    );
    assert_eq!(shown.status.code(), Some(1));
    // The snapshot itself is signed like an entry.
    assert_eq!(program.stdout(&["sign", "release-7", "--key", "key"]).1, 0);
    with_line(&program, &format!("alice@example.org {PUBLIC}"));
    assert_eq!(
        program
            .stdout(&["signatures", "release-7", "--signers", "signers"])
            .1,
        0
    );
}

#[test]
fn times_without_z_are_those_of_the_system() {
    let program = signed();
    with_line(&program, &format!("me valid-before=\"20260601\" {PUBLIC}"));
    let status = |zone: &str| {
        let mut command = program.command();
        command.args(LIST).args(["--at", "2026-06-01T05:00:00Z"]);
        command.env("TZ", zone).output().unwrap().status.code()
    };
    assert_eq!(status(ZONE), Some(0), "it is still May there");
    assert_eq!(status("UTC"), Some(1));
}

#[test]
fn bytes_to_be_signed_are_those_of_the_file() {
    let program = signed();
    let file = "objects/6c/dceb1b43f1aad6a897213984ca580420443a72180712f9a59944de54e91f64";
    let printed = program
        .output(&["sign", "llamacpp/b4321", "--bytes"], b"")
        .stdout;
    assert_eq!(printed, fs::read(program.root().join(file)).unwrap());
}
