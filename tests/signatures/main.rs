//! Signatures of objects: what `ssh-keygen` makes is good here, and what is made here is good there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agree;
#[path = "../support/keygen.rs"]
mod keygen;
#[path = "../support/mod.rs"]
mod support;
