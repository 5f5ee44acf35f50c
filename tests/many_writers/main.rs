//! Threads and processes that change and read one catalog at once.
//!
//! Writers exclude each other by the lock of each ref, so its history is one chain; readers take no
//! lock, and still never see anything but a state that was current, also while garbage is collected.
//!
//! `ENGINE_CATALOG_TEST_SECONDS` says for how long a whole crowd is at work [2].

mod chains;
mod crowded;
mod killed;
mod readers;
#[path = "../support/mod.rs"]
mod support;
mod writers;

use engine_catalog::Catalog;
use support::child;
use support::crowd::replace_for_ever;

/// What a helper process does; nothing when it runs as a test.
#[test]
fn child() {
    let Some((role, root)) = child::role() else {
        return;
    };
    let catalog = Catalog::open(&root).expect("there is a catalog");
    match role.split_once(' ') {
        Some(("mix", seed)) => chains::mix(&catalog, seed.parse().expect("it is a number")),
        Some(("count", wins)) => chains::count(&catalog, wins.parse().expect("it is a number")),
        Some(("replace", engine)) => replace_for_ever(&catalog, engine),
        Some(("write", process)) => writers::write(&root, process),
        None if role == "collect" => writers::collect(&catalog),
        _ => unreachable!("there is no such role"),
    }
}
