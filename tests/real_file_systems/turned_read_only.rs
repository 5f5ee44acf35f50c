//! File systems that turn read-only under a writer: by being remounted, which waits for what is open
//! to be written, and by an error, which waits for nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use engine_catalog::{Catalog, Cause, Error, Finding, PathError, Slug, VerifyScope};

use crate::catalog;
use crate::read_only::is_read_only;
use crate::support::crowd::assert_chain;
use crate::support::mount::{Kind, Mounted};
use crate::support::observe::{cause, partial_objects};
use crate::support::sample::{entry, name};
use crate::support::{object_of, stamp};

/// Lets somebody put one build after the other, at a `pace`, and after a `pause` `turn`s the file system. Returns the
/// last that was acknowledged, and why the next was not.
fn write_until(
    catalog: &Catalog,
    pace: Duration,
    pause: Duration,
    turn: impl FnOnce(),
) -> (u32, Error) {
    let acknowledged = AtomicU32::new(0);
    let put_until_it_fails = || {
        for build in 1_u32.. {
            catalog.put(&entry("e0", &build.to_string()), &stamp(1))?;
            acknowledged.store(build, Ordering::Release);
            thread::sleep(pace);
        }
        Ok(())
    };
    let result = thread::scope(|scope| {
        let writer = scope.spawn(put_until_it_fails);
        while acknowledged.load(Ordering::Acquire) == 0 && !writer.is_finished() {
            thread::yield_now();
        }
        thread::sleep(pause);
        turn();
        writer.join().expect("it does not panic")
    });
    let error: Error = result.expect_err("it can no longer be written");
    (acknowledged.into_inner(), error)
}

/// Which step it was, in which part of the catalog.
fn step(root: &Path, error: &Error) -> String {
    let PathError { action, path, .. } = cause(error);
    let path = path.strip_prefix(root).expect("it names what is below");
    let part = path.iter().next().unwrap_or_default();
    format!("{action} {}", part.display())
}

/// Requires that what was acknowledged is there, and that nothing is wrong. The next may have taken
/// effect, and could not be made to survive.
fn assert_kept(catalog: &Catalog, acknowledged: u32, what: &str) {
    let name = name("e0");
    let current = catalog.current(&name).expect("it can be read");
    let object = current.map(|it| it.object);
    let last = [acknowledged, acknowledged + 1]
        .map(|build| Some(object_of(&entry("e0", &build.to_string()))));
    assert!(last.contains(&object), "{what}");
    let changes = catalog.history(&name).expect("it can be read");
    assert_chain(&changes);
    assert_eq!(changes.last().and_then(|change| change.new), object);
    assert_eq!(
        partial_objects(catalog.root()),
        [] as [PathBuf; 0],
        "{what}"
    );
    let report = catalog.verify(&VerifyScope::Everything, &|_| {});
    let findings = report.expect("it can be read").findings;
    let is_left = |it: &Finding| matches!(it.slug, Slug::Leftover | Slug::HistoryTorn);
    assert!(findings.iter().all(is_left), "{what}: {findings:?}");
    let again = catalog.put(&entry("e0", "again"), &stamp(1));
    again.expect("it can be written again");
}

#[test]
fn what_was_acknowledged_before_it_was_remounted_read_only_stays() {
    for kind in Kind::ALL {
        let Some(file_system) = Mounted::new(kind) else {
            return;
        };
        let root = file_system.path().join("root");
        let catalog = catalog(&root);
        for round in 0..4 {
            let what = format!("{kind:?}, round {round}");
            // It is remounted in between.
            let pace = Duration::from_millis(5);
            let began = Instant::now();
            let pause = Duration::from_millis(20 + 7 * round);
            let (acknowledged, error) = write_until(&catalog, pace, pause, || {
                while !file_system.try_remount("ro") {
                    assert!(began.elapsed() < Duration::from_secs(60), "it is busy");
                }
            });
            assert!(is_read_only(&error), "{what}: {error}");
            file_system.remount("rw");
            assert_kept(&catalog, acknowledged, &what);
        }
    }
}

/// ext4 with `abort` is as after a disk that failed: nothing of what is not on the disk gets there.
#[test]
fn what_was_acknowledged_before_the_file_system_failed_is_there_when_it_is_mounted_again() {
    let mut steps = BTreeSet::new();
    for round in 0..8 {
        let Some(file_system) = Mounted::new(Kind::Ext4) else {
            return;
        };
        let root = file_system.path().join("root");
        let failing = catalog(&root);
        let pause = Duration::from_millis(11 + 3 * round);
        let (acknowledged, error) = write_until(&failing, Duration::ZERO, pause, || {
            file_system.remount("abort");
        });
        let is_io = matches!(&cause(&error).cause, Cause::Io(error)
            if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()));
        assert!(is_io || is_read_only(&error), "{error}");
        steps.insert(step(&root, &error));
        let scratch = tempfile::tempdir().expect("there is room");
        let image = scratch.path().join("image");
        drop(failing);
        file_system.copy_image(&image);
        drop(file_system);
        let again = Mounted::image(&image);
        let catalog = Catalog::open(again.path().join("root")).expect("there is one");
        assert_kept(&catalog, acknowledged, &format!("round {round}, {error}"));
    }
    println!("refused at {steps:?}");
    assert!(
        steps.iter().any(|step| step != "lock lock"),
        "none was under way"
    );
}
