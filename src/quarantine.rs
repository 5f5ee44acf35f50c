//! Moving what is damaged aside: `quarantine/` (layout.md section 7.8).
//!
//! Nothing is removed. What is moved keeps its content, and a name that says where it was.

use std::path::{Path, PathBuf};

use crate::durable::{Dir, FileTime, PathError, Permissions, Root};
use crate::layout;

/// The most bytes of a path that a name in quarantine keeps; its random end has to fit too.
const MAX_KEPT_NAME: usize = 200;

/// Moves what is at `path` to quarantine, and returns where it is now; `None` where nothing is there.
/// When this returns without an error, the move survives; a cut before may leave it in both places.
///
/// # Locking
///
/// The caller holds the store lock, exclusively.
pub(crate) fn move_aside(root: &Root, path: &Path) -> Result<Option<PathBuf>, PathError> {
    let (above, name) = split(path);
    let dir = root.dir(above)?;
    let kept = keep(root, &dir, &name)?;
    dir.remove(&name)?;
    dir.sync()?;
    Ok(kept)
}

/// Puts a new file at `path`, keeps what is there in quarantine, and returns where that is now; `None`
/// where nothing was there. When this returns without an error, both survive. Where a file was, the
/// path is never without one.
///
/// # Locking
///
/// The caller holds the store lock, exclusively.
pub(crate) fn replace(
    root: &Root,
    path: &Path,
    bytes: &[u8],
) -> Result<Option<PathBuf>, PathError> {
    let (above, name) = split(path);
    let dir = root.dir(above)?;
    let staged = root.stage_named(bytes, Permissions::ByUmask)?;
    // It may be a ref, which else would have the time of a tick.
    staged.set_modified(FileTime::now())?;
    root.sync([staged.file()], [])?;
    let kept = keep(root, &dir, &name)?;
    dir.replace(staged, &name)?;
    dir.sync()?;
    Ok(kept)
}

/// Keeps what has a name in `dir` also in quarantine, where it survives, so that it may lose the first
/// name; returns the second, or `None` where nothing has the first. What is neither a file nor can
/// have two names has lost it.
pub(crate) fn keep(root: &Root, dir: &Dir<'_>, name: &str) -> Result<Option<PathBuf>, PathError> {
    let quarantine = root.dir(Path::new(layout::QUARANTINE))?;
    let kept = dir.keep(name, &quarantine, &kept_name(&dir.path().join(name)))?;
    quarantine.sync()?;
    Ok(kept.map(|kept| quarantine.path().join(kept)))
}

/// The directory and the name of a path below the root.
fn split(path: &Path) -> (&Path, String) {
    let name = path.file_name().unwrap_or_default();
    let above = path.parent().unwrap_or(Path::new(""));
    (above, name.to_string_lossy().into_owned())
}

/// The name in quarantine of what was at a path, less its random end: the path with a dot in the place
/// of each slash.
fn kept_name(path: &Path) -> String {
    let mut name = path.to_string_lossy().replace('/', ".");
    while name.len() > MAX_KEPT_NAME {
        name.pop();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_name_says_where_a_file_was_and_fits() {
        assert_eq!(kept_name(Path::new("refs/llamacpp/b1")), "refs.llamacpp.b1");
        let long = format!("history/{}/{}", "e".repeat(255), "v".repeat(255));
        assert_eq!(kept_name(Path::new(&long)).len(), MAX_KEPT_NAME);
        assert!(kept_name(Path::new(&"ü".repeat(150))).len() <= MAX_KEPT_NAME);
    }
}
