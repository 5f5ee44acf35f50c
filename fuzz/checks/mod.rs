//! What must hold for any input: the one copy of each check, run on generated inputs by the targets
//! in `fuzz_targets/`, and on the committed seeds by `tests/fuzz_seeds.rs` in plain `cargo test`.
//!
//! A check panics where something does not hold, and otherwise says nothing.

mod damage;
mod decode;
#[cfg(feature = "json")]
mod document;
#[cfg(feature = "json")]
mod index_json;
mod input;
pub mod model;
mod names;
#[cfg(feature = "signatures")]
mod policy;
#[cfg(feature = "json")]
mod put_json;
#[path = "../../tests/independent_reader/reader/mod.rs"]
#[allow(dead_code, unused_imports, reason = "its own tests use the rest of it")]
mod reader;
#[cfg(feature = "retention")]
mod retention;
mod scratch;
#[cfg(feature = "signatures")]
mod signatures;

use std::error::Error;

pub use damage::{lines, open};
pub use decode::decode;
#[cfg(feature = "json")]
pub use document::document;
#[cfg(feature = "json")]
pub use index_json::index_json;
pub use model::operations;
pub use names::names;
#[cfg(feature = "signatures")]
pub use policy::policy;
#[cfg(feature = "json")]
pub use put_json::put_json;
#[cfg(feature = "retention")]
pub use retention::retention;
#[cfg(feature = "signatures")]
pub use signatures::{allowed_signers, signature};

/// A check of one input.
pub type Check = fn(&[u8]);

/// Every fuzz target by name.
pub const TARGETS: &[(&str, Check)] = &[
    #[cfg(feature = "signatures")]
    ("allowed_signers", allowed_signers),
    ("decode", decode),
    #[cfg(feature = "json")]
    ("document", document),
    #[cfg(feature = "json")]
    ("index_json", index_json),
    ("lines", lines),
    ("names", names),
    ("open", open),
    ("operations", operations),
    #[cfg(feature = "signatures")]
    ("policy", policy),
    #[cfg(feature = "json")]
    ("put_json", put_json),
    #[cfg(feature = "retention")]
    ("retention", retention),
    #[cfg(feature = "signatures")]
    ("signature", signature),
];

/// Writes the message of a refusal, which must be possible for whatever was refused.
fn readable(error: impl Error) {
    assert!(!error.to_string().is_empty());
}
