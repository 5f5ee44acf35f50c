//! Who has to have signed what: keys are counted, of entries and of named snapshots that they are members of,
//! and refs move only to what enough of them have signed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counted;
mod imported;
#[path = "../support/keygen.rs"]
mod keygen;
mod keys;
#[path = "../support/program.rs"]
mod program;
mod program_requires;
#[path = "../support/mod.rs"]
mod support;
mod verified;
