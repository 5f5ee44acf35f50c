//! Garbage of every kind, and options by which it goes.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::{
    Catalog, EngineEntry, GcOptions, Keep, Manifest, ManifestFile, ObjectId, Retention,
    RetentionRule,
};

use super::sample::entry;
use super::{attach, document, object_of};

/// A time after all that tests do: milliseconds since the Unix epoch.
const LATER_MS: i64 = 4_000_000_000_000;

/// The least that a history of a few changes has more of.
const HISTORY_BYTES: u64 = 400;

/// What nothing keeps goes, however young.
pub(crate) fn options() -> GcOptions {
    let keep = Keep {
        grace_ms: 0,
        ..Keep::new(LATER_MS)
    };
    GcOptions {
        keep,
        ..GcOptions::new(LATER_MS)
    }
}

/// As [`options`]; no version of one engine is kept, of each of another the last build, and of its history
/// little more.
pub(crate) fn pruning(no_version_of: &str, last_build_of: &str) -> GcOptions {
    let rules = vec![
        RetentionRule {
            versions: Some(0),
            ..RetentionRule::new(no_version_of.into())
        },
        RetentionRule {
            builds: Some(1),
            ..RetentionRule::new(last_build_of.into())
        },
    ];
    let mut options = options();
    options.keep.retention = Retention { rules };
    options.history_bytes = HISTORY_BYTES;
    options
}

/// Returns the first build of the engine whose object is in the same shard as another.
pub(crate) fn build_beside(engine: &str, other: ObjectId) -> String {
    let found = beside(other, |build| entry(engine, build)).build_ref;
    found.expect("each has one")
}

/// Returns the first of the builds that are made whose object is in the same shard as another.
fn beside(other: ObjectId, build: impl Fn(&str) -> EngineEntry) -> EngineEntry {
    let shard = |id: ObjectId| id.to_string()[..2].to_owned();
    let mut builds = (0..).map(|n| build(&format!("build {n}")));
    let found = builds.find(|entry| shard(object_of(entry)) == shard(other));
    found.expect("there are enough")
}

/// What the entries say that have a manifest here.
const SERVER: &str = "/opt/server";

/// What the blob holds that goes.
pub(crate) const BLOB: &[u8] = b"ELF that goes";

/// Stores what nothing keeps: an entry, in the shard of another object, with a document and a manifest, whose
/// blob is there too. Returns the objects, the entry first.
pub(crate) fn strew(catalog: &Catalog, other: ObjectId) -> [ObjectId; 3] {
    let entry = beside(other, |build| EngineEntry {
        artifacts: vec![SERVER.into()],
        ..entry("garbage", build)
    });
    let [subject] = catalog.store(&[entry]).expect("there is room")[..] else {
        unreachable!("it is one")
    };
    let note = document(subject, "a note that goes");
    let note = catalog.attach(&note).expect("it can be attached");
    [subject, note, attach_manifest(catalog, subject, BLOB)]
}

/// Attaches a manifest of one file to an entry, and stores what the file holds. Returns the manifest.
pub(crate) fn attach_manifest(catalog: &Catalog, subject: ObjectId, content: &[u8]) -> ObjectId {
    let root = catalog.root();
    let file = ManifestFile {
        mode: 0o755,
        size: content.len() as u64,
        blake3: plant_blob(root, content),
    };
    let files = [(SERVER.to_owned(), file)].into();
    let manifest = Manifest { subject, files };
    attach(root, subject, &manifest.encode().expect("it is small"))
}

/// Puts a blob where it belongs, and returns what it is called.
fn plant_blob(root: &Path, bytes: &[u8]) -> ObjectId {
    let id = ObjectId::of(bytes);
    let file = blob_file(root, id);
    fs::create_dir_all(file.with_file_name("")).expect("there is room");
    fs::write(file, bytes).expect("there is room");
    id
}

/// The file of a blob in the catalog at `root`.
pub(crate) fn blob_file(root: &Path, id: ObjectId) -> PathBuf {
    let hex = id.to_string();
    root.join("blobs").join(&hex[..2]).join(&hex[2..])
}

/// Returns what the file `removed` tells of, sorted: kinds and ids. When and by which plan is another each time.
pub(crate) fn removed(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("removed")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (kind, id) = (fields.nth(1)?, fields.next()?);
        // Of a line that was cut short nobody reads anything.
        (fields.count() == 2).then(|| format!("{kind} {id}"))
    });
    let mut told: Vec<_> = lines.collect();
    told.sort_unstable();
    told.dedup();
    told
}
