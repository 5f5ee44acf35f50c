//! What lies outside of a catalog: the directory that becomes a root, and the files that entries name, which must
//! survive with it; where a path leads, and whether a directory lies in another.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, fstat, openat, stat, statx};
use rustix::io::Errno;

use super::{FileId, FileStat, PathError, Root};

impl Root {
    /// Makes a directory that is to become a root, and the directories above it that are missing,
    /// so that their names survive; an existing one is left as it is.
    pub(crate) fn make(given: &Path) -> Result<Self, PathError> {
        Self::make_noting(given, &mut Vec::new())
    }

    /// As [`make`](Self::make), and adds the directories that were missing to `made`, also when this
    /// fails.
    pub(super) fn make_noting(given: &Path, made: &mut Vec<PathBuf>) -> Result<Self, PathError> {
        let fail = |action, cause: std::io::Error| PathError::new(action, given, cause);
        let path = std::path::absolute(given).map_err(|error| fail("create", error))?;
        for dir in path.ancestors().collect::<Vec<_>>().into_iter().rev() {
            match std::fs::create_dir(dir) {
                Ok(()) => {
                    made.push(dir.to_owned());
                    let parent = dir.parent().unwrap_or(dir);
                    let synced = File::open(parent).and_then(|parent| parent.sync_all());
                    synced.map_err(|error| PathError::new("sync", parent, error))?;
                }
                // Whatever the error, a directory that exists is fine (`/` says EEXIST, a read-only
                // file system EROFS).
                Err(_) if dir.is_dir() => {}
                Err(error) => return Err(PathError::new("create directory", dir, error)),
            }
        }
        // An existing one may come from a process that was killed before it was synced.
        sync_names([path.as_path()])?;
        Self::open(given)?.ok_or_else(|| fail("open", ErrorKind::NotFound.into()))
    }
}

/// Makes files outside of any catalog survive: their content, and their names. Paths are absolute.
pub(crate) fn sync_outside<'a>(
    files: impl IntoIterator<Item = &'a Path> + Clone,
) -> Result<(), PathError> {
    for path in files.clone() {
        let synced = File::open(path).and_then(|file| file.sync_all());
        synced.map_err(|error| PathError::new("sync", path, error))?;
    }
    sync_names(files)
}

/// Makes names outside of any catalog survive, and those of the directories above them, as far as
/// this user may open them. Paths are absolute.
fn sync_names<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<(), PathError> {
    let above = |path: &'a Path| path.ancestors().skip(1);
    for dir in paths.into_iter().flat_map(above).collect::<BTreeSet<_>>() {
        let synced = File::open(dir).and_then(|dir| dir.sync_all());
        match synced.map_err(|error| PathError::new("sync", dir, error)) {
            // A directory that this user may not list, or that cannot be written or synced, was not
            // made by whoever made what lies below.
            Err(error) if error.cause.needs_no_sync() => {}
            synced => synced?,
        }
    }
    Ok(())
}

impl Root {
    /// Returns whether `path`, which need not exist, leads into the root.
    pub(crate) fn contains(&self, path: &Path) -> Result<bool, PathError> {
        use std::os::unix::fs::MetadataExt;

        let fail = |error: std::io::Error| PathError::new("look at", path, error);
        let absolute = std::path::absolute(path).map_err(fail)?;
        let own = self.fd.metadata().map_err(fail)?;
        // What is not there yet will be made below the first directory that is.
        let mut above = absolute.ancestors();
        let Some(existing) = above.find_map(|above| above.canonicalize().ok()) else {
            return Ok(false);
        };
        let mut above = existing
            .ancestors()
            .filter_map(|above| above.metadata().ok());
        Ok(above.any(|dir| (dir.dev(), dir.ino()) == (own.dev(), own.ino())))
    }
}

/// What a path outside of any catalog leads to.
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    pub(crate) stat: FileStat,
    /// The absolute path of it, without symbolic links.
    pub(crate) canonical: PathBuf,
}

/// Returns what an absolute path leads to, also through symbolic links; `None` where that is nothing. Opens nothing.
pub(crate) fn look_outside(path: &Path) -> Result<Option<Outside>, PathError> {
    let found = stat(path).and_then(|stat| {
        let canonical = path.canonicalize();
        let canonical =
            canonical.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        let stat = stat.into();
        Ok(Outside { stat, canonical })
    });
    match found {
        Ok(found) => Ok(Some(found)),
        // Nobody else comes to anything by that path either.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG) => Ok(None),
        Err(errno) => Err(PathError::new("look at", path, errno)),
    }
}

impl Root {
    /// Returns which directory it is.
    pub(crate) fn id(&self) -> Result<FileId, PathError> {
        let stat = FileStat::of(&self.fd);
        let stat = stat.map_err(|cause| self.error("look at", Path::new(""), cause))?;
        Ok(stat.mark.id())
    }

    /// Returns whether it is one of these directories, or lies in one, however deep. What counts is where it is, and
    /// not by which path it was opened.
    pub(crate) fn lies_in(&self, dirs: &BTreeSet<FileId>) -> Result<bool, PathError> {
        self.is_below(dirs)
            .map_err(|errno| self.error("look above", Path::new(""), errno))
    }

    fn is_below(&self, dirs: &BTreeSet<FileId>) -> Result<bool, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let (mut dir, mut below) = (openat(&self.fd, ".", flags, Mode::empty())?, None);
        loop {
            let id = FileStat::from(fstat(&dir)?).mark.id();
            if dirs.contains(&id) {
                return Ok(true);
            }
            // The top is above itself. With its mount: another may show the same directory.
            let mount = statx(&dir, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?.stx_mnt_id;
            if below.replace((id, mount)) == Some((id, mount)) {
                return Ok(false);
            }
            dir = openat(&dir, "..", flags, Mode::empty())?;
        }
    }
}
