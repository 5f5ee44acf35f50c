//! Contents that come along with an import, and those that do not.

use std::fs;
use std::path::Path;

use engine_catalog::{
    BlobError, Blobs, Catalog, Error, ImportOptions, ImportOutcome, ImportSide, Imported,
};

use crate::engine::{FILES, blob_file, materialize, store, tree, whole};
use crate::support::{Home, stamp};

fn import(to: &Catalog, from: &Catalog, blobs: Blobs) -> Imported {
    let options = ImportOptions {
        blobs,
        ..ImportOptions::default()
    };
    let imported = to.import_with(from, &options, &stamp(2));
    imported.expect("it can be read")
}

/// A catalog with an engine whose files are gone.
fn source() -> Home {
    let home = Home::new();
    store(&home.catalog, &home.outside().join("engine"));
    fs::remove_dir_all(home.outside().join("engine")).expect("it is there");
    home
}

fn blobs(root: &Path) -> usize {
    tree(&root.join("blobs")).len()
}

#[test]
fn engine_is_materialized_where_it_was_imported() {
    let (source, home) = (source(), Home::new());
    let imported = import(&home.catalog, &source.catalog, Blobs::LeaveBehind);
    assert_eq!(imported.refs[0].outcome, ImportOutcome::Created);
    assert!(!home.at("blobs").exists(), "nobody asked for them");

    let imported = import(&home.catalog, &source.catalog, Blobs::Bring);
    assert_eq!(imported.refs[0].outcome, ImportOutcome::Same);
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    assert_eq!((imported.blobs.new_blobs, imported.absent_blobs), (3, 0));
    let record = home.catalog.find("llamacpp/b4321").expect("it can be read");
    let to = home.outside().join("to");
    let written = materialize(&home.catalog, &record.expect("it is there"), &to);
    written.expect("all has come along");
    assert_eq!(tree(&to), whole());
    let again = import(&home.catalog, &source.catalog, Blobs::Bring);
    assert_eq!((again.blobs.files, again.blobs.new_blobs), (3, 0));
}

#[test]
fn damaged_content_stays_behind_and_others_come() {
    let (source, home) = (source(), Home::new());
    let file = blob_file(source.catalog.root(), FILES[1].1.as_bytes());
    // Of the right size; and so large that nobody reads it to the end.
    for size in [None, Some(1 << 40)] {
        fs::remove_file(&file).expect("it is there");
        fs::write(&file, "ELF librarY").expect("there is room");
        let written = fs::File::options()
            .write(true)
            .open(&file)
            .expect("it is there");
        if let Some(size) = size {
            written.set_len(size).expect("it takes no room");
        }
        let imported = import(&home.catalog, &source.catalog, Blobs::Bring);
        let [problem] = &imported.problems[..] else {
            unreachable!("{:?}", imported.problems)
        };
        assert_eq!(problem.at, ImportSide::Source);
        assert!(
            matches!(problem.cause, Error::Blob(BlobError::Damaged { .. })),
            "{problem}"
        );
        assert_eq!(blobs(home.catalog.root()), 2);
        assert_eq!(tree(&home.at("tmp")), [].into());
    }
}

#[test]
fn link_in_the_place_of_a_content_brings_nothing_from_elsewhere() {
    let (source, home) = (source(), Home::new());
    let content = FILES[1].1;
    let file = blob_file(source.catalog.root(), content.as_bytes());
    let elsewhere = source.outside().join("elsewhere");
    fs::rename(&file, &elsewhere).expect("there is room");
    std::os::unix::fs::symlink(&elsewhere, &file).expect("there is room");
    let imported = import(&home.catalog, &source.catalog, Blobs::Bring);
    assert_eq!(imported.problems.len(), 1, "{:?}", imported.problems);
    assert!(!blob_file(home.catalog.root(), content.as_bytes()).exists());
}

#[test]
fn content_that_neither_has_is_counted_and_no_problem() {
    let (source, home) = (source(), Home::new());
    let gone = blob_file(source.catalog.root(), FILES[0].1.as_bytes());
    fs::remove_file(gone).expect("it is there");
    let imported = import(&home.catalog, &source.catalog, Blobs::Bring);
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    assert_eq!((imported.blobs.new_blobs, imported.absent_blobs), (2, 1));
}

#[test]
fn members_of_named_snapshots_bring_their_contents_too() {
    let (source, home) = (source(), Home::new());
    let members = engine_catalog::Members::Current(engine_catalog::Filter::default());
    let name = "nightly".parse().expect("it is a name");
    let created = source.catalog.create_snapshot(&members, Some(&name));
    created.expect("it can be made");
    let retired = source.catalog.delete(
        &source
            .catalog
            .find("llamacpp/b4321")
            .expect("it can be read")
            .expect("it is there")
            .entry
            .id,
        &stamp(2),
    );
    assert!(retired.expect("it can be retired"));
    let imported = import(&home.catalog, &source.catalog, Blobs::Bring);
    assert!(imported.refs.is_empty());
    assert_eq!(imported.blobs.new_blobs, 3);
}
