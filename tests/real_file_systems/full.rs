//! Disks without room: every call fails with a typed error, whatever step of it is the first that
//! finds none. The old state is intact and nothing partial is left; once there is room, the same call
//! succeeds.
//!
//! All room is taken, and given back bit by bit, until there is enough: one attempt for each bit.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use engine_catalog::{Catalog, Error, Filter, Scrub, VerifyScope};

use crate::calls::{Call, Leaves, all, calls, snapshot};
use crate::support::ballast::Ballast;
use crate::support::mount::{Kind, Mounted};
use crate::support::observe::{State, assert_clean, cause, leftovers, state_of};
use crate::support::sample::name;
use crate::{catalog, state};

/// Takes all room, less `bits` that are given back one by one.
pub(crate) fn take_all(file_system: &Mounted, kind: Kind) -> Ballast {
    match kind {
        Kind::Ext4 | Kind::Ext4Casefold | Kind::Ext4WholeSeconds | Kind::Xfs | Kind::Vfat => {
            Ballast::of_blocks(file_system, 250, 4 << 10)
        }
        // It reserves much more than it needs.
        Kind::Btrfs => Ballast::of_blocks(file_system, 200, 128 << 10),
        Kind::Ext4FewInodes => Ballast::of_inodes(file_system),
    }
}

/// Which steps failed for want of room, and how often.
pub(crate) type Steps = BTreeMap<String, u32>;

/// Repeats a call until there is room, and returns which steps failed. `before` is what a reader saw
/// before it was prepared.
pub(crate) fn repeat(
    call: &Call,
    catalog: &Catalog,
    before: &State,
    assert_clean: impl Fn(&Path),
    mut release: impl FnMut(),
) -> Steps {
    let mut steps = Steps::new();
    let names: Vec<_> = (0..10).map(|n| name(&format!("e{n}"))).collect();
    while let Err(why) = (call.act)(catalog) {
        let what = format!("{}: {why}", call.what);
        assert!(why.is_full(), "{what}");
        match call.leaves {
            Leaves::Nothing => assert_eq!(state(catalog), *before, "{what}"),
            Leaves::SomeRefs(all) => assert!(changed(catalog, before) <= all, "{what}"),
            Leaves::SomeDamage => {
                let mut now = state_of(catalog, &names);
                now.retain(|name, _| before.contains_key(name));
                let sound = |(name, seen): (_, &_)| before[name] == *seen;
                assert!(now.len() == 9 && now.iter().all(sound), "{what}");
            }
        }
        match call.leaves {
            Leaves::SomeDamage => assert!(leftovers(catalog.root()).is_empty(), "{what}"),
            _ => assert_clean(catalog.root()),
        }
        *steps.entry(why.step(catalog.root())).or_default() += 1;
        release();
    }
    steps
}

/// Returns how many refs have a change more than before. No line of a history is lost.
fn changed(catalog: &Catalog, before: &State) -> usize {
    let now = state(catalog);
    let is_changed = |(name, (_, lines)): &(&String, &(_, Vec<String>))| {
        let old = before.get(*name).map_or(&[][..], |(_, lines)| lines);
        assert!(lines.starts_with(old), "{name}: a line is lost");
        lines.len() > old.len()
    };
    now.iter().filter(is_changed).count()
}

/// What works without any room: reading, verifying, and giving names of snapshots back.
fn assert_usable_without_room(catalog: &Catalog, before: &State) {
    assert_eq!(state(catalog), *before);
    let report = catalog.verify(&VerifyScope::Everything, &|_| {});
    let report = report.expect("it takes no room");
    assert!(report.is_clean(), "{:?}", report.findings);
    let scrub = Scrub {
        budget: None,
        max_age: None,
        clock: &|| 1,
    };
    let report = catalog.verify(&VerifyScope::Scrub(scrub), &|_| {});
    let report = report.expect("also where it cannot be remembered");
    assert!(report.is_clean(), "{:?}", report.findings);
    let is_full = |error: &Error| cause(error).is_full();
    assert!(report.forgotten.as_ref().is_none_or(is_full));
    let listed = catalog.snapshot_of(&all()).expect("it takes no room");
    assert_eq!(
        listed.objects.len(),
        catalog.list(&Filter::default()).expect("it can be").count()
    );
    let removed = catalog.remove_snapshot(&snapshot("given back"));
    assert!(removed.expect("it takes no room").is_some());
    assert_clean(catalog.root());
}

/// Lets each call fail for want of room, with one bit more each time until there is enough.
fn fail_for_want_of_room(kind: Kind) {
    let Some(file_system) = Mounted::new(kind) else {
        return;
    };
    let scratch = tempfile::tempdir().expect("there is room");
    let root = file_system.path().join("root");
    let catalog = catalog(&root);
    let named = catalog.create_snapshot(&all(), Some(&snapshot("given back")));
    named.expect("there is room");
    for (at, call) in calls(scratch.path()).iter().enumerate() {
        let old = state(&catalog);
        (call.prepare)(&catalog);
        let before = match call.leaves {
            Leaves::SomeDamage => old,
            _ => state(&catalog),
        };
        let mut ballast = take_all(&file_system, kind);
        if at == 0 {
            assert_usable_without_room(&catalog, &before);
        }
        let steps = repeat(call, &catalog, &before, assert_clean, || {
            ballast.release(&file_system);
        });
        let failures: u32 = steps.values().sum();
        println!("{kind:?}, {}: {failures} failures: {steps:?}", call.what);
        if let Some(needs_room) = needs_room(kind, call.what) {
            assert_eq!(failures > 0, needs_room, "{kind:?}, {}", call.what);
        }
        ballast.remove(&file_system);
        let is_outside = ["capture", "create", "materialize"].contains(&call.what);
        let is_gc = call.what.starts_with("gc");
        if call.leaves != Leaves::SomeDamage && !is_outside && !is_gc {
            assert_ne!(state(&catalog), before, "{kind:?}, {}", call.what);
        }
        assert_clean(&root);
        let _ = fs::remove_dir_all(root.with_file_name("bundles"));
        let _ = fs::remove_dir_all(root.with_file_name("other"));
    }
}

/// Whether a call has to fail without room; `None` where that is up to the file system.
fn needs_room(kind: Kind, what: &str) -> Option<bool> {
    match (kind, what) {
        // What frees room must not need any, but for a line that does not fit into the last block.
        (_, "retire" | "gc of leftovers" | "gc") => Some(false),
        (Kind::Ext4, "retire at the end of a block" | "prune") => Some(true),
        (_, "retire at the end of a block" | "prune") => None,
        // What it keeps for itself may do.
        (Kind::Btrfs, "capture" | "create" | "import" | "materialize" | "repair" | "rollback") => {
            None
        }
        _ => Some(true),
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
