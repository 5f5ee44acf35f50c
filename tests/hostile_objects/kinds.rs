//! What can be wrong with an entry, and with a snapshot.

use engine_catalog::{
    Algorithm, DigestError, EngineEntry, EntryError, NameError, ObjectError, RefNameError, Schema,
    Snapshot, encode_entry,
};

use super::any_kind;
use super::attachments::raw_attachment;
use super::manifests::raw_manifest;
use super::raw::{Cases, RawMap, array, bytes, head, not_canonical, shape, text};

/// An entry with every field.
pub(crate) fn entry() -> EngineEntry {
    EngineEntry {
        build_ref: Some("b4321".into()),
        digest: Some("git:0f0f".into()),
        build_flags: Some(vec!["-O3".into(), "-g".into()]),
        artifacts: vec!["/opt/x".into()],
        ..EngineEntry::new("llamacpp", "b4321", 7)
    }
}

pub(crate) fn raw_entry() -> RawMap {
    let map = RawMap(vec![
        ("id", text("llamacpp:b4321")),
        ("digest", text("git:0f0f")),
        ("engine", text("llamacpp")),
        ("schema", text("engine-entry/1")),
        ("version", text("b4321")),
        ("artifacts", array(&[text("/opt/x")])),
        ("build_ref", text("b4321")),
        ("created_ms", head(0, 7)),
        ("build_flags", array(&[text("-O3"), text("-g")])),
    ]);
    assert_eq!(map.encode(), encode_entry(&entry()).unwrap());
    map
}

pub(crate) fn raw_snapshot(members: &[&[u8]]) -> RawMap {
    let members: Vec<_> = members.iter().map(|id| bytes(id)).collect();
    RawMap(vec![
        ("schema", text("snapshot/1")),
        ("objects", array(&members)),
    ])
}

/// Bytes that are no entry.
pub(crate) fn entry_cases() -> Cases {
    let base = raw_entry();
    let mut cases = any_kind::cases(&base);
    let mut refused = |key: &str, value: &str, error: EntryError| {
        let what = format!("{key} {value:?}");
        cases.add(what, base.with(key, text(value)), error.into());
    };
    for found in ['\0', '\n', '\u{1b}', '\u{7f}', '\u{9b}'] {
        let field = "id";
        refused(
            "id",
            &format!("a{found}b"),
            EntryError::Control { field, found },
        );
    }
    refused("build_ref", "", EntryError::Empty { field: "build_ref" });
    refused("id", "", EntryError::Empty { field: "id" });
    let sha256 = Algorithm::Sha256;
    for (digest, cause) in [
        ("0f0f", DigestError::Form),
        ("sha256:../../x", DigestError::Form),
        (
            "sha256:0f0f",
            DigestError::Value {
                algorithm: sha256,
                digits: 64,
            },
        ),
    ] {
        let digest = digest.to_owned();
        refused(
            "digest",
            &digest.clone(),
            EntryError::Digest { digest, cause },
        );
    }
    for (text, cause) in [
        ("", NameError::Empty),
        ("a\nb", NameError::Control('\n')),
        (&"/".repeat(86), NameError::TooLong { length: 258 }),
    ] {
        let text = text.to_owned();
        refused(
            "version",
            &text.clone(),
            RefNameError::Version { text, cause }.into(),
        );
    }
    let (engine, cause) = ("a/../../b".to_owned(), NameError::Slash);
    refused(
        "engine",
        &engine.clone(),
        RefNameError::Engine {
            text: engine,
            cause,
        }
        .into(),
    );
    for path in ["", "/a\0b"] {
        let error = EntryError::ArtifactPath { path: path.into() };
        let list = base.with("artifacts", array(&[text("/a"), text(path)]));
        cases.add(format!("artifact {path:?}"), list, error.into());
    }
    for (what, number) in [
        ("2^63", head(0, 1 << 63)),
        ("2^64 - 1", head(0, u64::MAX)),
        ("-2^63 - 1", head(1, 1 << 63)),
        ("-2^64", head(1, u64::MAX)),
        ("a bignum", [&[0xc2], &bytes(&[7])[..]].concat()),
        ("a negative bignum", [&[0xc3], &bytes(&[7])[..]].concat()),
        ("a big bignum", [&[0xc2], &bytes(&[1; 9])[..]].concat()),
    ] {
        cases.add(what, base.with("created_ms", number), shape());
    }
    // The decoder knows fields by their number, too; `schema` is the first where only it is asked for.
    let numbered = base.with_key("version", &[4]);
    cases.add("a number as key", numbered, not_canonical());
    cases.add("0 as key", base.with_key("id", &[0]), shape());
    let (expected, found) = (Schema::EngineEntry1, Schema::Snapshot1);
    let wrong_kind = ObjectError::WrongKind { expected, found };
    let snapshot = Snapshot::default().encode().unwrap();
    cases.add("a snapshot", snapshot, wrong_kind.clone());
    cases.add(
        "the schema of a snapshot",
        base.with("schema", text("snapshot/1")),
        wrong_kind,
    );
    for (other, found) in attached_kinds() {
        let wrong_kind = ObjectError::WrongKind { expected, found };
        cases.add(found.tag(), other.encode(), wrong_kind);
    }
    cases
}

/// What describes another object.
fn attached_kinds() -> [(RawMap, Schema); 2] {
    [
        (raw_manifest(), Schema::Artifacts1),
        (raw_attachment(), Schema::Attachment1),
    ]
}

/// Bytes that are no snapshot.
pub(crate) fn snapshot_cases() -> Cases {
    let (a, b, c) = (&[0xaa; 32][..], &[0xbb; 32][..], &[0xcc; 32][..]);
    let mut cases = any_kind::cases(&raw_snapshot(&[a, b]));
    for (what, members, error) in [
        ("in descending order", &[b, a][..], ObjectError::Unsorted),
        ("unsorted", &[a, c, b], ObjectError::Unsorted),
        ("twice", &[a, a], ObjectError::Unsorted),
        ("twice among others", &[a, b, b, c], ObjectError::Unsorted),
        ("of 31 bytes", &[&a[1..], b], shape()),
        ("of 33 bytes", &[&[0xaa; 33]], shape()),
        ("of no bytes", &[&[]], shape()),
    ] {
        let members = raw_snapshot(members).encode();
        cases.add(format!("members {what}"), members, error);
    }
    let base = raw_snapshot(&[]);
    let pieces = [&[0x5f], &bytes(&a[..16])[..], &bytes(&a[16..]), &[0xff]].concat();
    cases.add(
        "a member in pieces",
        base.with("objects", array(&[pieces])),
        not_canonical(),
    );
    let hex = array(&[text(&"aa".repeat(32))]);
    cases.add(
        "a member in hexadecimal",
        base.with("objects", hex),
        shape(),
    );
    let numbers = array(&vec![head(0, 0xaa); 32]);
    cases.add(
        "a member as an array",
        base.with("objects", array(&[numbers])),
        shape(),
    );
    let (expected, found) = (Schema::Snapshot1, Schema::EngineEntry1);
    let wrong_kind = ObjectError::WrongKind { expected, found };
    cases.add("an entry", raw_entry().encode(), wrong_kind.clone());
    cases.add(
        "the schema of an entry",
        base.with("schema", text("engine-entry/1")),
        wrong_kind,
    );
    for (other, found) in attached_kinds() {
        let wrong_kind = ObjectError::WrongKind { expected, found };
        cases.add(found.tag(), other.encode(), wrong_kind);
    }
    cases
}
