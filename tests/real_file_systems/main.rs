//! Real file systems: full ones, ones that turn read-only, and ones on which something may not be
//! read. ext4, XFS and btrfs lie on images of their own, which needs root and loop devices.

mod calls;
mod collecting;
mod denied;
mod full;
mod full_directories;
mod media;
#[path = "../support/program.rs"]
mod program;
mod read_only;
#[path = "../support/mod.rs"]
mod support;
mod turned_read_only;

use std::path::Path;

use engine_catalog::Catalog;

use support::observe::{State, snapshot_state};
use support::sample::entry;
use support::stamp;

/// What a helper process does; nothing when it runs as a test.
#[test]
fn child() {
    if let Some((role, scratch)) = support::child::role() {
        denied::act(&role, &scratch);
    }
}

/// What a reader sees of all refs, and of the snapshot that is made.
fn state(catalog: &Catalog) -> State {
    let mut state = support::observe::state(catalog);
    state.extend(snapshot_state(catalog, "s"));
    state
}

/// Makes a catalog with ten refs.
fn catalog(root: &Path) -> Catalog {
    let catalog = Catalog::create(root).expect("it can be made");
    let entries: Vec<_> = (0..10).map(|n| entry(&format!("e{n}"), "old")).collect();
    catalog
        .put_all(&entries, &stamp(1))
        .expect("they can be put");
    catalog
}
