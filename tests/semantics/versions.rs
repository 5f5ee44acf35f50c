//! Formats and features: which catalogs are refused, which can only be read, and that refusing loads
//! and writes nothing.

use std::fs;

use engine_catalog::{
    Catalog, Error, ErrorKind, Expect, Filter, MarkerError, ObjectError, ReadObjectError,
};

use super::opening::{home, open_both};
use super::support::{self, entry, listing, name, stamp};

/// The result of every call that writes, also of those that have nothing to do.
fn every_write(catalog: &Catalog) -> Vec<(&'static str, Result<(), Error>)> {
    let (stamp, nobody) = (stamp(3), name("x/y"));
    let mut results = support::every_write(catalog);
    results.extend([
        ("put_all of nothing", catalog.put_all(&[], &stamp).map(drop)),
        (
            "retire of nothing",
            catalog.retire(&nobody, Expect::Any, &stamp).map(drop),
        ),
        (
            "delete of what is current",
            catalog.delete("llamacpp:b1", &stamp).map(drop),
        ),
        ("delete of nothing", catalog.delete("x", &stamp).map(drop)),
    ]);
    results
}

/// Requires that everything can be read in that catalog.
fn assert_readable(catalog: &Catalog) {
    let b1 = name("llamacpp/b1");
    let current = catalog.current(&b1).unwrap().unwrap();
    assert_eq!(current.entry, entry("b1", 2));
    assert_eq!(catalog.get("llamacpp:b1").unwrap(), Some(current.clone()));
    assert_eq!(
        catalog.find(&current.object.to_string()).unwrap(),
        Some(current)
    );
    assert_eq!(catalog.list(&Filter::default()).unwrap().count(), 1);
    assert_eq!(catalog.history(&b1).unwrap().len(), 2);
}

#[test]
fn unknown_formats_are_refused_and_nothing_is_loaded() {
    let home = home();
    let version = |found: &str| MarkerError::Version {
        found: found.into(),
    };
    let feature = |name: &str| MarkerError::Feature { name: name.into() };
    for (marker, expected) in [
        (&b"engine-catalog 2\n"[..], version("2")),
        (b"engine-catalog 2\nincompat x\n", version("2")),
        (
            b"engine-catalog 18446744073709551617\n",
            version("18446744073709551617"),
        ),
        (b"engine-catalog 1\nincompat zstd\n", feature("zstd")),
        (
            b"engine-catalog 1\ncompat a\nro-compat b\nincompat c\n",
            feature("c"),
        ),
        (
            b"engine-catalog 1\nsomething else\n",
            MarkerError::Line { number: 2 },
        ),
        (
            b"engine-catalog 1\ncompat a\n\n",
            MarkerError::Line { number: 3 },
        ),
        (b"engine-catalog 1\r\n", version("1\r")),
        (b"", MarkerError::NotAMarker),
        (b"engine-catalog 1", MarkerError::NotAMarker),
        (b"\x7fELF\x02\x01", MarkerError::NotAMarker),
        (b"{\"schema\":1}\n", MarkerError::NotAMarker),
    ] {
        fs::write(home.at("format"), marker).unwrap();
        // The marker is judged first, whatever else is there.
        for rest in ["", "gone"] {
            if !rest.is_empty() {
                fs::rename(home.at("refs"), home.outside().join("refs")).unwrap();
            }
            let before = listing(home.outside());
            for opened in open_both(home.catalog.root()) {
                let error = opened.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                let Error::Format { root, cause } = error else {
                    panic!("{error:?}")
                };
                assert_eq!((&*root, &cause), (home.catalog.root(), &expected));
            }
            let created = Catalog::create(home.catalog.root());
            assert!(matches!(created, Err(Error::AlreadyACatalog { .. })));
            assert_eq!(listing(home.outside()), before);
        }
        fs::rename(home.outside().join("refs"), home.at("refs")).unwrap();
    }
    fs::remove_file(home.at("format")).unwrap();
    for opened in open_both(home.catalog.root()) {
        assert!(matches!(opened, Err(Error::NotACatalog { .. })));
    }
}

#[test]
fn messages_say_what_was_found_and_what_is_supported() {
    let home = home();
    let root = home.catalog.root().display();
    for (marker, expected) in [
        (
            "engine-catalog 2\n",
            "it says format \"2\", this program supports format 1",
        ),
        (
            "engine-catalog 1\nincompat zstd\n",
            "it requires the feature \"zstd\", which this program does not know",
        ),
    ] {
        fs::write(home.at("format"), marker).unwrap();
        let error = Catalog::open(home.catalog.root()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the catalog at {root} is not supported: {expected}")
        );
    }
}

#[test]
fn unknown_read_only_feature_allows_reading_and_is_named_by_every_write() {
    let home = home();
    fs::write(
        home.at("format"),
        "engine-catalog 1\ncompat a\nro-compat packs\n",
    )
    .unwrap();
    let before = listing(home.outside());
    let catalog = Catalog::open(home.catalog.root()).unwrap();
    assert_readable(&catalog);
    for (call, result) in every_write(&catalog) {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{call}");
        assert!(
            matches!(error, Error::ReadOnlyFeature { feature, .. } if feature == "packs"),
            "{call}"
        );
    }
    assert_readable(&Catalog::open_read_only(home.catalog.root()).unwrap());
    assert_eq!(listing(home.outside()), before);
}

#[test]
fn catalog_with_a_policy_is_written_only_by_who_can_judge_signatures() {
    let home = home();
    let judges = cfg!(feature = "signatures");
    let assert_written = |catalog: &Catalog| {
        let before = listing(home.outside());
        let put = catalog.put(&entry("b7", 1), &stamp(1));
        if judges {
            put.unwrap();
            return;
        }
        let error = put.unwrap_err();
        assert!(
            matches!(&error, Error::ReadOnlyFeature { feature, .. } if feature == "policy"),
            "{error}"
        );
        assert_eq!(listing(home.outside()), before);
    };
    // Whoever has it open already is told too, and so is who opens it where only the marker says so.
    fs::write(home.at("policy"), "").unwrap();
    assert_readable(&Catalog::open(home.catalog.root()).unwrap());
    assert_written(&home.catalog);
    fs::remove_file(home.at("policy")).unwrap();
    fs::write(home.at("format"), "engine-catalog 1\nro-compat policy\n").unwrap();
    assert_written(&Catalog::open(home.catalog.root()).unwrap());
}

#[test]
fn unknown_compatible_feature_is_ignored() {
    let home = home();
    fs::write(
        home.at("format"),
        "engine-catalog 1\ncompat hints\ncompat more-hints\n",
    )
    .unwrap();
    let catalog = Catalog::open(home.catalog.root()).unwrap();
    assert_readable(&catalog);
    catalog.put(&entry("b1", 3), &stamp(1)).unwrap();
    let marker = fs::read_to_string(home.at("format")).unwrap();
    assert!(marker.contains("hints"));
}

#[test]
fn catalog_opened_to_read_refuses_every_write() {
    let home = home();
    let before = listing(home.outside());
    let catalog = Catalog::open_read_only(home.catalog.root()).unwrap();
    assert_readable(&catalog);
    for (call, result) in every_write(&catalog) {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{call}");
        assert!(matches!(error, Error::ReadOnly { .. }), "{call}: {error:?}");
    }
    assert_eq!(listing(home.outside()), before);
}

#[test]
fn object_of_an_unknown_schema_is_an_error_and_hides_no_other_entry() {
    let home = home();
    let newer = b"\xa1\x66schema\x6eengine-entry/2";
    let object = home.plant(newer);
    home.point("llamacpp/b0", &object);
    let catalog = Catalog::open(home.catalog.root()).unwrap();
    let error = catalog.current(&name("llamacpp/b0")).unwrap_err();
    let shown = format!(
        "ref llamacpp/b0 cannot be read: object {object} is refused: its schema \
         \"engine-entry/2\" is unknown; known are engine-entry/1, snapshot/1, artifacts/1, attachment/1"
    );
    assert_eq!(error.to_string(), shown);
    let Error::Unreadable {
        cause: ReadObjectError::Refused {
            object: named,
            cause,
        },
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(named, object);
    assert_eq!(
        cause,
        ObjectError::UnknownSchema {
            found: "engine-entry/2".into()
        }
    );

    let listed: Vec<_> = catalog.list(&Filter::default()).unwrap().collect();
    assert!(listed[0].is_err());
    assert_eq!(listed[1].as_ref().unwrap().entry, entry("b1", 2));
    assert!(catalog.get("llamacpp:b1").unwrap().is_some());
    assert!(
        catalog.get("unknown").is_err(),
        "it may be the id of what cannot be read"
    );
}
