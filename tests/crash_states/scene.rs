//! The operations that are cut short: what is there before, and what each does.

use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::{
    Artifacts, Attachment, Blobs, Catalog, Choice, Error, Expect, Filter, ImportOptions,
    MaterializeOptions, Members, Name, ObjectId, PreparedEngine, Record,
};

use crate::support::sample::{entry, name};
use crate::support::{document, object_file, object_of, stamp};

/// An operation on the catalog at a root.
pub(crate) struct Operation {
    /// By which a helper process is told what to do.
    pub(crate) role: &'static str,
    /// Makes what is there before.
    pub(crate) prepare: fn(&Path),
    /// What somebody else does then, who is killed before the last sync of it. Doing it again changes nothing.
    pub(crate) killed: Option<fn(&Path)>,
    /// Does it. Doing it again changes nothing.
    pub(crate) act: fn(&Path),
    /// Files beside the root that it finds there, written a moment ago.
    pub(crate) unsynced: &'static [&'static str],
    /// Faults by which its own calls fail, as strace injects them.
    pub(crate) faults: &'static [&'static str],
    /// Contents that must not be lost, whatever they are.
    pub(crate) keeps: &'static [&'static str],
}

pub(crate) const fn operation(role: &'static str, prepare: fn(&Path), act: fn(&Path)) -> Operation {
    Operation {
        role,
        prepare,
        killed: None,
        act,
        unsynced: &[],
        faults: &[],
        keeps: &[],
    }
}

/// Those that write.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        operation(
            "create",
            |_| {},
            |root| {
                // Somebody who was cut short may have made it already.
                match Catalog::create(root) {
                    Ok(_) | Err(Error::AlreadyACatalog { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            },
        ),
        #[cfg(feature = "signatures")]
        operation("set a policy", |root| catalog(root, &["old"]), set_policy),
        #[cfg(feature = "signatures")]
        operation(
            "set another policy",
            |root| {
                catalog(root, &["old"]);
                let set = open(root).set_policy(b"");
                set.expect("it is right");
            },
            set_policy,
        ),
        #[cfg(feature = "signatures")]
        operation(
            "remove a policy",
            |root| {
                catalog(root, &["old"]);
                set_policy(root);
            },
            remove_policy,
        ),
        operation("put", |root| catalog(root, &[]), put),
        operation("put over another", |root| catalog(root, &["old"]), put),
        operation(
            "put two",
            |root| catalog(root, &["old"]),
            |root| {
                let entries = ["d", "e"].map(|engine| entry(engine, "new"));
                let put = open(root).put_all(&entries, &stamp(1));
                put.expect("they can be put");
            },
        ),
        // So many that they are synced together.
        operation(
            "put ten",
            |root| catalog(root, &["old"]),
            |root| {
                let engines = ["e", "f", "g", "h", "i", "j", "k", "l", "m", "n"];
                let entries = engines.map(|engine| entry(engine, "new"));
                let put = open(root).put_all(&entries, &stamp(1));
                put.expect("they can be put");
            },
        ),
        operation(
            "put after one that was killed",
            |root| {
                catalog(root, &["old"]);
                let [old, other] = ["old", "other"].map(|build| object_of(&entry("e", build)));
                append(root, &format!("7 put {old} {other} killed\n"));
            },
            put,
        ),
        operation(
            "put over a ref without a history",
            |root| catalog_without_history(root, None),
            put,
        ),
        operation(
            "put over a ref with a history that is torn from the start",
            |root| catalog_without_history(root, Some("7 put 0123")),
            put,
        ),
        operation(
            "retire a ref without a history",
            |root| catalog_without_history(root, None),
            retire,
        ),
        operation(
            "put after one that was torn",
            |root| {
                catalog(root, &["old"]);
                append(root, "7 put 0123");
            },
            put,
        ),
        Operation {
            keeps: &["damaged new"],
            ..operation("put over damage", damaged, put)
        },
        Operation {
            keeps: &["damaged new"],
            faults: NO_SECOND_NAMES,
            ..operation("put over damage that can have no second name", damaged, put)
        },
        operation(
            "put where the history has another name",
            |root| {
                catalog(root, &["old"]);
                let other = root.with_file_name("history-before");
                fs::hard_link(root.join("history/e/1"), other).expect("there is room");
            },
            put,
        ),
        operation("retire", |root| catalog(root, &["old"]), retire),
        operation(
            "rollback",
            |root| catalog(root, &["old", "new"]),
            |root| {
                let to = object_of(&entry("e", "old"));
                let rolled = open(root).rollback(&name("e"), Some(to), &stamp(1));
                rolled.expect("it can be rolled back");
            },
        ),
        Operation {
            unsynced: &["server"],
            ..operation(
                "record",
                |root| {
                    catalog(root, &["old"]);
                    fs::write(server(root), "ELF").expect("there is room");
                },
                |root| {
                    // A cut may have taken it, if it was not recorded.
                    if fs::read(server(root)).unwrap_or_default() != b"ELF" {
                        fs::write(server(root), "ELF").expect("there is room");
                    }
                    let files = Artifacts::Files(vec![server(root)]);
                    let engine = PreparedEngine::new("e", "1", files, 1);
                    let recorded = open(root).record(&engine, &stamp(1));
                    recorded.expect("it can be recorded");
                },
            )
        },
        operation("attach", |root| catalog(root, &["old"]), attach),
        operation(
            "attach another",
            |root| {
                catalog(root, &["old"]);
                let another = document(object_of(&entry("e", "old")), "another");
                open(root).attach(&another).expect("it can be attached");
            },
            attach,
        ),
        operation(
            "detach",
            |root| {
                catalog(root, &["old"]);
                attach(root);
            },
            |root| {
                let object = ObjectId::of(&note().encode().expect("it is small"));
                let taken_off = open(root).detach(&note().subject, &object);
                taken_off.expect("it can be taken off");
            },
        ),
        operation(
            "create snapshot",
            |root| catalog(root, &["old"]),
            create_snapshot,
        ),
        operation(
            "remove snapshot",
            |root| {
                catalog(root, &["old"]);
                create_snapshot(root);
            },
            |root| {
                let removed = open(root).remove_snapshot(&snapshot_name());
                removed.expect("it can be removed");
            },
        ),
        operation(
            "import",
            |root| {
                catalog(root, &["old"]);
                catalog(&root.with_file_name("source"), &["old", "new"]);
            },
            |root| {
                let source = Catalog::open_read_only(root.with_file_name("source"));
                let source = source.expect("there is a source");
                let imported = open(root).import(&source, &stamp(1));
                assert!(imported.expect("it can be read").problems.is_empty());
            },
        ),
        operation("import that prefers theirs", parted, |root| {
            import_preferring(root, Choice::Theirs);
        }),
        operation("import that prefers ours", parted, |root| {
            import_preferring(root, Choice::Ours);
        }),
        // Of a ref that is there, and of a new one, two entries, which go in one after the other; one is
        // retired, and never current.
        #[cfg(feature = "json")]
        operation(
            "import of an index",
            |root| catalog(root, &["old"]),
            |root| {
                let index = engine_catalog::EngineIndex::parse(INDEX.as_bytes());
                let index = index.expect("it is an index");
                let imported = open(root).import_index(&index, &stamp(1));
                assert!(imported.expect("it can be read").problems.is_empty());
            },
        ),
        operation("store files", recorded, store_files),
        Operation {
            keeps: &["damaged blob"],
            ..operation("store files over damage", damaged_blob, store_files)
        },
        Operation {
            keeps: &["damaged blob"],
            ..operation("repair of a blob", damaged_blob, repair)
        },
        operation(
            "import with blobs",
            |root| {
                catalog(root, &[]);
                let source = root.with_file_name("source");
                recorded(&source);
                store_files(&source);
            },
            |root| {
                let source = Catalog::open_read_only(root.with_file_name("source"));
                let options = ImportOptions {
                    blobs: Blobs::Bring,
                    ..ImportOptions::default()
                };
                let source = source.expect("there is a source");
                let imported = open(root).import_with(&source, &options, &stamp(1));
                assert!(imported.expect("it can be read").problems.is_empty());
            },
        ),
        operation(
            "materialize",
            |root| {
                recorded(root);
                store_files(root);
            },
            |root| {
                let (to, options) = (root.with_file_name("engine"), MaterializeOptions::default());
                match open(root).materialize(&current(root), &to, &options, &mut |_| {}) {
                    Ok(_) | Err(Error::Occupied { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            },
        ),
        Operation {
            keeps: &["damaged old", "damaged ref"],
            ..operation("repair", ruined, repair)
        },
        Operation {
            keeps: &["damaged old", "damaged ref"],
            faults: NO_SECOND_NAMES,
            ..operation("repair of what can have no second name", ruined, repair)
        },
        #[cfg(feature = "bundle")]
        operation("capture", |root| catalog(root, &["old"]), capture),
    ]
}

/// A catalog, and another one that went its own way.
fn parted(root: &Path) {
    catalog(root, &["old", "here"]);
    catalog(&root.with_file_name("source"), &["old", "there"]);
}

fn import_preferring(root: &Path, choice: Choice) {
    let source = Catalog::open_read_only(root.with_file_name("source"));
    let options = ImportOptions {
        prefer: choice.into(),
        ..ImportOptions::default()
    };
    let source = source.expect("there is a source");
    let imported = open(root).import_with(&source, &options, &stamp(1));
    assert!(imported.expect("it can be read").problems.is_empty());
}

#[cfg(feature = "json")]
const INDEX: &str = r#"[
    {"id": "e:1", "engine": "e", "version": "1", "build_ref": "old", "artifacts": [], "created_ms": 1},
    {"id": "b", "engine": "e", "version": "1", "artifacts": [], "created_ms": 2},
    {"id": "c", "engine": "e", "version": "1", "artifacts": [], "created_ms": 3},
    {"id": "f", "engine": "f", "version": "1", "artifacts": [], "created_ms": 1},
    {"id": "g", "engine": "f", "version": "1", "artifacts": [], "created_ms": 2},
    {"id": "r", "engine": "d", "version": "1", "artifacts": [], "created_ms": 1, "state": "Retired"}
]"#;

/// As for files of another user, which the kernel protects.
const NO_SECOND_NAMES: &[&str] = &["linkat:error=EPERM"];

/// A catalog in which an object is damaged.
fn damaged(root: &Path) {
    catalog(root, &["old", "new", "old"]);
    damage(root, "new");
}

/// A catalog in which an object and a ref are damaged, and another from which it can be repaired.
fn ruined(root: &Path) {
    catalog(root, &["old", "new"]);
    catalog(&root.with_file_name("source"), &["old"]);
    damage(root, "old");
    fs::write(root.join("refs/e/1"), "damaged ref").expect("there is room");
}

/// A catalog with an engine of two files, which are not stored.
fn recorded(root: &Path) {
    let files = [server(root), root.with_file_name("library")];
    for file in &files {
        let content = format!("ELF {}", file.display());
        fs::write(file, content).expect("there is room");
    }
    catalog(root, &[]);
    let engine = PreparedEngine::new("e", "1", Artifacts::Files(files.to_vec()), 1);
    let recorded = open(root).record(&engine, &stamp(1));
    recorded.expect("it can be recorded");
}

/// As [`recorded`], and what has the name of a blob is something else.
fn damaged_blob(root: &Path) {
    recorded(root);
    store_files(root);
    let content = fs::read(server(root)).expect("it is there");
    let hex = ObjectId::of(&content).to_string();
    let file = root.join("blobs").join(&hex[..2]).join(&hex[2..]);
    fs::remove_file(&file).expect("it is there");
    fs::write(file, "damaged blob").expect("there is room");
}

fn current(root: &Path) -> Record {
    let found = open(root).current(&name("e")).expect("it can be read");
    found.expect("it was recorded")
}

fn store_files(root: &Path) {
    let stored = open(root).store_files(&current(root), &mut |_| {});
    stored.expect("they are as they were recorded");
}

fn repair(root: &Path) {
    let source = Catalog::open_read_only(root.with_file_name("source"));
    let source: Vec<_> = source.iter().collect();
    let repaired = open(root).repair(&source, &|_| {});
    assert!(repaired.expect("it can be repaired").is_clean());
}

pub(crate) fn open(root: &Path) -> Catalog {
    Catalog::open(root).expect("there is a catalog")
}

pub(crate) fn put(root: &Path) {
    let put = open(root).put(&entry("e", "new"), &stamp(1));
    put.expect("it can be put");
}

fn server(root: &Path) -> PathBuf {
    root.with_file_name("server")
}

#[cfg(feature = "bundle")]
fn capture(root: &Path) {
    let catalog = open(root);
    let all = catalog.snapshot_of(&Members::Current(Filter::default()));
    let bundle = root.with_file_name("bundle");
    match catalog.capture(&bundle, &all.expect("it can be read")) {
        Ok(_) | Err(Error::Occupied { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn retire(root: &Path) {
    let retired = open(root).retire(&name("e"), Expect::Any, &stamp(1));
    retired.expect("it can be retired");
}

/// A document about an entry.
pub(crate) fn note() -> Attachment {
    document(object_of(&entry("e", "old")), "a note")
}

pub(crate) fn attach(root: &Path) {
    let attached = open(root).attach(&note());
    attached.expect("it can be attached");
}

#[cfg(feature = "signatures")]
fn set_policy(root: &Path) {
    let set = open(root).set_policy(b"# none\n");
    set.expect("it is right");
}

#[cfg(feature = "signatures")]
fn remove_policy(root: &Path) {
    let removed = open(root).remove_policy();
    removed.expect("it can be removed");
}

pub(crate) fn snapshot_name() -> Name {
    Name::new("s").expect("it is a name")
}

fn create_snapshot(root: &Path) {
    let all = Members::Current(Filter::default());
    let created = open(root).create_snapshot(&all, Some(&snapshot_name()));
    created.expect("it can be made");
}

pub(crate) fn catalog(root: &Path, builds: &[&str]) {
    let catalog = Catalog::create(root).expect("it can be made");
    for build in builds {
        let put = catalog.put(&entry("e", build), &stamp(1));
        put.expect("it can be put");
    }
}

/// A catalog whose ref came without its history, in whose place there may be something else.
fn catalog_without_history(root: &Path, found: Option<&str>) {
    catalog(root, &["old"]);
    let history = root.join("history/e/1");
    fs::remove_file(&history).expect("it is there");
    if let Some(found) = found {
        fs::write(history, found).expect("there is room");
    }
}

fn damage(root: &Path, build: &str) {
    let file = object_file(root, object_of(&entry("e", build)));
    fs::remove_file(&file).expect("it is there");
    fs::write(&file, format!("damaged {build}")).expect("there is room");
}

fn append(root: &Path, text: &str) {
    let file = root.join("history/e/1");
    let lines = fs::read_to_string(&file).expect("it is there");
    fs::write(&file, lines + text).expect("there is room");
}
