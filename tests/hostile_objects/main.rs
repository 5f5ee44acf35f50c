//! Bytes that are almost an object, and are none. Liberal decoding would let two byte strings mean
//! one record; each of these has to be refused, for the right reason, alone and in a catalog.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod any_kind;
mod attachments;
mod kinds;
mod linked;
mod manifests;
mod properties;
mod raw;
#[path = "../support/mod.rs"]
mod support;

use std::fs;

use attachments::{attachment, attachment_cases};
use engine_catalog::{
    Attachment, CborError, EngineEntry, Error, ErrorKind, Filter, Manifest, Object, ObjectError,
    ReadObjectError, Schema, Snapshot, decode_entry, encode_entry,
};
use kinds::{entry_cases, raw_entry, raw_snapshot, snapshot_cases};
use manifests::{manifest, manifest_cases};
use raw::{array, blank, text};
use support::{Home, attachment_value, manifest_value, name, to_cbor};

#[test]
fn no_bytes_but_the_canonical_ones_are_an_entry() {
    let cases = entry_cases().0;
    assert!(cases.len() > 400, "{}", cases.len());
    for case in cases {
        let error = decode_entry(&case.bytes).map_err(blank);
        assert_eq!(error, Err(case.error.clone()), "{}", case.what);
        if !matches!(case.error, ObjectError::WrongKind { .. }) {
            assert_eq!(
                Object::decode(&case.bytes).map_err(blank),
                error.map(Object::Entry)
            );
        }
    }
}

#[test]
fn no_bytes_but_the_canonical_ones_are_a_snapshot() {
    let cases = snapshot_cases().0;
    assert!(cases.len() > 200, "{}", cases.len());
    for case in cases {
        let error = Snapshot::decode(&case.bytes).map_err(blank);
        assert_eq!(error, Err(case.error.clone()), "{}", case.what);
        if !matches!(case.error, ObjectError::WrongKind { .. }) {
            assert_eq!(
                Object::decode(&case.bytes).map_err(blank),
                error.map(Object::Snapshot)
            );
        }
    }
}

#[test]
fn no_bytes_but_the_canonical_ones_are_a_manifest() {
    let cases = manifest_cases().0;
    assert!(cases.len() > 350, "{}", cases.len());
    for case in cases {
        let error = Manifest::decode(&case.bytes).map_err(blank);
        assert_eq!(error, Err(case.error.clone()), "{}", case.what);
        if !matches!(case.error, ObjectError::WrongKind { .. }) {
            assert_eq!(
                Object::decode(&case.bytes).map_err(blank),
                error.map(Object::Manifest)
            );
        }
    }
}

#[test]
fn no_bytes_but_the_canonical_ones_are_a_document() {
    let cases = attachment_cases().0;
    assert!(cases.len() > 300, "{}", cases.len());
    for case in cases {
        let error = Attachment::decode(&case.bytes).map_err(blank);
        assert_eq!(error, Err(case.error.clone()), "{}", case.what);
        if !matches!(case.error, ObjectError::WrongKind { .. }) {
            assert_eq!(
                Object::decode(&case.bytes).map_err(blank),
                error.map(Object::Attachment)
            );
        }
    }
}

#[test]
fn error_says_where_the_bytes_depart_from_the_deterministic_encoding() {
    let base = raw_entry();
    let whole = base.encode();
    let at = |needle: &[u8]| {
        whole
            .windows(needle.len())
            .position(|w| w == needle)
            .unwrap()
    };
    for (bytes, expected) in [
        ([&[0xd9, 0xd9, 0xf7], &whole[..]].concat(), 0),
        ([&[0xb8, 9], &base.fields()[..]].concat(), 0),
        (base.with_key("id", b"\x78\x02id"), 1),
        (base.with("created_ms", [0x18, 7]), at(b"created_ms") + 10),
    ] {
        let error = decode_entry(&bytes).unwrap_err();
        let ObjectError::Cbor(CborError::NotCanonical { offset }) = error else {
            panic!("{error:?}")
        };
        assert_eq!(offset, expected, "{error}");
    }
}

/// An entry of `size` bytes.
fn sized(size: usize) -> EngineEntry {
    let draft = |length| EngineEntry {
        artifacts: vec!["x".repeat(length).into()],
        ..EngineEntry::new("llamacpp", "b4321", 7)
    };
    let overhead = encode_entry(&draft(100_000)).unwrap().len() - 100_000;
    draft(size - overhead)
}

#[test]
fn entry_may_have_one_mebibyte_and_not_a_byte_more() {
    let (limit, home) = (1 << 20, Home::new());
    let largest = encode_entry(&sized(limit)).unwrap();
    assert_eq!(largest.len(), limit);
    assert!(decode_entry(&largest).is_ok());
    home.put(&sized(limit));
    assert!(
        home.catalog
            .current(&name("llamacpp/b4321"))
            .unwrap()
            .is_some()
    );

    let size = limit as u64 + 1;
    let too_large = ObjectError::TooLarge {
        size,
        limit: limit as u64,
    };
    assert_eq!(encode_entry(&sized(limit + 1)), Err(too_large.clone()));
    let longer = "x".repeat(limit - 1000);
    let grown = raw_entry().with("artifacts", array(&[text(&longer)]));
    let grown = raw_entry().with(
        "artifacts",
        array(&[text(&(longer + &"x".repeat(limit + 1 - grown.len())))]),
    );
    assert_eq!(decode_entry(&grown), Err(too_large.clone()));

    // In a catalog it is refused before it is read.
    let object = home.plant(&grown);
    home.point("llamacpp/b4321", &object);
    let error = home.catalog.current(&name("llamacpp/b4321")).unwrap_err();
    let Error::Unreadable {
        cause: ReadObjectError::Refused {
            object: found,
            cause,
        },
        ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((found, cause), (&object, &too_large));
    assert_eq!(error.kind(), ErrorKind::Damage);
}

#[test]
fn manifest_may_have_64_mebibytes_and_not_a_byte_more() {
    let limit = 64 << 20;
    let sized = |size: usize| {
        let mut manifest = manifest();
        let file = manifest.files.pop_first().unwrap().1;
        let path = |length| format!("/{}", "x".repeat(length - 1));
        manifest.files.insert(path(100_000), file);
        let overhead = manifest.encode().unwrap().len() - 100_000;
        manifest.files = [(path(size - overhead), file)].into();
        manifest
    };
    let largest = sized(limit);
    let bytes = largest.encode().unwrap();
    assert_eq!(bytes.len(), limit);
    assert_eq!(Manifest::decode(&bytes).unwrap(), largest);

    let (size, limit) = (limit as u64 + 1, limit as u64);
    let too_large = ObjectError::TooLarge { size, limit };
    assert_eq!(sized(limit as usize + 1).encode(), Err(too_large.clone()));
    let grown = to_cbor(&manifest_value(&sized(limit as usize + 1)));
    assert_eq!(Manifest::decode(&grown), Err(too_large.clone()));
    assert_eq!(Object::decode(&grown), Err(too_large));
}

#[test]
fn attachment_may_have_64_mebibytes_and_not_a_byte_more() {
    let limit = 64 << 20;
    let sized = |size: usize| {
        let mut attachment = attachment();
        // So that its length takes four bytes in the draft too.
        attachment.payload = vec![b'x'; 100_000];
        let overhead = attachment.encode().unwrap().len() - 100_000;
        attachment.payload = vec![b'x'; size - overhead];
        attachment
    };
    let largest = sized(limit);
    let bytes = largest.encode().unwrap();
    assert_eq!(bytes.len(), limit);
    assert_eq!(Attachment::decode(&bytes).unwrap(), largest);

    let (size, limit) = (limit as u64 + 1, limit as u64);
    let too_large = ObjectError::TooLarge { size, limit };
    let larger = sized(limit as usize + 1);
    assert_eq!(larger.encode(), Err(too_large.clone()));
    let grown = to_cbor(&attachment_value(&larger));
    assert_eq!(Attachment::decode(&grown), Err(too_large.clone()));
    assert_eq!(Object::decode(&grown), Err(too_large));
}

/// Requires that everything that reads the object says which it is, and what is wrong.
fn assert_refused_in_a_catalog(home: &Home, what: &str, bytes: &[u8], expected: &ObjectError) {
    let planted = home.plant(bytes);
    home.point("llamacpp/b4321", &planted);
    let catalog = &home.catalog;
    let errors = [
        catalog.current(&name("llamacpp/b4321")).map(drop),
        catalog.entry(&planted).map(drop),
        catalog.get("llamacpp:b4321").map(drop),
        catalog.exists("llamacpp:b4321").map(drop),
        catalog.locate("llamacpp:b4321").map(drop),
        catalog.find("llamacpp/b4321").map(drop),
        catalog.find(&planted.to_string()).map(drop),
        catalog
            .list(&Filter::default())
            .unwrap()
            .next()
            .unwrap()
            .map(drop),
    ];
    for error in errors.map(Result::unwrap_err) {
        assert!(
            error.to_string().contains(&planted.to_string()),
            "{what}: {error}"
        );
        let is_named_by_a_ref = matches!(error, Error::Unreadable { .. });
        let kind = match expected {
            ObjectError::UnknownSchema { .. } => ErrorKind::Unavailable,
            ObjectError::WrongKind { .. } if !is_named_by_a_ref => ErrorKind::Refused,
            _ => ErrorKind::Damage,
        };
        assert_eq!(error.kind(), kind, "{what}: {error}");
        let (Error::Object(ReadObjectError::Refused { object, cause })
        | Error::Unreadable {
            cause: ReadObjectError::Refused { object, cause },
            ..
        }) = error
        else {
            panic!("{what}: {error:?}")
        };
        assert_eq!(
            (object, blank(cause)),
            (planted, expected.clone()),
            "{what}"
        );
    }
    fs::remove_file(home.object(&planted)).unwrap();
}

#[test]
fn none_of_them_is_returned_by_a_catalog() {
    let home = Home::new();
    for case in entry_cases().0 {
        assert_refused_in_a_catalog(&home, &case.what, &case.bytes, &case.error);
    }
    let attached = manifest_cases().0.into_iter().chain(attachment_cases().0);
    for case in snapshot_cases().0.into_iter().chain(attached) {
        if let Err(expected) = decode_entry(&case.bytes) {
            assert_refused_in_a_catalog(&home, &case.what, &case.bytes, &blank(expected));
        }
    }
    // A snapshot is an object, and no entry.
    let snapshot = raw_snapshot(&[&[0xaa; 32]]).encode();
    assert!(Snapshot::decode(&snapshot).is_ok());
    let (expected, found) = (Schema::EngineEntry1, Schema::Snapshot1);
    let wrong_kind = ObjectError::WrongKind { expected, found };
    assert_refused_in_a_catalog(&home, "a snapshot", &snapshot, &wrong_kind);
}

#[test]
fn none_of_them_is_returned_as_a_named_snapshot() {
    let home = Home::new();
    fs::create_dir(home.at("snapshots")).unwrap();
    for case in snapshot_cases().0 {
        let planted = home.plant(&case.bytes);
        fs::write(home.at("snapshots/x"), format!("{planted}\n")).unwrap();
        let (what, error) = (case.what, home.catalog.find_snapshot("x").unwrap_err());
        assert_eq!(
            error.kind(),
            match case.error {
                ObjectError::UnknownSchema { .. } => ErrorKind::Unavailable,
                _ => ErrorKind::Damage,
            },
            "{what}"
        );
        let Error::UnreadableSnapshot {
            cause: ReadObjectError::Refused { object, cause },
            ..
        } = error
        else {
            panic!("{what}: {error:?}")
        };
        assert_eq!((object, blank(cause)), (planted, case.error), "{what}");
        fs::remove_file(home.object(&planted)).unwrap();
    }
}
