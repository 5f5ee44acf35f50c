//! How much of what takes long is tried: for whoever waits for all tests some of it, another part each time;
//! with `CI=true` all.

#![allow(dead_code, reason = "each test file uses its part")]

use std::hash::{BuildHasher, RandomState};

use super::skip;

/// Returns one of so many of the items, or with `CI=true` all of them.
pub(crate) fn some<T>(
    items: impl IntoIterator<Item = T>,
    one_of: usize,
) -> impl Iterator<Item = T> {
    let one_of = if skip::is_ci() { 1 } else { one_of };
    let random = RandomState::new().hash_one(()) as usize;
    items.into_iter().skip(random % one_of).step_by(one_of)
}
