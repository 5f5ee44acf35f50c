//! The same snapshot gives the same bundle, wherever and whenever it is captured.

use std::fs;
use std::path::Path;

use engine_catalog::Catalog;

use crate::capture;
use crate::sample::{assert_same, fill, fill_otherwise, modes};
use crate::support::{Home, child};

/// Captures in a process of its own.
fn capture_under(umask: &str, locale: &str, catalog: &Catalog, out: &Path) {
    let script = format!("umask {umask}; exec \"$0\" \"$@\"");
    let mut command = child::command(["sh", "-c", &script], "capture", catalog.root());
    command
        .env("BUNDLE", out)
        .env("LC_ALL", locale)
        .env("TZ", "Pacific/Kiritimati")
        .current_dir("/");
    let output = command.output().unwrap();
    let said = child::shown(&output);
    assert!(said.contains("acknowledged"), "{said}");
}

#[test]
fn bundles_of_one_snapshot_are_the_same_whatever_is_around_them() {
    let (one, other) = (Home::new(), Home::new());
    // The path of an artifact is part of its entry.
    let scratch = tempfile::tempdir().unwrap();
    let server = scratch.path().join("server");
    fs::write(&server, "ELF").unwrap();
    fill(&one.catalog, &server);
    fill_otherwise(&other.catalog, &server);

    let here = scratch.path().join("here");
    let bundle = capture(&one.catalog, &here).unwrap();
    assert_eq!(bundle.entries.len(), 6);
    assert_eq!(bundle.without_ref, []);
    let private = scratch.path().join("private/deep");
    capture_under("077", "tr_TR.UTF-8", &other.catalog, &private);
    assert_same(&here, &private);
    let open = scratch.path().join("open");
    capture_under("000", "C", &other.catalog, &open);
    assert_same(&here, &open);
    // A bundle is a catalog, and can be captured as one.
    let again = scratch.path().join("again");
    capture(&Catalog::open(&open).unwrap(), &again).unwrap();
    assert_same(&here, &again);
    assert!(!open.join("lock").exists(), "reading a bundle adds nothing");

    for (path, mode) in modes(&here) {
        let is_object = path.starts_with("objects/") && path.len() > "objects/ab".len();
        let expected = match here.join(&path) {
            at if at.is_dir() => 0o040_755,
            _ if is_object => 0o100_444,
            _ => 0o100_644,
        };
        assert_eq!(mode, expected, "{path} has mode {mode:o}");
    }
}

#[test]
fn empty_directory_gives_its_place_and_not_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let (one, other) = (home.outside().join("one"), home.outside().join("other"));
    fs::create_dir(&other).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o2700)).unwrap();
    capture(&home.catalog, &one).unwrap();
    capture(&home.catalog, &other).unwrap();
    assert_same(&one, &other);
}

#[test]
fn bundle_in_a_directory_whose_group_is_inherited_is_the_same() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let shared = home.outside().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o2777)).unwrap();
    let (one, other) = (home.outside().join("one"), shared.join("other"));
    capture(&home.catalog, &one).unwrap();
    capture(&home.catalog, &other).unwrap();
    assert_same(&one, &other);
}
