//! What lies where in the tree: kinds of file, foreign names, names that differ only in case,
//! leftovers (layout.md section 1).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::part::shard_of;
use super::scan::Scan;
use super::slug::Slug;
use crate::durable::{Cause, FileKind};
use crate::layout;
use crate::name::{Name, RefName};
use crate::snapshots::name_of;

/// What may be in the root: what the format puts there, what a proof bundle has beside it, and what a
/// file system of its own has.
const ROOT: [(&str, FileKind); 21] = [
    (layout::FORMAT, FileKind::Regular),
    (layout::LOCK, FileKind::Regular),
    (layout::OBJECTS, FileKind::Directory),
    (layout::REFS, FileKind::Directory),
    (layout::HISTORY, FileKind::Directory),
    (layout::SNAPSHOTS, FileKind::Directory),
    (layout::ATTACHMENTS, FileKind::Directory),
    (layout::BLOBS, FileKind::Directory),
    (layout::CACHE, FileKind::Directory),
    (layout::TMP, FileKind::Directory),
    (layout::QUARANTINE, FileKind::Directory),
    (layout::PEERS, FileKind::Regular),
    (layout::POLICY, FileKind::Regular),
    (layout::REMOVED, FileKind::Regular),
    (layout::RETENTION, FileKind::Regular),
    ("lost+found", FileKind::Directory),
    ("engine_catalog.ndjson", FileKind::Regular),
    ("engine_catalog.md", FileKind::Regular),
    ("engine_catalog.json", FileKind::Regular),
    ("engine_catalog.json.meta", FileKind::Regular),
    ("B3SUMS", FileKind::Regular),
];

/// Something whose name the format gives to nothing.
pub(super) fn foreign(path: PathBuf, kind: FileKind) -> Finding {
    Finding::new(
        Slug::ForeignFile,
        path,
        format!("{kind} that is not part of the catalog"),
    )
}

/// Something else than a file, where one belongs.
pub(super) fn not_a_file(path: PathBuf, kind: FileKind) -> Finding {
    Finding::new(
        Slug::FileType,
        path,
        format!("it is {kind}, not a regular file"),
    )
}

/// Something else than a directory, where one belongs.
fn not_a_directory(path: PathBuf, kind: FileKind) -> Finding {
    Finding::new(
        Slug::FileType,
        path,
        format!("it is {kind}, not a directory"),
    )
}

/// Returns what is in a directory; nothing where it is absent, or cannot be listed, which is found.
pub(super) fn list(
    scan: &Scan<'_>,
    dir: &Path,
    found: &mut Vec<Finding>,
) -> Vec<(String, FileKind)> {
    scan.root.list(dir).unwrap_or_else(|error| {
        found.push(Finding::by_cause(dir, &error.cause, Slug::FileType));
        Vec::new()
    })
}

/// As [`list`], of a shard. What lies in its place, or in that of the directory above, is found with
/// the names.
pub(super) fn list_shard(
    scan: &Scan<'_>,
    dir: &Path,
    found: &mut Vec<Finding>,
) -> Vec<(String, FileKind)> {
    let is_found_above = |cause: &Cause| {
        let above = dir.parent().filter(|above| *above != Path::new(""));
        cause.is_damage() || above.is_some_and(|above| scan.root.list(above).is_err())
    };
    match scan.root.list(dir) {
        Err(error) if is_found_above(&error.cause) => Vec::new(),
        _ => list(scan, dir, found),
    }
}

/// Checks what is in the root, and which shards there are.
pub(super) fn check_root(scan: &Scan<'_>, found: &mut Vec<Finding>) {
    for (name, kind) in list(scan, Path::new("."), found) {
        let expected = ROOT.iter().find(|(known, _)| *known == name);
        match expected.map(|(_, expected)| *expected) {
            Some(expected) if expected == kind => {}
            Some(FileKind::Directory) => found.push(not_a_directory(name.into(), kind)),
            Some(_) => found.push(not_a_file(name.into(), kind)),
            None => found.push(foreign(name.into(), kind)),
        }
    }
    for top in [layout::OBJECTS, layout::BLOBS] {
        shards(scan, Path::new(top), found);
    }
}

/// Returns the directories below `top` that are named by two digits.
pub(super) fn shards(scan: &Scan<'_>, top: &Path, found: &mut Vec<Finding>) -> Vec<String> {
    let mut shards = Vec::new();
    for (name, kind) in list_top(scan, top, found) {
        match (shard_of(&name), kind) {
            (None, kind) => found.push(foreign(top.join(name), kind)),
            (Some(_), FileKind::Directory) => shards.push(name),
            (Some(_), kind) => found.push(not_a_directory(top.join(name), kind)),
        }
    }
    shards
}

/// As [`list`], of a directory in the root. What lies in its place is found with the root.
fn list_top(scan: &Scan<'_>, top: &Path, found: &mut Vec<Finding>) -> Vec<(String, FileKind)> {
    list_shard(scan, top, found)
}

/// Returns the names of the files `<top>/<engine>/<version>`, whatever kind of file each is.
pub(super) fn ref_names(scan: &Scan<'_>, top: &str, found: &mut Vec<Finding>) -> Vec<RefName> {
    let top = Path::new(top);
    let (mut names, mut engines) = (Vec::new(), Vec::new());
    for (engine, kind) in list_top(scan, top, found) {
        let dir = top.join(&engine);
        // Any version will do.
        if RefName::from_file_names(&engine, "0").is_none() {
            found.push(foreign(dir, kind));
            continue;
        }
        if kind != FileKind::Directory {
            found.push(not_a_directory(dir, kind));
            continue;
        }
        let mut versions = Vec::new();
        for (version, kind) in list(scan, &dir, found) {
            match RefName::from_file_names(&engine, &version) {
                Some(name) => {
                    names.push(name);
                    versions.push(version);
                }
                None => found.push(foreign(dir.join(version), kind)),
            }
        }
        collisions(&dir, versions, found);
        engines.push(engine);
    }
    collisions(top, engines, found);
    names
}

/// Returns the names of snapshots, whatever kind of file each is.
pub(super) fn snapshot_names(scan: &Scan<'_>, found: &mut Vec<Finding>) -> Vec<Name> {
    let top = Path::new(layout::SNAPSHOTS);
    let (mut names, mut files) = (Vec::new(), Vec::new());
    for (file, kind) in list_top(scan, top, found) {
        match name_of(&file) {
            Some(name) => {
                names.push(name);
                files.push(file);
            }
            None => found.push(foreign(top.join(file), kind)),
        }
    }
    collisions(top, files, found);
    names
}

/// Finds names that would be one where case does not matter.
fn collisions(dir: &Path, names: Vec<String>, found: &mut Vec<Finding>) {
    let mut first = BTreeMap::<String, String>::new();
    for name in names {
        // File names of the format are ASCII.
        let folded = name.to_ascii_lowercase();
        if let Some(other) = first.get(&folded) {
            found.push(Finding::new(
                Slug::CaseCollision,
                dir.join(&name),
                format!("it differs from {other} only in case"),
            ));
        } else {
            first.insert(folded, name);
        }
    }
}

/// Finds what is left in `tmp/`, and what lies in `quarantine/`.
pub(super) fn check_scratch(scan: &Scan<'_>, found: &mut Vec<Finding>) {
    let tmp = Path::new(layout::TMP);
    for file in list_top(scan, tmp, found) {
        // What came since the verification began is that of a writer at work.
        if scan.temporaries.contains(&file) {
            let (name, kind) = file;
            let message = format!("{kind} of a writer that is at work, or was killed");
            found.push(Finding::new(Slug::Leftover, tmp.join(name), message));
        }
    }
    let quarantine = Path::new(layout::QUARANTINE);
    for (name, kind) in list_top(scan, quarantine, found) {
        let message = format!("{kind} that was moved aside");
        found.push(Finding::new(
            Slug::Quarantined,
            quarantine.join(name),
            message,
        ));
    }
}
