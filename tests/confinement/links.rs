//! Symbolic links, planted wherever a catalog has a file or directory. None is followed: not where
//! it leads to a good copy of what belongs there, and not where it leads to nothing yet.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use engine_catalog::{Catalog, Cause, Error, PathError};

use super::support::{Home, entry, files, listing, name, stamp};
use super::{busy_home, every_read, every_write, places, refused};

/// What a planted link leads to.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// What was in its place, moved out of the root.
    Absolute,
    /// The same, by a relative path.
    Relative,
    /// Nothing that exists: writing through the link would make it.
    Nothing,
}

/// Moves what is at `path` out of the root and puts a link in its place. Returns the directory
/// outside that holds what was moved.
fn plant(home: &Home, path: &str, target: Target) -> PathBuf {
    let outside = home.outside().join("outside");
    fs::create_dir(&outside).unwrap();
    let (place, moved) = (home.at(path), outside.join("moved"));
    fs::rename(&place, &moved).unwrap();
    let up = "../".repeat(path.split('/').count());
    let target = match target {
        Target::Absolute => moved,
        Target::Relative => Path::new(&up).join("outside/moved"),
        Target::Nothing => outside.join("nothing"),
    };
    symlink(target, place).unwrap();
    outside
}

fn is_link(cause: &Cause) -> bool {
    matches!(cause, Cause::Link)
}

#[test]
fn no_link_below_the_root_is_followed() {
    for place in places() {
        for target in [Target::Absolute, Target::Relative, Target::Nothing] {
            let home = busy_home();
            let outside = plant(&home, &place.path, target);
            let (before, at) = (listing(&outside), home.at(&place.path));
            let what = format!("{} {target:?}", place.path);
            let reads = refused(every_read(&home.catalog), &at, is_link);
            assert_eq!(reads, place.reads, "{what}");
            let writes = refused(every_write(&home.catalog), &at, is_link);
            assert_eq!(writes, place.writes, "{what}");
            assert_eq!(listing(&outside), before, "{what}");
            assert!(
                place.path.starts_with("objects/") || at.is_symlink(),
                "{what}"
            );
        }
    }
}

#[test]
fn marker_that_is_a_link_is_not_read() {
    for target in [Target::Absolute, Target::Relative, Target::Nothing] {
        let home = busy_home();
        let outside = plant(&home, "format", target);
        let before = listing(home.outside());
        for opened in [
            Catalog::open(home.catalog.root()),
            Catalog::open_read_only(home.catalog.root()),
        ] {
            let Err(Error::Path(PathError { path, cause, .. })) = opened else {
                panic!("{opened:?}")
            };
            assert!(path == home.at("format") && is_link(&cause));
        }
        let created = Catalog::create(home.catalog.root());
        assert!(matches!(created, Err(Error::AlreadyACatalog { .. })));
        assert_eq!(listing(home.outside()), before);
        assert!(!outside.join("nothing").exists());
    }
}

#[test]
fn new_catalog_is_not_made_through_links() {
    for part in ["objects", "refs", "history", "tmp", "lock"] {
        for target in ["somewhere", "nothing"] {
            let outside = tempfile::tempdir().unwrap();
            let root = outside.path().join("catalog");
            fs::create_dir(&root).unwrap();
            fs::create_dir(outside.path().join("somewhere")).unwrap();
            symlink(format!("../{target}"), root.join(part)).unwrap();
            let before = listing(&outside.path().join("somewhere"));
            match Catalog::create(&root) {
                Err(Error::Path(PathError { path, cause, .. })) => {
                    assert!(path == root.join(part) && is_link(&cause), "{cause}");
                }
                other => panic!("{part}: {other:?}"),
            }
            assert_eq!(listing(&outside.path().join("somewhere")), before);
            assert!(!outside.path().join("nothing").exists());
            assert!(!root.join("format").exists());
        }
    }
}

#[test]
fn damaged_object_is_not_moved_out_through_a_link() {
    let home = busy_home();
    let object = home
        .catalog
        .current(&name("llamacpp/b1"))
        .unwrap()
        .unwrap()
        .object;
    fs::remove_file(home.object(&object)).unwrap();
    fs::write(home.object(&object), "damaged").unwrap();
    fs::create_dir(home.at("quarantine")).unwrap();
    let outside = plant(&home, "quarantine", Target::Absolute);
    let before = listing(&outside);
    match home.catalog.put(&entry("b1", 2), &stamp(1)) {
        Err(Error::Path(PathError { path, cause, .. })) => {
            assert!(path == home.at("quarantine") && is_link(&cause));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(listing(&outside), before);
    assert_eq!(fs::read(home.object(&object)).unwrap(), b"damaged");
    assert!(files(&home.at("tmp")).is_empty());
}

#[test]
fn way_to_the_root_may_lead_through_links() {
    let home = busy_home();
    let alias = home.outside().join("alias");
    symlink(home.catalog.root(), &alias).unwrap();
    let catalog = Catalog::open(&alias).unwrap();
    let put = catalog.put(&entry("b1", 3), &stamp(1)).unwrap();
    assert!(home.object(&put.object).exists());
}

#[test]
fn open_catalog_stays_where_it_is_when_its_path_leads_elsewhere() {
    let home = busy_home();
    let (root, moved) = (home.catalog.root(), home.outside().join("moved"));
    fs::rename(root, &moved).unwrap();
    let other = home.outside().join("other");
    Catalog::create(&other).unwrap();
    symlink(&other, root).unwrap();
    let before = listing(&other);
    let put = home.catalog.put(&entry("b1", 3), &stamp(1)).unwrap();
    assert_eq!(
        put.previous.map(|id| home.catalog.entry(&id).unwrap()),
        Some(Some(entry("b1", 2)))
    );
    assert_eq!(listing(&other), before);
    let reopened = Catalog::open(&moved).unwrap();
    let current = reopened.current(&name("llamacpp/b1")).unwrap().unwrap();
    assert_eq!(current.object, put.object);
}
