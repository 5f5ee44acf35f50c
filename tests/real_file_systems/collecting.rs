//! Collecting garbage among the calls that write: it is to work without any room, but for the retiring of refs.

use std::cell::Cell;
use std::fs;

use engine_catalog::{Catalog, GcOptions, GcPlan, Op, Severity, VerifyScope};

use crate::calls::{Call, Why, fill_block};
use crate::support::garbage::{attach_manifest, options, pruning, removed, strew};
use crate::support::sample::{entry, name};
use crate::support::stamp;

pub(crate) fn calls() -> Vec<Call> {
    let has_failed = Cell::new(false);
    vec![
        Call::new("gc of leftovers", gc).after(leave),
        Call::new("gc", gc).after(|it| {
            leave(it);
            litter(it);
        }),
        Call::new("prune", move |it| {
            // Where there was no room for that, there is some after.
            if has_failed.replace(false) {
                collect(it, &options())?;
            }
            has_failed.set(true);
            prune(it)
        })
        .after(|it| {
            litter(it);
            fill_block(it, "pruned");
        }),
    ]
}

/// Leaves what nobody finishes, and a history that tells the same again and again; and nothing else that goes.
fn leave(catalog: &Catalog) {
    let collected = catalog.collect_garbage(&options(), &stamp(1));
    collected.expect("nothing hides anything");
    let left = catalog.root().join("tmp/left");
    fs::create_dir(&left).expect("there is room");
    fs::write(left.join("file"), "by a transfer").expect("there is room");
    let left = catalog.root().join("tmp/new-left");
    fs::write(left, "by a writer").expect("there is room");
    for build in ["one", "other", "one", "other", "one"] {
        let put = catalog.put(&entry("long", build), &stamp(1));
        put.expect("there is room");
    }
}

/// Leaves what nothing keeps, a large blob too.
fn litter(catalog: &Catalog) {
    let [subject, ..] = strew(catalog, engine_catalog::ObjectId::of(b"any"));
    attach_manifest(catalog, subject, &[1; 200 << 10]);
}

fn gc(catalog: &Catalog) -> Result<(), Why> {
    let options = GcOptions {
        history_bytes: 400,
        ..options()
    };
    let plan = collect(catalog, &options)?;
    assert!(plan.leftovers.len() == 2, "{plan:?}");
    Ok(())
}

fn prune(catalog: &Catalog) -> Result<(), Why> {
    let plan = collect(catalog, &pruning("pruned", "long"))?;
    assert_eq!(plan.retired().count(), 1);
    let changes = catalog.history(&name("pruned")).expect("it can be read");
    assert_eq!(changes.last().map(|change| change.op), Some(Op::Prune));
    Ok(())
}

/// Collects, and requires that all is done but what is said, and that this is for want of room.
fn collect(catalog: &Catalog, options: &GcOptions) -> Result<GcPlan, Why> {
    let collected = catalog.collect_garbage(options, &stamp(1))?;
    let is_full = |error| Why::Error(error).is_full();
    let is_done = collected.undone.is_empty();
    assert!(collected.undone.into_iter().all(is_full));
    let again = catalog.plan_gc(options).expect("it can be read");
    assert_eq!(again.retired().count(), 0);
    assert!(again.objects.is_empty() && again.blobs.is_empty() && again.links.is_empty());
    assert!(again.leftovers.is_empty() && (!is_done || again.histories.is_empty()));
    let plan = collected.plan;
    let told = removed(catalog.root());
    let is_told = |it: &engine_catalog::Garbage| told.contains(&format!("object {}", it.id));
    assert!(!is_done || plan.objects.iter().all(is_told));
    let report = catalog.verify(&VerifyScope::Everything, &|_| {});
    let findings = report.expect("it can be read").findings;
    let is_error = |it: &engine_catalog::Finding| it.slug.severity() == Severity::Error;
    assert!(!findings.iter().any(is_error), "{findings:?}");
    if !is_done {
        println!("some is left for want of room");
    }
    Ok(plan)
}
