//! The order of the durability steps, from the system calls that the library really makes.
//!
//! Each test runs one call of the library in a helper process under `strace`, drives the model of
//! `disk_model.rs` with the trace, and requires what layout.md section 7 promises: nothing gets its
//! final name before its content survives, no ref changes before what it leads to does, and what is
//! acknowledged survives, also of what others wrote and did not sync. What may be found after a cut
//! in between is for `tests/crash_states/`, which takes what was there before as durable.

mod collecting;
mod disk_model;
mod documents;
mod refs;
mod rules;
mod scene;
mod sets;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use engine_catalog::{
    Artifacts, Attachment, Catalog, EngineEntry, Error, Expect, Filter, GcOptions, Members, Name,
    ObjectId, PreparedEngine, Recorded,
};
use support::sample::{entry, name};
use support::{child, document, garbage, object_of, stamp, strace};

fn many() -> Vec<EngineEntry> {
    (0..96).map(|n| entry(&format!("e{n}"), "new")).collect()
}

/// What a helper process does; nothing when it runs as a test.
#[test]
fn child() {
    let Some((role, root)) = child::role() else {
        return;
    };
    let open = || Catalog::open(&root).expect("there is a catalog");
    strace::begin();
    match role.as_str() {
        "create" => drop(Catalog::create(&root).expect("it can be made")),
        "put" => drop(
            open()
                .put(&entry("e", "new"), &stamp(1))
                .expect("it can be put"),
        ),
        "put all" => drop(open().put_all(&many(), &stamp(1)).expect("they can be put")),
        #[cfg(feature = "json")]
        "import index" => {
            let first = EngineEntry {
                id: "first".to_owned(),
                created_ms: 0,
                ..entry("e", "first")
            };
            let index = serde_json::to_vec(&[first, entry("e", "new")]).expect("it is text");
            let index = engine_catalog::EngineIndex::parse(&index).expect("it is an index");
            let imported = open().import_index(&index, &stamp(1));
            assert_eq!(imported.expect("it can be taken").refs.len(), 2);
        }
        "retire" => {
            let held = open().retire(&name("e"), Expect::Any, &stamp(1));
            assert!(held.expect("it can be retired").is_some());
        }
        "create again" => {
            let again = Catalog::create(&root).expect_err("there is one already");
            assert!(matches!(again, Error::AlreadyACatalog { .. }));
        }
        "retire again" => {
            let held = open().retire(&name("e"), Expect::Any, &stamp(1));
            assert_eq!(held.expect("it can be looked at"), None);
            assert!(
                !open()
                    .delete("e:1", &stamp(1))
                    .expect("it can be looked at")
            );
        }
        "rollback" => drop(
            open()
                .rollback(&name("e"), None, &stamp(1))
                .expect("it can"),
        ),
        "record" => drop(record(&open(), &root)),
        "attach" => drop(open().attach(&note()).expect("it can be attached")),
        "detach" => assert!(detach(&open()), "it is there"),
        "detach again" => assert!(!detach(&open()), "it was there"),
        "snapshot" => {
            let members = Members::Current(Filter::default());
            let id = open().create_snapshot(&members, Some(&snapshot_name()));
            id.expect("it can be made");
        }
        "remove snapshot" => {
            let removed = open().remove_snapshot(&snapshot_name());
            assert!(removed.expect("it can be removed").is_some());
        }
        "remove snapshot again" => {
            let removed = open().remove_snapshot(&snapshot_name());
            assert_eq!(removed.expect("it can be looked at"), None);
        }
        "gc" => collect(&open(), &garbage::options()),
        "prune" => collect(&open(), &garbage::pruning("d", "e")),
        "read" => read_everything(&Catalog::open_read_only(&root).expect("there is a catalog")),
        "look" => read_everything(&open()),
        _ => unreachable!("there is no such role"),
    }
    strace::end();
}

fn collect(catalog: &Catalog, options: &GcOptions) {
    let collected = catalog.collect_garbage(options, &stamp(1));
    let undone = collected.expect("nothing hides anything").undone;
    assert!(undone.is_empty(), "{undone:?}");
}

/// A document about an entry.
fn note() -> Attachment {
    document(object_of(&entry("e", "old")), "a note")
}

/// Takes the document off, and returns whether it was there.
fn detach(catalog: &Catalog) -> bool {
    let object = ObjectId::of(&note().encode().expect("it is small"));
    let detached = catalog.detach(&note().subject, &object);
    detached.expect("it can be taken off")
}

fn snapshot_name() -> Name {
    Name::new("s").expect("it is a name")
}

/// Records the engine whose file lies beside the root.
fn record(catalog: &Catalog, root: &Path) -> Recorded {
    let file = root.with_file_name("opt").join("bin/server");
    let engine = PreparedEngine::new("e", "1", Artifacts::Files(vec![file]), 1);
    let recorded = catalog.record(&engine, &stamp(1));
    recorded.expect("it can be recorded")
}

fn read_everything(catalog: &Catalog) {
    let listed = catalog.list(&Filter::default()).expect("it can be listed");
    assert_eq!(listed.filter_map(Result::ok).count(), 1);
    let id = "e:1";
    assert!(catalog.exists(id).expect("it is readable"));
    assert!(catalog.locate(id).expect("it is readable").is_some());
    for spec in [id, "e/1", "no such thing"] {
        let found = catalog.find(spec).expect("it is readable");
        assert_eq!(found.is_some(), spec != "no such thing");
    }
    let record = catalog
        .get(id)
        .expect("it is readable")
        .expect("it is there");
    assert_eq!(
        catalog.history(&name("e")).expect("it is readable").len(),
        2
    );
    catalog.state(&record).expect("it is readable");
    let prefix = record.object.to_string()[..8]
        .parse()
        .expect("it is a prefix");
    assert_eq!(
        catalog.resolve(&prefix).expect("it is readable"),
        Some(record.object)
    );
    assert_eq!(catalog.snapshots().expect("they are readable").len(), 1);
    let found = catalog.find_snapshot("s").expect("it is readable");
    let (_, snapshot) = found.expect("it is there");
    let members = catalog.members(&snapshot).expect("they are readable");
    assert_eq!(members, std::slice::from_ref(&record));
    let manifests = catalog.manifests(&record.object);
    assert_eq!(manifests.expect("they are readable"), []);
}
