//! Advisory locks (flock) that end with their guard, and with the process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, flock, fstat, statat};
use rustix::io::Errno;

use super::root::open_beneath;
use super::{Cause, Dir, FileKind, PathError, Root};

/// A held lock on a file. Dropping it releases the lock.
#[must_use = "the lock is released when this is dropped"]
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Returns the locked file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Returns whether the file has a second name.
    pub(crate) fn has_other_names(&self) -> io::Result<bool> {
        Ok(fstat(&self.file)?.st_nlink > 1)
    }

    /// Returns what the locked file holds from `start` on, whatever has its name by now.
    pub(crate) fn read_from(&self, start: u64) -> io::Result<Vec<u8>> {
        let length = self.file.metadata()?.len().saturating_sub(start);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would do, unless a child that another thread just forked still has the descriptor.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// Waits for the lock.
fn wait(file: &File, operation: FlockOperation) -> Result<(), Errno> {
    loop {
        match flock(file, operation) {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

impl Root {
    /// Takes the lock on the file at `path` shared, making the file where it is missing. Nothing
    /// ever removes or replaces that file.
    ///
    /// # Locking
    ///
    /// Waits while a process holds the lock exclusively.
    pub(crate) fn lock_shared(&self, path: &Path) -> Result<Lock, PathError> {
        lock(&self.fd, path, OFlags::empty(), FlockOperation::LockShared)
            .map_err(|cause| self.error("lock", path, cause))
    }
}

impl Dir<'_> {
    /// Takes the lock on the file `name` exclusively, making the file where it is missing, and
    /// opens it for reading and appending.
    ///
    /// # Locking
    ///
    /// Waits while another thread or process holds the lock.
    pub(crate) fn lock_exclusive(&self, name: &str) -> Result<Lock, PathError> {
        let operation = FlockOperation::LockExclusive;
        lock(self.fd(), Path::new(name), OFlags::APPEND, operation)
            .map_err(|cause| self.fail("lock", name, cause))
    }
}

/// Opens the file `name`, making it where it is missing, and waits for the lock on it.
fn lock(dir: &File, name: &Path, flags: OFlags, operation: FlockOperation) -> Result<Lock, Cause> {
    let flags = flags | OFlags::RDWR | OFlags::CREATE | OFlags::NONBLOCK | OFlags::NOCTTY;
    loop {
        let file: File = open_beneath(dir, name, flags, Mode::from_raw_mode(0o666))?.into();
        let opened = fstat(&file)?;
        let kind = FileKind::from(FileType::from_raw_mode(opened.st_mode));
        if kind != FileKind::Regular {
            return Err(Cause::NotRegular(kind));
        }
        wait(&file, operation)?;
        // Its last holder may have removed the file while we waited, or a copy have replaced it:
        // then this lock is on a file that nobody else will find.
        match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(named) if named.st_ino == opened.st_ino && named.st_dev == opened.st_dev => {
                return Ok(Lock { file });
            }
            Ok(_) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}
