//! A file that changes while it is stored: what is stored is what its name says, or nothing is.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use engine_catalog::{BlobError, Catalog, Error, ObjectId, Record};

use crate::engine::record;
use crate::support::Home;
use crate::support::crowd::meanwhile;
use crate::support::mount::{Kind, Mounted};

/// So many bytes that they are read in several steps.
const SIZE: usize = 3 << 20;

fn engine(catalog: &Catalog, file: &PathBuf) -> Record {
    fs::write(file, vec![0; SIZE]).expect("there is room");
    record(catalog, "b4321", vec![file.clone()])
}

/// Stores a file that somebody writes to, again and again, until it was refused and stored often enough.
fn store_what_moves(catalog: &Catalog, file: &PathBuf) {
    let record = engine(catalog, file);
    let blob = ObjectId::of(&vec![0; SIZE]);
    let (mut refused, mut stored) = (0, 0);
    let writing = fs::File::options()
        .write(true)
        .open(file)
        .expect("it is there");
    let spoil_and_restore = || {
        for byte in [b"x", b"\0"] {
            writing
                .write_all_at(byte, SIZE as u64 - 1)
                .expect("there is room");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    };
    meanwhile(spoil_and_restore, || {
        while refused < 3 || stored < 3 {
            let place = crate::engine::blob_file(catalog.root(), &vec![0; SIZE]);
            let _ = fs::remove_file(&place);
            match catalog.store_files(&record, &mut |_| {}) {
                Ok(_) => {
                    stored += 1;
                    let size = catalog.read_blob(&blob, &mut std::io::sink());
                    assert_eq!(size.expect("it is right"), Some(SIZE as u64));
                }
                Err(Error::Blob(BlobError::Drifted { .. })) => {
                    refused += 1;
                    assert!(!place.exists(), "what was refused is not stored");
                }
                Err(error) => unreachable!("{error:?}"),
            }
        }
    });
}

#[test]
fn file_that_changes_meanwhile_is_stored_as_recorded_or_refused() {
    let home = Home::new();
    store_what_moves(&home.catalog, &home.outside().join("server"));
}

/// A blob that shares blocks with the file has what the file had at one moment, which is hashed.
#[test]
fn file_that_changes_while_its_blocks_are_shared_is_stored_as_recorded_or_refused() {
    let Some(mounted) = Mounted::new(Kind::Btrfs) else {
        return;
    };
    let catalog = Catalog::create(mounted.path().join("catalog")).expect("there is room");
    store_what_moves(&catalog, &mounted.path().join("server"));
}
