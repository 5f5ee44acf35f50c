//! The program is killed, at any moment and by any signal, and what it acknowledged is there.
//!
//! `ENGINE_CATALOG_TEST_KILLS` says how often it is killed at random moments [57]; and with
//! `ENGINE_CATALOG_TEST_EVERY_CALL` it is at every system call, not at some of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod aftermath;
mod bench;
#[path = "../support/heeded.rs"]
mod heeded;
mod operation;
mod points;
#[path = "../support/program.rs"]
mod program;
mod random;
mod signals;
mod standstill;
#[path = "../support/mod.rs"]
mod support;
