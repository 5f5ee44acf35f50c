//! Collectors beside all others who use the same catalog, in threads and processes: whoever is told that
//! something is done finds it done, and nobody misses what is current.
//!
//! The grace is 0, so whatever nothing names goes at once: what was stored and is yet to be named may go, and
//! its owner is told so. `ENGINE_CATALOG_TEST_SECONDS` says for how long they are at work [2].

#[cfg(feature = "bundle")]
mod captures;
mod readers;
mod writers;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use engine_catalog::{Catalog, Filter, Finding, GcOptions, Retention, RetentionRule, VerifyScope};

use crate::support::crowd::{Children, work_time};
use crate::support::observe::assert_clean;
use crate::support::stamp;

/// What a helper process does.
pub(crate) fn play(role: &str, root: &Path) {
    match role.split_once(' ') {
        Some(("write", process)) => writers::write(root, process),
        Some(("collect", builds)) => collect(root, builds.parse().expect("it is a number")),
        _ => unreachable!("there is no such role"),
    }
}

/// Collects over and over what nothing keeps, and all but the last builds; and of one engine all but the last
/// versions.
fn collect(root: &Path, builds: usize) {
    let catalog = Catalog::open(root).expect("there is a catalog");
    let (end, mut went) = (Instant::now() + work_time(), 0);
    while Instant::now() < end || went == 0 {
        let collected = catalog.collect_garbage(&options(builds), &stamp(crate::LATER_MS));
        let collected = collected.expect("nothing hides what is kept");
        assert!(collected.undone.is_empty(), "there is room");
        went += collected.plan.objects.len();
    }
    println!("share collected {went}");
}

fn options(builds: usize) -> GcOptions {
    let rule = |engine: &str| RetentionRule {
        builds: Some(builds),
        ..RetentionRule::new(engine.into())
    };
    let few = RetentionRule {
        versions: Some(2),
        ..rule(writers::FEW_VERSIONS)
    };
    let mut options = crate::options();
    options.keep.retention = Retention {
        rules: vec![few, rule("*")],
    };
    options
}

/// Requires that nothing is wrong with a catalog.
fn assert_sound(catalog: &Catalog) {
    let report = catalog.verify(&VerifyScope::Everything, &|_| {});
    let findings = report.expect("it can be verified").findings;
    let faults: Vec<_> = findings.iter().filter(|it| Finding::is_fault(it)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn nothing_goes_that_somebody_was_told_is_there() {
    // In memory, where much happens.
    let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let scratch = scratch.expect("there is room");
    let root = scratch.path().join("root");
    let catalog = Catalog::create(&root).expect("it can be made");
    writers::prepare(&root);
    let roles = ["write 0", "write 1", "collect 1", "collect 2"];
    let (told, reads) = readers::while_reading(&root, || Children::run_and_listen(&roles, &root));
    let held: BTreeMap<_, _> = told
        .iter()
        .filter_map(|line| line.strip_prefix("holds ")?.split_once(' '))
        .collect();
    assert_eq!(held.len(), 2 * writers::THREADS);
    for (engine, object) in held {
        let current = catalog
            .current(&writers::name(engine))
            .expect("it can be read");
        let shown = current.map_or_else(|| "-".to_owned(), |it| it.object.to_string());
        assert_eq!(shown, object, "{engine}");
    }
    assert_sound(&catalog);
    // Of all that happened only this is left.
    let few = Filter {
        engine: Some(writers::FEW_VERSIONS.into()),
        ..Filter::default()
    };
    let collected = catalog.collect_garbage(&options(1), &stamp(crate::LATER_MS));
    collected.expect("nothing hides what is kept");
    assert_eq!(catalog.list(&few).expect("it can be listed").count(), 2);
    let again = catalog.plan_gc(&options(1)).expect("it can be listed");
    assert!(again.is_empty(), "{again:?}");
    assert_sound(&catalog);
    assert_clean(&root);
    let shares: Vec<_> = told
        .iter()
        .filter_map(|line| line.strip_prefix("share "))
        .collect();
    println!("{shares:?}; {reads:?}");
    for (reader, times) in reads {
        assert!(times > 0, "{reader} never came to its end");
    }
}
