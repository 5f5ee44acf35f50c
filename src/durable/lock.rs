//! Advisory locks (flock) that end with their guard, and with the process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, Stat, flock, fstat, statat};
use rustix::io::Errno;

use super::root::open_beneath;
use super::wait::Waiting;
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

/// How the store is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// With other writers.
    Shared,
    /// Alone.
    Exclusive,
}

impl Hold {
    fn operation(self) -> FlockOperation {
        match self {
            Self::Shared => FlockOperation::LockShared,
            Self::Exclusive => FlockOperation::LockExclusive,
        }
    }
}

impl Root {
    /// Takes the store lock, on the file at `path`, making the file where it is missing. Nothing ever
    /// removes or replaces that file.
    ///
    /// # Locking
    ///
    /// Waits while others hold the lock in a way that excludes this one. Whoever wants it alone stands
    /// in a turnstile, the lock on the root itself, so that writers that come later do not overtake.
    pub(crate) fn lock_store(&self, path: &Path, hold: Hold) -> Result<Lock, PathError> {
        self.lock_with_turnstile(path, OFlags::RDWR | OFlags::CREATE, hold)
            .map_err(|cause| self.error("lock", path, cause))
    }

    /// Makes the file of the store lock where it is missing, and waits for nobody.
    pub(crate) fn make_store_lock(&self, path: &Path) -> Result<(), PathError> {
        let opened = open_lock(&self.fd, path, OFlags::RDWR | OFlags::CREATE);
        opened
            .map(drop)
            .map_err(|cause| self.error("lock", path, cause))
    }

    /// As [`lock_store`](Self::lock_store), alone, and without making anything: `None` where there is
    /// no such file, so that nobody can hold the lock.
    pub(crate) fn lock_existing_store(&self, path: &Path) -> Result<Option<Lock>, PathError> {
        self.lock_existing(path, Hold::Exclusive)
    }

    /// As [`lock_existing_store`](Self::lock_existing_store), with others who share it.
    pub(crate) fn share_existing_store(&self, path: &Path) -> Result<Option<Lock>, PathError> {
        self.lock_existing(path, Hold::Shared)
    }

    /// Takes the lock on the directory `path`, making it where it is missing: shared, to keep what is in it
    /// from being removed; alone, to remove it.
    ///
    /// # Locking
    ///
    /// Waits while others hold the lock in a way that excludes this one. It comes before the store lock.
    pub(crate) fn lock_dir(&self, path: &Path, hold: Hold) -> Result<Lock, PathError> {
        let file = self.open_dir(path)?.fd().try_clone();
        let file = file.map_err(|error| self.error("lock", path, error))?;
        let place = self.path().join(path);
        let waiting = self.lock_wait.begin(&place);
        waiting
            .lock(&file, hold.operation())
            .map_err(|cause| self.error("lock", path, cause))?;
        Ok(Lock { file })
    }

    fn lock_existing(&self, path: &Path, hold: Hold) -> Result<Option<Lock>, PathError> {
        match self.lock_with_turnstile(path, OFlags::RDONLY, hold) {
            Err(Cause::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            result => result
                .map(Some)
                .map_err(|cause| self.error("lock", path, cause)),
        }
    }

    fn lock_with_turnstile(&self, path: &Path, flags: OFlags, hold: Hold) -> Result<Lock, Cause> {
        let place = self.path().join(path);
        let (waiting, operation) = (self.lock_wait.begin(&place), hold.operation());
        let turnstile = OFlags::RDONLY | OFlags::DIRECTORY;
        let turnstile = self.open_beneath(Path::new("."), turnstile, Mode::empty())?;
        let file = File::from(turnstile);
        waiting.lock(&file, operation)?;
        let _turnstile = Lock { file };
        lock(&self.fd, path, flags, operation, &waiting)
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
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::APPEND;
        let place = self.full_path(name);
        let waiting = self.lock_wait().begin(&place);
        lock(self.fd(), Path::new(name), flags, operation, &waiting)
            .map_err(|cause| self.fail("lock", name, cause))
    }
}

impl Dir<'_> {
    /// As [`lock_exclusive`](Self::lock_exclusive), and makes nothing: `None` where there is no such file.
    pub(crate) fn lock_existing(&self, name: &str) -> Result<Option<Lock>, PathError> {
        let place = self.full_path(name);
        let waiting = self.lock_wait().begin(&place);
        let operation = FlockOperation::LockExclusive;
        match lock(
            self.fd(),
            Path::new(name),
            OFlags::RDONLY,
            operation,
            &waiting,
        ) {
            Err(Cause::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            locked => locked
                .map(Some)
                .map_err(|cause| self.fail("lock", name, cause)),
        }
    }
}

/// Opens the file `name` and waits for the lock on it.
fn lock(
    dir: &File,
    name: &Path,
    flags: OFlags,
    operation: FlockOperation,
    waiting: &Waiting<'_>,
) -> Result<Lock, Cause> {
    loop {
        let (file, opened) = open_lock(dir, name, flags)?;
        waiting.lock(&file, operation)?;
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

/// Opens a file to lock it, and tells which it is.
fn open_lock(dir: &File, name: &Path, flags: OFlags) -> Result<(File, Stat), Cause> {
    let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mode = if flags.contains(OFlags::CREATE) {
        0o666
    } else {
        0
    };
    let file: File = open_beneath(dir, name, flags, Mode::from_raw_mode(mode))?.into();
    let opened = fstat(&file)?;
    let kind = FileKind::from(FileType::from_raw_mode(opened.st_mode));
    if kind != FileKind::Regular {
        return Err(Cause::NotRegular(kind));
    }
    Ok((file, opened))
}
