//! Making and opening catalogs.

use std::fs;
use std::path::Path;

use engine_catalog::{Catalog, Cause, Error, ErrorKind, FORMAT_VERSION, Filter, PathError};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::support::{Home, entry, files, listing, stamp};

pub(crate) fn open_both(root: &Path) -> [Result<Catalog, Error>; 2] {
    [Catalog::open(root), Catalog::open_read_only(root)]
}

/// A catalog in which `llamacpp/b1` held two entries.
pub(crate) fn home() -> Home {
    let home = Home::new();
    home.put(&entry("b1", 1));
    home.put(&entry("b1", 2));
    home
}

#[test]
fn new_catalog_consists_of_a_marker_a_lock_and_empty_directories() {
    let home = Home::new();
    assert_eq!(files(home.catalog.root()), ["format", "lock"]);
    assert_eq!(fs::read(home.at("format")).unwrap(), b"engine-catalog 1\n");
    assert_eq!(fs::read(home.at("lock")).unwrap(), b"");
    assert_eq!(FORMAT_VERSION, 1);
    for dir in ["objects", "refs", "history", "tmp"] {
        assert!(home.at(dir).is_dir());
    }
    assert_eq!(home.catalog.list(&Filter::default()).unwrap().count(), 0);
    let deep = home.outside().join("a/b/c");
    let made = Catalog::create(&deep).unwrap();
    assert_eq!(made.root(), deep);
    assert!(Catalog::open(deep).is_ok());
}

#[test]
fn catalog_is_not_made_twice_nor_among_other_files() {
    let home = home();
    let before = listing(home.outside());
    let again = Catalog::create(home.catalog.root());
    assert!(matches!(again, Err(Error::AlreadyACatalog { root }) if root == home.catalog.root()));
    assert_eq!(listing(home.outside()), before);

    for other in ["notes.txt", ".hidden", "objects.bak", "quarantine"] {
        let root = home.outside().join(format!("in-{other}"));
        fs::create_dir_all(root.join("objects")).unwrap();
        fs::write(root.join(other), "x").unwrap();
        let before = listing(home.outside());
        match Catalog::create(&root) {
            Err(Error::NotEmpty { root: at, found }) => assert_eq!((at, &*found), (root, other)),
            other => panic!("{other:?}"),
        }
        assert_eq!(listing(home.outside()), before);
    }
}

#[test]
fn what_an_interrupted_creation_left_is_completed() {
    let outside = tempfile::tempdir().unwrap();
    for (number, left) in [
        &[][..],
        &["objects/"],
        &["objects/", "refs/", "history/", "tmp/"],
        &["objects/", "refs/", "history/", "tmp/", "lock"],
        &[
            "objects/",
            "refs/",
            "history/",
            "tmp/",
            "lock",
            "tmp/new-0123456789abcdef",
        ],
    ]
    .iter()
    .enumerate()
    {
        let root = outside.path().join(number.to_string());
        fs::create_dir(&root).unwrap();
        for part in *left {
            match part.strip_suffix('/') {
                Some(dir) => fs::create_dir(root.join(dir)).unwrap(),
                None => fs::write(root.join(part), "").unwrap(),
            }
        }
        for opened in open_both(&root) {
            assert!(matches!(opened, Err(Error::NotACatalog { .. })));
        }
        let catalog = Catalog::create(&root).unwrap();
        catalog.put(&entry("b1", 1), &stamp(1)).unwrap();
        let reopened = Catalog::open_read_only(&root).unwrap();
        assert!(reopened.exists("llamacpp:b1").unwrap());
    }
}

#[test]
fn what_is_no_catalog_is_not_opened() {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir(outside.path().join("empty")).unwrap();
    fs::write(outside.path().join("file"), "x").unwrap();
    let fifo = outside.path().join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let before = listing(outside.path());
    for missing in ["empty", "nothing", "nothing/at/all"] {
        let root = outside.path().join(missing);
        for opened in open_both(&root) {
            let error = opened.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(matches!(error, Error::NotACatalog { root: at } if at == root));
        }
    }
    for no_directory in ["file", "file/x", "fifo"] {
        let root = outside.path().join(no_directory);
        let created = Catalog::create(&root);
        for result in open_both(&root).into_iter().chain([created]) {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(
                matches!(
                    error,
                    Error::Path(PathError {
                        cause: Cause::Io(_),
                        ..
                    })
                ),
                "{error:?}"
            );
        }
    }
    assert_eq!(listing(outside.path()), before);
}

#[test]
fn one_handle_serves_several_threads() {
    fn require<T: Send + Sync>() {}
    require::<Catalog>();
    let home = Home::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let catalog = &home.catalog;
            scope.spawn(move || {
                let entry = entry(&format!("b{thread}"), thread);
                catalog.put(&entry, &stamp(thread)).unwrap();
                assert!(catalog.exists(&entry.id).unwrap());
            });
        }
    });
    assert_eq!(home.catalog.list(&Filter::default()).unwrap().count(), 4);
}
