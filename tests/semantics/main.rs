//! What the calls of the library mean: what they store, return and refuse, as their documentation
//! promises.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod artifacts;
mod damaged_documents;
mod documents;
mod drift;
mod lookups;
mod manifests;
mod opening;
mod puts;
mod recording;
mod reports;
mod snapshots;
#[path = "../support/mod.rs"]
mod support;
mod undoing;
mod versions;

use engine_catalog::{Error, Expect, ObjectId, RefError};

/// Requires that a ref was not as expected.
fn assert_conflict<T: std::fmt::Debug>(
    result: Result<T, Error>,
    expected: Expect,
    found: Option<ObjectId>,
) {
    match result {
        Err(Error::Ref(RefError::Conflict {
            expected: e,
            found: f,
            ..
        })) => {
            assert_eq!((e, f), (expected, found));
        }
        other => panic!("{other:?}"),
    }
}
