//! What is said about a catalog: what keeps an object, and whether the place that it lies in is as the
//! format assumes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod doctor;
mod doctor_shown;
mod file_systems;
mod lacking;
#[path = "../support/program.rs"]
mod program;
mod retention;
#[path = "../support/mod.rs"]
mod support;
mod why;
mod why_shown;

use engine_catalog::{Diagnosis, Health, HealthCheck};

/// A moment after this was written.
const NOW_MS: i64 = 4_102_444_800_000;

/// What was tried out, in the order of the report.
const ABILITIES: [&str; 11] = [
    "rename",
    "rename-noreplace",
    "hard-links",
    "unnamed-files",
    "long-names",
    "case",
    "locks",
    "sync-directory",
    "sync-file-system",
    "birth-times",
    "modes",
];

/// Those of [`ABILITIES`] that can only be found out by writing.
fn tried() -> impl Iterator<Item = &'static str> {
    let abilities = ABILITIES.into_iter();
    abilities.filter(|name| *name != "birth-times")
}

fn check<'d>(diagnosis: &'d Diagnosis, name: &str) -> &'d HealthCheck {
    let found = diagnosis.checks.iter().find(|check| check.name == name);
    found.unwrap_or_else(|| panic!("there is no check {name}"))
}

/// The checks that are not ok, but for those of the file system's type and room, which are the
/// machine's.
fn not_ok(diagnosis: &Diagnosis) -> Vec<(&'static str, Health)> {
    let of_the_machine = ["file-system", "local", "space", "inodes"];
    let checks = diagnosis.checks.iter();
    let checks = checks.filter(|check| !of_the_machine.contains(&check.name));
    checks
        .filter(|check| check.status != Health::Ok)
        .map(|check| (check.name, check.status))
        .collect()
}
