//! Writes that are not allowed: without permission, and where something else is mounted.
//!
//! They fail with a typed error, and the old state is intact. Mounting needs root.

use std::path::Path;
use std::{fs, io};

use engine_catalog::{Catalog, Cause, EngineEntry, Error};
use support::mount::Mounted;
use support::nobody::{self, set_mode};
use support::observe::{assert_clean, cause, is_kind, state};
use support::sample::{entry, name};
use support::{child, garbage, object_file, object_of, stamp};

mod support;

/// Makes a catalog with a ref.
fn catalog(root: &Path) -> Catalog {
    let catalog = Catalog::create(root).expect("it can be made");
    let put = catalog.put(&entry("e0", "old"), &stamp(1));
    put.expect("it can be put");
    catalog
}

/// What a helper process without privileges does; nothing when it runs as a test.
#[test]
fn child() {
    if let Some((role, scratch)) = child::role() {
        act(&role, &scratch);
    }
}

fn act(role: &str, scratch: &Path) {
    match role {
        "lose permission" => lose_permission(scratch),
        "create" => create_where_nothing_can_be_listed(scratch),
        "create again" => create_where_a_catalog_cannot_be_synced(scratch),
        _ => unreachable!("there is no such role"),
    }
}

/// A new name cannot be synced in a directory that cannot be opened for reading.
#[test]
fn catalog_whose_name_cannot_be_synced_is_not_acknowledged() {
    nobody::play("create", act);
}

fn create_where_nothing_can_be_listed(scratch: &Path) {
    let dir = scratch.join("dir");
    fs::create_dir(&dir).expect("there is room");
    set_mode(&dir, 0o300);
    let error = Catalog::create(dir.join("root")).expect_err("it cannot be synced");
    assert!(is_kind(&error, io::ErrorKind::PermissionDenied), "{error}");
    assert_eq!(cause(&error).action, "sync");
    set_mode(&dir, 0o700);
    Catalog::create(dir.join("root")).expect("it can be synced now");
}

/// Whoever may not open the marker has not made it, and need not make it survive.
#[test]
fn catalog_that_cannot_be_synced_is_still_one() {
    nobody::play("create again", act);
}

fn create_where_a_catalog_cannot_be_synced(scratch: &Path) {
    let root = scratch.join("root");
    drop(catalog(&root));
    set_mode(&root.join("format"), 0);
    let error = Catalog::create(&root).expect_err("there is one");
    assert!(matches!(error, Error::AlreadyACatalog { .. }), "{error}");
}

#[test]
fn lost_permission_fails_writes_and_leaves_reading() {
    nobody::play("lose permission", act);
}

/// Takes the right to write from one part after the other.
fn lose_permission(scratch: &Path) {
    let root = scratch.join("root");
    let catalog = catalog(&root);
    let shard_of = |entry: &EngineEntry| shard(&root, entry);
    let shard = shard_of(&entry("e0", "old"));
    let same_shard = entry_with("e0", |it| shard_of(it) == shard);
    let new_shard = entry_with("e0", |it| !root.join(shard_of(it)).exists());
    for (part, wanted) in [
        ("lock", &entry("e0", "1")),
        ("tmp", &entry("e0", "2")),
        ("refs/e0", &entry("e0", "3")),
        ("history/e0/1", &entry("e0", "4")),
        ("refs", &entry("new", "1")),
        ("history", &entry("newer", "1")),
        ("objects", &new_shard),
        (&shard, &same_shard),
    ] {
        let before = state(&catalog);
        let path = root.join(part);
        let allow = |write: u32| {
            let mode = if path.is_dir() { 0o555 } else { 0o444 };
            set_mode(&path, mode | write);
        };
        allow(0);
        let error = catalog.put(wanted, &stamp(1));
        let error = error.expect_err("it must not be written");
        let is_denied = is_kind(&error, io::ErrorKind::PermissionDenied);
        assert!(is_denied, "{part}: {error}");
        assert_eq!(state(&catalog), before, "{part}");
        assert_clean(&root);
        allow(0o200);
        let again = catalog.put(wanted, &stamp(1));
        assert!(again.is_ok(), "{part}: {again:?}");
    }
}

/// Returns the directory of the object of an entry, relative to the root.
fn shard(root: &Path, entry: &EngineEntry) -> String {
    let file = object_file(root, object_of(entry));
    let shard = file.parent().and_then(|dir| dir.strip_prefix(root).ok());
    shard.expect("it is below the root").display().to_string()
}

/// Returns an entry whose object is as wanted.
fn entry_with(engine: &str, is_wanted: impl Fn(&EngineEntry) -> bool) -> EngineEntry {
    let mut entries = (0..).map(|n| entry(engine, &format!("build {n}")));
    entries.find(is_wanted).expect("there are enough")
}

#[test]
fn what_is_mounted_below_the_root_is_not_entered() {
    let scratch = tempfile::tempdir().expect("there is room");
    let root = scratch.path().join("root");
    let catalog = catalog(&root);
    let before = state(&catalog);
    let shard_of = |entry: &EngineEntry| shard(&root, entry);
    let shard = shard_of(&entry("e0", "old"));
    let wanted = entry_with("e0", |it| shard_of(it) == shard);
    let stored = catalog.store(&[entry("stored", "x")]);
    let stored = stored.expect("there is room")[0];
    let parts = [
        "tmp",
        "refs",
        "refs/e0",
        "history",
        "history/e0",
        "objects",
        &shard,
    ];
    for part in parts {
        let Some(mounted) = Mounted::over(&root.join(part)) else {
            return;
        };
        let error = catalog.put(&wanted, &stamp(1));
        let error = error.expect_err("it must not be entered");
        let is_elsewhere = matches!(cause(&error).cause, Cause::OtherFileSystem);
        assert!(is_elsewhere, "{part}: {error}");
        let collected = catalog.collect_garbage(&garbage::options(), &stamp(1));
        collected.expect_err("it cannot be told what is kept");
        // What lies below the mount is not taken for absent.
        let hides = |top| part.starts_with(top);
        let current = catalog.current(&name("e0"));
        assert_eq!(
            current.is_err(),
            hides("refs") || hides("objects"),
            "{part}"
        );
        let history = catalog.history(&name("e0"));
        assert_eq!(
            history.is_err(),
            hides("refs") || hides("history"),
            "{part}"
        );
        let written = fs::read_dir(mounted.path()).expect("root may").count();
        assert_eq!(written, 0, "{part}");
        drop(mounted);
        assert_eq!(state(&catalog), before, "{part}");
        let is_there = catalog.has_object(&stored).expect("it can be read");
        assert!(is_there, "{part}");
        assert_clean(&root);
    }
}
