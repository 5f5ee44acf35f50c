//! What readers see meanwhile, over and over, and how often.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use engine_catalog::{Catalog, Filter, VerifyScope};

use crate::support::crowd::{Done, assert_chain};

type Reader = fn(&Catalog);

const READERS: [(&str, Reader); 6] = [
    ("list", list),
    ("get", get),
    ("history", histories),
    ("locate", locate),
    ("snapshot show", snapshots),
    ("verify", verify),
];

/// Runs every reader, in a thread of its own, while `work` runs; and returns how often each did.
pub(crate) fn while_reading<T>(
    catalog: &Catalog,
    work: impl FnOnce() -> T,
) -> (T, Vec<(&'static str, u32)>) {
    let (done, counts) = (AtomicBool::new(false), READERS.map(|_| AtomicU32::new(0)));
    let result = thread::scope(|scope| {
        for ((_, read), count) in READERS.iter().zip(&counts) {
            let done = &done;
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    read(catalog);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _done = Done(&done);
        work()
    });
    let counts = counts.map(AtomicU32::into_inner);
    (
        result,
        READERS.iter().map(|(name, _)| *name).zip(counts).collect(),
    )
}

fn list(catalog: &Catalog) {
    let names = catalog.list(&Filter::default()).expect("it can be listed");
    let names: Vec<_> = names.map(|it| it.expect("it can be read").name()).collect();
    assert!(names.is_sorted() && names.iter().collect::<BTreeSet<_>>().len() == names.len());
}

fn get(catalog: &Catalog) {
    for record in catalog.list(&Filter::default()).expect("it can be listed") {
        let record = record.expect("it can be read");
        let found = catalog.get(&record.entry.id).expect("it can be read");
        assert_eq!(found.expect("it was there").name(), record.name());
    }
}

fn histories(catalog: &Catalog) {
    for record in catalog.list(&Filter::default()).expect("it can be listed") {
        let name = record.expect("it can be read").name();
        assert_chain(&catalog.history(&name).expect("it can be read"));
    }
}

fn locate(catalog: &Catalog) {
    for record in catalog.list(&Filter::default()).expect("it can be listed") {
        let id = record.expect("it can be read").entry.id;
        // It may be retired by now.
        let artifacts = catalog.locate(&id).expect("it can be read");
        let image = [PathBuf::from("registry.example/image:1")];
        assert!(artifacts.is_none_or(|them| them.is_empty() || them == image));
    }
}

fn snapshots(catalog: &Catalog) {
    for named in catalog.snapshots().expect("they can be listed") {
        let name = named.expect("it can be read").name;
        let find = || catalog.find_snapshot(name.as_str()).expect("it is there");
        // It may have lost its name by now, and then its members go.
        let Some((object, snapshot)) = find() else {
            continue;
        };
        if let Err(error) = catalog.members(&snapshot) {
            assert_ne!(find().map(|it| it.0), Some(object), "{error}");
        }
    }
}

/// What writers at work bring about for a moment is no finding, but for two notices.
fn verify(catalog: &Catalog) {
    let report = catalog.verify(&VerifyScope::Everything, &|_| {});
    for finding in report.expect("it can be verified").findings {
        // A file that has its final name a moment later; a ref whose history has its first line.
        let may_be = ["leftover", "ref-absent"];
        assert!(may_be.contains(&finding.slug.as_str()), "{finding:#?}");
    }
}
