//! Advisory locks (flock) that end with their guard, and with the process.

use std::fs::File;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, Stat, flock, fstat, statat};
use rustix::io::Errno;

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
    /// Takes the lock on the file at `path` shared, making the file where it is missing.
    ///
    /// # Locking
    ///
    /// Waits while a process holds the lock exclusively.
    pub(crate) fn lock_shared(&self, path: &Path) -> Result<Lock, PathError> {
        let (file, _) = self.open_lock(path, OFlags::RDWR)?;
        wait(&file, FlockOperation::LockShared).map_err(|errno| self.error("lock", path, errno))?;
        Ok(Lock { file })
    }

    /// Opens the file of a lock, which has to be a regular one, making it where it is missing.
    fn open_lock(&self, path: &Path, flags: OFlags) -> Result<(File, Stat), PathError> {
        let fail = |errno: Errno| self.error("lock", path, errno);
        let flags = flags | OFlags::CREATE | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = self.open_beneath(path, flags, Mode::from_raw_mode(0o666));
        let file = file.map_err(fail)?.into();
        let stat = fstat(&file).map_err(fail)?;
        match FileKind::from(FileType::from_raw_mode(stat.st_mode)) {
            FileKind::Regular => Ok((file, stat)),
            kind => Err(self.error("lock", path, Cause::NotRegular(kind))),
        }
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
        let path = self.path().join(name);
        let fail = |errno: Errno| self.root().error("lock", &path, errno);
        loop {
            let (file, locked) = self
                .root()
                .open_lock(&path, OFlags::RDWR | OFlags::APPEND)?;
            wait(&file, FlockOperation::LockExclusive).map_err(fail)?;
            // Its last holder may have removed or replaced the file while we waited: then this lock
            // is on a file that nobody else will find.
            match statat(self.fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(named) if named.st_ino == locked.st_ino && named.st_dev == locked.st_dev => {
                    return Ok(Lock { file });
                }
                Ok(_) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(fail(errno)),
            }
        }
    }
}
