//! What others see meanwhile, over and over, and how often: what is current is there, with all that belongs to it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use engine_catalog::{Catalog, Filter, VerifyScope};

use super::writers::{STEADY, name};
use crate::support::crowd::Done;

type Reader = fn(&Catalog);

const READERS: &[(&str, Reader)] = &[
    ("list", list),
    ("get", get),
    ("describe", describe),
    ("snapshots", snapshots),
    ("plan", plan),
    ("verify", verify),
    #[cfg(feature = "bundle")]
    ("capture", super::captures::capture),
];

/// Runs every reader, in a thread of its own, while `work` runs; and returns how often each did.
pub(super) fn while_reading<T>(
    root: &Path,
    work: impl FnOnce() -> T,
) -> (T, Vec<(&'static str, u32)>) {
    let (done, counts) = (
        AtomicBool::new(false),
        READERS.iter().map(|_| AtomicU32::new(0)),
    );
    let counts: Vec<_> = counts.collect();
    let result = thread::scope(|scope| {
        for ((_, read), count) in READERS.iter().zip(&counts) {
            let done = &done;
            scope.spawn(move || {
                let catalog = Catalog::open(root).expect("there is a catalog");
                while !done.load(Ordering::Relaxed) {
                    read(&catalog);
                    // Those that are quickly done would take all the time of the others.
                    thread::sleep(Duration::from_millis(1));
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _done = Done(&done);
        work()
    });
    let counts = counts.into_iter().map(AtomicU32::into_inner);
    (
        result,
        READERS.iter().map(|(name, _)| *name).zip(counts).collect(),
    )
}

fn list(catalog: &Catalog) {
    for record in catalog.list(&Filter::default()).expect("it can be listed") {
        let record = record.expect("what is current is there");
        catalog
            .history(&record.name())
            .expect("it leads to its ref");
        let found = catalog.entry(&record.object).expect("it can be read");
        assert!(found.is_some() || !is_current(catalog, &record));
    }
}

fn is_current(catalog: &Catalog, record: &engine_catalog::Record) -> bool {
    let current = catalog
        .current(&record.name())
        .expect("what is current is there");
    current.is_some_and(|it| it.object == record.object)
}

fn get(catalog: &Catalog) {
    let found = catalog.get(STEADY).expect("it can be read");
    assert_eq!(found.expect("it is never retired").name(), name(STEADY));
    // Of an unknown id all that was ever current is looked through.
    let unknown = catalog
        .get("nobody")
        .expect("what is not there is passed over");
    assert!(unknown.is_none());
}

fn describe(catalog: &Catalog) {
    let record = catalog.current(&name(STEADY)).expect("it is there");
    let record = record.expect("it is never retired");
    let manifests = catalog.manifests(&record.object).expect("none is missing");
    assert!(!manifests.is_empty() || !is_current(catalog, &record));
    for record in catalog.list(&Filter::default()).expect("it can be listed") {
        let record = record.expect("what is current is there");
        for attached in catalog
            .attached(&record.object, None)
            .expect("they can be listed")
        {
            attached.expect("a link leads to something");
        }
    }
}

fn snapshots(catalog: &Catalog) {
    for named in catalog.snapshots().expect("they can be listed") {
        let name = named.expect("it can be read").name;
        // It may have no name by now, and then its members may go.
        let Some((object, snapshot)) = catalog.find_snapshot(name.as_str()).expect("it is there")
        else {
            continue;
        };
        if catalog.members(&snapshot).is_err() {
            let now = catalog.find_snapshot(name.as_str()).expect("it is there");
            assert_ne!(now.map(|it| it.0), Some(object));
        }
    }
}

/// It takes no lock, and what it tells of may be gone by then; but nothing is damaged.
fn plan(catalog: &Catalog) {
    let plan = catalog
        .plan_gc(&super::options(1))
        .expect("it can be listed");
    assert_eq!(plan.unknown, []);
    let steady = catalog.current(&name(STEADY)).expect("it is there");
    let steady = steady.expect("it is never retired").object;
    let why = catalog.why(&steady, &super::options(1).keep);
    assert_eq!(why.expect("it can be listed").unknown, []);
}

fn verify(catalog: &Catalog) {
    let report = catalog.verify(&VerifyScope::Everything, &|_| {});
    for finding in report.expect("it can be verified").findings {
        // A file that has its final name a moment later; a ref whose history has its first line.
        let may_be = ["leftover", "ref-absent"];
        assert!(may_be.contains(&finding.slug.as_str()), "{finding:#?}");
    }
}
