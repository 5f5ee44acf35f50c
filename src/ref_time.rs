//! When refs were written: by that, and by nothing else, a ref and its copies are told apart without
//! reading them (layout.md section 5.1).
//!
//! All refs have the same size. A writer gives each that it changes the time in nanoseconds, which the
//! ref had never before, and a copy keeps the time of what was copied. So two of one name that have the
//! same time hold the same.

use std::path::{Path, PathBuf};

use crate::durable::{FileKind, FileTime, PathError, Root};
use crate::layout;
use crate::name::{Name, RefName};

/// Returns when a ref was written, if that tells it from others. What is read of the ref after this is
/// what was written then, or later.
pub(crate) fn read(root: &Root, name: &RefName) -> Result<Option<FileTime>, PathError> {
    let found = root.stat(&layout::ref_file(name).path())?;
    let time = found.map(|stat| stat.modified);
    Ok(time.filter(|time| time.is_fine()))
}

/// Returns the refs and names of snapshots whose times do not tell them from others.
pub(crate) fn doubtful(root: &Root) -> Result<Vec<PathBuf>, PathError> {
    let (refs, snapshots) = (Path::new(layout::REFS), Path::new(layout::SNAPSHOTS));
    let is_name = |name: &str| Name::from_file_name(name).is_some();
    let mut found = doubtful_in(root, snapshots, &is_name)?;
    for (engine, kind) in root.list(refs)? {
        if kind == FileKind::Directory {
            let is_ref = |name: &str| RefName::from_file_names(&engine, name).is_some();
            found.extend(doubtful_in(root, &refs.join(&engine), &is_ref)?);
        }
    }
    Ok(found)
}

fn doubtful_in(
    root: &Root,
    dir: &Path,
    is_known: &dyn Fn(&str) -> bool,
) -> Result<Vec<PathBuf>, PathError> {
    let found = root.list_stats(dir)?.into_iter();
    let doubtful = found.filter(|(name, stat)| is_known(name) && !stat.modified.is_fine());
    Ok(doubtful.map(|(name, _)| dir.join(name)).collect())
}
