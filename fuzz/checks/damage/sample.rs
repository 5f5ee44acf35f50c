//! Objects that inputs name by letters, and texts in which those stand for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use engine_catalog::{
    Attachment, EngineEntry, Manifest, ManifestFile, ObjectId, RefName, Snapshot, encode_entry,
};

/// The refs of a sound catalog.
pub(super) const NAMES: [&str; 2] = ["e/v", "e/w"];

/// The letters of the objects: two entries of `e/v`, one of `e/w`, another one of `e/v`, a snapshot of
/// the first and the third, a manifest of the first, a document about it, and an object that a newer version
/// can read.
const LETTERS: &[u8; 8] = b"ABCDSMTU";

pub(super) fn name(at: usize) -> RefName {
    NAMES[at].parse().expect("it is a name")
}

/// Returns the entry of a letter from A to D.
pub(super) fn entry(letter: char) -> EngineEntry {
    let version = if letter == 'C' { "w" } else { "v" };
    EngineEntry {
        build_ref: Some(letter.to_string()),
        ..EngineEntry::new("e", version, 1)
    }
}

/// Returns the id of the object of a letter.
pub(super) fn id(letter: char) -> ObjectId {
    ObjectId::of(&objects()[&(letter as u8)])
}

fn objects() -> &'static BTreeMap<u8, Vec<u8>> {
    static OBJECTS: OnceLock<BTreeMap<u8, Vec<u8>>> = OnceLock::new();
    OBJECTS.get_or_init(|| LETTERS.map(|letter| (letter, bytes(letter))).into())
}

fn bytes(letter: u8) -> Vec<u8> {
    let encode = |letter| encode_entry(&entry(letter)).expect("it is valid");
    let id = |letter| ObjectId::of(&encode(letter));
    match letter {
        b'S' => {
            let objects = BTreeSet::from([id('A'), id('C')]);
            Snapshot { objects }.encode().expect("it is small")
        }
        b'M' => {
            let file = ManifestFile {
                mode: 0o755,
                size: 3,
                blake3: ObjectId::of(b"abc"),
            };
            let manifest = Manifest {
                subject: id('A'),
                files: [("/nowhere/x".to_owned(), file)].into(),
            };
            manifest.encode().expect("it is small")
        }
        b'T' => {
            let attachment = Attachment {
                subject: id('A'),
                media_type: "text/plain".parse().expect("it is one"),
                name: None,
                payload: b"a note".to_vec(),
            };
            attachment.encode().expect("it is small")
        }
        b'U' => b"\xa1\x66schema\x6eengine-entry/2".to_vec(),
        letter => encode(char::from(letter)),
    }
}

/// Returns the text in which `@` and a letter of an object stand for its id, `@/` and the letter for its
/// place below `objects/`, in lower case for its bytes, `@n` for a line feed and `@0` for a zero.
pub(super) fn expand(text: &[u8]) -> Vec<u8> {
    let (mut expanded, mut rest) = (Vec::new(), text);
    while let [first, after @ ..] = rest {
        let (length, stands_for) = match rest {
            [b'@', b'n', ..] => (2, Some(vec![b'\n'])),
            [b'@', b'0', ..] => (2, Some(vec![0])),
            [b'@', b'/', letter, ..] => (
                3,
                hex(*letter).map(|id| [&id[..2], "/", &id[2..]].concat().into()),
            ),
            [b'@', letter, ..] => {
                let bytes = || objects().get(&letter.to_ascii_uppercase()).cloned();
                (2, hex(*letter).map(String::into_bytes).or_else(bytes))
            }
            _ => (1, None),
        };
        match stands_for {
            Some(text) => {
                expanded.extend(text);
                rest = &rest[length..];
            }
            None => {
                expanded.push(*first);
                rest = after;
            }
        }
    }
    expanded
}

fn hex(letter: u8) -> Option<String> {
    let bytes = objects().get(&letter)?;
    Some(ObjectId::of(bytes).to_string())
}
