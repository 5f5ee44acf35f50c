//! The bytes and hashes of format 1, as an independent encoder wrote them to `vectors.json` (Python,
//! cbor2 and blake3), must never change: a catalog on one node is named by them on every other.
//!
//! A second CBOR implementation, ciborium, reads the same values in them and writes the same bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;

use engine_catalog::{
    Artifacts, Attachment, EngineEntry, Manifest, ManifestFile, Name, Object, ObjectId,
    PreparedEngine, Snapshot, decode_entry, encode_entry,
};
use serde::Deserialize;
use support::{
    Home, attachment_value, entry_value, files, from_cbor, from_hex, manifest_value, name,
    ordered_map, snapshot_value, stamp, to_cbor,
};

#[derive(Deserialize)]
struct Vectors {
    format: String,
    entries: Vec<EntryVector>,
    snapshots: Vec<SnapshotVector>,
    manifests: Vec<ManifestVector>,
    attachments: Vec<AttachmentVector>,
}

#[derive(Deserialize)]
struct EntryVector {
    name: String,
    entry: EngineEntry,
    cbor: String,
    blake3: ObjectId,
}

#[derive(Deserialize)]
struct SnapshotVector {
    name: String,
    objects: BTreeSet<ObjectId>,
    cbor: String,
    blake3: ObjectId,
}

#[derive(Deserialize)]
struct ManifestVector {
    name: String,
    subject: ObjectId,
    files: Vec<FileVector>,
    cbor: String,
    blake3: ObjectId,
}

#[derive(Deserialize)]
struct FileVector {
    mode: u32,
    path: String,
    size: u64,
    blake3: ObjectId,
}

#[derive(Deserialize)]
struct AttachmentVector {
    name: String,
    subject: ObjectId,
    media_type: String,
    file_name: Option<String>,
    /// In hexadecimal digits.
    payload: String,
    cbor: String,
    blake3: ObjectId,
}

impl AttachmentVector {
    fn attachment(&self) -> Attachment {
        let name = self.file_name.as_deref();
        Attachment {
            subject: self.subject,
            media_type: self.media_type.parse().unwrap(),
            name: name.map(|name| Name::new(name).unwrap()),
            payload: from_hex(&self.payload),
        }
    }
}

impl ManifestVector {
    fn manifest(&self) -> Manifest {
        let file = |file: &FileVector| {
            let FileVector {
                mode, size, blake3, ..
            } = *file;
            (file.path.clone(), ManifestFile { mode, size, blake3 })
        };
        let files: BTreeMap<_, _> = self.files.iter().map(file).collect();
        assert_eq!(files.len(), self.files.len(), "each path once");
        let subject = self.subject;
        Manifest { subject, files }
    }
}

fn vectors() -> Vectors {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert_eq!(vectors.format, "engine-catalog 1");
    assert!(vectors.entries.len() >= 6);
    assert!(vectors.snapshots.len() >= 2 && vectors.manifests.len() >= 3);
    assert!(vectors.attachments.len() >= 4);
    vectors
}

#[test]
fn every_entry_has_the_bytes_and_the_hash_of_the_independent_encoder() {
    for vector in vectors().entries {
        let bytes = from_hex(&vector.cbor);
        let encoded = encode_entry(&vector.entry).unwrap();
        assert_eq!(encoded, bytes, "{}", vector.name);
        assert_eq!(ObjectId::of(&encoded), vector.blake3, "{}", vector.name);
        assert_eq!(decode_entry(&bytes).unwrap(), vector.entry);
        let object = Object::decode(&bytes).unwrap();
        assert_eq!(object, Object::Entry(vector.entry));
        assert_eq!(object.encode().unwrap(), bytes);
    }
}

#[test]
fn every_snapshot_has_the_bytes_and_the_hash_of_the_independent_encoder() {
    for vector in vectors().snapshots {
        let bytes = from_hex(&vector.cbor);
        let snapshot = Snapshot {
            objects: vector.objects,
        };
        let encoded = snapshot.encode().unwrap();
        assert_eq!(encoded, bytes, "{}", vector.name);
        assert_eq!(ObjectId::of(&encoded), vector.blake3, "{}", vector.name);
        assert_eq!(Snapshot::decode(&bytes).unwrap(), snapshot);
        let object = Object::decode(&bytes).unwrap();
        assert_eq!(object, Object::Snapshot(snapshot));
        assert_eq!(object.encode().unwrap(), bytes);
    }
}

#[test]
fn every_manifest_has_the_bytes_and_the_hash_of_the_independent_encoder() {
    for vector in vectors().manifests {
        let bytes = from_hex(&vector.cbor);
        let manifest = vector.manifest();
        let encoded = manifest.encode().unwrap();
        assert_eq!(encoded, bytes, "{}", vector.name);
        assert_eq!(ObjectId::of(&encoded), vector.blake3, "{}", vector.name);
        assert_eq!(Manifest::decode(&bytes).unwrap(), manifest);
        let object = Object::decode(&bytes).unwrap();
        assert_eq!(object, Object::Manifest(manifest));
        assert_eq!(object.encode().unwrap(), bytes);
    }
}

#[test]
fn every_attachment_has_the_bytes_and_the_hash_of_the_independent_encoder() {
    for vector in vectors().attachments {
        let bytes = from_hex(&vector.cbor);
        let attachment = vector.attachment();
        let encoded = attachment.encode().unwrap();
        assert_eq!(encoded, bytes, "{}", vector.name);
        assert_eq!(ObjectId::of(&encoded), vector.blake3, "{}", vector.name);
        assert_eq!(Attachment::decode(&bytes).unwrap(), attachment);
        let object = Object::decode(&bytes).unwrap();
        assert_eq!(object, Object::Attachment(attachment));
        assert_eq!(object.encode().unwrap(), bytes);
    }
}

/// In the order in which each is about what is there.
#[test]
fn attaching_a_document_puts_exactly_its_bytes_under_its_hash() {
    let (home, vectors) = (Home::new(), vectors());
    let entries: Vec<_> = vectors.entries.iter().map(|v| v.entry.clone()).collect();
    home.catalog.put_all(&entries, &stamp(1)).unwrap();
    for manifest in &vectors.manifests {
        home.plant(&from_hex(&manifest.cbor));
    }
    for vector in &vectors.attachments {
        let object = home.catalog.attach(&vector.attachment()).unwrap();
        assert_eq!(object, vector.blake3, "{}", vector.name);
        let stored = fs::read(home.object(&object)).unwrap();
        assert_eq!(stored, from_hex(&vector.cbor), "{}", vector.name);
        let attached = home.catalog.attachments(&vector.subject).unwrap();
        assert!(attached.contains(&object), "{}", vector.name);
    }
}

/// But for the directory of the file, and so the entry that it belongs to.
#[test]
fn recording_a_file_attaches_the_manifest_of_the_known_answers() {
    let (home, vectors) = (Home::new(), vectors());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("x");
    fs::write(&path, "abc").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let files = Artifacts::Files(vec![path.clone()]);
    let prepared = PreparedEngine::new("llamacpp", "b4321", files, 1_758_240_000_000);
    let recorded = home.catalog.record(&prepared, &stamp(1)).unwrap();

    let known = vectors.manifests.iter().find(|v| v.name == "one file");
    let mut known = known.unwrap().manifest();
    known.subject = recorded.put.object;
    let file = known.files.remove("/opt/x").unwrap();
    known
        .files
        .insert(path.into_os_string().into_string().unwrap(), file);
    let attached = ObjectId::of(&to_cbor(&manifest_value(&known)));
    assert_eq!(
        home.catalog.attachments(&known.subject).unwrap(),
        [attached]
    );
    assert_eq!(home.catalog.manifests(&known.subject).unwrap(), [known]);
}

#[test]
fn another_cbor_implementation_reads_the_same_values_and_writes_the_same_bytes() {
    let vectors = vectors();
    let entries = vectors.entries.iter();
    let entries = entries.map(|v| (&v.name, from_hex(&v.cbor), entry_value(&v.entry)));
    let snapshots = vectors.snapshots.iter();
    let snapshots = snapshots.map(|v| (&v.name, from_hex(&v.cbor), snapshot_value(&v.objects)));
    let manifests = vectors.manifests.iter();
    let manifests = manifests.map(|v| (&v.name, from_hex(&v.cbor), manifest_value(&v.manifest())));
    let attachments = vectors.attachments.iter();
    let attachments = attachments.map(|v| {
        (
            &v.name,
            from_hex(&v.cbor),
            attachment_value(&v.attachment()),
        )
    });
    let attached = manifests.chain(attachments);
    for (name, bytes, value) in entries.chain(snapshots).chain(attached) {
        assert_eq!(from_cbor(&bytes), value, "{name}");
        assert_eq!(to_cbor(&value), bytes, "{name}");
    }
}

#[test]
fn keys_stand_in_bytewise_order_of_their_encodings() {
    let all = vectors()
        .entries
        .into_iter()
        .find(|v| v.name == "all fields");
    let value = from_cbor(&from_hex(&all.unwrap().cbor));
    let keys = value.as_map().unwrap().iter();
    let keys: Vec<_> = keys.map(|(key, _)| key.as_text().unwrap()).collect();
    let specified = [
        "id",
        "digest",
        "engine",
        "schema",
        "version",
        "artifacts",
        "build_ref",
        "created_ms",
        "build_flags",
    ];
    assert_eq!(keys, specified);
    let sorted = ordered_map(keys.iter().map(|key| (*key, 0.into())).collect());
    let sorted = sorted.into_map().unwrap().into_iter();
    assert!(sorted.map(|(key, _)| key).eq(specified.map(Into::into)));
}

#[test]
fn putting_an_entry_puts_exactly_its_bytes_under_its_hash() {
    for vector in vectors().entries {
        let home = Home::new();
        let put = home.catalog.put(&vector.entry, &stamp(1)).unwrap();
        assert_eq!(put.object, vector.blake3, "{}", vector.name);

        let hex = vector.blake3.to_string();
        let file = format!("{}/{}", &hex[..2], &hex[2..]);
        assert_eq!(files(&home.at("objects")), [&*file], "{}", vector.name);
        let file = home.at("objects").join(file);
        assert_eq!(fs::read(&file).unwrap(), from_hex(&vector.cbor));
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o444, "an object is never modified");

        let ref_name = vector.entry.ref_name().unwrap();
        let current = home.catalog.current(&ref_name).unwrap().unwrap();
        assert_eq!((current.object, current.entry), (put.object, vector.entry));
    }
}

#[test]
fn all_entries_lie_beside_each_other_and_refs_hold_their_hashes() {
    let (home, vectors) = (Home::new(), vectors());
    let entries: Vec<_> = vectors.entries.iter().map(|v| v.entry.clone()).collect();
    home.catalog.put_all(&entries, &stamp(1)).unwrap();
    let mut hashes: Vec<_> = vectors
        .entries
        .iter()
        .map(|v| v.blake3.to_string())
        .collect();
    hashes.sort();
    let found: Vec<_> = files(&home.at("objects"))
        .iter()
        .map(|file| file.replace('/', ""))
        .collect();
    assert_eq!(found, hashes);

    // Of the entries of one engine and version, the last is current.
    for (engine, file) in [("llamacpp", "llamacpp/b4321"), ("vllm", "vllm/0.9.2")] {
        let mut mine = vectors.entries.iter().filter(|v| v.entry.engine == engine);
        let last = mine.rfind(|v| v.entry.version.is_ascii()).unwrap().blake3;
        let held = fs::read_to_string(home.at("refs").join(file)).unwrap();
        assert_eq!(held, format!("{last}\n"));
    }
    let held = fs::read_to_string(home.at("refs/llamacpp/b4321-gr%C3%BCn")).unwrap();
    let current = home.catalog.current(&name("llamacpp/b4321-grün"));
    assert_eq!(held, format!("{}\n", current.unwrap().unwrap().object));
}
