//! Removing files of others, which lie below a directory that is no catalog: only what was looked at, and only as
//! long as its name stands for it.

use std::fs::File;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, statat, unlinkat};
use rustix::io::Errno;

use super::root::open_file_with;
use super::{Cause, Dir, FileStat, Mark, PathError, Root};

/// What came of removing a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlinked {
    /// It is removed.
    Yes,
    /// Nothing has the name.
    Absent,
    /// What has the name is another file, or was changed.
    Another,
}

impl Root {
    /// Opens the directory at `path`, as it is; `None` where there is none.
    pub(crate) fn existing_dir(&self, path: &Path) -> Result<Option<Dir<'_>>, PathError> {
        if path == Path::new("") {
            return self.own_dir().map(Some);
        }
        match self.open_beneath(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) {
            Ok(fd) => Ok(Some(Dir::of(self, fd.into(), path.to_owned()))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.error("open", path, errno)),
        }
    }
}

impl Dir<'_> {
    /// Opens the regular file `name` for reading, which does not count as a use of it where this user may have that;
    /// `None` where there is no such file.
    pub(crate) fn open_unnoticed(&self, name: &str) -> Result<Option<File>, PathError> {
        let open = |flags| open_file_with(self.fd(), name, flags);
        let opened = match open(OFlags::NOATIME) {
            // It belongs to another user.
            Err(Cause::Io(error)) if Errno::from_io_error(&error) == Some(Errno::PERM) => {
                open(OFlags::empty())
            }
            opened => opened,
        };
        opened.map_err(|cause| self.fail("open", name, cause))
    }

    /// Removes the file `name` if it is the one that has the mark, unchanged. Between the last look and the removal
    /// is nothing but the way into the kernel, which knows no removal by anything but a name.
    pub(crate) fn remove_if(&self, name: &str, mark: Mark) -> Result<Unlinked, PathError> {
        let is_it = |stat| FileStat::from(stat).mark == mark;
        let removed = match statat(self.fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if is_it(stat) => unlinkat(self.fd(), name, AtFlags::empty()),
            Ok(_) => return Ok(Unlinked::Another),
            Err(errno) => Err(errno),
        };
        match removed {
            Ok(()) => Ok(Unlinked::Yes),
            Err(Errno::NOENT) => Ok(Unlinked::Absent),
            Err(errno) => Err(self.fail("remove", name, errno)),
        }
    }
}
