//! A reader that stays finds out that refs have changed: by asking, which may never promise what does
//! not hold, and by waiting.
//!
//! `ENGINE_CATALOG_TEST_STEPS` says how many changes another process makes for a reader that asks after
//! each whether it has to read again (2,000 without it).

mod asking;
mod racing;
#[path = "../support/mod.rs"]
mod support;
mod unwatched;
mod waking;

use engine_catalog::{Catalog, Filter, ObjectId};
use support::child;

/// What a helper process does; nothing when it runs as a test.
#[test]
fn child() {
    match child::role() {
        Some((role, root)) if role == "writer" => racing::write(&root),
        Some((role, root)) => unwatched::act(&role, &root),
        None => {}
    }
}

/// The objects that are current, in the order of their names.
fn current(catalog: &Catalog) -> Vec<ObjectId> {
    let listed = catalog.list(&Filter::default()).expect("it can be listed");
    let records = listed.map(|record| record.expect("it can be read"));
    records.map(|record| record.object).collect()
}
