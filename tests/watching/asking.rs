//! Which calls change what a reader has seen, and which do not.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use engine_catalog::{Catalog, Error, Expect, Filter, Generation, Members};

use crate::current;
use crate::support::sample::{entry, name};
use crate::support::{Home, skip, stamp};

/// Returns what is seen once that proves something.
fn settled(catalog: &Catalog) -> Generation {
    let begin = Instant::now();
    loop {
        let seen = catalog.generation().expect("it is there");
        if !changed(catalog, &seen) {
            return seen;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "it never does");
        thread::sleep(Duration::from_millis(1));
    }
}

fn changed(catalog: &Catalog, seen: &Generation) -> bool {
    catalog.has_changed_since(seen).expect("it is there")
}

/// A catalog with an engine that had two entries, and what another one can be brought in from.
fn homes() -> (Home, Home) {
    let (home, other) = (Home::new(), Home::new());
    home.put(&entry("e0", "first"));
    home.put(&entry("e0", "second"));
    other.put(&entry("e1", "theirs"));
    (home, other)
}

#[test]
fn every_change_of_a_ref_is_a_change() {
    type Change = fn(&Catalog, &Catalog) -> Result<(), Error>;
    let changes: [(&str, Change); 7] = [
        ("replace", |it, _| {
            it.put(&entry("e0", "third"), &stamp(1)).map(drop)
        }),
        ("rollback", |it, _| {
            it.rollback(&name("e0"), None, &stamp(1)).map(drop)
        }),
        ("retire", |it, _| {
            it.retire(&name("e0"), Expect::Any, &stamp(1)).map(drop)
        }),
        ("bring back", |it, _| {
            it.rollback(&name("e0"), None, &stamp(1)).map(drop)
        }),
        ("import", |it, other| it.import(other, &stamp(1)).map(drop)),
        ("another version", |it, _| {
            let mut other = entry("e0", "first");
            other.version = "2".to_owned();
            it.put(&other, &stamp(1)).map(drop)
        }),
        ("another engine", |it, _| {
            it.put(&entry("new", "first"), &stamp(1)).map(drop)
        }),
    ];
    let (home, other) = homes();
    let reader = Catalog::open_read_only(home.catalog.root()).expect("it is there");
    for (what, change) in changes {
        let seen = settled(&reader);
        change(&home.catalog, &other.catalog).expect("it can be done");
        assert!(changed(&reader, &seen), "{what}");
    }
}

#[test]
fn what_changes_no_ref_is_no_change() {
    let (home, _) = homes();
    let catalog = &home.catalog;
    let seen = settled(catalog);
    let all = Members::Current(Filter::default());
    let read = catalog.list(&Filter::default()).expect("it can be listed");
    assert_eq!(read.count(), 1);
    // The history and the object are synced again, the ref too.
    catalog
        .put(&entry("e0", "second"), &stamp(2))
        .expect("it can be put");
    catalog.create_snapshot(&all, None).expect("it can be made");
    home.plant(b"of no kind");
    catalog
        .put_if(&entry("e0", "third"), Expect::Absent, &stamp(1))
        .expect_err("it is there");
    assert!(!changed(catalog, &seen));
}

#[test]
fn ref_that_rsync_brought_is_a_change() {
    let Some(rsync) = skip::program("rsync") else {
        return;
    };
    let (home, other) = homes();
    other.put(&entry("e0", "theirs"));
    let copy = |part: &str| {
        let from = format!("{}/", other.at(part).display());
        let mut rsync = Command::new(&rsync);
        // All refs have the same size, and these have the same time in whole seconds.
        rsync
            .args(["--archive", "--checksum"])
            .arg(from)
            .arg(home.at(part));
        assert!(rsync.status().expect("it is installed").success());
    };
    copy("objects");
    copy("history");
    let seen = settled(&home.catalog);
    // With the times that the directories have there.
    copy("refs");
    assert!(changed(&home.catalog, &seen));
    assert_eq!(current(&home.catalog), current(&other.catalog));
}

#[test]
fn directory_that_took_the_place_of_another_is_a_change() {
    for part in ["refs", "refs/e0"] {
        let (home, _) = homes();
        let (place, aside) = (home.at(part), home.at("tmp/aside"));
        let copy = |from: &Path, to: &Path| {
            let mut cp = Command::new("cp");
            cp.arg("--archive").args([from, to]);
            assert!(cp.status().expect("it is installed").success());
        };
        copy(&place, &aside);
        let seen = settled(&home.catalog);
        fs::rename(&place, home.at("tmp/old")).expect("it is there");
        assert!(changed(&home.catalog, &seen), "{part}");
        fs::rename(aside, place).expect("it is there");
        assert!(changed(&home.catalog, &seen), "{part}");
    }
}

#[test]
fn catalog_that_is_gone_is_an_error() {
    let (home, _) = homes();
    let seen = home.catalog.generation().expect("it is there");
    fs::remove_dir_all(home.catalog.root()).expect("it is there");
    for asked in [
        home.catalog.generation().map(drop),
        home.catalog.has_changed_since(&seen).map(drop),
        home.catalog.watch().map(drop),
    ] {
        let error = asked.expect_err("there is none");
        assert!(matches!(error, Error::NotACatalog { .. }), "{error}");
    }
}
