//! Power cuts on real file systems: right after an acknowledgement, the image under a mounted file
//! system is copied, as a disk looks whose power is cut then. The copy is mounted, which replays the
//! journal, and everything that was acknowledged must be there.
//!
//! The kernel has written to the image what was synced, and nothing else that it still holds in
//! memory; [`method_sees_what_was_not_synced`] shows that this catches a lack of syncing.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::{
    Artifacts, Catalog, EngineEntry, Expect, Filter, Manifest, Members, Name, ObjectId,
    PreparedEngine, RefName, Snapshot, Stamp,
};
use support::garbage::{pruning, removed};
use support::mount::{Kind, Mounted};
use support::{document, files};

/// What a catalog says.
#[derive(Debug, PartialEq)]
struct Told {
    /// For each ref that ever was, its changes.
    histories: BTreeMap<String, Vec<String>>,
    /// What is current, with its manifests.
    current: BTreeMap<String, (ObjectId, Vec<Manifest>)>,
    /// What is attached to that, documents among it.
    attached: BTreeMap<ObjectId, Vec<ObjectId>>,
    /// The named snapshots.
    snapshots: BTreeMap<String, (ObjectId, Snapshot)>,
    /// The files `policy` and `format`.
    policy: [Option<String>; 2],
    /// The files of objects and links.
    stored: Vec<String>,
    /// What is told of those that were removed.
    removed: Vec<String>,
}

const NAMES: [&str; 3] = ["llamacpp/b1", "llamacpp/b2", "vllm/0.9.2"];

fn tell(catalog: &Catalog) -> Told {
    let name = |text: &str| text.parse::<RefName>().unwrap();
    let history = |text| {
        let changes = catalog.history(&name(text)).unwrap();
        changes.iter().map(ToString::to_string).collect()
    };
    let histories = NAMES.map(|text| (text.to_owned(), history(text)));
    let current = catalog.list(&Filter::default()).unwrap().map(|record| {
        let record = record.unwrap();
        let manifests = catalog.manifests(&record.object).unwrap();
        (record.name().to_string(), (record.object, manifests))
    });
    let current: BTreeMap<_, _> = current.collect();
    let attached = current.values().map(|(object, _)| {
        let attached = catalog.attachments(object).unwrap();
        let readable = catalog.attached(object, None).unwrap().all(|it| it.is_ok());
        assert!(readable, "{object}");
        (*object, attached)
    });
    let policy = ["policy", "format"];
    let policy = policy.map(|name| fs::read_to_string(catalog.root().join(name)).ok());
    let snapshots = catalog.snapshots().unwrap().into_iter().map(|named| {
        let named = named.unwrap();
        let snapshot = catalog.snapshot(&named.object).unwrap().unwrap();
        (named.name.to_string(), (named.object, snapshot))
    });
    let mut stored = files(catalog.root());
    stored.retain(|file| {
        ["attachments/", "objects/"]
            .iter()
            .any(|top| file.starts_with(top))
    });
    Told {
        histories: histories.into(),
        attached: attached.collect(),
        current,
        snapshots: snapshots.collect(),
        policy,
        stored,
        removed: removed(catalog.root()),
    }
}

fn entry(name: &str, created_ms: i64) -> EngineEntry {
    let (engine, version) = name.split_once('/').unwrap();
    EngineEntry {
        // More than one block, so that a file can be there in part.
        build_flags: Some(vec!["-DFLAG=ON".repeat(1000)]),
        ..EngineEntry::new(engine, version, created_ms)
    }
}

type Operation = Box<dyn Fn(&Catalog)>;

/// Everything that changes a catalog, one after another.
fn operations(files: &Path) -> Vec<(&'static str, Operation)> {
    let stamp = |at_ms| Stamp::new("tester", at_ms).unwrap();
    let name = |text: &str| text.parse::<RefName>().unwrap();
    let artifact = files.join("llama-server");
    let (same, library) = (artifact.clone(), files.join("libggml.so"));
    let prepared = |files: &[&PathBuf], ms| {
        let files = files.iter().map(|file| file.to_path_buf());
        PreparedEngine::new("vllm", "0.9.2", Artifacts::Files(files.collect()), ms)
    };
    let snapshot = |catalog: &Catalog, name: &str| {
        let members = Members::Current(Filter::default());
        let name = Name::new(name).unwrap();
        catalog.create_snapshot(&members, Some(&name)).unwrap();
    };
    vec![
        (
            "put a new ref",
            Box::new(move |catalog: &Catalog| {
                catalog.put(&entry(NAMES[0], 1), &stamp(1)).unwrap();
            }),
        ),
        (
            "put over it",
            Box::new(move |catalog| {
                catalog.put(&entry(NAMES[0], 2), &stamp(2)).unwrap();
            }),
        ),
        (
            "put of many",
            Box::new(move |catalog| {
                let many: Vec<_> = (3..9)
                    .map(|ms| entry(NAMES[usize::try_from(ms % 2).unwrap()], ms))
                    .collect();
                catalog.put_all(&many, &stamp(3)).unwrap();
            }),
        ),
        (
            "record",
            Box::new(move |catalog| {
                fs::write(&artifact, "server".repeat(10_000)).unwrap();
                catalog
                    .record(&prepared(&[&artifact], 4), &stamp(4))
                    .unwrap();
            }),
        ),
        (
            "snapshot",
            Box::new(move |catalog| snapshot(catalog, "first")),
        ),
        (
            "record with a library",
            Box::new(move |catalog| {
                fs::write(&library, "library".repeat(10_000)).unwrap();
                let prepared = prepared(&[&same, &library], 5);
                catalog.record(&prepared, &stamp(5)).unwrap();
            }),
        ),
        (
            "second snapshot",
            Box::new(move |catalog| snapshot(catalog, "second")),
        ),
        (
            "removal of the first name",
            Box::new(move |catalog| {
                let removed = catalog.remove_snapshot(&Name::new("first").unwrap());
                assert!(removed.unwrap().is_some());
            }),
        ),
        (
            "attach",
            Box::new(move |catalog| {
                let record = catalog.current(&name(NAMES[2])).unwrap().unwrap();
                let note = document(record.object, &"a note".repeat(1000));
                catalog.attach(&note).unwrap();
            }),
        ),
        (
            "detach",
            Box::new(move |catalog| {
                let record = catalog.current(&name(NAMES[2])).unwrap().unwrap();
                let attached = catalog.attached(&record.object, None).unwrap();
                let attached = attached.map(|it| it.unwrap().object);
                for object in attached {
                    assert!(catalog.detach(&record.object, &object).unwrap());
                }
            }),
        ),
        #[cfg(feature = "signatures")]
        (
            "set a policy",
            Box::new(move |catalog| catalog.set_policy(b"# none\n").unwrap()),
        ),
        #[cfg(feature = "signatures")]
        (
            "remove the policy",
            Box::new(move |catalog| assert!(catalog.remove_policy().unwrap())),
        ),
        (
            "retire",
            Box::new(move |catalog| {
                catalog
                    .retire(&name(NAMES[1]), Expect::Any, &stamp(5))
                    .unwrap();
            }),
        ),
        (
            "roll back",
            Box::new(move |catalog| {
                catalog.rollback(&name(NAMES[0]), None, &stamp(6)).unwrap();
            }),
        ),
        (
            "bring back",
            Box::new(move |catalog| {
                catalog.rollback(&name(NAMES[1]), None, &stamp(7)).unwrap();
            }),
        ),
        (
            "prune",
            Box::new(move |catalog| {
                let options = pruning("nobody", "*");
                let collected = catalog.collect_garbage(&options, &stamp(8)).unwrap();
                assert!(collected.plan.objects.len() > 3 && !collected.plan.histories.is_empty());
                assert!(collected.undone.is_empty());
            }),
        ),
    ]
}

#[test]
fn whatever_was_acknowledged_survives_on_every_file_system() {
    for kind in Kind::ALL {
        let Some(mounted) = Mounted::new(kind) else {
            return;
        };
        let images = tempfile::tempdir().unwrap();
        let mut cuts: Vec<(&str, PathBuf, Told)> = Vec::new();
        let catalog = Catalog::create(mounted.path().join("catalog")).unwrap();
        let mut cut = |what| {
            let image = images.path().join(what);
            mounted.copy_image(&image);
            cuts.push((what, image, tell(&catalog)));
        };
        cut("create");
        for (what, operation) in operations(mounted.path()) {
            operation(&catalog);
            cut(what);
        }
        let told = &cuts.last().expect("there is one").2;
        assert_eq!(told.current[NAMES[2]].1[0].files.len(), 2);
        assert_eq!(told.snapshots.keys().collect::<Vec<_>>(), ["second"]);
        // A second file system of the same identity cannot be mounted beside the first.
        drop((catalog, mounted));
        for (what, image, told) in &cuts {
            let cut = Mounted::image(image);
            let catalog = Catalog::open(cut.path().join("catalog")).unwrap();
            assert_eq!(tell(&catalog), *told, "{kind:?}, cut after {what}");
            if let Some(record) = catalog.find(NAMES[2]).unwrap() {
                let server = fs::read(cut.path().join("llama-server")).unwrap();
                let digest = format!("blake3:{}", ObjectId::of(&server));
                assert_eq!(
                    record.entry.digest,
                    Some(digest),
                    "{kind:?}: the artifact itself"
                );
                for manifest in &told.current[NAMES[2]].1 {
                    for (path, file) in &manifest.files {
                        let name = Path::new(path).file_name().unwrap();
                        let content = fs::read(cut.path().join(name)).unwrap();
                        assert_eq!(ObjectId::of(&content), file.blake3, "{kind:?}: {path}");
                    }
                }
            }
            let stamp = Stamp::new("tester", 9).unwrap();
            catalog.put(&entry(NAMES[0], 1000), &stamp).unwrap();
        }
    }
}

#[test]
fn method_sees_what_was_not_synced() {
    for kind in Kind::ALL {
        let Some(mounted) = Mounted::new(kind) else {
            return;
        };
        let file = mounted.path().join("file");
        fs::write(&file, "content").unwrap();
        let images = tempfile::tempdir().unwrap();
        let image = images.path().join("image");
        mounted.copy_image(&image);
        drop(mounted);
        let cut = Mounted::image(&image);
        let found = fs::read(cut.path().join("file")).unwrap_or_default();
        assert_ne!(found, b"content", "{kind:?}");
    }
}
