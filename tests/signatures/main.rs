//! Signatures of objects: what `ssh-keygen` makes is good here, and what is made here is good there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod against_stock;
mod agree;
mod crowd;
mod encodings;
mod lines;
mod program_shows;
mod security_keys;
mod stock_signs;
mod subject;
mod tampered;
mod wire;

#[path = "../support/keygen.rs"]
mod keygen;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

use engine_catalog::{AllowedSigners, CivilTime};

/// Signers, with times in UTC.
fn signers(text: &str) -> AllowedSigners {
    AllowedSigners::parse(text.as_bytes(), CivilTime::in_utc).unwrap()
}
