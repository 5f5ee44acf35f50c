//! What holds for all bytes, and for all entries.

use std::fs;

use engine_catalog::{
    Attachment, EngineEntry, Error, Manifest, ManifestFile, Name, Object, ObjectError, ObjectId,
    ReadObjectError, Snapshot, decode_entry, encode_entry,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use super::kinds::entry;
use super::support::{
    Home, attachment_value, entry_value, from_cbor, manifest_value, name, snapshot_value, to_cbor,
};

#[test]
fn no_flipped_bit_of_a_stored_object_goes_unnoticed() {
    let home = Home::new();
    let object = home.put(&entry());
    let file = home.object(&object);
    let good = fs::read(&file).unwrap();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::remove_file(&file).unwrap();
        fs::write(&file, &bad).unwrap();
        let result = home.catalog.current(&name("llamacpp/b4321"));
        let Err(Error::Unreadable {
            cause:
                ReadObjectError::Refused {
                    object: named,
                    cause,
                },
            ..
        }) = result
        else {
            panic!("bit {bit}: {result:?}")
        };
        let found = ObjectId::of(&bad);
        assert_eq!(
            (named, cause),
            (object, ObjectError::Hash { found }),
            "bit {bit}"
        );
    }
}

/// Digests of known algorithms have to be right; those of others only have to look like one.
fn digest() -> impl Strategy<Value = String> {
    prop_oneof![
        "(blake3|sha256):[0-9a-f]{64}",
        "sha512:[0-9a-f]{128}",
        "x[a-z0-9]{0,5}([+._-][a-z0-9]{1,3})?:[a-zA-Z0-9=_-]{1,40}",
    ]
}

fn valid_entry() -> impl Strategy<Value = EngineEntry> {
    let names = (
        "[^/\\pC\\p{Zl}\\p{Zp}]{1,14}",
        "[^\\pC\\p{Zl}\\p{Zp}]{1,14}",
    );
    let line = "[^\\pC\\p{Zl}\\p{Zp}]{1,40}";
    let lines = (line, prop::option::of(line));
    let flags = prop::option::of(vec(any::<String>(), 0..4));
    let artifacts = vec("[^\\x00]{1,40}", 0..4);
    (
        names,
        lines,
        prop::option::of(digest()),
        flags,
        artifacts,
        any::<i64>(),
    )
        .prop_map(
            |((engine, version), (id, build_ref), digest, build_flags, artifacts, created_ms)| {
                EngineEntry {
                    id,
                    engine,
                    version,
                    build_ref,
                    digest,
                    build_flags,
                    artifacts: artifacts.into_iter().map(Into::into).collect(),
                    created_ms,
                }
            },
        )
}

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    btree_set(any::<[u8; 32]>().prop_map(ObjectId::from_bytes), 0..40)
        .prop_map(|objects| Snapshot { objects })
}

fn valid_attachment() -> impl Strategy<Value = Attachment> {
    let id = any::<[u8; 32]>().prop_map(ObjectId::from_bytes);
    let part = "[a-z0-9][a-z0-9!#$&^_.+-]{0,12}";
    let media_type = (part, part).prop_map(|(top, sub)| format!("{top}/{sub}").parse().unwrap());
    let name = "[^\\pC\\p{Zl}\\p{Zp}]{1,14}".prop_map(|name| Name::new(&name).unwrap());
    let payload = vec(any::<u8>(), 0..300);
    (id, media_type, prop::option::of(name), payload).prop_map(
        |(subject, media_type, name, payload)| Attachment {
            subject,
            media_type,
            name,
            payload,
        },
    )
}

fn valid_manifest() -> impl Strategy<Value = Manifest> {
    let id = || any::<[u8; 32]>().prop_map(ObjectId::from_bytes);
    let size = prop_oneof![0..70_000u64, 0..=i64::MAX.unsigned_abs()];
    let file = (0..=Manifest::MAX_MODE, size, id());
    let file = file.prop_map(|(mode, size, blake3)| ManifestFile { mode, size, blake3 });
    let files = btree_map("/[^\\x00]{0,40}", file, 0..6);
    (id(), files).prop_map(|(subject, files)| Manifest { subject, files })
}

/// One small change of some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Set(u8),
    Add(i8),
    Insert(u8),
    Remove,
    Repeat(usize),
    Cut,
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        any::<u8>().prop_map(Edit::Set),
        (-1..=1i8).prop_map(Edit::Add),
        any::<u8>().prop_map(Edit::Insert),
        Just(Edit::Remove),
        (1..40usize).prop_map(Edit::Repeat),
        Just(Edit::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, at: usize, edit: &Edit) {
    if bytes.is_empty() {
        return;
    }
    let at = at % bytes.len();
    match *edit {
        Edit::Set(byte) => bytes[at] = byte,
        Edit::Add(n) => bytes[at] = bytes[at].wrapping_add_signed(n),
        Edit::Insert(byte) => bytes.insert(at, byte),
        Edit::Remove => drop(bytes.remove(at)),
        Edit::Repeat(length) => {
            let again = bytes[at..].iter().take(length).copied().collect::<Vec<_>>();
            bytes.splice(at..at, again);
        }
        Edit::Cut => bytes.truncate(at),
    }
}

/// Requires that bytes that are taken are the one and only encoding of what they are taken for.
fn check_any_bytes(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(object) = Object::decode(bytes) else {
        return Ok(());
    };
    prop_assert_eq!(object.encode().unwrap(), bytes);
    let value = match &object {
        Object::Entry(entry) => entry_value(entry),
        Object::Snapshot(snapshot) => snapshot_value(&snapshot.objects),
        Object::Manifest(manifest) => manifest_value(manifest),
        Object::Attachment(attachment) => attachment_value(attachment),
        other => panic!("{other:?}"),
    };
    prop_assert_eq!(from_cbor(bytes), value);
    Ok(())
}

proptest! {
    #[test]
    fn every_valid_entry_survives_its_bytes_and_another_implementation_agrees(entry in valid_entry()) {
        let bytes = encode_entry(&entry).unwrap();
        let decoded = decode_entry(&bytes).unwrap();
        // Paths compare by their components, and have to come back as they were written.
        for (path, original) in decoded.artifacts.iter().zip(&entry.artifacts) {
            prop_assert_eq!(path.as_os_str(), original.as_os_str());
        }
        prop_assert_eq!(&decoded, &entry);
        let value = entry_value(&entry);
        prop_assert_eq!(from_cbor(&bytes), value.clone());
        prop_assert_eq!(to_cbor(&value), bytes);
    }

    #[test]
    fn every_snapshot_survives_its_bytes_and_another_implementation_agrees(snapshot in any_snapshot()) {
        let bytes = snapshot.encode().unwrap();
        prop_assert_eq!(&Snapshot::decode(&bytes).unwrap(), &snapshot);
        let value = snapshot_value(&snapshot.objects);
        prop_assert_eq!(from_cbor(&bytes), value.clone());
        prop_assert_eq!(to_cbor(&value), bytes);
    }

    #[test]
    fn every_valid_manifest_survives_its_bytes_and_another_implementation_agrees(manifest in valid_manifest()) {
        let bytes = manifest.encode().unwrap();
        prop_assert_eq!(&Manifest::decode(&bytes).unwrap(), &manifest);
        let value = manifest_value(&manifest);
        prop_assert_eq!(from_cbor(&bytes), value.clone());
        prop_assert_eq!(to_cbor(&value), bytes);
    }

    #[test]
    fn every_valid_attachment_survives_its_bytes_and_another_implementation_agrees(attachment in valid_attachment()) {
        let bytes = attachment.encode().unwrap();
        prop_assert_eq!(&Attachment::decode(&bytes).unwrap(), &attachment);
        let value = attachment_value(&attachment);
        prop_assert_eq!(from_cbor(&bytes), value.clone());
        prop_assert_eq!(to_cbor(&value), bytes);
    }

    #[test]
    fn random_bytes_that_decode_encode_to_themselves(bytes in vec(any::<u8>(), 0..200)) {
        check_any_bytes(&bytes)?;
    }

    #[test]
    fn damaged_entries_that_decode_encode_to_themselves(
        entry in valid_entry(),
        edits in vec((any::<usize>(), edit()), 1..4),
    ) {
        let mut bytes = encode_entry(&entry).unwrap();
        edits.iter().for_each(|(at, edit)| apply(&mut bytes, *at, edit));
        check_any_bytes(&bytes)?;
    }

    #[test]
    fn damaged_manifests_that_decode_encode_to_themselves(
        manifest in valid_manifest(),
        edits in vec((any::<usize>(), edit()), 1..4),
    ) {
        let mut bytes = manifest.encode().unwrap();
        edits.iter().for_each(|(at, edit)| apply(&mut bytes, *at, edit));
        check_any_bytes(&bytes)?;
    }

    #[test]
    fn damaged_attachments_that_decode_encode_to_themselves(
        attachment in valid_attachment(),
        edits in vec((any::<usize>(), edit()), 1..4),
    ) {
        let mut bytes = attachment.encode().unwrap();
        edits.iter().for_each(|(at, edit)| apply(&mut bytes, *at, edit));
        check_any_bytes(&bytes)?;
    }

    #[test]
    fn damaged_snapshots_that_decode_encode_to_themselves(
        snapshot in any_snapshot(),
        edits in vec((any::<usize>(), edit()), 1..4),
    ) {
        let mut bytes = snapshot.encode().unwrap();
        edits.iter().for_each(|(at, edit)| apply(&mut bytes, *at, edit));
        check_any_bytes(&bytes)?;
    }
}
