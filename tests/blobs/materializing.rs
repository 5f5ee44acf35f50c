//! Materializing: the files as they were recorded, in one step, or nothing.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use engine_catalog::{
    Artifacts, BlobError, Check, Error, ErrorKind, MaterializeOptions, ObjectId, Placing,
    PreparedEngine, Record, SpecialBits,
};

use crate::engine::{
    FILES, blob_file, make, manifest, materialize, record, set_mode, store, tree, whole,
};
use crate::support::{Home, stamp};

#[test]
fn files_come_back_with_their_modes_below_the_directory_they_shared() {
    let home = Home::new();
    let source = home.outside().join("engine");
    let (record, _) = store(&home.catalog, &source);
    fs::remove_dir_all(&source).expect("it is there");
    let to = home.outside().join("opt/llamacpp");
    let written = materialize(&home.catalog, &record, &to).expect("all is there");
    assert_eq!(tree(&to), whole());
    assert_eq!(
        (written.files, &written.dir),
        (3, &to.canonicalize().expect("it is there"))
    );
    let paths: Vec<_> = FILES
        .iter()
        .map(|(path, ..)| written.dir.join(path))
        .collect();
    assert_eq!(written.entry.artifacts, paths);
    assert_eq!(written.entry.id, record.entry.id);

    let at_home = Artifacts::Files(paths);
    let prepared = PreparedEngine::of_entry(&written.entry, at_home);
    let recorded = home.catalog.record(&prepared, &stamp(2));
    let recorded = recorded.expect("the digest is that of the same binary");
    assert_eq!(recorded.entry, written.entry);
    let current = home.catalog.find("llamacpp/b4321").expect("it can be read");
    let check = home.catalog.check(&current.expect("it is current"));
    assert!(
        matches!(check, Ok(Check::Pass { files: 3, .. })),
        "{check:?}"
    );
}

#[test]
fn one_file_lies_in_the_directory_itself() {
    let home = Home::new();
    let mut files = make(&home.outside().join("engine"));
    files.truncate(1);
    let record = record(&home.catalog, "b4321", files);
    home.catalog
        .store_files(&record, &mut |_| {})
        .expect("it is right");
    let to = home.outside().join("to");
    fs::create_dir(&to).expect("there is room");
    materialize(&home.catalog, &record, &to).expect("an empty directory will do");
    assert_eq!(tree(&to).into_keys().collect::<Vec<_>>(), ["llama-server"]);
}

#[test]
fn what_is_there_already_stays() {
    let home = Home::new();
    let (record, _) = store(&home.catalog, &home.outside().join("engine"));
    let to = home.outside().join("to");
    fs::create_dir(&to).expect("there is room");
    fs::write(to.join("mine"), "mine").expect("there is room");
    let error = materialize(&home.catalog, &record, &to).expect_err("it is occupied");
    assert!(matches!(error, Error::Occupied { .. }), "{error:?}");
    let error = materialize(&home.catalog, &record, &to.join("mine"));
    assert!(matches!(error, Err(Error::Occupied { .. })), "{error:?}");
    assert_eq!(tree(&to).into_keys().collect::<Vec<_>>(), ["mine"]);
    let inside = home.at("blobs/engine");
    let error = materialize(&home.catalog, &record, &inside);
    assert!(
        matches!(error, Err(Error::InsideCatalog { .. })),
        "{error:?}"
    );
}

#[test]
fn missing_or_damaged_blob_leaves_nothing_of_the_directory() {
    let home = Home::new();
    let (record, _) = store(&home.catalog, &home.outside().join("engine"));
    let content = FILES[2].1.as_bytes();
    let file = blob_file(home.catalog.root(), content);
    let to = home.outside().join("new/to");
    let refused = |kind| {
        let error = materialize(&home.catalog, &record, &to).expect_err("it is not whole");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!home.outside().join("new").exists(), "something is left");
        error
    };
    for (damage, placing) in [
        ("MiT", Placing::Copy),
        ("MiT", Placing::Link),
        ("MIT or", Placing::Copy),
    ] {
        fs::remove_file(&file).expect("it is there");
        fs::write(&file, damage).expect("there is room");
        let options = MaterializeOptions {
            placing,
            ..Default::default()
        };
        let error = home
            .catalog
            .materialize(&record, &to, &options, &mut |_| {});
        let is_named = |error: &Error| matches!(error, Error::Blob(BlobError::Damaged { blob, .. }) if *blob == ObjectId::of(content));
        assert!(error.as_ref().is_err_and(is_named), "{error:?}");
        assert!(matches!(
            refused(ErrorKind::Damage),
            Error::Blob(BlobError::Damaged { .. })
        ));
        let read = home
            .catalog
            .read_blob(&ObjectId::of(content), &mut Vec::new());
        assert!(read.as_ref().is_err_and(is_named), "{read:?}");
    }
    fs::remove_file(&file).expect("it is there");
    let error = refused(ErrorKind::NotFound);
    let Error::Blob(BlobError::Missing { path, .. }) = &error else {
        unreachable!("{error:?}")
    };
    assert!(path.ends_with("engine/share/LICENSE"));
}

#[test]
fn bits_that_give_rights_are_left_out_unless_asked_for() {
    let home = Home::new();
    let files = make(&home.outside().join("engine"));
    for (file, mode) in files.iter().zip([0o4755, 0o2755, 0o1444]) {
        set_mode(file, mode);
    }
    let record = record(&home.catalog, "b4321", files);
    home.catalog
        .store_files(&record, &mut |_| {})
        .expect("they are right");
    let modes = |special_bits, to: &str| {
        let options = MaterializeOptions {
            special_bits,
            ..Default::default()
        };
        let to = home.outside().join(to);
        let written = home
            .catalog
            .materialize(&record, &to, &options, &mut |_| {});
        let written = written.expect("all is there");
        let modes = tree(&to).into_values().map(|(_, mode)| mode);
        (
            modes.collect::<Vec<_>>(),
            written.without_special_bits.len(),
        )
    };
    assert_eq!(
        modes(SpecialBits::LeaveOut, "safe"),
        (vec![0o755, 0o755, 0o444], 3)
    );
    assert_eq!(
        modes(SpecialBits::Keep, "as it was"),
        (vec![0o4755, 0o2755, 0o1444], 0)
    );
}

#[test]
fn only_read_only_files_become_further_names_of_blobs_and_only_if_asked() {
    let home = Home::new();
    let (record, _) = store(&home.catalog, &home.outside().join("engine"));
    let inode = |path: &Path| path.metadata().expect("it is there").ino();
    let inodes_are_shared = |placing, to: &str| {
        let options = MaterializeOptions {
            placing,
            ..Default::default()
        };
        let to = home.outside().join(to);
        let written = home
            .catalog
            .materialize(&record, &to, &options, &mut |_| {});
        written.expect("all is there");
        assert_eq!(tree(&to), whole());
        FILES.map(|(path, content, _)| {
            inode(&to.join(path)) == inode(&blob_file(home.catalog.root(), content.as_bytes()))
        })
    };
    assert_eq!(
        inodes_are_shared(Placing::Link, "linked"),
        [false, false, true]
    );
    assert_eq!(inodes_are_shared(Placing::Copy, "copied"), [false; 3]);
}

#[test]
fn with_several_manifests_the_one_whose_blobs_are_all_there_counts() {
    let home = Home::new();
    let files = make(&home.outside().join("engine"));
    let record_with = |library: &str| -> Record {
        fs::write(&files[1], library).expect("there is room");
        record(&home.catalog, "b4321", files.clone())
    };
    let one = record_with("one");
    let only = manifest(&home.catalog, &one);
    home.catalog
        .store_files(&one, &mut |_| {})
        .expect("it is right");
    let other = record_with("other");
    let to = home.outside().join("to");
    materialize(&home.catalog, &other, &to).expect("one of them is whole");
    assert_eq!(tree(&to)["lib/libggml.so"].0, b"one");

    home.catalog
        .store_files(&other, &mut |_| {})
        .expect("it is right");
    let again = home.outside().join("again");
    let error = materialize(&home.catalog, &other, &again).expect_err("both are whole");
    let Error::SeveralManifests { manifests, .. } = &error else {
        unreachable!("{error:?}")
    };
    assert_eq!(manifests.len(), 2);
    for id in manifests {
        let to = home.outside().join(id.to_string());
        let options = MaterializeOptions {
            manifest: Some(*id),
            ..Default::default()
        };
        let written = home.catalog.materialize(&other, &to, &options, &mut |_| {});
        written.expect("it is whole");
        let is_one = *id
            == ObjectId::of(&crate::support::to_cbor(&crate::support::manifest_value(
                &only,
            )));
        assert_eq!(tree(&to)["lib/libggml.so"].0 == b"one", is_one);
    }
}

/// A manifest from elsewhere can say any path, as long as it is absolute.
#[test]
fn paths_that_lead_up_or_to_one_place_have_none() {
    for paths in [
        &["/opt/../../etc/passwd"][..],
        &["/.."],
        &["/"],
        &["/opt/a", "/opt//a"],
        &["/opt/a", "/opt/./../a"],
        &["/opt/a", "/opt/a/b"],
        &["/opt/a/"],
    ] {
        let home = Home::new();
        let record = planted(&home, paths);
        let to = home.outside().join("new/to");
        let result = materialize(&home.catalog, &record, &to);
        match (&result, paths) {
            // What comes after it says the same place in another way.
            (Ok(_), ["/opt/a/"]) => assert_eq!(tree(&to).len(), 1),
            (Err(Error::Unplaceable { .. }), _) => {
                assert!(!home.outside().join("new").exists(), "{paths:?}");
            }
            other => unreachable!("{other:?}"),
        }
        let outside: Vec<_> = fs::read_dir(home.outside()).expect("it is there").collect();
        assert!(outside.len() <= 2, "{outside:?}");
    }
}

/// An entry that names these files, all of one content, with its manifest and their blob.
fn planted(home: &Home, paths: &[&str]) -> Record {
    use engine_catalog::{EngineEntry, Manifest, ManifestFile};

    let entry = EngineEntry {
        artifacts: paths.iter().map(PathBuf::from).collect(),
        ..EngineEntry::new("llamacpp", "b4321", 1)
    };
    let object = home.put(&entry);
    let file = ManifestFile {
        mode: 0o644,
        size: 1,
        blake3: ObjectId::of(b"x"),
    };
    let files = paths.iter().map(|path| ((*path).to_owned(), file));
    let manifest = Manifest {
        subject: object,
        files: files.collect(),
    };
    let value = crate::support::manifest_value(&manifest);
    let bytes = crate::support::to_cbor(&value);
    crate::support::attach(home.catalog.root(), object, &bytes);
    let blob = blob_file(home.catalog.root(), b"x");
    fs::create_dir_all(blob.parent().expect("it has one")).expect("there is room");
    fs::write(blob, "x").expect("there is room");
    Record { object, entry }
}
