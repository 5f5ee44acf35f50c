//! Removing files of engines: each is opened, hashed and compared with the record, and goes only if its name still
//! stands for what was hashed.

use std::collections::BTreeSet;

use super::under::Under;
use super::{ArtifactFile, ArtifactLeft, LeftReason};
use crate::artifact::hash_file;
use crate::digest::{Algorithm, check_digest};
use crate::durable::{Cause, Dir, FileId, FileStat, PathError, Unlinked};

/// How many directories are open at once.
const MOST_DIRS: usize = 64;

/// What was removed, and what was not.
#[derive(Debug, Default)]
pub(in crate::gc) struct Removed {
    pub(in crate::gc) files: Vec<ArtifactFile>,
    /// How many bytes they had; those of a file with several names once.
    pub(in crate::gc) bytes: u64,
    pub(in crate::gc) left: Vec<ArtifactLeft>,
}

/// Removes files, so that they stay away. One that cannot be removed is left, and said to be; one that is gone is
/// neither.
///
/// # Errors
///
/// That what was removed cannot be made to stay away.
///
/// # Locking
///
/// The caller holds the store lock, exclusively, since before it found out that no entry that stays names them.
pub(in crate::gc) fn remove(under: &Under, files: &[ArtifactFile]) -> Result<Removed, PathError> {
    let (mut removed, mut counted) = (Removed::default(), BTreeSet::new());
    let mut dirs = Vec::<Dir<'_>>::new();
    for file in files {
        if dirs.len() >= MOST_DIRS {
            sync(under, &dirs)?;
            dirs.clear();
        }
        match remove_one(under, file, &mut dirs) {
            Ok(Some(id)) => {
                if counted.insert(id) {
                    removed.bytes = removed.bytes.saturating_add(file.bytes);
                }
                removed.files.push(file.clone());
            }
            Ok(None) => {}
            Err(reason) => removed.left.push(ArtifactLeft {
                path: file.path.clone(),
                bytes: file.bytes,
                entry: file.entry,
                reason,
            }),
        }
    }
    sync(under, &dirs)?;
    Ok(removed)
}

/// Returns which file it was that is removed; `None` where there is none. Its directory is the last of `dirs` then.
fn remove_one<'u>(
    under: &'u Under,
    file: &ArtifactFile,
    dirs: &mut Vec<Dir<'u>>,
) -> Result<Option<FileId>, LeftReason> {
    let below = file.path.strip_prefix(under.path());
    let below = below.map_err(|_| LeftReason::Elsewhere)?;
    let (Some(above), Some(name)) = (below.parent(), below.file_name()) else {
        return Err(LeftReason::NotAFile);
    };
    let name = name.to_str().ok_or(LeftReason::Elsewhere)?;
    if dirs.last().is_none_or(|dir| dir.path() != above) {
        match under.root.existing_dir(above) {
            Ok(Some(dir)) => dirs.push(dir),
            Ok(None) => return Ok(None),
            Err(error) => return Err(LeftReason::of(&error)),
        }
    }
    let dir = dirs.last().ok_or(LeftReason::Changed)?;
    remove_from(dir, name, file)
}

fn remove_from(
    dir: &Dir<'_>,
    name: &str,
    file: &ArtifactFile,
) -> Result<Option<FileId>, LeftReason> {
    let failed = |error: PathError| LeftReason::of(&error);
    let fail = |cause: Cause| LeftReason::of(&dir.fail("read", name, cause));
    let Some(opened) = dir.open_unnoticed(name).map_err(failed)? else {
        return Ok(None);
    };
    // A page that is mapped and not written back could change without a trace; from now on none can.
    opened.sync_data().map_err(|error| fail(error.into()))?;
    let before = FileStat::of(&opened).map_err(fail)?;
    if before.size != file.bytes {
        return Err(LeftReason::Size {
            recorded: file.bytes,
            found: before.size,
        });
    }
    let algorithms = file.digests.iter();
    let algorithms = algorithms.filter_map(|digest| check_digest(digest).ok()?);
    let algorithms: BTreeSet<Algorithm> = algorithms.collect();
    let hashed = hash_file(&opened, before.size, &algorithms, &mut |_| {});
    let hashed = hashed.map_err(|error| fail(error.into()))?;
    let after = FileStat::of(&opened).map_err(fail)?;
    if after.mark != before.mark || hashed.bytes != file.bytes {
        return Err(LeftReason::Changed);
    }
    let mut digests = hashed.hashes.iter();
    let is_recorded = digests.any(|(algorithm, hash)| {
        let digest = format!("{algorithm}:{hash}");
        file.digests.contains(&digest)
    });
    if !is_recorded {
        return Err(LeftReason::Content);
    }
    match dir.remove_if(name, before.mark).map_err(failed)? {
        Unlinked::Yes => Ok(Some(before.mark.id())),
        Unlinked::Absent => Ok(None),
        Unlinked::Another => Err(LeftReason::Changed),
    }
}

fn sync(under: &Under, dirs: &[Dir<'_>]) -> Result<(), PathError> {
    match under.root.sync([], dirs) {
        // Then nothing was removed there, or nothing can be made to survive there.
        Err(error) if error.cause.needs_no_sync() => Ok(()),
        synced => synced,
    }
}
