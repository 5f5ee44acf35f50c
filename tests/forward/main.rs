//! Two catalogs that take from each other: what a person chooses where each has gone its own way, that
//! refs only move forward whatever happens, and how two catalogs compare.
//!
//! `ENGINE_CATALOG_TEST_SEQUENCES` says how many random pairs of catalogs are tried, 24 by default.

#![allow(clippy::unwrap_used, clippy::panic)]

mod choosing;
mod comparing;
mod converging;
mod program_shows;

#[path = "../support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

use engine_catalog::{Catalog, Choice, ImportOptions, ImportOutcome, ObjectId};

use support::{Home, entry, name, object_of, stamp};

/// A catalog in which `llamacpp/b1` held these builds one after the other, 0 being none, at those times.
fn home_of(builds: &[(u8, i64)]) -> Home {
    let home = Home::new();
    let b1 = name("llamacpp/b1");
    for &(build, at) in builds {
        match build {
            0 => drop(home.catalog.delete("llamacpp:b1", &stamp(at)).unwrap()),
            _ if home
                .catalog
                .history(&b1)
                .unwrap()
                .iter()
                .any(|it| it.new == object(build)) =>
            {
                let object = object(build).unwrap();
                home.catalog
                    .rollback(&b1, Some(object), &stamp(at))
                    .unwrap();
            }
            _ => drop(
                home.catalog
                    .put(&entry("b1", build.into()), &stamp(at))
                    .unwrap(),
            ),
        }
    }
    home
}

/// The object of a build; 0 is none.
fn object(build: u8) -> Option<ObjectId> {
    (build > 0).then(|| object_of(&entry("b1", build.into())))
}

/// Brings in what `from` has, and returns what became of the only ref.
fn take(to: &Home, from: &Home, choice: Choice) -> ImportOutcome {
    let source = Catalog::open_read_only(from.catalog.root()).unwrap();
    let options = ImportOptions {
        prefer: choice.into(),
        ..ImportOptions::default()
    };
    let planned = to.catalog.plan_import(&source, &options).unwrap();
    let imported = to
        .catalog
        .import_with(&source, &options, &stamp(50))
        .unwrap();
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    assert_eq!(planned.refs, imported.refs, "what is planned is done");
    assert_eq!(imported.refs.len(), 1);
    imported.refs[0].outcome
}

fn current(home: &Home) -> Option<ObjectId> {
    let record = home.catalog.current(&name("llamacpp/b1")).unwrap();
    record.map(|record| record.object)
}
