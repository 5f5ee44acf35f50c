//! What writers that were killed, and transfers that were cut short, have left in `tmp/`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::durable::{FileKind, FileStat, PathError, Root, Scratch};
use crate::layout::TMP;
use crate::reach::Keep;

/// How deep directories are looked into for their sizes: as deep as a catalog is.
const DEEPEST: usize = 6;

/// A file or directory that was left in `tmp/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Leftover {
    /// Its name in `tmp/`.
    pub name: String,
    /// Its size in bytes, or that of the files in it.
    pub bytes: u64,
}

/// Returns what in `tmp/` is not young, sorted.
pub(super) fn find(root: &Root, keep: &Keep) -> Result<Vec<Leftover>, PathError> {
    let mut found = Vec::new();
    for (name, stat) in root.list_stats(Path::new(TMP))? {
        if !keep.is_young(stat.ctime_ms) {
            let bytes = size(root, &Path::new(TMP).join(&name), &stat, DEEPEST)?;
            found.push(Leftover { name, bytes });
        }
    }
    Ok(found)
}

fn size(root: &Root, path: &Path, stat: &FileStat, depth: usize) -> Result<u64, PathError> {
    match stat.kind {
        FileKind::Regular => Ok(stat.size),
        FileKind::Directory if depth > 0 => {
            let found = root.list_stats(path)?.into_iter();
            let sizes = found.map(|(name, stat)| size(root, &path.join(name), &stat, depth - 1));
            sizes.sum()
        }
        _ => Ok(0),
    }
}

/// Removes it, unless it is a directory that is in use. What is absent is no error.
pub(super) fn remove(root: &Root, leftover: &Leftover) -> Result<(), PathError> {
    let path = Path::new(TMP).join(&leftover.name);
    match root.stat(&path)? {
        Some(stat) if stat.kind == FileKind::Directory => {
            let taken = root.scratch_unless_taken(&leftover.name)?;
            taken.map_or(Ok(()), Scratch::remove)
        }
        Some(_) => root.open_dir(Path::new(TMP))?.remove(&leftover.name),
        None => Ok(()),
    }
}
