//! What is found of blobs, what keeps them, and how damaged ones come back.

use std::fs;

use engine_catalog::{
    Action, Catalog, Expect, Keep, Kept, ObjectId, Reason, RepairReport, Slug, Stored, VerifyScope,
};

use crate::engine::{FILES, blob_file, manifest, store, tree};
use crate::support::{Home, name, stamp};

const CONTENT: &str = FILES[0].1;

fn repair(catalog: &Catalog, from: &[&Catalog]) -> RepairReport {
    catalog.repair(from, &|_| {}).expect("it can be looked at")
}

/// A catalog with an engine, whose program is damaged in the store.
fn damaged(home: &Home) -> std::path::PathBuf {
    store(&home.catalog, &home.outside().join("engine"));
    let file = blob_file(home.catalog.root(), CONTENT.as_bytes());
    fs::remove_file(&file).expect("it is there");
    fs::write(&file, "damaged").expect("there is room");
    file
}

#[test]
fn absent_blob_is_no_finding_and_a_damaged_one_is() {
    let home = Home::new();
    let file = damaged(&home);
    let found = || {
        let report = home.catalog.verify(&VerifyScope::Everything, &|_| {});
        let findings = report.expect("it can be read").findings.into_iter();
        let faults = findings.filter(engine_catalog::Finding::is_fault);
        faults.map(|it| (it.slug, it.object)).collect::<Vec<_>>()
    };
    let blob = ObjectId::of(CONTENT.as_bytes());
    assert_eq!(found(), [(Slug::BlobHash, Some(blob))]);
    fs::remove_file(file).expect("it is there");
    assert_eq!(found(), []);
}

#[test]
fn damaged_blob_comes_back_from_the_recorded_file() {
    let home = Home::new();
    let file = damaged(&home);
    let report = repair(&home.catalog, &[]);
    assert!(report.is_clean(), "{:?}", report.after.findings);
    let from = home.outside().join("engine/bin/llama-server");
    let from = from.canonicalize().expect("it is there");
    assert_eq!(report.repairs[0].action, Action::Restored { from });
    assert_eq!(fs::read_to_string(file).expect("it is there"), CONTENT);
    assert_eq!(
        tree(&home.at("quarantine")).len(),
        1,
        "what was there is kept"
    );
}

#[test]
fn damaged_blob_comes_back_from_another_catalog() {
    let (home, other) = (Home::new(), Home::new());
    let file = damaged(&home);
    store(&other.catalog, &other.outside().join("engine"));
    // Neither the file, which has drifted, nor a damaged blob elsewhere is a copy.
    fs::write(home.outside().join("engine/bin/llama-server"), "ELF sErver").expect("there is room");
    let third = Home::new();
    damaged(&third);
    let report = repair(&home.catalog, &[&third.catalog, &other.catalog]);
    assert!(report.is_clean(), "{:?}", report.after.findings);
    let from = blob_file(other.catalog.root(), CONTENT.as_bytes());
    assert_eq!(report.repairs[0].action, Action::Restored { from });
    assert_eq!(fs::read_to_string(file).expect("it is there"), CONTENT);
}

#[test]
fn damaged_blob_without_a_right_copy_is_moved_aside() {
    let home = Home::new();
    let file = damaged(&home);
    fs::remove_dir_all(home.outside().join("engine")).expect("it is there");
    let report = repair(&home.catalog, &[]);
    assert!(report.is_clean(), "{:?}", report.after.findings);
    assert!(matches!(
        report.repairs[0].action,
        Action::MovedAside { .. }
    ));
    assert!(!file.exists());
    let kept: Vec<_> = tree(&home.at("quarantine")).into_values().collect();
    assert_eq!(kept[0].0, b"damaged");
}

#[test]
fn link_in_the_place_of_a_blob_is_not_followed_and_is_replaced() {
    let home = Home::new();
    let file = damaged(&home);
    let outside = home.outside().join("outside");
    fs::write(&outside, CONTENT).expect("there is room");
    fs::remove_file(&file).expect("it is there");
    std::os::unix::fs::symlink(&outside, &file).expect("there is room");
    let blob = ObjectId::of(CONTENT.as_bytes());
    let read = home.catalog.read_blob(&blob, &mut Vec::new());
    assert!(read.is_err(), "it is a link");
    let report = repair(&home.catalog, &[]);
    assert!(report.is_clean(), "{:?}", report.after.findings);
    assert!(file.symlink_metadata().expect("it is there").is_file());
}

#[test]
fn manifests_that_are_kept_keep_blobs() {
    let home = Home::new();
    let (record, _) = store(&home.catalog, &home.outside().join("engine"));
    let blob = ObjectId::of(CONTENT.as_bytes());
    let why = || {
        home.catalog
            .why(&blob, &Keep::new(0))
            .expect("it can be read")
    };
    let attached = home
        .catalog
        .attachments(&record.object)
        .expect("they are read");
    let reasons = vec![Reason::File {
        manifest: attached[0],
    }];
    assert_eq!((why().kept, why().reasons), (Kept::Yes, reasons));
    let above: Vec<_> = why().above.iter().map(|above| above.object).collect();
    assert!(
        above.contains(&attached[0]) && above.contains(&record.object),
        "{above:?}"
    );
    let bytes = CONTENT.len() as u64;
    assert_eq!(why().stored, Stored::Blob { bytes });

    let file = blob_file(home.catalog.root(), CONTENT.as_bytes());
    let stored = fs::read(&file).expect("it is there");
    fs::remove_file(&file).expect("it is there");
    assert_eq!((why().kept, why().stored), (Kept::Yes, Stored::Missing));
    fs::write(&file, "damaged").expect("there is room");
    assert!(matches!(why().stored, Stored::Damaged { .. }));
    fs::write(&file, stored).expect("there is room");

    assert_eq!(manifest(&home.catalog, &record).files.len(), 3);
    let retired = home
        .catalog
        .retire(&name("llamacpp/b4321"), Expect::Any, &stamp(2));
    retired.expect("it can be retired");
    assert_eq!(why().kept, Kept::Yes, "its history keeps it");
}
