//! Storing: what was recorded, once, whatever is there already.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use engine_catalog::{BlobContent, BlobError, Error, ErrorKind, ObjectId};

use crate::engine::{FILES, blob_file, make, record, store, tree};
use crate::support::{Home, entry};

#[test]
fn every_file_becomes_a_read_only_file_named_by_its_content() {
    let home = Home::new();
    let (_, stored) = store(&home.catalog, &home.outside().join("engine"));
    assert_eq!((stored.files, stored.new_blobs), (3, 3));
    let bytes: usize = FILES.iter().map(|(_, content, _)| content.len()).sum();
    assert_eq!(
        (stored.bytes, stored.new_bytes),
        (bytes as u64, bytes as u64)
    );
    for (_, content, _) in FILES {
        let file = blob_file(home.catalog.root(), content.as_bytes());
        assert_eq!(fs::read_to_string(&file).expect("it is stored"), content);
        let mode = file.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o444);
        let mut read = Vec::new();
        let blob = ObjectId::of(content.as_bytes());
        let size = home.catalog.read_blob(&blob, &mut read);
        assert_eq!(size.expect("it is right"), Some(content.len() as u64));
        assert_eq!(read, content.as_bytes());
    }
    assert_eq!(tree(&home.at("tmp")), [].into());
    assert_eq!(home.catalog.blobs().expect("they are listed").len(), 3);
}

#[test]
fn same_content_is_stored_once_over_versions_and_files() {
    let home = Home::new();
    store(&home.catalog, &home.outside().join("one"));
    let mut files = make(&home.outside().join("two"));
    fs::write(&files[0], "ELF newer server").expect("there is room");
    let copy = home.outside().join("two/lib/libggml.so.1");
    fs::copy(&files[1], &copy).expect("there is room");
    files.push(copy);
    let next = record(&home.catalog, "b4322", files);
    let stored = home.catalog.store_files(&next, &mut |_| {});
    let stored = stored.expect("it is as it was recorded");
    assert_eq!((stored.files, stored.new_blobs), (4, 1));
    assert_eq!(stored.new_bytes, "ELF newer server".len() as u64);
    assert_eq!(tree(&home.at("blobs")).len(), 4);
}

#[test]
fn storing_again_keeps_the_files_and_makes_them_young() {
    let home = Home::new();
    let (record, _) = store(&home.catalog, &home.outside().join("engine"));
    let file = blob_file(home.catalog.root(), FILES[0].1.as_bytes());
    let ctime = |stat: &fs::Metadata| (stat.ctime(), stat.ctime_nsec());
    let before = file.metadata().expect("it is there");
    // The clock of files stands still for up to 10 ms.
    std::thread::sleep(std::time::Duration::from_millis(20));
    // What is stored is hashed, not the files: they may be gone.
    fs::remove_dir_all(home.outside().join("engine")).expect("it is there");
    let again = home.catalog.store_files(&record, &mut |_| {});
    assert_eq!(again.expect("all is there").new_blobs, 0);
    let after = file.metadata().expect("it is there");
    assert_eq!(before.ino(), after.ino());
    assert!(ctime(&before) < ctime(&after), "its age counts from now");
}

#[test]
fn damaged_blob_is_replaced_and_kept_in_quarantine() {
    let home = Home::new();
    let (record, _) = store(&home.catalog, &home.outside().join("engine"));
    let content = FILES[0].1;
    let file = blob_file(home.catalog.root(), content.as_bytes());
    // Of the same size, longer, and no file at all.
    for damage in ["ELF sErver", "ELF server and more", ""] {
        fs::remove_file(&file).expect("it is there");
        match damage {
            "" => std::os::unix::fs::symlink("/dev/zero", &file),
            damage => fs::write(&file, damage),
        }
        .expect("there is room");
        let stored = home.catalog.store_files(&record, &mut |_| {});
        assert_eq!(
            stored.expect("the files are right").new_blobs,
            1,
            "{damage:?}"
        );
        let stat = file.symlink_metadata().expect("it is there");
        assert!(stat.is_file());
        assert_eq!(fs::read_to_string(&file).expect("it is right"), content);
    }
    let kept = tree(&home.at("quarantine"));
    let kept: Vec<_> = kept.into_values().map(|(content, _)| content).collect();
    assert!(kept.contains(&b"ELF sErver".to_vec()), "{kept:?}");
    assert!(kept.contains(&b"ELF server and more".to_vec()), "{kept:?}");
}

#[test]
fn file_that_drifted_is_refused_by_its_name_and_leaves_nothing_half() {
    let home = Home::new();
    let files = make(&home.outside().join("engine"));
    let record = record(&home.catalog, "b4321", files.clone());
    let recorded = fs::read(&files[1]).expect("it is there");
    for content in ["ELF librarY", "ELF", "ELF library and more"] {
        fs::write(&files[1], content).expect("there is room");
        let error = home.catalog.store_files(&record, &mut |_| {});
        let error = error.expect_err("it is something else");
        assert_eq!(error.kind(), ErrorKind::Refused);
        let Error::Blob(BlobError::Drifted { path, blob, found }) = &error else {
            unreachable!("{error:?}")
        };
        assert_eq!((path, *blob), (&files[1], ObjectId::of(&recorded)));
        let is_larger = matches!(found, BlobContent::Larger { .. });
        assert_eq!(is_larger, content.len() > recorded.len());
        assert!(!blob_file(home.catalog.root(), &recorded).exists());
        assert!(!blob_file(home.catalog.root(), content.as_bytes()).exists());
        assert_eq!(tree(&home.at("tmp")), [].into());
    }
    fs::remove_file(&files[1]).expect("it is there");
    let error = home.catalog.store_files(&record, &mut |_| {});
    assert!(matches!(error, Err(Error::Blob(BlobError::Path(error))) if error.path == files[1]));
}

#[test]
fn of_several_manifests_the_one_of_the_files_on_disk_is_stored() {
    let home = Home::new();
    let files = make(&home.outside().join("engine"));
    for library in ["one library", "other library"] {
        fs::write(&files[1], library).expect("there is room");
        record(&home.catalog, "b4321", files.clone());
    }
    for library in ["one library", "other library"] {
        fs::write(&files[1], library).expect("there is room");
        let record = record(&home.catalog, "b4321", files.clone());
        assert_eq!(
            home.catalog
                .manifests(&record.object)
                .expect("they are read")
                .len(),
            2
        );
        let stored = home.catalog.store_files(&record, &mut |_| {});
        stored.expect("one of them is right");
        assert!(blob_file(home.catalog.root(), library.as_bytes()).exists());
    }
}

#[test]
fn entry_without_a_manifest_has_no_files_to_store() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let record = home.catalog.find("llamacpp/b1").expect("it can be read");
    let record = record.expect("it is there");
    let error = home.catalog.store_files(&record, &mut |_| {});
    assert!(matches!(error, Err(Error::NoManifest { .. })), "{error:?}");
    assert!(!home.at("blobs").exists());
}
