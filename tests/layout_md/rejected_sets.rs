//! The rows of section 11 about what comes in sets: snapshots, attachments, and the files of manifests.

use std::fmt::Debug;
use std::fs;

use engine_catalog::{
    Error, Manifest, ManifestFile, MaterializeOptions, Members, Name, Object, ObjectId, Record,
    Snapshot,
};

use crate::document::letter;
use crate::rejected::{assert_variants, replaced};
use crate::scratch::{Scratch, attached, entry, prepared, stamp};

/// Gives the input of a row to the library, and returns the error; `None` for the other rows.
pub(super) fn provoke(row: u32) -> Option<Box<dyn Debug>> {
    let scratch = Scratch::new();
    let catalog = &scratch.catalog;
    let snapshot_path = "snapshots/x";
    let named = Name::new("x").unwrap();
    // What is asked for by name, and every other call that reads the name, fails alike.
    let find = || {
        let error = catalog.find_snapshot("x").unwrap_err();
        if let Error::Snapshot(_) = error {
            let listed = catalog.snapshots().unwrap().remove(0).unwrap_err();
            let removed = catalog.remove_snapshot(&named).unwrap_err();
            for other in [listed, removed] {
                assert_eq!(other.to_string(), error.to_string());
            }
        }
        error
    };
    let create = |members: &[ObjectId]| {
        let members = Members::Objects(members.iter().copied().collect());
        catalog.create_snapshot(&members, Some(&named))
    };
    let attach = |subject: &ObjectId, object: &ObjectId| {
        scratch.write(attached(subject, object), "");
        catalog.manifests(subject).unwrap_err()
    };
    let error: Box<dyn Debug> = match row {
        50 => {
            for bad in ["", "\n", &"a".repeat(64), &"A".repeat(64), "../../x\n"] {
                scratch.write(snapshot_path, bad);
                assert_variants(&find(), &["Snapshot", "Damaged"], bad);
            }
            scratch.write(snapshot_path, format!("{} ", letter("A")));
            Box::new(find())
        }
        51 => {
            scratch.write(snapshot_path, format!("{}\n\n", letter("A")));
            Box::new(find())
        }
        52 => {
            let id = scratch.put(&entry(1));
            create(&[]).unwrap();
            Box::new(create(&[id]).unwrap_err())
        }
        53 => {
            scratch.write(snapshot_path, format!("{}\n", letter("A")));
            Box::new(find())
        }
        54 => {
            let snapshot = create(&[]).unwrap();
            scratch.write(scratch.object(&snapshot), "damaged");
            assert_variants(&find(), &["UnreadableSnapshot", "Refused", "Hash"], "54");
            let id = scratch.put(&entry(1));
            scratch.write(snapshot_path, format!("{id}\n"));
            Box::new(find())
        }
        55 => {
            let id = scratch.put(&entry(1));
            let missing = create(&[id, letter("A")]).unwrap_err();
            assert_variants(&missing, &["NoSuchEntry"], "55");
            let snapshot = create(&[]).unwrap();
            catalog.remove_snapshot(&named).unwrap();
            Box::new(create(&[id, snapshot]).unwrap_err())
        }
        56 => Box::new(attach(&letter("A"), &letter("B"))),
        57 => {
            let object = scratch.plant(&manifest().encode().unwrap());
            scratch.write(scratch.object(&object), "damaged");
            Box::new(attach(&letter("A"), &object))
        }
        58 => {
            let no_manifest = scratch.plant(&Snapshot::default().encode().unwrap());
            let error = attach(&letter("C"), &no_manifest);
            assert_variants(&error, &["MisplacedAttachment"], "58");
            let object = scratch.plant(&manifest().encode().unwrap());
            Box::new(attach(&letter("B"), &object))
        }
        59 => {
            let good = manifest().encode().unwrap();
            let twice = replaced(&good, b"/b", b"/a");
            assert_variants(&decode(&twice), &["Manifest", "Unsorted"], "59");
            Box::new(decode(&replaced(&good, b"/a", b"/c")))
        }
        60 => {
            let good = manifest().encode().unwrap();
            let error = decode(&replaced(&good, b"\x62/b", b"\x63/b\0"));
            assert_variants(&error, &["Manifest", "Path"], "60");
            let mut relative = manifest();
            let file = relative.files.pop_first().unwrap().1;
            relative.files.insert("a".into(), file);
            assert_variants(&relative.encode().unwrap_err(), &["Manifest", "Path"], "60");
            Box::new(decode(&replaced(&good, b"\x62/b", b"\x62bb")))
        }
        61 => Box::new(decode(&replaced(
            &manifest().encode().unwrap(),
            b"\x19\x0f\xff",
            b"\x19\x10\x00",
        ))),
        62 => Box::new(decode(&replaced(
            &manifest().encode().unwrap(),
            b"\x1b\x7f\xff\xff\xff\xff\xff\xff\xff",
            b"\x1b\x80\0\0\0\0\0\0\0",
        ))),
        63 => {
            let blob = letter("A");
            let hex = blob.to_string();
            scratch.write(format!("blobs/{}/{}", &hex[..2], &hex[2..]), "abc");
            Box::new(catalog.read_blob(&blob, &mut Vec::new()).unwrap_err())
        }
        64 => {
            let recorded = catalog.record(&prepared(&scratch, 1), &stamp()).unwrap();
            fs::write(scratch.outside().join("llama-server"), "abd").unwrap();
            Box::new(
                catalog
                    .store_files(&recorded.record(), &mut |_| {})
                    .unwrap_err(),
            )
        }
        65 => {
            let mut entry = entry(1);
            entry.artifacts = vec!["/opt/../x".into()];
            let object = scratch.put(&entry);
            let (_, file) = manifest().files.pop_first().unwrap();
            let files = [("/opt/../x".into(), file)].into();
            let manifest = Manifest {
                subject: object,
                files,
            };
            crate::support::attach(catalog.root(), object, &manifest.encode().unwrap());
            let (to, options) = (scratch.outside().join("to"), MaterializeOptions::default());
            let written =
                catalog.materialize(&Record { object, entry }, &to, &options, &mut |_| {});
            Box::new(written.unwrap_err())
        }
        _ => return None,
    };
    Some(error)
}

/// A manifest of two files, the first with the largest mode and size that there are.
fn manifest() -> Manifest {
    let file = |mode, size| ManifestFile {
        mode,
        size,
        blake3: letter("D"),
    };
    let largest = file(0o7777, i64::MAX.unsigned_abs());
    Manifest {
        subject: letter("A"),
        files: [("/a".into(), largest), ("/b".into(), file(0o755, 3))].into(),
    }
}

/// The error of bytes that are no manifest.
fn decode(bytes: &[u8]) -> impl Debug + use<> {
    let error = Manifest::decode(bytes).unwrap_err();
    assert_eq!(Object::decode(bytes).unwrap_err(), error);
    error
}
