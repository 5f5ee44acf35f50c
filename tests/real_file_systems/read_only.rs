//! File systems that turn read-only, between operations and during them, and writable again.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{io, thread};

use engine_catalog::{Catalog, Error, Finding, PathError, Slug, VerifyScope};

use crate::calls::{Why, calls};
use crate::support::crowd::assert_chains;
use crate::support::mount::{Kind, Mounted};
use crate::support::observe::{assert_clean, cause, is_kind, partial_objects};
use crate::support::sample::{entry, name};
use crate::support::{object_of, stamp};
use crate::{catalog, state};

fn is_read_only(error: &Error) -> bool {
    is_kind(error, io::ErrorKind::ReadOnlyFilesystem)
}

#[test]
fn file_system_that_turned_read_only_is_read_and_not_written() {
    for kind in Kind::ALL {
        let Some(file_system) = Mounted::new(kind) else {
            return;
        };
        let scratch = tempfile::tempdir().expect("there is room");
        let root = file_system.path().join("root");
        let before = state(&catalog(&root));
        let opened = Catalog::open(&root).expect("there is a catalog");
        file_system.remount("ro");
        let calls = calls(scratch.path());
        for catalog in [&opened, &Catalog::open(&root).expect("it can be read")] {
            for call in &calls {
                let error = (call.act)(catalog).expect_err("it cannot be written");
                let is_typed = matches!(&error, Why::Error(error) if is_read_only(error));
                assert!(is_typed, "{kind:?}, {}: {error}", call.what);
            }
            assert_eq!(state(catalog), before, "{kind:?}");
        }
        let elsewhere = file_system.path().join("elsewhere");
        let error = Catalog::create(elsewhere).expect_err("it cannot be written");
        assert!(is_read_only(&error), "{error}");
        file_system.remount("rw");
        for call in &calls {
            (call.prepare)(&opened);
            let done = (call.act)(&opened);
            assert!(done.is_ok(), "{kind:?}, {}", call.what);
        }
        assert_clean(&root);
    }
}

/// Puts one build after the other until that fails, and returns the last that was acknowledged, and
/// why the next was not.
fn put_until_it_fails(catalog: &Catalog) -> (u32, Error) {
    let mut acknowledged = 0;
    loop {
        let next = entry("e0", &(acknowledged + 1).to_string());
        match catalog.put(&next, &stamp(1)) {
            Ok(_) => acknowledged += 1,
            Err(error) => return (acknowledged, error),
        }
    }
}

/// Remounts it read-only between two calls of somebody who writes all the time: what is open to be
/// written prevents it.
fn turn_read_only(file_system: &Mounted) {
    let began = Instant::now();
    while !file_system.try_remount("ro") {
        assert!(began.elapsed() < Duration::from_secs(60), "it is busy");
    }
}

#[test]
fn what_was_acknowledged_before_it_turned_read_only_stays_and_the_rest_is_refused() {
    const ROUNDS: u32 = 4;
    for kind in Kind::ALL {
        let Some(file_system) = Mounted::new(kind) else {
            return;
        };
        let root = file_system.path().join("root");
        let catalog = catalog(&root);
        let mut steps = BTreeSet::new();
        for round in 0..ROUNDS {
            let (acknowledged, error) = thread::scope(|scope| {
                let writer = scope.spawn(|| put_until_it_fails(&catalog));
                thread::sleep(Duration::from_millis(20 + 7 * u64::from(round)));
                turn_read_only(&file_system);
                writer.join().expect("it does not panic")
            });
            assert!(is_read_only(&error), "{kind:?}: {error}");
            let PathError { action, path, .. } = cause(&error);
            let path = path.strip_prefix(&root).expect("it names what is below");
            steps.insert(format!("{action} {}", path.display()));
            assert!(acknowledged > 0, "{kind:?}: it never wrote");
            let current = || catalog.current(&name("e0")).expect("it can be read");
            // The next may have taken effect, and could not be made to survive.
            let last = [acknowledged, acknowledged + 1]
                .map(|build| Some(object_of(&entry("e0", &build.to_string()))));
            assert!(last.contains(&current().map(|it| it.object)), "{kind:?}");
            assert_chains(&catalog, &[name("e0")]);
            file_system.remount("rw");
            assert_eq!(partial_objects(&root), [] as [PathBuf; 0]);
            catalog
                .put(&entry("e0", "again"), &stamp(1))
                .expect("it can be written again");
            assert_chains(&catalog, &[name("e0")]);
        }
        println!("{kind:?}: refused at {steps:?}");
        let report = catalog.verify(&VerifyScope::Everything, &|_| {});
        let report = report.expect("it can be read");
        let is_left =
            |finding: &Finding| matches!(finding.slug, Slug::Leftover | Slug::HistoryTorn);
        assert!(
            report.findings.iter().all(is_left),
            "{kind:?}: {:?}",
            report.findings
        );
    }
}
