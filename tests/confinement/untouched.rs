//! Reading performs no write: not a lock file, not a time stamp, not the repair of what it finds
//! damaged.

use std::fs;
use std::time::UNIX_EPOCH;

use engine_catalog::Catalog;

use super::support::{Home, entry, listing, object_of};
use super::{READS, busy_home, every_write};

/// Requires that no read, by a handle of either kind, changes anything in or around the catalog.
fn assert_reads_change_nothing(home: &Home, what: &str) {
    let before = listing(home.outside());
    assert!(before.len() > 5, "the listing sees the catalog");
    for opened in [Catalog::open_read_only, Catalog::open] {
        let catalog = opened(home.catalog.root()).unwrap();
        assert_eq!(listing(home.outside()), before, "{what}: open");
        for (call, read) in READS {
            // Whether it finds anything is not the question here.
            let _ = read(&catalog);
            assert_eq!(listing(home.outside()), before, "{what}: {call}");
        }
        drop(catalog);
        assert_eq!(listing(home.outside()), before, "{what}: drop");
    }
}

#[test]
fn listing_shows_writes_of_every_kind() {
    let home = busy_home();
    let file = home.at("refs/llamacpp/b1");
    let writes: [&dyn Fn(); 5] = [
        &|| fs::write(&file, "x".repeat(65)).unwrap(),
        &|| {
            fs::File::open(&file)
                .unwrap()
                .set_modified(UNIX_EPOCH)
                .unwrap();
        },
        &|| fs::rename(&file, home.at("x")).unwrap(),
        &|| fs::write(home.at("y"), "").unwrap(),
        &|| fs::remove_file(home.at("lock")).unwrap(),
    ];
    for write in writes {
        let before = listing(home.outside());
        write();
        assert_ne!(listing(home.outside()), before);
    }
}

#[test]
fn reading_a_catalog_writes_nothing() {
    assert_reads_change_nothing(&busy_home(), "whole");
}

#[test]
fn reading_makes_nothing_that_is_missing() {
    for missing in ["lock", "tmp", "history", "refs", "objects"] {
        let home = busy_home();
        let path = home.at(missing);
        match path.is_dir() {
            true => fs::remove_dir_all(path).unwrap(),
            false => fs::remove_file(path).unwrap(),
        }
        assert_reads_change_nothing(&home, missing);
        assert!(!home.at(missing).exists());
    }
}

#[test]
fn reading_repairs_nothing_that_is_damaged() {
    let object = object_of(&entry("b1", 2)).to_string();
    let object = format!("objects/{}/{}", &object[..2], &object[2..]);
    for damaged in [&object, "refs/llamacpp/b1", "history/llamacpp/b1", "lock"] {
        let home = busy_home();
        fs::remove_file(home.at(damaged)).unwrap();
        fs::write(home.at(damaged), "damaged\nand more\n").unwrap();
        assert_reads_change_nothing(&home, damaged);
    }
}

#[test]
fn refused_writes_write_nothing() {
    let home = busy_home();
    fs::remove_file(home.at("lock")).unwrap();
    let before = listing(home.outside());
    let catalog = Catalog::open_read_only(home.catalog.root()).unwrap();
    for (call, result) in every_write(&catalog) {
        assert!(result.is_err(), "{call}");
        assert_eq!(listing(home.outside()), before, "{call}");
    }
}
