//! What is done in a catalog while it is copied from and to: until the file `stop` is beside it.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use engine_catalog::{
    Artifacts, Catalog, Error, Expect, Filter, GcOptions, Members, PreparedEngine, Retention,
    RetentionRule,
};

use crate::support::{name, stamp};

/// Versions of each engine.
const VERSIONS: u32 = 6;

/// The file that ends all work.
pub(crate) fn stop_file(root: &Path) -> PathBuf {
    root.with_file_name("stop")
}

fn is_stopped(root: &Path) -> bool {
    stop_file(root).exists()
}

/// Records builds of one engine with their files, replaces, retires and brings them back, and names
/// snapshots. New refs come to be all the time.
pub(crate) fn write(root: &Path, engine: &str) {
    let catalog = Catalog::open(root).expect("there is a catalog");
    let files = root.with_file_name(format!("{engine} server"));
    for step in 0_u32.. {
        if is_stopped(root) {
            return;
        }
        // As fast as it can it would take all the time of those that it is to disturb.
        thread::sleep(Duration::from_millis(12));
        // Some versions live for a few steps only.
        let at = if step % 3 == 0 {
            step / 20
        } else {
            step % VERSIONS
        };
        let (version, stamp) = (format!("{at}"), stamp(step.into()));
        let name = name(&format!("{engine}/{version}"));
        match step % 11 {
            4 => drop(
                catalog
                    .retire(&name, Expect::Any, &stamp)
                    .expect("it can be retired"),
            ),
            7 => match catalog.rollback(&name, None, &stamp) {
                Ok(_) | Err(Error::NoEarlierEntry { .. } | Error::Gone { .. }) => {}
                Err(error) => unreachable!("{error}"),
            },
            9 if step % 4 == 1 => {
                let (all, named) = (
                    Members::Current(Filter::default()),
                    format!("{engine} {step}"),
                );
                let named = named.parse().expect("it is a name");
                catalog
                    .create_snapshot(&all, Some(&named))
                    .expect("it can be made");
            }
            _ => {
                std::fs::write(&files, format!("{step}")).expect("there is room");
                let files = Artifacts::Files(vec![files.clone()]);
                let build = PreparedEngine::new(engine, &version, files, step.into());
                catalog.record(&build, &stamp).expect("it can be recorded");
            }
        }
    }
}

/// Collects what nothing keeps, and old builds; of one engine, which nobody else changes, also old versions.
pub(crate) fn collect(root: &Path, engine: &str) {
    let catalog = Catalog::open(root).expect("there is a catalog");
    let rule = |engine: &str| RetentionRule {
        builds: Some(2),
        ..RetentionRule::new(engine.into())
    };
    let own = RetentionRule {
        versions: Some(4),
        ..rule(engine)
    };
    let mut options = GcOptions::new(i64::MAX);
    options.keep.grace_ms = 0;
    options.keep.retention = Retention {
        rules: vec![own, rule("*")],
    };
    let mut went = 0;
    while !is_stopped(root) {
        thread::sleep(Duration::from_millis(12));
        let collected = catalog.collect_garbage(&options, &stamp(1));
        went += collected
            .expect("nothing hides what is kept")
            .plan
            .objects
            .len();
    }
    assert!(went > 0, "nothing was garbage");
}

/// Reads everything that names something, over and over: nothing is ever missing or damaged.
pub(crate) fn read(root: &Path) {
    while !is_stopped(root) {
        let catalog = match Catalog::open_read_only(root) {
            Ok(catalog) => catalog,
            // Not yet.
            Err(Error::NotACatalog { .. }) => continue,
            Err(error) => unreachable!("{error}"),
        };
        for record in catalog.list(&Filter::default()).expect("it can be listed") {
            let record = record.expect("what is current can be read");
            catalog
                .history(&record.name())
                .expect("it leads to its ref");
            let manifests = catalog.manifests(&record.object).expect("they can be read");
            let is_current = || {
                let current = catalog.current(&record.name());
                current.expect("what is current can be read").as_ref() == Some(&record)
            };
            assert!(
                !manifests.is_empty() || !is_current(),
                "what describes an entry is there before its ref, and goes after it"
            );
        }
        // An unknown id: all that ever was current is looked through.
        assert!(catalog.get("nobody").expect("it can be read").is_none());
        for named in catalog.snapshots().expect("they can be listed") {
            let named = named.expect("it can be read");
            let snapshot = catalog.snapshot(&named.object).expect("it can be read");
            for member in snapshot.expect("it came before its name").objects {
                let entry = catalog.entry(&member).expect("it can be read");
                entry.expect("it came before the snapshot");
            }
        }
    }
}
