//! Garbage collection: what is kept stays, whatever fails, and nothing goes unless all of that could be read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::{
    Attachment, Catalog, Error, Finding, GcOptions, Members, Severity, VerifyScope,
};
use walkdir::WalkDir;

use super::scene::{Scene, is_change};
use super::{note, put, snapshot_name, stamp};
use crate::support::garbage::{attach_manifest, removed, strew};
use crate::support::sample::entry;
use crate::support::strace::Call;
use crate::support::{object_of, patience};

/// Collects garbage. What there was no room for is an error too.
pub(crate) fn collect(catalog: &Catalog, options: &GcOptions) -> Result<(), Error> {
    let collected = catalog.collect_garbage(options, &stamp(1))?;
    collected.undone.into_iter().next().map_or(Ok(()), Err)
}

/// The errors with which a call is made to fail.
fn faults(call: &Call) -> &'static [&'static str] {
    match call.name.as_str() {
        "openat2" => &["EIO", "EMFILE", "ENOSPC"],
        "write" | "mkdirat" | "renameat" | "renameat2" | "unlinkat" | "fsync" | "syncfs" => {
            &["EIO", "ENOSPC"]
        }
        _ => &["EIO"],
    }
}

/// The files of objects, blobs and links.
fn stored(root: &Path) -> BTreeSet<PathBuf> {
    let tops = ["attachments", "blobs", "objects"].map(|top| root.join(top));
    let found = tops.iter().flat_map(WalkDir::new).filter_map(Result::ok);
    let files = found.filter(|file| file.file_type().is_file());
    files.map(walkdir::DirEntry::into_path).collect()
}

/// What a file is called in `removed`; a link is not.
fn told(root: &Path, file: &Path) -> Option<String> {
    let below = file.strip_prefix(root).expect("it is below");
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    let kind = match &*parts[0] {
        "attachments" => return None,
        top => top.trim_end_matches('s'),
    };
    Some(format!("{kind} {}{}", parts[1], parts[2]))
}

/// Of so many calls one is tried, unless there is time: most of them only look.
const ONE_OF: usize = 12;

/// Makes every call of a collection fail in every way, and kills the process before each that changes something.
fn every_fault(scene: &Scene) {
    let root = scene.copy();
    let before = stored(&root);
    let acted = super::act(&Catalog::open(&root).expect("there is one"), scene.role);
    acted.expect("nothing hides anything");
    let after = stored(&root);
    assert!(before.is_superset(&after) && before != after);
    let planned = scene.calls.iter().position(|call| call.name == "syncfs");
    let planned = planned.expect("what was found is made to survive");
    let check = |root: &Path, is_planning: bool, what: &str| {
        let now = stored(root);
        assert!(now.is_superset(&after), "what is kept is gone: {what}");
        assert!(before.is_superset(&now), "{what}");
        // While it looks, it can only find out less, or go on.
        let is_whole = now == before || now == after;
        assert!(!is_planning || is_whole, "{what}");
        let gone = before.difference(&now).filter_map(|file| told(root, file));
        let noted = removed(root);
        for gone in gone {
            assert!(noted.contains(&gone), "{gone} is not told of: {what}");
        }
        let catalog = Catalog::open_read_only(root).expect("there is a catalog");
        let report = catalog.verify(&VerifyScope::Everything, &|_| {});
        let findings = report.expect("it can be read").findings;
        let is_error = |it: &&Finding| it.slug.severity() == Severity::Error;
        let faults: Vec<_> = findings.iter().filter(is_error).collect();
        assert!(faults.is_empty(), "{faults:?}: {what}");
    };
    // The standard library asks whether a descriptor is open, and for no answer.
    let is_tried = |(_, call): &(usize, &Call)| !call.args.iter().any(|it| it == "F_GETFD");
    let calls: Vec<_> = scene.calls.iter().enumerate().filter(is_tried).collect();
    println!("{} calls", calls.len());
    for (at, call) in patience::some(calls, ONE_OF) {
        let check = |root: &Path, what: &str| check(root, at < planned, what);
        for fault in faults(call) {
            scene.fail(call, fault, check);
        }
        if is_change(call) {
            scene.kill(call, check);
        }
    }
}

/// Stores what only a manifest keeps that is kept, and what only a named snapshot does.
fn keep(catalog: &Catalog) {
    let current = object_of(&entry("e0", "old"));
    attach_manifest(catalog, current, b"ELF that stays");
    let stored = catalog.store(&[entry("member", "stored")]);
    let members = Members::Objects(stored.expect("there is room").into_iter().collect());
    let named = catalog.create_snapshot(&members, Some(&snapshot_name()));
    named.expect("it can be made");
}

/// Stores a snapshot that has no name, and stays for a signature and a member that is current.
fn vouch(catalog: &Catalog) {
    let members = Members::Objects([object_of(&entry("e0", "old"))].into());
    let snapshot = catalog.create_snapshot(&members, None);
    let signature = Attachment {
        subject: snapshot.expect("it can be made"),
        media_type: "application/vnd.openssh.sshsig".parse().expect("it is one"),
        ..note()
    };
    catalog.attach(&signature).expect("it can be attached");
}

#[test]
fn failed_or_killed_collection_keeps_what_is_kept_and_the_next_completes_it() {
    let prepare = |_: &Path, catalog: &Catalog| {
        put(catalog, &["old"]);
        catalog.attach(&note()).expect("it can be attached");
        keep(catalog);
        vouch(catalog);
        strew(catalog, object_of(&entry("e0", "old")));
    };
    let Some(scene) = Scene::new("gc", prepare) else {
        return;
    };
    assert_eq!(scene.before, scene.after);
    every_fault(&scene);
}

#[test]
fn failed_or_killed_pruning_leaves_each_ref_as_before_or_after() {
    let prepare = |root: &Path, catalog: &Catalog| {
        put(catalog, &["old"]);
        for build in ["one", "other", "one", "other"] {
            let put = catalog.put(&entry("e1", build), &stamp(1));
            put.expect("it can be put");
        }
        let left = root.join("tmp/left");
        fs::create_dir(&left).expect("there is room");
        fs::write(left.join("file"), "by a transfer").expect("there is room");
        fs::write(root.join("tmp/new-left"), "by a writer").expect("there is room");
    };
    let Some(scene) = Scene::new("prune", prepare) else {
        return;
    };
    for changed in ["e0/1", "e1/1"] {
        assert_ne!(scene.before[changed], scene.after[changed]);
    }
    every_fault(&scene);
}
