//! File systems that share blocks: what is stored and materialized takes no room, and is a file of its own.

use std::fs;
use std::os::unix::fs::FileExt;

use engine_catalog::{Catalog, ObjectId};

use crate::engine::{blob_file, materialize, record};
use crate::support::mount::{Kind, Mounted};

const SIZE: usize = 8 << 20;

/// Returns the free bytes of a file system.
fn free(mounted: &Mounted) -> u64 {
    mounted.settle();
    let stat = rustix::fs::statvfs(mounted.path()).expect("it is mounted");
    stat.f_bavail * stat.f_frsize
}

fn share(kind: Kind, is_shared: bool) {
    let Some(mounted) = Mounted::new(kind) else {
        return;
    };
    let catalog = Catalog::create(mounted.path().join("catalog")).expect("there is room");
    let file = mounted.path().join("server");
    let size = match is_shared {
        true => SIZE,
        false => 1 << 20,
    };
    let content: Vec<_> = (0..size).map(|at| (at / 4096 % 251) as u8).collect();
    fs::write(&file, &content).expect("there is room");
    let record = record(&catalog, "b4321", vec![file.clone()]);
    let before = free(&mounted);
    let stored = catalog.store_files(&record, &mut |_| {});
    let stored = stored.expect("it is as it was recorded");
    let to = mounted.path().join("to");
    let written = materialize(&catalog, &record, &to).expect("it is there");
    let taken = before.saturating_sub(free(&mounted));
    let expected = if is_shared { size as u64 } else { 0 };
    assert_eq!(stored.shared_bytes, expected, "{kind:?}");
    assert_eq!(written.shared_bytes, expected, "{kind:?}");
    match is_shared {
        true => assert!(
            taken < size as u64 / 4,
            "{kind:?}: {taken} bytes of {size} were taken"
        ),
        false => assert!(
            taken >= 2 * size as u64,
            "{kind:?}: {taken} bytes were taken"
        ),
    }

    // Whoever writes to one of the three leaves the others as they are.
    for path in [file, to.join("server")] {
        let writing = fs::File::options()
            .write(true)
            .open(&path)
            .expect("it is a file");
        writing.write_all_at(b"spoiled", 0).expect("there is room");
    }
    let blob = blob_file(catalog.root(), &content);
    assert_eq!(fs::read(blob).expect("it is there"), content);
    let size = catalog.read_blob(&ObjectId::of(&content), &mut std::io::sink());
    assert_eq!(size.expect("it is right"), Some(content.len() as u64));
}

#[test]
fn blocks_are_shared_on_btrfs() {
    share(Kind::Btrfs, true);
}

#[test]
fn blocks_are_shared_on_xfs() {
    share(Kind::Xfs, true);
}

#[test]
fn bytes_are_copied_on_ext4() {
    share(Kind::Ext4, false);
}
