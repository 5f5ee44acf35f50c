//! What a diagnosis says, as the library gives it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use engine_catalog::{
    Artifacts, Catalog, Error, FeatureClass, Health, MarkerError, Members, Name, PreparedEngine,
};

use super::support::mount::Mounted;
use super::support::{Home, entry, files, listing, stamp};
use super::{ABILITIES, NOW_MS, check, not_ok};

/// A catalog that has something of everything.
fn busy_home() -> Home {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let current = home.put(&entry("b1", 2));
    let file = home.outside().join("llama-server");
    fs::write(&file, "abc").unwrap();
    let prepared = PreparedEngine::new("llamacpp", "b2", Artifacts::Files(vec![file]), 1);
    home.catalog.record(&prepared, &stamp(1)).unwrap();
    let members = Members::Objects([current].into());
    let name = Name::new("release").unwrap();
    home.catalog.create_snapshot(&members, Some(&name)).unwrap();
    home
}

#[test]
fn good_place_has_nothing_to_complain_about() {
    let home = busy_home();
    let diagnosis = home.catalog.diagnose(NOW_MS).unwrap();
    assert_eq!(not_ok(&diagnosis), []);
    assert_eq!((diagnosis.format, diagnosis.features.len()), (1, 0));
    assert_eq!(diagnosis.root, home.catalog.root());
    let names = diagnosis.checks.iter().map(|check| check.name);
    let tried: Vec<_> = names.filter(|name| ABILITIES.contains(name)).collect();
    assert_eq!(tried, ABILITIES);
}

#[test]
fn trying_leaves_nothing_behind_and_touches_nothing_but_tmp() {
    let home = busy_home();
    let tmp = home.at("tmp");
    let others = || {
        let mut others = listing(home.outside());
        others.remove(&tmp);
        others
    };
    let before = others();
    home.catalog.diagnose(NOW_MS).unwrap();
    assert_eq!(others(), before);
    // That it was tried shows in the directory.
    let at_once = listing(&tmp);
    home.catalog.diagnose(NOW_MS).unwrap();
    assert_ne!(listing(&tmp), at_once);
}

#[test]
fn handle_to_read_writes_nothing_and_says_what_it_could_not_try() {
    let home = busy_home();
    let before = listing(home.outside());
    let catalog = Catalog::open_read_only(home.catalog.root()).unwrap();
    let diagnosis = catalog.diagnose(NOW_MS).unwrap();
    assert_eq!(listing(home.outside()), before);
    let unknown: Vec<_> = ABILITIES.map(|name| (name, Health::Unknown)).into();
    assert_eq!(not_ok(&diagnosis), unknown);
    assert!(check(&diagnosis, "rename").detail.contains("reading only"));
}

#[test]
fn everything_is_counted_and_foreign_files_are_not() {
    let home = busy_home();
    for foreign in [
        "objects/ab/.cdef.X1y2Z3",
        "objects/README",
        "refs/llamacpp/.b9",
        "refs/b9",
        "snapshots/.x",
        "attachments/ab/x/y",
    ] {
        let path = home.at(foreign);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    fs::create_dir_all(home.at("quarantine")).unwrap();
    fs::write(home.at("quarantine/anything"), "12345").unwrap();
    fs::write(home.at("tmp/new-1"), "123").unwrap();
    let counts = home.catalog.diagnose(NOW_MS).unwrap().counts;
    let files_of = |count: Option<engine_catalog::Count>| count.unwrap().files;
    assert_eq!(files_of(counts.refs), 2);
    assert_eq!(counts.refs.unwrap().bytes, 130);
    assert_eq!(files_of(counts.histories), 2);
    // Three entries, a manifest and a snapshot.
    assert_eq!(files_of(counts.objects), 5);
    let on_disk = files(&home.at("objects")).into_iter();
    let on_disk = on_disk.filter(|path| path.len() == 2 + 1 + 62);
    let bytes = on_disk.map(|path| fs::metadata(home.at("objects").join(path)).unwrap().len());
    assert_eq!(counts.objects.unwrap().bytes, bytes.sum::<u64>());
    assert_eq!(files_of(counts.snapshots), 1);
    assert_eq!(files_of(counts.attachments), 1);
    assert_eq!(files_of(counts.blobs), 0);
    let [quarantine, tmp] = [counts.quarantine, counts.tmp].map(Option::unwrap);
    assert_eq!((quarantine.files, quarantine.bytes), (1, 5));
    assert_eq!((tmp.files, tmp.bytes), (1, 3));
}

#[test]
fn leftovers_warn_once_they_are_older_than_any_writer() {
    let home = Home::new();
    fs::write(home.at("tmp/new-1"), "123").unwrap();
    let now_ms = stamp_now();
    let status = |now_ms| {
        let diagnosis = home.catalog.diagnose(now_ms).unwrap();
        check(&diagnosis, "leftovers").status
    };
    assert_eq!(status(now_ms), Health::Ok);
    assert_eq!(status(now_ms + 59 * 60_000), Health::Ok);
    assert_eq!(status(now_ms + 61 * 60_000), Health::Warning);
    assert!(home.at("tmp/new-1").exists(), "it only reports");
    fs::create_dir(home.at("quarantine")).unwrap();
    fs::write(home.at("quarantine/x"), "123").unwrap();
    let diagnosis = home.catalog.diagnose(now_ms).unwrap();
    assert_eq!(check(&diagnosis, "quarantine").status, Health::Warning);
}

fn stamp_now() -> i64 {
    engine_catalog::Stamp::now("me").unwrap().at_ms
}

#[test]
fn clock_has_to_be_after_what_it_has_been_seen_at() {
    let home = Home::new();
    let clock = |now_ms| {
        let diagnosis = home.catalog.diagnose(now_ms).unwrap();
        let clock = check(&diagnosis, "clock");
        (clock.status, clock.detail.clone())
    };
    let now_ms = stamp_now();
    assert_eq!(clock(now_ms).0, Health::Ok);
    assert_eq!(clock(1_735_689_599_999).0, Health::Failed);
    assert_eq!(clock(i64::MIN).0, Health::Failed);
    let (status, detail) = clock(now_ms - 100_000);
    assert_eq!(status, Health::Warning);
    assert!(detail.contains("`format`"), "{detail}");

    let later = stamp(now_ms + 100_000);
    home.catalog.put(&entry("b1", 1), &later).unwrap();
    // One that comes later in the history, and says an earlier time.
    home.catalog.put(&entry("b1", 2), &stamp(5)).unwrap();
    let (status, detail) = clock(now_ms);
    assert_eq!(status, Health::Warning);
    assert!(detail.contains("change of llamacpp/b1"), "{detail}");
    assert_eq!(clock(now_ms + 100_000).0, Health::Ok);
}

#[test]
fn features_are_listed_with_what_they_mean_here() {
    let home = Home::new();
    let marker = |features: &str| {
        fs::write(home.at("format"), format!("engine-catalog 1\n{features}")).unwrap();
        let diagnosis = Catalog::open(home.catalog.root())?.diagnose(NOW_MS)?;
        Ok::<_, Error>(diagnosis)
    };
    let diagnosis = marker("compat hints\n").unwrap();
    assert_eq!(not_ok(&diagnosis), []);
    let [feature] = &diagnosis.features[..] else {
        panic!("{diagnosis:?}")
    };
    assert_eq!(
        (feature.class, &*feature.name, feature.known),
        (FeatureClass::Compat, "hints", false)
    );

    let diagnosis = marker("ro-compat packs\ncompat hints\n").unwrap();
    assert_eq!(diagnosis.features.len(), 2);
    assert_eq!(check(&diagnosis, "format").status, Health::Warning);
    assert_eq!(check(&diagnosis, "rename").status, Health::Unknown);

    let error = marker("incompat zstd\n").unwrap_err();
    let Error::Format { cause, .. } = error else {
        panic!("{error:?}")
    };
    assert!(matches!(cause, MarkerError::Feature { name } if name == "zstd"));
}

#[test]
fn marker_that_was_changed_since_it_was_opened_is_an_error() {
    let home = Home::new();
    fs::write(home.at("format"), "engine-catalog 2\n").unwrap();
    let error = home.catalog.diagnose(NOW_MS).unwrap_err();
    let Error::Format { cause, .. } = error else {
        panic!("{error:?}")
    };
    assert!(matches!(cause, MarkerError::Version { found } if found == "2"));
}

#[test]
fn directories_that_everybody_may_write_to_are_warned_of() {
    for dir in [".", "refs", "refs/llamacpp", "tmp"] {
        let home = busy_home();
        fs::set_permissions(home.at(dir), fs::Permissions::from_mode(0o777)).unwrap();
        let diagnosis = home.catalog.diagnose(NOW_MS).unwrap();
        assert_eq!(not_ok(&diagnosis), [("permissions", Health::Warning)]);
        let detail = &check(&diagnosis, "permissions").detail;
        let shown = if dir == "." { "the root" } else { dir };
        assert!(detail.contains(shown), "{dir}: {detail}");
    }
}

/// Puts something else in the place of a directory of [`busy_home`].
fn with_odd(place: &str, make: impl Fn(&Path)) -> Home {
    let home = busy_home();
    let path = home.at(place);
    if path.exists() {
        fs::rename(&path, home.outside().join("aside")).unwrap();
    }
    make(&path);
    home
}

#[test]
fn what_is_in_the_place_of_a_directory_fails_and_the_rest_is_reported() {
    let elsewhere = tempfile::tempdir().unwrap();
    let odd: [&dyn Fn(&Path); 2] = [&|path| fs::write(path, "").unwrap(), &|path| {
        symlink(elsewhere.path(), path).unwrap();
    }];
    for make in odd {
        for place in ["objects", "refs", "snapshots", "quarantine", "tmp"] {
            let home = with_odd(place, make);
            let diagnosis = home.catalog.diagnose(NOW_MS).unwrap();
            let directories = check(&diagnosis, "directories");
            assert_eq!(directories.status, Health::Failed, "{place}");
            assert!(directories.detail.contains(place), "{directories:?}");
            assert_eq!(check(&diagnosis, "counts").status, Health::Failed);
            let counts = [
                ("objects", diagnosis.counts.objects),
                ("refs", diagnosis.counts.refs),
                ("snapshots", diagnosis.counts.snapshots),
            ];
            for (kind, count) in counts {
                assert_eq!(count.is_none(), kind == place, "{place}: {kind}");
            }
            let is_tried = check(&diagnosis, "rename").status == Health::Ok;
            assert_eq!(is_tried, place != "tmp", "{place}");
            assert_eq!(files(elsewhere.path()), [""; 0], "nothing leaves the root");
        }
    }
}

#[test]
fn file_system_mounted_inside_fails() {
    for place in ["objects", "tmp"] {
        let home = busy_home();
        let Some(_mounted) = Mounted::over(&home.at(place)) else {
            return;
        };
        let diagnosis = home.catalog.diagnose(NOW_MS).unwrap();
        let directories = check(&diagnosis, "directories");
        assert_eq!(directories.status, Health::Failed, "{place}");
        assert!(directories.detail.contains(place), "{directories:?}");
    }
}

#[test]
fn damage_in_what_is_stored_does_not_stop_the_report() {
    let home = busy_home();
    for (place, content) in [
        ("history/llamacpp/b1", "x\n"),
        ("refs/llamacpp/b2", "x"),
        ("snapshots/release", ""),
    ] {
        fs::write(home.at(place), content).unwrap();
    }
    let diagnosis = home.catalog.diagnose(NOW_MS).unwrap();
    assert_eq!(not_ok(&diagnosis), []);
    assert!(check(&diagnosis, "clock").detail.ends_with("cannot be: 2"));
}
