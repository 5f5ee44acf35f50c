//! What must hold for any input: the one copy of each check, run on generated inputs by the targets
//! in `fuzz_targets/`, and on the committed seeds by `tests/fuzz_seeds.rs` in plain `cargo test`.
//!
//! A check panics where something does not hold, and otherwise says nothing.

mod decode;
mod input;
pub mod model;
mod names;
mod scratch;

use std::error::Error;

pub use decode::decode;
pub use model::operations;
pub use names::names;

/// A check of one input.
pub type Check = fn(&[u8]);

/// Every fuzz target by name.
pub const TARGETS: [(&str, Check); 3] = [
    ("decode", decode),
    ("names", names),
    ("operations", operations),
];

/// Writes the message of a refusal, which must be possible for whatever was refused.
fn readable(error: impl Error) {
    assert!(!error.to_string().is_empty());
}
