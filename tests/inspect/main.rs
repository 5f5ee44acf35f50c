//! What is said about a catalog: what keeps an object, and whether the place that it lies in is as the
//! format assumes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod doctor;
mod doctor_shown;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;
mod why;
mod why_shown;
