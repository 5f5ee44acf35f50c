//! Proof bundles: what is in them, that they are the same wherever and whenever they are made, that
//! nothing half made is ever seen, and bringing them into a catalog.

#![allow(clippy::unwrap_used, clippy::panic)]

mod contents;
mod documents;
mod faults;
mod import;
mod program_shows;
mod refusals;
mod reproducible;
mod sample;

#[path = "../support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

use engine_catalog::{Bundle, Catalog, Error, Filter, Members};

use support::{child, strace};

/// What a helper process does; nothing when it runs as a test.
#[test]
fn child() {
    let Some((role, root)) = child::role() else {
        return;
    };
    assert_eq!(role, "capture");
    let catalog = Catalog::open(&root).unwrap();
    let out = PathBuf::from(std::env::var_os("BUNDLE").unwrap());
    strace::begin();
    let done = capture(&catalog, &out);
    strace::end();
    match done {
        Ok(_) => println!("acknowledged"),
        Err(error) => println!("refused: {error}"),
    }
}

/// Captures what is current.
fn capture(catalog: &Catalog, out: &Path) -> Result<Bundle, Error> {
    let members = Members::Current(Filter::default());
    catalog.capture(out, &catalog.snapshot_of(&members)?)
}
