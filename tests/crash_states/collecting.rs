//! Garbage collection, cut short: what is there before, and what each collection does.

use std::fs;
use std::path::Path;

use engine_catalog::{Catalog, GcOptions, Members, ObjectId};

use crate::scene::{Operation, attach, catalog, note, open, operation, put, retire, snapshot_name};
use crate::support::garbage::{build_beside, options, pruning, strew};
use crate::support::sample::entry;
use crate::support::{object_of, stamp};

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        operation("gc", strewn, gc),
        // So many that they are synced together.
        operation(
            "gc of fourteen",
            |root| {
                catalog(root, &["old"]);
                let entries: Vec<_> = (0..14).map(|n| entry("garbage", &n.to_string())).collect();
                open(root).store(&entries).expect("there is room");
            },
            gc,
        ),
        operation("prune", outdated, prune),
        // What others did and did not sync, a cut takes back: then nothing must be gone that it needs.
        Operation {
            killed: Some(put),
            ..operation("prune after a put", |root| catalog(root, &["old"]), prune)
        },
        Operation {
            killed: Some(retire),
            ..operation(
                "prune after a retire",
                |root| catalog(root, &["old"]),
                prune,
            )
        },
        Operation {
            killed: Some(remove_snapshot),
            ..operation("gc after the removal of a snapshot", named, gc)
        },
        Operation {
            killed: Some(detach),
            ..operation("gc after taking a document off", documented, gc)
        },
        Operation {
            killed: Some(gc),
            ..operation("gc after a gc", strewn, gc)
        },
        Operation {
            killed: Some(prune),
            ..operation("prune after a prune", outdated, prune)
        },
    ]
}

/// A catalog with garbage of every kind: all of it goes, and some directories with it.
fn strewn(root: &Path) {
    catalog(root, &["old"]);
    attach(root);
    strew(&open(root), object_of(&entry("e", "old")));
}

/// A catalog with a ref that goes, a ref whose earlier builds go, and a leftover. Nothing goes with the last of a
/// directory.
fn outdated(root: &Path) {
    catalog(root, &[]);
    let last = object_of(&entry("e", "last"));
    let catalog = open(root);
    // What `removed` tells already stays.
    strew(&catalog, last);
    collect(&catalog, &options());
    let earlier = build_beside("e", last);
    for (engine, build) in [
        ("d", &*build_beside("d", last)),
        ("e", &*earlier),
        ("e", "last"),
        ("e", &*earlier),
        ("e", "last"),
    ] {
        let put = catalog.put(&entry(engine, build), &stamp(1));
        put.expect("it can be put");
    }
    fs::write(root.join("tmp/left"), "by somebody").expect("there is room");
}

/// A catalog with a snapshot that alone keeps its member.
fn named(root: &Path) {
    catalog(root, &["old"]);
    let beside = build_beside("garbage", object_of(&entry("e", "old")));
    let stored = open(root).store(&[entry("garbage", &beside)]);
    let members = Members::Objects(stored.expect("there is room").into_iter().collect());
    let named = open(root).create_snapshot(&members, Some(&snapshot_name()));
    named.expect("it can be made");
}

fn remove_snapshot(root: &Path) {
    let removed = open(root).remove_snapshot(&snapshot_name());
    removed.expect("it can be removed");
}

fn documented(root: &Path) {
    catalog(root, &["old"]);
    attach(root);
}

fn detach(root: &Path) {
    let object = ObjectId::of(&note().encode().expect("it is small"));
    let taken_off = open(root).detach(&note().subject, &object);
    taken_off.expect("it can be taken off");
}

fn gc(root: &Path) {
    collect(&open(root), &options());
}

fn prune(root: &Path) {
    collect(&open(root), &pruning("d", "e"));
}

fn collect(catalog: &Catalog, options: &GcOptions) {
    let collected = catalog.collect_garbage(options, &stamp(1));
    let undone = collected.expect("nothing hides anything").undone;
    assert!(undone.is_empty(), "{undone:?}");
}
