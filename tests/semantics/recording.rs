//! The provisioner's call: it resolves, hashes and compares the files of a prepared engine before it
//! stores an entry that names them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use engine_catalog::{Artifacts, Catalog, EngineEntry, Error, Expect, PreparedEngine, Recorded};

use super::support::{Home, listing, name, stamp};

pub(crate) const BLAKE3_ABC: &str =
    "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
pub(crate) const SHA256_ABC: &str =
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A directory in which an engine was built, without links in its path.
pub(crate) struct Build(pub(crate) tempfile::TempDir);

impl Build {
    pub(crate) fn new() -> Self {
        let build = Self(tempfile::tempdir().unwrap());
        fs::write(build.at("llama-server"), "abc").unwrap();
        fs::write(build.at("libggml.so"), "def").unwrap();
        build
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// The build as a provisioner hands it over.
    pub(crate) fn prepared(&self, created_ms: i64) -> PreparedEngine {
        prepared(
            vec![self.at("llama-server"), self.at("libggml.so")],
            created_ms,
        )
    }
}

pub(crate) fn prepared(files: Vec<PathBuf>, created_ms: i64) -> PreparedEngine {
    PreparedEngine::new("llamacpp", "b1", Artifacts::Files(files), created_ms)
}

pub(crate) fn record(home: &Home, prepared: &PreparedEngine) -> Recorded {
    home.catalog.record(prepared, &stamp(1)).unwrap()
}

/// Records, and requires that nothing is hashed.
pub(crate) fn record_unhashed(
    catalog: &Catalog,
    prepared: &PreparedEngine,
) -> Result<Recorded, Error> {
    let mut progress = |_: engine_catalog::Progress<'_>| panic!("nothing is to be hashed");
    catalog.record_with_progress(prepared, &stamp(1), &mut progress)
}

#[test]
fn recorded_build_is_current_with_its_digest_in_its_id() {
    let (home, build) = (Home::new(), Build::new());
    let full = PreparedEngine {
        build_ref: Some("deadbeef".into()),
        build_flags: Some(vec!["-b".into(), "-a".into()]),
        ..build.prepared(7)
    };
    let recorded = record(&home, &full);
    let expected = EngineEntry {
        id: format!("llamacpp:b1@{BLAKE3_ABC}"),
        digest: Some(BLAKE3_ABC.into()),
        build_ref: full.build_ref,
        build_flags: full.build_flags,
        artifacts: vec![build.at("llama-server"), build.at("libggml.so")],
        ..EngineEntry::new("llamacpp", "b1", 7)
    };
    assert_eq!(recorded.entry, expected);
    assert_eq!(recorded.put.previous, None);
    let current = home.catalog.current(&name("llamacpp/b1")).unwrap().unwrap();
    assert_eq!(
        (current.object, current.entry),
        (recorded.put.object, expected)
    );

    let named = PreparedEngine {
        id: Some("mine".into()),
        version: "b2".into(),
        ..build.prepared(7)
    };
    assert_eq!(record(&home, &named).entry.id, "mine");
}

#[test]
fn recording_the_same_build_again_changes_nothing_whenever_that_is() {
    let (home, build) = (Home::new(), Build::new());
    let first = record(&home, &build.prepared(7));
    let [refs, history] = ["refs", "history"].map(|dir| listing(&home.at(dir)));
    for ms in [7, 8, i64::MAX, -1] {
        let again = record(&home, &build.prepared(ms));
        assert!(again.put.is_unchanged());
        assert_eq!(again.put.object, first.put.object);
        assert_eq!(again.entry, first.entry, "with the time of the first");
    }
    assert_eq!(
        [refs, history],
        ["refs", "history"].map(|dir| listing(&home.at(dir)))
    );
    // Other flags are another build.
    let flags = PreparedEngine {
        build_flags: Some(vec![]),
        ..build.prepared(9)
    };
    let changed = record(&home, &flags);
    assert_eq!(changed.put.previous, Some(first.put.object));
    assert_eq!(changed.entry.created_ms, 9);
}

#[test]
fn replaced_build_of_a_version_becomes_current_and_the_old_one_stays_known() {
    let (home, build) = (Home::new(), Build::new());
    let old = record(&home, &build.prepared(1));
    fs::write(build.at("llama-server"), "abcd").unwrap();
    let new = record(&home, &build.prepared(2));
    assert_eq!(new.put.previous, Some(old.put.object));
    assert_ne!(new.entry.id, old.entry.id);
    let get = |id: &str| home.catalog.get(id).unwrap().unwrap();
    assert_eq!(get(&new.entry.id).object, new.put.object);
    assert_eq!(get(&old.entry.id).object, old.put.object);
    assert!(home.catalog.exists(&new.entry.id).unwrap());
    assert!(!home.catalog.exists(&old.entry.id).unwrap());
}

#[test]
fn build_is_recorded_again_after_it_was_retired_or_its_entry_damaged() {
    let (home, build) = (Home::new(), Build::new());
    let first = record(&home, &build.prepared(1));
    home.catalog
        .retire(&name("llamacpp/b1"), Expect::Any, &stamp(1))
        .unwrap();
    let second = record(&home, &build.prepared(2));
    assert_eq!(second.put.previous, None);
    assert_ne!(second.put.object, first.put.object);

    let file = home.object(&second.put.object);
    fs::remove_file(&file).unwrap();
    fs::write(&file, "damaged").unwrap();
    let third = record(&home, &build.prepared(3));
    assert_eq!(third.put.previous, Some(second.put.object));
    let current = home.catalog.current(&name("llamacpp/b1")).unwrap().unwrap();
    assert_eq!(current.entry, third.entry);
}

#[test]
fn digest_is_that_of_every_byte_of_the_first_file() {
    let (home, build) = (Home::new(), Build::new());
    // More than is read at once, and not a multiple of it.
    let content: Vec<u8> = (0..9_000_001u32)
        .map(|n| n.to_le_bytes()[(n % 3) as usize])
        .collect();
    fs::write(build.at("llama-server"), &content).unwrap();
    let mut seen = Vec::new();
    let recorded = home
        .catalog
        .record_with_progress(&build.prepared(1), &stamp(1), &mut |at| {
            if at.path == build.at("llama-server") {
                seen.push((at.done, at.total));
            }
        });
    let expected = format!("blake3:{}", blake3::hash(&content));
    assert_eq!(recorded.unwrap().entry.digest, Some(expected));
    let total = content.len() as u64;
    assert!(seen.is_sorted() && seen.iter().all(|at| at.1 == total));
    assert_eq!((seen[0].0, seen.last().unwrap().0), (0, total));

    fs::write(build.at("llama-server"), "").unwrap();
    let empty = record(&home, &build.prepared(2)).entry.digest.unwrap();
    assert_eq!(empty, format!("blake3:{}", blake3::hash(b"")));
}

#[test]
fn images_are_recorded_as_they_are_named() {
    let home = Home::new();
    let image = "registry.example:5000/vllm/vllm-openai:v0.9.2";
    let of = |digest: Option<&str>| PreparedEngine {
        digest: digest.map(str::to_owned),
        ..PreparedEngine::new("vllm", "0.9.2", Artifacts::Image(image.into()), 1)
    };
    let plain = record_unhashed(&home.catalog, &of(None)).unwrap().entry;
    let expected = EngineEntry {
        artifacts: vec![image.into()],
        ..EngineEntry::new("vllm", "0.9.2", 1)
    };
    assert_eq!(plain, expected);
    let pinned = record_unhashed(&home.catalog, &of(Some(SHA256_ABC)))
        .unwrap()
        .entry;
    assert_eq!(pinned.digest.as_deref(), Some(SHA256_ABC));
    assert_eq!(pinned.id, format!("vllm:0.9.2@{SHA256_ABC}"));
}

#[test]
fn what_can_be_refused_is_refused_before_anything_is_hashed() {
    let (home, build) = (Home::new(), Build::new());
    let not_utf8 = Path::new(OsStr::from_bytes(b"/opt/\xff")).to_owned();
    let flags = Some(vec!["-DHF_TOKEN=hunter2hunter2".into()]);
    for (prepared, field) in [
        (
            PreparedEngine {
                build_flags: flags,
                ..build.prepared(1)
            },
            "build_flags[0]",
        ),
        (
            PreparedEngine {
                engine: "a/b".into(),
                ..build.prepared(1)
            },
            "engine",
        ),
        (
            PreparedEngine {
                id: Some("a\u{7f}".into()),
                ..build.prepared(1)
            },
            "id",
        ),
        (
            PreparedEngine {
                digest: Some("sha256:0f".into()),
                ..build.prepared(1)
            },
            "digest",
        ),
        (
            prepared(vec![build.at("llama-server"), not_utf8], 1),
            "artifact",
        ),
    ] {
        let error = record_unhashed(&home.catalog, &prepared).unwrap_err();
        assert!(
            matches!(error, Error::Entry { .. }) && error.to_string().contains(field),
            "{error}"
        );
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let read_only = Catalog::open_read_only(home.catalog.root()).unwrap();
    let error = record_unhashed(&read_only, &build.prepared(1)).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }));
}

#[test]
fn of_provisioners_that_record_one_new_build_at_once_one_does() {
    let (home, build) = (Home::new(), Build::new());
    for version in 0..20 {
        let version = format!("b{version}");
        let start = std::sync::Barrier::new(8);
        let record = |created_ms| {
            let prepared = PreparedEngine {
                version: version.clone(),
                ..build.prepared(created_ms)
            };
            start.wait();
            record(&home, &prepared).put.object
        };
        let objects = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|ms| scope.spawn(move || record(ms))).collect();
            let objects = threads.into_iter().map(|thread| thread.join().unwrap());
            objects.collect::<std::collections::BTreeSet<_>>()
        });
        assert_eq!(objects.len(), 1, "all are told of the same entry");
        let name = engine_catalog::RefName::new("llamacpp", &version).unwrap();
        assert_eq!(home.catalog.history(&name).unwrap().len(), 1);
    }
}
