//! Every system call of a write fails once, and the process is killed at every one; without `CI=true` at a
//! third of them, or fewer, other ones each time.
//!
//! A call of the library is traced once. Then it is repeated on a copy of the same catalog for each
//! system call that it made, with that one failing, and again with the process killed as it enters
//! it. Whatever happens, each ref and its history are as before or as after, what was acknowledged
//! is there, nothing partial is in `objects/`, and the same call succeeds afterwards.

use std::fs;
use std::path::Path;

use engine_catalog::{
    Artifacts, Attachment, Catalog, Error, Expect, Filter, Members, Name, ObjectId, PreparedEngine,
    Recorded,
};
use scene::{DAMAGED, Scene, acknowledged};
use support::observe::{State, snapshot_state, state_of};
use support::sample::{entry, name};
use support::strace;
use support::{child, document, garbage, object_file, object_of, stamp};
use walkdir::WalkDir;

#[path = "injected_faults/collecting.rs"]
mod collecting;
#[path = "injected_faults/scene.rs"]
mod scene;
mod support;

const ENGINES: [&str; 3] = ["e0", "e1", "e2"];

/// What a helper process does; nothing when it runs as a test.
#[test]
fn child() {
    let Some((role, root)) = child::role() else {
        return;
    };
    let catalog = Catalog::open(&root).expect("there is a catalog");
    strace::begin();
    let done = act(&catalog, &role);
    strace::end();
    match done {
        Ok(()) => println!("acknowledged"),
        Err(error) => println!("refused: {error}"),
    }
}

fn act(catalog: &Catalog, role: &str) -> Result<(), Error> {
    match role {
        "put" => catalog.put(&entry("e0", "new"), &stamp(1)).map(drop),
        "put all" => {
            let entries = ENGINES.map(|engine| entry(engine, "new"));
            catalog.put_all(&entries, &stamp(1)).map(drop)
        }
        "retire" => catalog
            .retire(&name("e0"), Expect::Any, &stamp(1))
            .map(drop),
        "rollback" => catalog.rollback(&name("e0"), None, &stamp(1)).map(drop),
        "record" => record(catalog, catalog.root()).map(drop),
        "attach" => catalog.attach(&note()).map(drop),
        "detach" => catalog.detach(&note().subject, &note_object()).map(drop),
        "snapshot" => snapshot(catalog).map(drop),
        "remove snapshot" => catalog.remove_snapshot(&snapshot_name()).map(drop),
        "gc" => collecting::collect(catalog, &garbage::options()),
        "prune" => collecting::collect(catalog, &garbage::pruning("e0", "e1")),
        _ => unreachable!("there is no such role"),
    }
}

/// A document about the first build of the first engine.
fn note() -> Attachment {
    document(object_of(&entry("e0", "old")), "a note")
}

fn note_object() -> ObjectId {
    ObjectId::of(&note().encode().expect("it is small"))
}

fn snapshot_name() -> Name {
    Name::new("s").expect("it is a name")
}

fn snapshot(catalog: &Catalog) -> Result<ObjectId, Error> {
    catalog.create_snapshot(&Members::Current(Filter::default()), Some(&snapshot_name()))
}

/// Records the engine whose file lies beside the root.
fn record(catalog: &Catalog, root: &Path) -> Result<Recorded, Error> {
    let files = Artifacts::Files(vec![root.with_file_name("server")]);
    let engine = PreparedEngine::new("e0", "1", files, 1);
    catalog.record(&engine, &stamp(1))
}

/// What a reader sees of every ref and snapshot, which it always can.
fn state(root: &Path) -> State {
    let catalog = Catalog::open_read_only(root).expect("there is a catalog");
    let mut state = state_of(&catalog, &ENGINES.map(name));
    state.extend(snapshot_state(&catalog, "s"));
    state
}

fn quarantined(root: &Path) -> usize {
    fs::read_dir(root.join("quarantine")).map_or(0, Iterator::count)
}

/// Puts builds of the first engine, one after the other.
fn put(catalog: &Catalog, builds: &[&str]) {
    for build in builds {
        let put = catalog.put(&entry("e0", build), &stamp(1));
        put.expect("it can be put");
    }
}

fn good_objects_stay(root: &Path, what: &str) {
    assert_eq!(quarantined(root), 0, "{what}");
}

#[test]
fn failed_or_killed_put_of_a_new_ref_leaves_nothing_or_all_of_it() {
    let Some(scene) = Scene::new("put", |_, _| {}) else {
        return;
    };
    scene.every_fault(good_objects_stay);
}

#[test]
fn interrupted_calls_are_made_again() {
    let Some(scene) = Scene::new("put", |_, _| {}) else {
        return;
    };
    for call in &scene.calls {
        let interruptions = match call.name.as_str() {
            "openat2" => &["EINTR", "EAGAIN"][..],
            "flock" | "write" => &["EINTR"],
            _ => continue,
        };
        for fault in interruptions {
            let root = scene.copy();
            let run = scene.run(&root, &[call.at(&format!("error={fault}"))]);
            let what = format!("{fault} at {call:?}\n{}", child::shown(&run.output));
            assert!(acknowledged(&run), "{what}");
            scene.check(&root, true, &what);
        }
    }
}

#[test]
fn failed_or_killed_put_over_a_ref_leaves_the_old_or_the_new() {
    let Some(scene) = Scene::new("put", |_, catalog| put(catalog, &["old"])) else {
        return;
    };
    scene.every_fault(good_objects_stay);
}

#[test]
fn failed_or_killed_put_of_the_same_changes_nothing() {
    let Some(scene) = Scene::new("put", |_, catalog| put(catalog, &["old", "new"])) else {
        return;
    };
    scene.every_fault(|root, what| {
        // What cannot be opened for want of descriptors may well be good.
        if what.starts_with("EMFILE") {
            good_objects_stay(root, what);
        }
    });
}

#[test]
fn failed_or_killed_put_of_many_leaves_each_as_before_or_after() {
    let prepare = |_: &Path, catalog: &Catalog| put(catalog, &["old"]);
    let Some(scene) = Scene::new("put all", prepare) else {
        return;
    };
    scene.every_fault(good_objects_stay);
}

#[test]
fn failed_or_killed_retire_leaves_the_ref_or_none() {
    let Some(scene) = Scene::new("retire", |_, catalog| put(catalog, &["old"])) else {
        return;
    };
    scene.every_fault(good_objects_stay);
}

#[test]
fn failed_or_killed_rollback_leaves_the_old_or_the_new() {
    let prepare = |_: &Path, catalog: &Catalog| put(catalog, &["old", "new"]);
    let Some(scene) = Scene::new("rollback", prepare) else {
        return;
    };
    scene.every_fault(|_, _| {});
}

/// Makes the file that is recorded.
fn make_server(root: &Path) {
    fs::write(root.with_file_name("server"), "ELF").expect("there is room");
}

#[test]
fn failed_or_killed_record_leaves_the_old_or_the_new_with_its_manifest() {
    let prepare = |root: &Path, catalog: &Catalog| {
        make_server(root);
        put(catalog, &["old"]);
    };
    let Some(scene) = Scene::new("record", prepare) else {
        return;
    };
    let manifests = |state: &State| {
        let (_, lines) = &state["e0/1"];
        lines.iter().filter(|line| line.contains("files")).count()
    };
    assert_eq!((manifests(&scene.before), manifests(&scene.after)), (0, 1));
    scene.every_fault(good_objects_stay);
}

#[test]
fn failed_or_killed_record_never_destroys_a_damaged_manifest() {
    let prepare = |root: &Path, catalog: &Catalog| {
        make_server(root);
        let subject = record(catalog, root)
            .expect("it can be recorded")
            .put
            .object;
        let attached = catalog.attachments(&subject).expect("they are readable");
        let manifest = object_file(root, attached[0]);
        fs::remove_file(&manifest).expect("it is there");
        fs::write(&manifest, DAMAGED).expect("there is room");
    };
    let Some(scene) = Scene::new("record", prepare) else {
        return;
    };
    assert_ne!(scene.before, scene.after);
    scene.every_fault(damaged_file_is_kept);
}

#[test]
fn failed_or_killed_attaching_leaves_the_document_or_none() {
    let Some(scene) = Scene::new("attach", |_, catalog| put(catalog, &["old"])) else {
        return;
    };
    assert_ne!(scene.before, scene.after);
    scene.every_fault(|root, what| {
        // What cannot be opened for want of descriptors may well be good.
        if what.starts_with("EMFILE") {
            good_objects_stay(root, what);
        }
    });
}

#[test]
fn failed_or_killed_taking_off_leaves_the_document_or_none() {
    let prepare = |_: &Path, catalog: &Catalog| {
        put(catalog, &["old"]);
        catalog.attach(&note()).expect("it can be attached");
    };
    let Some(scene) = Scene::new("detach", prepare) else {
        return;
    };
    assert_ne!(scene.before, scene.after);
    scene.every_fault(good_objects_stay);
}

#[test]
fn failed_or_killed_snapshot_leaves_the_name_of_all_of_it_or_none() {
    let Some(scene) = Scene::new("snapshot", |_, catalog| put(catalog, &["old"])) else {
        return;
    };
    assert_ne!(scene.before, scene.after);
    scene.every_fault(good_objects_stay);
}

#[test]
fn failed_or_killed_snapshot_of_the_same_changes_nothing() {
    let prepare = |_: &Path, catalog: &Catalog| {
        put(catalog, &["old"]);
        snapshot(catalog).expect("it can be made");
    };
    let Some(scene) = Scene::new("snapshot", prepare) else {
        return;
    };
    assert_eq!(scene.before, scene.after);
    scene.every_fault(|_, _| {});
}

#[test]
fn failed_or_killed_removal_of_a_name_leaves_it_or_none() {
    let prepare = |_: &Path, catalog: &Catalog| {
        put(catalog, &["old"]);
        snapshot(catalog).expect("it can be made");
    };
    let Some(scene) = Scene::new("remove snapshot", prepare) else {
        return;
    };
    assert_ne!(scene.before, scene.after);
    scene.every_fault(good_objects_stay);
}

#[test]
fn failed_or_killed_put_changes_no_history_under_another_name() {
    let prepare = |root: &Path, catalog: &Catalog| {
        put(catalog, &["old"]);
        fs::create_dir(root.join("cache")).expect("there is room");
        let history = root.join("history/e0/1");
        fs::hard_link(history, root.join("cache/other")).expect("there is room");
    };
    let Some(scene) = Scene::new("put", prepare) else {
        return;
    };
    scene.every_fault(|root, what| {
        let other = fs::read_to_string(root.join("cache/other")).expect("it is there");
        assert_eq!(other.lines().count(), 1, "{what}");
    });
}

#[test]
fn failed_or_killed_healing_never_destroys_what_is_damaged() {
    let prepare = |root: &Path, catalog: &Catalog| {
        put(catalog, &["new", "old"]);
        let object = object_file(root, object_of(&entry("e0", "new")));
        fs::remove_file(&object).expect("it is there");
        fs::write(&object, DAMAGED).expect("there is room");
    };
    let Some(scene) = Scene::new("put", prepare) else {
        return;
    };
    scene.every_fault(damaged_file_is_kept);
}

fn damaged_file_is_kept(root: &Path, what: &str) {
    let is_kept = WalkDir::new(root).into_iter().flatten().any(|file| {
        file.file_type().is_file() && fs::read(file.path()).is_ok_and(|it| it == DAMAGED)
    });
    assert!(is_kept, "what was damaged is gone: {what}");
}
