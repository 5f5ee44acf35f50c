//! What `diagnose` says of good places and bad ones, on real file systems.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use engine_catalog::{Catalog, Diagnosis, Health, Stamp};

use crate::support::mount::{Kind, Mounted};
use crate::support::{Home, entry, files, listing, stamp};

fn now_ms() -> i64 {
    Stamp::now("me").unwrap().at_ms
}

fn diagnose(catalog: &Catalog) -> Diagnosis {
    catalog.diagnose(now_ms()).unwrap()
}

/// The checks that are not ok.
fn troubles(diagnosis: &Diagnosis) -> BTreeMap<&'static str, Health> {
    let checks = diagnosis.checks.iter();
    let checks = checks.filter(|check| check.status != Health::Ok);
    checks.map(|check| (check.name, check.status)).collect()
}

/// Requires that one thing, and no other, is as bad as that once `change` was made.
#[track_caller]
fn assert_trouble(change: impl FnOnce(&Home), name: &str, status: Health) {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let before = troubles(&diagnose(&home.catalog));
    change(&home);
    let mut after = troubles(&diagnose(&home.catalog));
    after.retain(|name, status| before.get(name) != Some(status));
    let after: Vec<_> = after.into_iter().collect();
    assert_eq!(after, [(name, status)]);
}

#[test]
fn file_systems_that_keep_every_promise_are_well() {
    for (kind, name) in Kind::ALL.into_iter().zip(["ext4", "xfs", "btrfs"]) {
        let Some(mounted) = Mounted::new(kind) else {
            return;
        };
        let root = mounted.path().join("root");
        let catalog = Catalog::create(&root).unwrap();
        catalog.put(&entry("b1", 1), &stamp(1)).unwrap();
        let before = files(&root);
        let diagnosis = diagnose(&catalog);
        assert_eq!(files(&root), before, "what was tried out is gone");
        // So small a file system has little room.
        let mut found = troubles(&diagnosis);
        found.remove("space");
        found.remove("inodes");
        assert_eq!(found, BTreeMap::new(), "{name}");
        assert_eq!(diagnosis.file_system.unwrap().name, Some(name));
        let counts = diagnosis.counts;
        let files = [counts.refs, counts.histories, counts.objects, counts.tmp];
        assert_eq!(files.map(|count| count.unwrap().files), [1, 1, 1, 0]);
    }
}

#[test]
fn where_nothing_may_be_written_nothing_is_and_abilities_are_unknown() {
    let Some(mounted) = Mounted::new(Kind::Ext4) else {
        return;
    };
    let root = mounted.path().join("root");
    Catalog::create(&root).unwrap();
    let before = listing(&root);
    let abilities = ["rename", "hard-links", "case", "locks"];
    let read_only = diagnose(&Catalog::open_read_only(&root).unwrap());
    assert_eq!(listing(&root), before);
    mounted.remount("ro");
    let mounted_so = diagnose(&Catalog::open(&root).unwrap());
    assert_eq!(troubles(&mounted_so)["mount"], Health::Warning);
    for diagnosis in [read_only, mounted_so] {
        let found = troubles(&diagnosis);
        assert!(abilities.iter().all(|name| found[name] == Health::Unknown));
        assert_ne!(diagnosis.status(), Health::Failed);
    }
}

#[test]
fn catalog_in_memory_is_a_warning() {
    let scratch = tempfile::tempdir().unwrap();
    let Some(mounted) = Mounted::over(scratch.path()) else {
        return;
    };
    let catalog = Catalog::create(mounted.path().join("root")).unwrap();
    let diagnosis = diagnose(&catalog);
    assert_eq!(troubles(&diagnosis)["file-system"], Health::Warning);
    assert_eq!(diagnosis.file_system.unwrap().name, Some("tmpfs"));
}

#[test]
fn full_disk_is_told() {
    let Some(mounted) = Mounted::new(Kind::Ext4) else {
        return;
    };
    let catalog = Catalog::create(mounted.path().join("root")).unwrap();
    let ballast = mounted.path().join("ballast");
    let full = std::process::Command::new("dd")
        .args(["if=/dev/zero", "bs=4096", "status=none"])
        .arg(format!("of={}", ballast.display()))
        .output();
    assert!(!full.unwrap().status.success());
    let found = diagnose(&catalog);
    assert_eq!(troubles(&found)["space"], Health::Failed);
    assert_eq!(found.status(), Health::Failed);
    let names = |diagnosis: &Diagnosis| {
        diagnosis
            .checks
            .iter()
            .map(|it| it.name)
            .collect::<Vec<_>>()
    };
    fs::remove_file(ballast).unwrap();
    mounted.settle();
    assert_eq!(names(&found), names(&diagnose(&catalog)), "always the same");
}

#[test]
fn what_is_wrong_with_a_root_is_told_by_its_name() {
    assert_trouble(
        |home| {
            fs::create_dir(home.at("quarantine")).unwrap();
            fs::write(home.at("quarantine/x"), "").unwrap();
        },
        "quarantine",
        Health::Warning,
    );
    assert_trouble(
        |home| fs::set_permissions(home.at("refs"), fs::Permissions::from_mode(0o777)).unwrap(),
        "permissions",
        Health::Warning,
    );
    assert_trouble(
        |home| symlink(home.outside(), home.at("cache")).unwrap(),
        "directories",
        Health::Failed,
    );
    assert_trouble(
        |home| fs::write(home.at("format"), "engine-catalog 1\nro-compat packs\n").unwrap(),
        "format",
        Health::Warning,
    );
}

#[test]
fn clock_that_is_behind_the_catalog_is_told() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let clock = |now_ms: i64| {
        let diagnosis = home.catalog.diagnose(now_ms).unwrap();
        let clock = diagnosis.checks.iter().find(|check| check.name == "clock");
        clock.unwrap().status
    };
    assert_eq!(clock(now_ms()), Health::Ok);
    // An hour ago the catalog was not there yet.
    assert_eq!(clock(now_ms() - 3_600_000), Health::Warning);
    assert_eq!(clock(0), Health::Failed);
}

#[test]
fn leftover_of_a_writer_that_may_be_at_work_is_no_trouble() {
    let home = Home::new();
    fs::write(home.at("tmp/new-0"), "x").unwrap();
    let day_ms = 86_400_000;
    for (now_ms, status) in [
        (now_ms(), Health::Ok),
        (now_ms() + 2 * day_ms, Health::Warning),
    ] {
        let diagnosis = home.catalog.diagnose(now_ms).unwrap();
        let mut checks = diagnosis.checks.iter();
        let leftovers = checks.find(|check| check.name == "leftovers").unwrap();
        assert_eq!(leftovers.status, status, "{}", leftovers.detail);
    }
}
