//! Diagnoses on real file systems. Mounting needs root.

use std::fs;
use std::path::Path;
use std::process::Command;

use engine_catalog::{Catalog, Diagnosis, Health};

use super::support::ballast::Ballast;
use super::support::mount::{Kind, Mounted};
use super::support::{entry, files, listing, skip, stamp};
use super::{ABILITIES, NOW_MS, check, not_ok, tried};

fn catalog(dir: &Path) -> Catalog {
    let catalog = Catalog::create(dir.join("catalog")).unwrap();
    catalog.put(&entry("b1", 1), &stamp(1)).unwrap();
    catalog
}

fn name(diagnosis: &Diagnosis) -> &'static str {
    diagnosis.file_system.as_ref().unwrap().name.unwrap()
}

fn status(diagnosis: &Diagnosis, name: &str) -> Health {
    check(diagnosis, name).status
}

#[test]
fn file_systems_that_are_promised_give_everything() {
    for (kind, expected) in Kind::ALL.into_iter().zip(["ext4", "xfs", "btrfs"]) {
        let Some(mounted) = Mounted::new(kind) else {
            return;
        };
        let diagnosis = catalog(mounted.path()).diagnose(NOW_MS).unwrap();
        assert_eq!(name(&diagnosis), expected);
        assert_eq!(not_ok(&diagnosis), [], "{expected}");
        for name in ["file-system", "local"] {
            assert_eq!(status(&diagnosis, name), Health::Ok, "{expected}");
        }
        let stat = diagnosis.file_system.unwrap();
        assert!(!stat.read_only && stat.free_bytes > 0);
        // btrfs makes them as they are needed.
        assert_eq!(stat.free_inodes.is_some(), kind != Kind::Btrfs);
    }
}

#[test]
fn little_room_is_warned_of() {
    let Some(mounted) = Mounted::new(Kind::Ext4FewInodes) else {
        return;
    };
    let diagnosis = catalog(mounted.path()).diagnose(NOW_MS).unwrap();
    assert_eq!(status(&diagnosis, "space"), Health::Warning);
    assert_eq!(status(&diagnosis, "inodes"), Health::Warning);
    assert_eq!(diagnosis.status(), Health::Warning);
}

/// Requires that a full file system is told from one that cannot do something.
fn assert_full(kind: Kind, what: &str, fill: impl FnOnce(&Mounted)) {
    let Some(mounted) = Mounted::new(kind) else {
        return;
    };
    let catalog = catalog(mounted.path());
    fill(&mounted);
    let before = files(catalog.root());
    let diagnosis = catalog.diagnose(NOW_MS).unwrap();
    let check = check(&diagnosis, what);
    assert_eq!(check.status, Health::Failed, "{check:?}");
    assert_eq!(status(&diagnosis, "rename"), Health::Unknown);
    for name in ABILITIES {
        let status = status(&diagnosis, name);
        assert!(status <= Health::Unknown, "{name}: {status}");
    }
    assert_eq!(files(catalog.root()), before);
}

#[test]
fn full_file_system_leaves_open_what_it_can_do() {
    assert_full(Kind::Ext4, "space", |mounted| {
        Ballast::of_blocks(mounted, 0, 0);
    });
    assert_full(Kind::Ext4FewInodes, "inodes", |mounted| {
        Ballast::of_inodes(mounted);
    });
}

#[test]
fn read_only_mount_is_read_and_nothing_is_tried() {
    for kind in Kind::ALL {
        let Some(mounted) = Mounted::new(kind) else {
            return;
        };
        let root = catalog(mounted.path()).root().to_owned();
        mounted.remount("ro");
        let before = listing(mounted.path());
        let diagnosis = Catalog::open(root).unwrap().diagnose(NOW_MS).unwrap();
        assert_eq!(listing(mounted.path()), before);
        let mut expected = vec![("mount", Health::Warning)];
        expected.extend(tried().map(|name| (name, Health::Unknown)));
        assert_eq!(not_ok(&diagnosis), expected, "{kind:?}");
        let detail = &check(&diagnosis, "rename").detail;
        assert!(detail.contains("Read-only file system"), "{detail}");
        assert!(diagnosis.file_system.unwrap().read_only);
        assert_eq!(diagnosis.counts.objects.unwrap().files, 1);
    }
}

#[test]
fn file_system_in_memory_does_everything_and_lasts_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mounted) = Mounted::over(dir.path()) else {
        return;
    };
    let diagnosis = catalog(mounted.path()).diagnose(NOW_MS).unwrap();
    assert_eq!(name(&diagnosis), "tmpfs");
    assert_eq!(not_ok(&diagnosis), []);
    assert_eq!(status(&diagnosis, "file-system"), Health::Warning);
    assert_eq!(status(&diagnosis, "local"), Health::Ok);
}

#[test]
fn directory_in_which_case_is_ignored_fails() {
    let Some(mounted) = Mounted::new(Kind::Ext4Casefold) else {
        return;
    };
    let Some(chattr) = skip::program("chattr") else {
        return;
    };
    let folding = mounted.path().join("folding");
    fs::create_dir(&folding).unwrap();
    let marked = Command::new(&chattr).arg("+F").arg(&folding).status();
    assert!(marked.unwrap().success());
    let diagnosis = catalog(&folding).diagnose(NOW_MS).unwrap();
    assert_eq!(not_ok(&diagnosis), [("case", Health::Failed)]);

    // A part of a catalog is enough.
    let catalog = catalog(mounted.path());
    assert_eq!(not_ok(&catalog.diagnose(NOW_MS).unwrap()), []);
    let names = catalog.root().join("snapshots");
    fs::create_dir(&names).unwrap();
    let marked = Command::new(&chattr).arg("+F").arg(&names).status();
    assert!(marked.unwrap().success());
    let diagnosis = catalog.diagnose(NOW_MS).unwrap();
    assert_eq!(not_ok(&diagnosis), [("case", Health::Failed)]);
}

#[test]
fn file_system_without_links_says_so() {
    let Some(mounted) = Mounted::new(Kind::Vfat) else {
        return;
    };
    let catalog = Catalog::create(mounted.path().join("catalog")).unwrap();
    let diagnosis = catalog.diagnose(NOW_MS).unwrap();
    assert_eq!(name(&diagnosis), "vfat");
    assert_eq!(status(&diagnosis, "case"), Health::Failed);
    assert_eq!(status(&diagnosis, "hard-links"), Health::Warning);
    assert_eq!(status(&diagnosis, "unnamed-files"), Health::Warning);
    assert_eq!(status(&diagnosis, "rename"), Health::Ok);
}
