//! The programs around a catalog, as real processes at the same time: a provisioner that records, a pool
//! manager that reads its handoff and reports, an orchestrator that logs placements.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/example.rs"]
mod example;
mod oddities;
mod process;
#[path = "../support/program.rs"]
mod program;
mod rebuilds;
mod town;
