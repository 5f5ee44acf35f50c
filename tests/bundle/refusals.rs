//! What is not captured, and what a bundle does not replace.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use engine_catalog::{EngineEntry, encode_entry};
use engine_catalog::{
    EntryError, Error, ErrorKind, Manifest, ObjectError, ReadObjectError, Snapshot,
};

use crate::capture;
use crate::sample::names;
use crate::support::{Home, attach, entry, link, listing, object_of, stamp};

#[test]
fn nothing_but_an_empty_directory_is_replaced() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let at = |name: &str| home.outside().join(name);
    fs::create_dir(at("full")).unwrap();
    fs::write(at("full/mine"), "mine").unwrap();
    fs::write(at("file"), "").unwrap();
    fs::create_dir(at("empty")).unwrap();
    symlink(at("empty"), at("link")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    capture(&home.catalog, &at("bundle")).unwrap();
    let before = listing(home.outside());
    for name in ["full", "file", "link", "dangling", "bundle", "catalog"] {
        let error = capture(&home.catalog, &at(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(matches!(error, Error::Occupied { path } if path == at(name)));
    }
    assert_eq!(listing(home.outside()), before);
    // What names no directory.
    for name in ["/", "empty/.."] {
        let error = capture(&home.catalog, &at(name)).unwrap_err();
        assert!(
            matches!(error, Error::Occupied { .. } | Error::Path(_)),
            "{error}"
        );
    }
    assert_eq!(listing(home.outside()), before);
}

/// Requires that capturing fails, and leaves nothing.
fn refused(home: &Home, snapshot: &Snapshot) -> Error {
    let before = listing(home.outside());
    let out = home.outside().join("new/deep/bundle");
    let error = home.catalog.capture(&out, snapshot).unwrap_err();
    assert_eq!(names(home.outside()), ["catalog"], "{error}");
    let mut after = listing(home.outside());
    // Its times have changed.
    after.insert(home.outside().into(), before[home.outside()].clone());
    assert_eq!(after, before);
    error
}

#[test]
fn incomplete_or_damaged_snapshot_leaves_nothing_behind() {
    let home = Home::new();
    let good = home.put(&entry("b1", 1));
    let missing = object_of(&entry("b2", 1));
    let both = Snapshot {
        objects: [good, missing].into(),
    };
    let error = refused(&home, &both);
    assert!(matches!(error, Error::MissingMember { object } if object == missing));

    let only = Snapshot {
        objects: [good].into(),
    };
    let object = home.object(&good);
    let bytes = fs::read(&object).unwrap();
    fs::remove_file(&object).unwrap();
    fs::write(&object, b"damaged").unwrap();
    assert!(matches!(
        refused(&home, &only),
        Error::Object(ReadObjectError::Refused {
            cause: ObjectError::Hash { .. },
            ..
        })
    ));
    fs::write(&object, bytes).unwrap();

    // Its attachments come last, when much has been written already.
    let lost = attach(home.catalog.root(), good, b"\xa1\x66schema\x66note/9");
    fs::remove_file(home.object(&lost)).unwrap();
    assert!(matches!(
        refused(&home, &only),
        Error::DanglingAttachment { subject, object } if subject == good && object == lost
    ));
    fs::write(home.object(&lost), b"\xa1\x66schema\x66note/8").unwrap();
    assert!(matches!(
        refused(&home, &only),
        Error::UnreadableAttachment { .. }
    ));
    fs::remove_dir_all(home.at("attachments")).unwrap();

    // An entry describes nothing.
    let other = home.put(&entry("b2", 1));
    link(home.catalog.root(), good, other);
    assert!(matches!(
        refused(&home, &only),
        Error::MisplacedAttachment { .. }
    ));
    fs::remove_dir_all(home.at("attachments")).unwrap();

    // A manifest describes one entry, and this is of the other; an import leaves that entry out.
    let of_other = Manifest {
        subject: other,
        files: BTreeMap::default(),
    };
    attach(home.catalog.root(), good, &of_other.encode().unwrap());
    assert!(matches!(
        refused(&home, &only),
        Error::MisplacedAttachment { .. }
    ));
    let to = Home::new();
    let imported = to.catalog.import(&home.catalog, &stamp(1)).unwrap();
    let [problem] = &imported.problems[..] else {
        panic!("{:?}", imported.problems)
    };
    assert!(matches!(problem.cause, Error::MisplacedAttachment { .. }));
    assert_eq!(to.catalog.entry(&good).unwrap(), None);
    assert!(to.catalog.entry(&other).unwrap().is_some());
    fs::remove_dir_all(home.at("attachments")).unwrap();
    home.catalog
        .capture(&home.outside().join("bundle"), &only)
        .unwrap();
}

#[test]
fn entry_with_a_credential_is_not_captured() {
    let home = Home::new();
    // As a copy from elsewhere may bring it.
    let leaky = EngineEntry {
        build_ref: Some("https://me:hunter2@git.example/x".into()),
        ..entry("b1", 1)
    };
    let object = home.plant(&encode_entry(&leaky).unwrap());
    home.point("llamacpp/b1", &object);
    let snapshot = Snapshot {
        objects: [object].into(),
    };
    let error = refused(&home, &snapshot);
    assert!(!error.to_string().contains("hunter2"));
    assert!(matches!(
        error,
        Error::Entry {
            cause: EntryError::Secret { .. },
            ..
        }
    ));
}

#[test]
fn no_bundle_is_made_inside_of_its_catalog() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let link = home.outside().join("link");
    symlink(home.at("refs"), &link).unwrap();
    let before = listing(&home.at("."));
    for out in [
        home.at("refs/bundle"),
        home.at("new/deep"),
        link.join("bundle"),
    ] {
        let error = capture(&home.catalog, &out).unwrap_err();
        assert!(matches!(error, Error::InsideCatalog { .. }), "{error}");
    }
    assert_eq!(listing(&home.at(".")), before);
}
