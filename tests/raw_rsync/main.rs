//! Copying with plain rsync: the recipe of layout.md section 10, word for word, between catalogs that are
//! written to, read and collected meanwhile.
//!
//! `ENGINE_CATALOG_TEST_RSYNCS=200` runs the recipe so often between live catalogs, 6 times by default; most
//! runs come after one that was killed at a random moment.

mod at_work;
mod collected;
mod live;
mod recipe;
mod still;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use engine_catalog::{Catalog, Finding, VerifyScope};

use support::child;

/// What a helper process does; nothing when it runs as a test.
#[test]
fn child() {
    let Some((role, root)) = child::role() else {
        return;
    };
    match role.split_once(' ') {
        Some(("write", engine)) => at_work::write(&root, engine),
        Some(("collect", engine)) => at_work::collect(&root, engine),
        None if role == "read" => at_work::read(&root),
        _ => unreachable!("there is no such role"),
    }
}

/// Requires that nothing is wrong with a catalog, whoever is at work there.
fn assert_sound(root: &Path) {
    let catalog = Catalog::open(root).expect("it is a catalog");
    let report = catalog.verify(&VerifyScope::Everything, &|_| {});
    let findings = report.expect("it can be verified").findings;
    let faults: Vec<_> = findings.iter().filter(|it| Finding::is_fault(it)).collect();
    assert!(faults.is_empty(), "{}: {faults:#?}", root.display());
}
