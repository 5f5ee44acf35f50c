//! Advisory locks (flock) that end with their guard, and with the process.

use std::fs::File;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, Stat, flock, fstat, statat};
use rustix::io::Errno;

use super::root::open_beneath;
use super::{Cause, Dir, FileKind, PathError, Permissions, Root};

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
    /// Takes the lock on the file at `path` shared, making the file where it is missing. Nothing
    /// ever removes or replaces that file.
    ///
    /// # Locking
    ///
    /// Waits while a process holds the lock exclusively.
    pub(crate) fn lock_shared(&self, path: &Path) -> Result<Lock, PathError> {
        let fail = |cause: Cause| self.error("lock", path, cause);
        let file = self.open_beneath(path, FLAGS, MODE);
        let file = file.map_err(|errno| fail(errno.into()))?.into();
        wait(&file, FlockOperation::LockShared).map_err(|errno| fail(errno.into()))?;
        require_regular(&file).map_err(fail)?;
        Ok(Lock { file })
    }
}

impl Dir<'_> {
    /// Takes the lock on the file `name` exclusively, making the file where it is missing, and
    /// opens it for reading and appending.
    ///
    /// A file with a second name, as copying by hard links makes, is replaced by a copy of its own,
    /// for what is appended must not appear under the other name. It has at most `limit` bytes.
    ///
    /// # Locking
    ///
    /// Waits while another thread or process holds the lock.
    pub(crate) fn lock_exclusive(&self, name: &str, limit: u64) -> Result<Lock, PathError> {
        let fail = |cause: Cause| self.fail("lock", name, cause);
        loop {
            // Below this very directory, whatever has its path now.
            let fd = open_beneath(self.fd(), Path::new(name), FLAGS | OFlags::APPEND, MODE);
            let file: File = fd.map_err(|errno| fail(errno.into()))?.into();
            wait(&file, FlockOperation::LockExclusive).map_err(|errno| fail(errno.into()))?;
            let lock = Lock { file };
            let locked = require_regular(&lock.file).map_err(fail)?;
            // Its last holder may have removed or replaced the file while we waited: then this lock
            // is on a file that nobody else will find.
            match statat(self.fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(named) if (named.st_dev, named.st_ino) != (locked.st_dev, locked.st_ino) => {}
                Ok(named) if named.st_nlink > 1 => self.replace_by_copy(name, limit)?,
                Ok(_) => return Ok(lock),
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(fail(errno.into())),
            }
        }
    }

    fn replace_by_copy(&self, name: &str, limit: u64) -> Result<(), PathError> {
        let Some(bytes) = self.root().read(&self.path().join(name), limit)? else {
            return Ok(());
        };
        let copy = self.root().stage_named(&bytes, Permissions::ByUmask)?;
        self.root().sync([copy.file()], [])?;
        self.replace(copy, name)?;
        self.sync()
    }
}

const FLAGS: OFlags = OFlags::RDWR
    .union(OFlags::CREATE)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

const MODE: Mode = Mode::from_raw_mode(0o666);

fn require_regular(file: &File) -> Result<Stat, Cause> {
    let stat = fstat(file)?;
    match FileKind::from(FileType::from_raw_mode(stat.st_mode)) {
        FileKind::Regular => Ok(stat),
        kind => Err(Cause::NotRegular(kind)),
    }
}
