//! What is in a source directory: the digest of every file, and of all together.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use engine_catalog::ObjectId;

use crate::Result;

/// The files and symbolic links of a directory, by their paths in it.
///
/// Directories without files do not count, nor do times, owners and names such as `.git`, which tell
/// where the files come from and not what they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tree(BTreeMap<PathBuf, (char, ObjectId)>);

impl Tree {
    /// Reads the directory at `top`, which is no symbolic link, less what lies at `except`, where builds go.
    pub(crate) fn read(top: &Path, except: &Path) -> Result<Self> {
        // Where nothing was built yet, it is not there.
        let except = except.canonicalize().ok();
        let mut files = BTreeMap::new();
        let mut dirs = vec![top.to_owned()];
        while let Some(dir) = dirs.pop() {
            let fail = |error| format!("cannot read {}: {error}", dir.display());
            for entry in fs::read_dir(&dir).map_err(fail)? {
                let path = entry.map_err(fail)?.path();
                let is_git = path.file_name().is_some_and(|name| name == ".git");
                if is_git || except.as_ref() == Some(&path) {
                    continue;
                }
                let fail = |error| format!("cannot read {}: {error}", path.display());
                let metadata = path.symlink_metadata().map_err(fail)?;
                let (kind, bytes) = if metadata.is_dir() {
                    dirs.push(path);
                    continue;
                } else if metadata.is_symlink() {
                    let target = fs::read_link(&path).map_err(fail)?;
                    ('l', target.as_os_str().as_bytes().to_vec())
                } else if metadata.is_file() {
                    let is_program = metadata.permissions().mode() & 0o111 != 0;
                    let kind = if is_program { 'x' } else { 'f' };
                    (kind, fs::read(&path).map_err(fail)?)
                } else {
                    return Err(format!("{} is no file", path.display()).into());
                };
                let below = path.strip_prefix(top)?.to_owned();
                files.insert(below, (kind, ObjectId::of(&bytes)));
            }
        }
        Ok(Self(files))
    }

    /// Returns the digest of all: of a line for each file, sorted by path.
    pub(crate) fn digest(&self) -> ObjectId {
        let mut lines = Vec::new();
        for (path, (kind, digest)) in &self.0 {
            lines.extend_from_slice(format!("{kind} {digest} ").as_bytes());
            lines.extend_from_slice(path.as_os_str().as_bytes());
            // No path has it, and a line feed some may.
            lines.push(0);
        }
        ObjectId::of(&lines)
    }

    /// Returns a file that is not the same in `other`.
    pub(crate) fn difference(&self, other: &Self) -> Option<PathBuf> {
        let mut paths = self.0.keys().chain(other.0.keys());
        let found = paths.find(|path| self.0.get(*path) != other.0.get(*path));
        found.cloned()
    }
}
