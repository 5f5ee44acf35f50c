//! Directories whose blocks are full to the last byte, on a disk that has no block left: the next name
//! in any of them, by creating, linking or renaming, is what finds no room. ext4, where it can be
//! known how many names a block holds.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use engine_catalog::{Artifacts, Catalog, PreparedEngine};
use walkdir::WalkDir;

use crate::calls::{Call, all, snapshot};
use crate::full::{Steps, repeat, take_all};
use crate::support::mount::{Kind, Mounted};
use crate::support::observe::partial_objects;
use crate::support::sample::entry;
use crate::support::stamp;
use crate::{catalog, state};

/// The names of a directory of ext4 that has one block: of 4096 bytes, less the entries of `.` and
/// `..`, and a checksum. An entry takes 8 bytes and its name, in steps of 4.
const BLOCK: usize = 4096 - 2 * 12 - 12;

/// Fills the only block of a directory with foreign names, so that not even the shortest fits.
fn fill(dir: &Path) {
    let names = fs::read_dir(dir).expect("it can be listed");
    let lengths = names.map(|it| it.expect("it can be read").file_name().len());
    let mut left = BLOCK
        - lengths
            .map(|length| (8 + length).next_multiple_of(4))
            .sum::<usize>();
    for n in 10.. {
        // What is left over must do for an entry too.
        let length = match left {
            0..12 => break,
            12..264 => left - 8,
            264..280 => 128,
            _ => 255,
        };
        let name = format!(".{n:.<width$}", width = length - 1);
        fs::write(dir.join(&name[..length]), "").expect("there is room");
        left -= (8 + length).next_multiple_of(4);
    }
    let size = dir.metadata().expect("it is there").size();
    assert_eq!(size, 4096, "{} has another block", dir.display());
}

/// The directories that a call makes, below the root.
fn made_by(call: &Call) -> BTreeSet<PathBuf> {
    let scratch = tempfile::tempdir().expect("there is room");
    let root = scratch.path().join("root");
    let twin = catalog(&root);
    assert!((call.act)(&twin).is_ok(), "{}", call.what);
    let found = WalkDir::new(&root).into_iter();
    let dirs = found.map(|it| it.expect("it can be read"));
    let dirs = dirs.filter(|it| it.file_type().is_dir());
    let below = |path: &Path| path.strip_prefix(&root).expect("it is below").to_owned();
    dirs.map(|it| below(it.path())).collect()
}

fn calls(scratch: &Path) -> [(Call, &'static [&'static str]); 4] {
    let server = scratch.join("server");
    fs::write(&server, "ELF").expect("there is room");
    let engine = PreparedEngine::new("tgi", "1", Artifacts::Files(vec![server]), 1);
    [
        // The name of its ref is there already.
        (
            Call::new("put", |it| {
                Ok(it.put(&entry("e0", "newer"), &stamp(1)).map(drop)?)
            }),
            &["create objects", "create tmp"],
        ),
        (
            Call::new("put new", |it| {
                Ok(it.put(&entry("new", "new"), &stamp(1)).map(drop)?)
            }),
            &[
                "create objects",
                "lock history",
                "create tmp",
                "replace refs",
            ],
        ),
        (
            Call::new("record", move |it| {
                Ok(it.record(&engine, &stamp(1)).map(drop)?)
            }),
            &[
                "create attachments",
                "create objects",
                "create tmp",
                "lock history",
                "replace refs",
            ],
        ),
        (
            Call::new("snapshot", |it| {
                Ok(it.create_snapshot(&all(), Some(&snapshot("s"))).map(drop)?)
            }),
            &["create objects", "create snapshots", "create tmp"],
        ),
    ]
}

/// Requires that nothing is left of what failed: less the names that were there to fill.
fn assert_clean(root: &Path) {
    let is_filling = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
    let partial = partial_objects(root).into_iter();
    let partial = partial.filter(|path| !path.file_name().is_some_and(is_filling));
    assert_eq!(partial.count(), 0);
    let left = fs::read_dir(root.join("tmp")).expect("it is there");
    let left = left.map(|it| it.expect("it can be read").file_name());
    assert_eq!(left.filter(|name| !is_filling(name)).count(), 0);
}

/// Returns which steps of a call failed where every directory that it needs is there, and full.
fn failed_with_full_directories(call: &Call) -> Option<Steps> {
    let file_system = Mounted::new(Kind::Ext4)?;
    let root = file_system.path().join("root");
    let catalog: Catalog = catalog(&root);
    for dir in made_by(call) {
        fs::create_dir_all(root.join(&dir)).expect("there is room");
        fill(&root.join(dir));
    }
    let before = state(&catalog);
    let mut ballast = take_all(&file_system, Kind::Ext4);
    let steps = repeat(call, &catalog, &before, assert_clean, || {
        ballast.release(&file_system);
    });
    ballast.remove(&file_system);
    assert_ne!(state(&catalog), before, "{}", call.what);
    assert_clean(&root);
    Some(steps)
}

#[test]
fn name_that_does_not_fit_into_its_directory_fails_cleanly() {
    let scratch = tempfile::tempdir().expect("there is room");
    for (call, expected) in calls(scratch.path()) {
        let mut steps = Steps::new();
        // A block that the journal gives back late lets an attempt skip a step, now and then.
        for _ in 0..3 {
            let Some(failed) = failed_with_full_directories(&call) else {
                return;
            };
            steps.extend(failed);
            if expected.iter().all(|step| steps.contains_key(*step)) {
                break;
            }
        }
        println!("{}: {steps:?}", call.what);
        for step in expected {
            let failed = steps.contains_key(*step);
            assert!(failed, "{}: not {step}: {steps:?}", call.what);
        }
    }
}
