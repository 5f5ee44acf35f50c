//! Collecting garbage (layout.md section 7.9): what nothing keeps goes, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod artifacts;
mod kept;
mod meanwhile;
mod plans;
mod racing;
mod retained;
mod shortened;
mod staged;
#[path = "../support/mod.rs"]
mod support;
mod swept;
mod traces;
mod unrestored;

use engine_catalog::{GcOptions, GcPlan, Keep, ObjectId, Retention, RetentionRule};

use crate::support::{Home, child, stamp};

/// A time after all that tests do: milliseconds since the Unix epoch.
const LATER_MS: i64 = 4_000_000_000_000;

/// What a helper process does; nothing when it runs as a test.
#[test]
fn child() {
    match child::role() {
        Some((role, root)) if role == "leave behind" => staged::leave_behind(&root),
        Some((role, root)) if role.contains(' ') => racing::play(&role, &root),
        Some((role, root)) => artifacts::act(&role, &root),
        None => {}
    }
}

/// Collects what is older than nothing.
fn options() -> GcOptions {
    with_grace(0)
}

fn with_grace(grace_ms: i64) -> GcOptions {
    let keep = Keep {
        grace_ms,
        ..Keep::new(LATER_MS)
    };
    GcOptions {
        keep,
        ..GcOptions::new(LATER_MS)
    }
}

/// As [`options`], with a rule for all engines.
fn by_rule(rule: RetentionRule) -> GcOptions {
    let mut options = options();
    options.keep.retention = Retention { rules: vec![rule] };
    options
}

fn any_engine() -> RetentionRule {
    RetentionRule::new("*".into())
}

/// Collects, and returns what went, which is what was to go.
fn collect(home: &Home, options: &GcOptions) -> GcPlan {
    let planned = home.catalog.plan_gc(options).unwrap();
    let now = stamp(options.keep.now_ms);
    let collected = home.catalog.collect_garbage(options, &now).unwrap();
    assert!(collected.undone.is_empty());
    let collected = collected.plan;
    assert_eq!(planned, collected);
    assert_eq!(planned.id(), collected.id());
    let again = home.catalog.plan_gc(options).unwrap();
    assert!(again.is_empty(), "{again:?}");
    collected
}

fn objects(plan: &GcPlan) -> Vec<ObjectId> {
    plan.objects.iter().map(|it| it.id).collect()
}
