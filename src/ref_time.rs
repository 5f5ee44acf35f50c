//! When refs were written: by that, and by nothing else, a ref and its copies are told apart without
//! reading them (layout.md section 5.1).
//!
//! All refs have the same size. A writer gives each that it changes the time in nanoseconds, which the
//! ref had never before, and a copy keeps the time of what was copied. So two of one name that have the
//! same time hold the same.

use std::path::Path;

use crate::durable::{FileTime, PathError, Root};
use crate::layout;
use crate::name::{Name, RefName};

/// Times in milliseconds, or coarser, are those of a file system that keeps no better ones, or of a tool
/// that gives all files one time.
const COARSE: i64 = 1_000_000;

/// Returns whether files that were written at different times would have different ones.
fn is_fine(time: FileTime) -> bool {
    time.nanoseconds % COARSE != 0
}

/// Returns when a ref was written, if that tells it from others. What is read of the ref after this is
/// what was written then, or later.
pub(crate) fn read(root: &Root, name: &RefName) -> Result<Option<FileTime>, PathError> {
    let found = root.stat(&layout::ref_file(name).path())?;
    Ok(found
        .map(|stat| stat.modified)
        .filter(|time| is_fine(*time)))
}

/// Returns whether the times of all refs tell them from others.
pub(crate) fn are_all_fine(root: &Root) -> Result<bool, PathError> {
    let top = Path::new(layout::REFS);
    for (engine, _) in root.list(top)? {
        if Name::from_file_name(&engine).is_some() {
            let refs = root.list_stats(&top.join(engine))?;
            if !refs.iter().all(|(_, stat)| is_fine(stat.modified)) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
