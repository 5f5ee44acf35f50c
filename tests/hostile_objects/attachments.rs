//! What can be wrong with an attachment: a document about another object.

use engine_catalog::{
    Attachment, AttachmentError, MediaTypeError, Name, NameError, ObjectError, ObjectId, Schema,
};

use super::any_kind;
use super::kinds::{raw_entry, raw_snapshot};
use super::manifests::raw_manifest;
use super::raw::{Cases, RawMap, bytes, shape, text};

/// An attachment with every field.
pub(crate) fn attachment() -> Attachment {
    Attachment {
        subject: ObjectId::from_bytes([0xdd; 32]),
        media_type: "text/plain".parse().unwrap(),
        name: Some(Name::new("note.txt").unwrap()),
        payload: b"abc".to_vec(),
    }
}

pub(crate) fn raw_attachment() -> RawMap {
    let map = RawMap(vec![
        ("name", text("note.txt")),
        ("schema", text("attachment/1")),
        ("payload", bytes(b"abc")),
        ("subject", bytes(&[0xdd; 32])),
        ("media_type", text("text/plain")),
    ]);
    assert_eq!(map.encode(), attachment().encode().unwrap());
    map
}

/// Bytes that are no attachment.
pub(crate) fn attachment_cases() -> Cases {
    let base = raw_attachment();
    let mut cases = any_kind::cases(&base);
    for length in [0, 31, 33] {
        let what = format!("a subject of {length} bytes");
        cases.add(
            what,
            base.with("subject", bytes(&vec![0xdd; length])),
            shape(),
        );
    }
    let hex = base.with("subject", text(&"dd".repeat(32)));
    cases.add("a subject in hexadecimal", hex, shape());
    let longest = "a".repeat(127);
    for found in [
        "",
        "/",
        "text",
        "text/",
        "/plain",
        "text/plain/x",
        "Text/plain",
        "text/PLAIN",
        "text/plain; charset=utf-8",
        "text/plain ",
        "text/.plain",
        "+text/plain",
        "text/pl\u{e4}in",
        "text/plain\n",
        &format!("{longest}a/plain"),
        &format!("text/{longest}a"),
    ] {
        let text_found = found.to_owned();
        let error = AttachmentError::MediaType(MediaTypeError { text: text_found });
        let other = base.with("media_type", text(found));
        cases.add(format!("media type {found:?}"), other, error.into());
    }
    for (name, cause) in [
        ("", NameError::Empty),
        ("a\nb", NameError::Control('\n')),
        ("\u{202e}gpj.exe", NameError::Control('\u{202e}')),
        (&"/".repeat(86), NameError::TooLong { length: 258 }),
    ] {
        let other = base.with("name", text(name));
        let error = AttachmentError::Name(cause);
        cases.add(format!("name {name:?}"), other, error.into());
    }
    let expected = Schema::Attachment1;
    for (other, found) in [
        (raw_entry(), Schema::EngineEntry1),
        (raw_snapshot(&[]), Schema::Snapshot1),
        (raw_manifest(), Schema::Artifacts1),
    ] {
        let wrong_kind = ObjectError::WrongKind { expected, found };
        cases.add(format!("{found}"), other.encode(), wrong_kind.clone());
        let tagged = base.with("schema", text(found.tag()));
        cases.add(format!("the schema {found}"), tagged, wrong_kind);
    }
    cases
}
