//! Collecting garbage (layout.md section 7.9): what nothing keeps goes, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod kept;
#[path = "../support/mod.rs"]
mod support;
mod swept;

use engine_catalog::{GcOptions, GcPlan, ObjectId};

use crate::support::Home;

/// A time after all that tests do: milliseconds since the Unix epoch.
const LATER_MS: i64 = 4_000_000_000_000;

/// Collects what is older than nothing.
fn options() -> GcOptions {
    GcOptions {
        grace_ms: 0,
        ..GcOptions::new(LATER_MS)
    }
}

/// Collects, and returns what went, which is what was to go.
fn collect(home: &Home, options: &GcOptions) -> GcPlan {
    let planned = home.catalog.plan_gc(options).unwrap();
    let collected = home.catalog.collect_garbage(options).unwrap().plan;
    let ids = |plan: &GcPlan| {
        let all = plan.objects.iter().chain(&plan.blobs);
        all.map(|it| it.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&planned), ids(&collected));
    assert_eq!(planned.links, collected.links);
    let again = home.catalog.plan_gc(options).unwrap();
    assert!(again.objects.is_empty() && again.blobs.is_empty());
    assert_eq!(again.links, 0);
    collected
}

fn objects(plan: &GcPlan) -> Vec<ObjectId> {
    plan.objects.iter().map(|it| it.id).collect()
}
