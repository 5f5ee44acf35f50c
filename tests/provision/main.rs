//! The provisioner of `examples/provision/`, as a process, on real engines and a real CMake project.
//!
//! `.ci/fetch-engines` brings both: an npm package with llama.cpp, and the source of libdeflate, a
//! program and its shared library, which is built in a few seconds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod bench;
mod container;
mod failures;
mod flags;
mod git;
mod handoff;
mod package;
mod request;
mod source;
mod versions;

#[path = "../support/example.rs"]
mod example;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/skip.rs"]
mod skip;
