//! A library user's standstill: nothing is half done as long as it lasts, and then all goes on.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use engine_catalog::{Catalog, Filter, Members, Snapshot, Standstill};

use crate::support::crowd::meanwhile;
use crate::support::observe::{assert_clean, is_kind};
use crate::support::sample::{entry, name};
use crate::support::stamp;

/// So many writers that some piece of work is always under way.
const ENGINES: [&str; 16] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p",
];

#[test]
fn standstill_has_nothing_half_done_and_ends() {
    // In memory, where a capture does not wait for the disk for most of its time.
    let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let scratch = scratch.unwrap();
    let catalog = Catalog::create(scratch.path().join("root")).unwrap();
    let bundles = scratch.path().join("bundles");
    fs::create_dir(&bundles).unwrap();
    let entries = (0..200).map(|n| entry(&format!("many{n}"), "x"));
    let entries: Vec<_> = entries.collect();
    catalog.put_all(&entries, &stamp(1)).unwrap();
    let all = Members::Current(Filter::default());
    let snapshot = catalog.snapshot_of(&all).unwrap();
    let (given_up, puts) = (AtomicU32::new(0), AtomicU32::new(0));
    let put = |engine: &str| {
        let number = puts.fetch_add(1, Ordering::Relaxed).to_string();
        catalog.put(&entry(engine, &number), &stamp(1)).unwrap();
    };
    let capture = || {
        let is_given_up = !capture(&catalog, &bundles, &snapshot);
        given_up.fetch_add(u32::from(is_given_up), Ordering::Relaxed);
    };
    let come_to_standstills = || {
        for _ in 0..10 {
            thread::sleep(Duration::from_millis(20));
            let standstill = Standstill::reach(Duration::from_secs(5));
            assert!(standstill.is_some(), "no disk is that slow");
            for _ in 0..5 {
                assert_nothing_half_done(&catalog, &bundles);
                thread::sleep(Duration::from_millis(2));
            }
            let before = puts.load(Ordering::Relaxed);
            drop(standstill);
            while puts.load(Ordering::Relaxed) < before + 4 {
                thread::yield_now();
            }
        }
    };
    meanwhile(capture, || {
        put_meanwhile(&ENGINES, &put, &come_to_standstills);
    });
    assert!(given_up.into_inner() > 0, "no capture was ever given up");
}

/// Puts to each of the engines, in a thread of its own, as long as `act` runs.
fn put_meanwhile(engines: &[&str], put: &(dyn Fn(&str) + Sync), act: &(dyn Fn() + Sync)) {
    match engines {
        [] => act(),
        [first, rest @ ..] => meanwhile(|| put(first), || put_meanwhile(rest, put, act)),
    }
}

/// Returns whether it could.
fn capture(catalog: &Catalog, dir: &Path, snapshot: &Snapshot) -> bool {
    let out = dir.join("bundle");
    match catalog.capture(&out, snapshot) {
        Ok(_) => {
            fs::remove_dir_all(out).unwrap();
            true
        }
        Err(error) => {
            assert!(is_kind(&error, ErrorKind::Interrupted), "{error}");
            false
        }
    }
}

fn assert_nothing_half_done(catalog: &Catalog, bundles: &Path) {
    assert_clean(catalog.root());
    let names = fs::read_dir(bundles)
        .unwrap()
        .map(|it| it.unwrap().file_name());
    let mut hidden = names.filter(|it| it.to_str().unwrap().starts_with('.'));
    assert_eq!(hidden.next(), None);
    for engine in ENGINES {
        let file = catalog.root().join(format!("history/{engine}/1"));
        let lines = fs::read_to_string(file).unwrap_or_default();
        let changes = catalog.history(&name(engine)).unwrap();
        assert_eq!(lines.lines().count(), changes.len(), "{lines}");
    }
}
