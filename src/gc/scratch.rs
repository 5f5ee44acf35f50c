//! What writers that were killed, and transfers that were cut short, have left in `tmp/`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::durable::{FileKind, FileStat, PathError, Root};
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
            // What cannot be looked into, such as a mount, cannot be removed either.
            if let Ok(bytes) = size(root, &Path::new(TMP).join(&name), &stat, DEEPEST) {
                found.push(Leftover { name, bytes });
            }
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
///
/// # Locking
///
/// The caller holds the lock on `objects/`, exclusively, so that nobody begins to use it.
pub(super) fn remove(root: &Root, leftover: &Leftover) -> Result<(), PathError> {
    let path = Path::new(TMP).join(&leftover.name);
    match root.stat(&path)? {
        Some(stat) if stat.kind == FileKind::Directory => {
            root.remove_scratch_unless_taken(&leftover.name)
        }
        Some(_) => root.open_dir(Path::new(TMP))?.remove(&leftover.name),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    use crate::catalog::Catalog;
    use crate::change::Stamp;
    use crate::gc::GcOptions;

    #[test]
    fn directory_that_is_in_use_stays_and_any_other_goes() {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::create(dir.path().join("catalog")).unwrap();
        let tmp = dir.path().join("catalog/tmp");
        let lock = |name: &str| tmp.join(name).join("lock");
        for name in ["empty", "left", "odd", "used"] {
            fs::create_dir(tmp.join(name)).unwrap();
        }
        for name in ["left", "used"] {
            fs::write(lock(name), "").unwrap();
        }
        // What no program makes that takes the lock.
        fs::create_dir_all(lock("odd").join("lock")).unwrap();
        fs::write(tmp.join("odd").join(OsStr::from_bytes(b"\xff")), "").unwrap();
        let used = fs::File::open(lock("used")).unwrap();
        used.lock().unwrap();
        let mut options = GcOptions::new(4_000_000_000_000);
        options.keep.grace_ms = 0;
        let stamp = Stamp::new("me", 1).unwrap();
        let collect = || catalog.collect_garbage(&options, &stamp).unwrap();
        assert_eq!(collect().plan.leftovers.len(), 4);
        assert!(lock("used").exists());
        let left = fs::read_dir(&tmp).unwrap();
        assert_eq!(left.count(), 1);
        drop(used);
        collect();
        assert_eq!(fs::read_dir(&tmp).unwrap().count(), 0);
    }
}
