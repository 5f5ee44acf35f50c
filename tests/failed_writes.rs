//! Writes that really fail: on disks without room, and on file systems that turn read-only.
//!
//! They fail with a typed error, the old state is intact and nothing partial is left; once the
//! reason is gone, the same call succeeds. All of this needs root and loop devices.

use std::path::Path;
use std::{fs, io};

use engine_catalog::{Artifacts, Catalog, Error, Expect, Filter, Members, Name, PreparedEngine};
use support::ballast::Ballast;
use support::mount::{Kind, Mounted};
use support::observe::{State, assert_clean, cause, is_kind, snapshot_state};
use support::sample::{entry, name};
use support::stamp;

mod support;

/// How many entries are put together.
const MANY: usize = 12;

/// A call that writes.
struct Call {
    what: &'static str,
    act: Box<Act>,
}

type Act = dyn Fn(&Catalog) -> Result<(), Error>;

/// Calls that write, to refs that are there and to new ones. What `record` records lies in `scratch`.
fn calls(scratch: &Path) -> [Call; 6] {
    let server = scratch.join("server");
    fs::write(&server, "ELF").expect("there is room");
    let engine = PreparedEngine::new("tgi", "1", Artifacts::Files(vec![server]), 1);
    let many: Vec<_> = (0..MANY).map(|n| entry(&format!("e{n}"), "new")).collect();
    let call = |what, act| Call { what, act };
    [
        call(
            "put",
            Box::new(|it| it.put(&entry("e0", "newer"), &stamp(1)).map(drop)),
        ),
        call(
            "put new",
            Box::new(|it| it.put(&entry("new", "new"), &stamp(1)).map(drop)),
        ),
        call(
            "record",
            Box::new(move |it| it.record(&engine, &stamp(1)).map(drop)),
        ),
        call(
            "snapshot",
            Box::new(|it| {
                let (all, name) = (Members::Current(Filter::default()), Name::new("s"));
                it.create_snapshot(&all, Some(&name.expect("it is a name")))
                    .map(drop)
            }),
        ),
        call(
            "put all",
            Box::new(move |it| it.put_all(&many, &stamp(1)).map(drop)),
        ),
        call(
            "retire",
            Box::new(|it| it.retire(&name("e1"), Expect::Any, &stamp(1)).map(drop)),
        ),
    ]
}

/// What a reader sees of all refs, and of the snapshot that is made.
fn state(catalog: &Catalog) -> State {
    let mut state = support::observe::state(catalog);
    state.extend(snapshot_state(catalog, "s"));
    state
}

/// Makes a catalog with ten refs.
fn catalog(root: &Path) -> Catalog {
    let catalog = Catalog::create(root).expect("it can be made");
    let entries: Vec<_> = (0..10).map(|n| entry(&format!("e{n}"), "old")).collect();
    catalog
        .put_all(&entries, &stamp(1))
        .expect("they can be put");
    catalog
}

/// Takes all room, and lets each call fail for want of it, with one bit more each time until there
/// is enough.
fn fail_for_want_of_room(kind: Kind) {
    let Some(file_system) = Mounted::new(kind) else {
        return;
    };
    let scratch = tempfile::tempdir().expect("there is room");
    let root = file_system.path().join("root");
    let catalog = catalog(&root);
    for Call { what, act } in calls(scratch.path()) {
        let mut ballast = match kind {
            Kind::Ext4 | Kind::Ext4Casefold | Kind::Xfs | Kind::Vfat => {
                Ballast::of_blocks(&file_system, 250, 4 << 10)
            }
            // It reserves much more than it needs.
            Kind::Btrfs => Ballast::of_blocks(&file_system, 200, 128 << 10),
            Kind::Ext4FewInodes => Ballast::of_inodes(&file_system),
        };
        let before = state(&catalog);
        let mut failures = 0;
        while let Err(error) = act(&catalog) {
            assert!(cause(&error).is_full(), "{kind:?}, {what}: {error}");
            let now = state(&catalog);
            if what == "put all" {
                let done = now.values().filter(|(_, lines)| lines.len() > 1);
                assert!(done.count() < MANY, "all were put, and it failed");
            } else {
                assert_eq!(now, before, "{kind:?}, {what}: {error}");
            }
            assert_clean(&root);
            failures += 1;
            ballast.release(&file_system);
        }
        // What frees room must not need any.
        let is_retire = what == "retire";
        assert_eq!(
            failures == 0,
            is_retire,
            "{kind:?}, {what}: {failures} failures"
        );
        assert_ne!(state(&catalog), before, "{kind:?}, {what}");
        assert_clean(&root);
        ballast.remove(&file_system);
    }
}

#[test]
fn full_ext4_fails_writes_cleanly_until_there_is_room() {
    fail_for_want_of_room(Kind::Ext4);
}

#[test]
fn full_xfs_fails_writes_cleanly_until_there_is_room() {
    fail_for_want_of_room(Kind::Xfs);
}

#[test]
fn full_btrfs_fails_writes_cleanly_until_there_is_room() {
    fail_for_want_of_room(Kind::Btrfs);
}

#[test]
fn ext4_without_free_inodes_fails_writes_cleanly_until_there_are_some() {
    fail_for_want_of_room(Kind::Ext4FewInodes);
}

#[test]
fn file_system_that_turned_read_only_is_read_and_not_written() {
    for kind in Kind::ALL {
        let Some(file_system) = Mounted::new(kind) else {
            return;
        };
        let scratch = tempfile::tempdir().expect("there is room");
        let root = file_system.path().join("root");
        let before = state(&catalog(&root));
        let opened = Catalog::open(&root).expect("there is a catalog");
        file_system.remount("ro");
        for catalog in [&opened, &Catalog::open(&root).expect("it can be read")] {
            for Call { what, act } in calls(scratch.path()) {
                let error = act(catalog).expect_err("it cannot be written");
                let is_read_only = is_kind(&error, io::ErrorKind::ReadOnlyFilesystem);
                assert!(is_read_only, "{kind:?}, {what}: {error}");
            }
            assert_eq!(state(catalog), before, "{kind:?}");
        }
        let elsewhere = file_system.path().join("elsewhere");
        let error = Catalog::create(elsewhere).expect_err("it cannot be written");
        assert!(
            is_kind(&error, io::ErrorKind::ReadOnlyFilesystem),
            "{error}"
        );
        file_system.remount("rw");
        for Call { what, act } in calls(scratch.path()) {
            assert!(act(&opened).is_ok(), "{kind:?}, {what}");
        }
        assert_clean(&root);
    }
}
