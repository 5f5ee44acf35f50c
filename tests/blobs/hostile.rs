//! What somebody else puts into `blobs/`, or says of it, is passed over or refused, and never followed.

use std::fs;

use engine_catalog::{Blobs, ImportOptions};

use crate::engine::{FILES, blob_file, store};
use crate::support::{Home, listing, stamp};

#[test]
fn foreign_names_are_no_blobs_and_stay() {
    let home = Home::new();
    store(&home.catalog, &home.outside().join("engine"));
    let foreign = [
        "x",
        "ab/x",
        &format!("ab/.{}.X1y2Z3", "c".repeat(62)),
        &format!("AB/{}", "c".repeat(62)),
        &format!("abc/{}", "c".repeat(61)),
    ];
    for path in foreign {
        let path = home.at("blobs").join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("there is room");
        fs::write(path, "foreign").expect("there is room");
    }
    let odd = home.at("blobs/ab").join("d".repeat(62));
    fs::create_dir(odd).expect("there is room");
    std::os::unix::fs::symlink("/dev/zero", home.at("blobs/ab").join("e".repeat(62)))
        .expect("there is room");
    let listed = home.catalog.blobs().expect("they are listed");
    assert_eq!(listed.len(), FILES.len());
    let before = listing(&home.at("blobs"));
    let (again, stored) = store(&home.catalog, &home.outside().join("again"));
    assert_eq!((stored.new_blobs, again.entry.artifacts.len()), (0, 3));
    let after = listing(&home.at("blobs"));
    assert!(before.keys().eq(after.keys()));
}

/// `blobs/`, a shard, and a blob, each of which leads elsewhere.
#[test]
fn links_lead_no_write_out_of_the_catalog() {
    for depth in 1..=3 {
        let home = Home::new();
        let blob = blob_file(home.catalog.root(), FILES[0].1.as_bytes());
        let link = blob.ancestors().nth(3 - depth).expect("it is that deep");
        let elsewhere = home.outside().join("elsewhere");
        fs::create_dir(&elsewhere).expect("there is room");
        let target = match depth {
            3 => elsewhere.join("file"),
            _ => elsewhere.clone(),
        };
        fs::create_dir_all(link.parent().expect("it has one")).expect("there is room");
        std::os::unix::fs::symlink(target, link).expect("there is room");
        let source = Home::new();
        store(&source.catalog, &source.outside().join("engine"));
        let options = ImportOptions {
            blobs: Blobs::Bring,
            ..ImportOptions::default()
        };
        let imported = home
            .catalog
            .import_with(&source.catalog, &options, &stamp(2));
        // A link in the place of a blob is damage, which is replaced; one on the way to it is refused.
        assert_eq!(imported.is_ok(), depth == 3, "{imported:?}");
        let found = fs::read_dir(&elsewhere).expect("it is there").count();
        assert_eq!(found, 0, "something was written there");
        if depth == 3 {
            assert!(blob.symlink_metadata().expect("it is there").is_file());
        }
    }
}
