//! A directory in `tmp/` that stays from one process to the next, for one of them at a time: what other
//! programs bring is put there, and nothing in it is trusted.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, Mode, OFlags, unlinkat};
use rustix::io::Errno;

use super::root::open_beneath;
use super::{Cause, Dir, FileTime, Lock, LockWait, PathError, Permissions, Root};
use crate::layout::TMP;

/// The file whose lock says that the directory is in use.
const LOCK: &str = "lock";

/// How often the directory is made again because whoever had it removes it.
const MOST_ATTEMPTS: u32 = 100;

/// A directory in `tmp/` that this process has for itself.
#[must_use = "others may have the directory when this is dropped"]
#[derive(Debug)]
pub(crate) struct Scratch {
    root: Root,
    /// Its name in `tmp/`.
    name: String,
    tmp: File,
    lock: Lock,
}

impl Root {
    /// Opens the directory `name` in `tmp/`, with what is in it, or makes it.
    ///
    /// # Locking
    ///
    /// Takes the lock of that directory, and waits while another thread or process holds it.
    pub(crate) fn scratch(&self, name: &str) -> Result<Scratch, PathError> {
        let path = Path::new(TMP).join(name);
        for attempt in 1.. {
            let tmp = self.open_dir(Path::new(TMP))?.fd().try_clone();
            let tmp = tmp.map_err(|error| self.error("open", Path::new(TMP), error))?;
            let dir = self.open_dir(&path)?;
            match dir.lock_exclusive(LOCK) {
                Ok(lock) => {
                    let fd = dir.fd().try_clone();
                    let fd = fd.map_err(|error| self.error("open", &path, error))?;
                    let mut root = Self::of(fd, self.path().join(&path));
                    root.set_lock_wait(self.lock_wait.clone());
                    let name = name.to_owned();
                    return Ok(Scratch {
                        root,
                        name,
                        tmp,
                        lock,
                    });
                }
                // Whoever had it has removed it.
                Err(error) if is_absent(&error.cause) && attempt < MOST_ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("the last attempt returns")
    }

    /// Removes the directory `name` in `tmp/` with all that is in it, unless others have it. It makes nothing, and
    /// needs no room.
    ///
    /// # Locking
    ///
    /// Takes the lock of that directory, if there is one, and waits for nobody. The caller sees to it that nobody
    /// makes one meanwhile.
    pub(crate) fn remove_scratch_unless_taken(&self, name: &str) -> Result<(), PathError> {
        let mut impatient = self.again()?;
        impatient.set_lock_wait(LockWait::default().at_most(Duration::ZERO));
        let dir = impatient.open_dir(&Path::new(TMP).join(name))?;
        let _lock = match dir.lock_existing(LOCK) {
            Err(error) if matches!(error.cause, Cause::Busy { .. }) => return Ok(()),
            // Nobody has locked something else.
            Err(error) if error.cause.is_damage() => None,
            lock => lock?,
        };
        remove(self.open_dir(Path::new(TMP))?.fd(), name, dir.fd())
            .map_err(|error| dir.fail("remove", "", error))
    }

    /// Opens the same directory again.
    pub(crate) fn again(&self) -> Result<Self, PathError> {
        let fd = self.fd.try_clone();
        let fd = fd.map_err(|error| self.error("open", Path::new(""), error))?;
        let mut root = Self::of(fd, self.path().to_owned());
        root.set_lock_wait(self.lock_wait.clone());
        Ok(root)
    }
}

fn is_absent(cause: &Cause) -> bool {
    matches!(cause, Cause::Io(error) if error.kind() == ErrorKind::NotFound)
}

impl Scratch {
    /// The directory, to read what is in it.
    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// Returns a path that leads to the directory itself, whatever has its name by now, also for other
    /// processes of this user, for as long as this lives.
    pub(crate) fn open_path(&self) -> PathBuf {
        path_of(&self.root.fd)
    }

    /// Returns the locked file: the directory stays taken as long as anybody has it open.
    pub(crate) fn hold(&self) -> Result<File, PathError> {
        let file = self.lock.file().try_clone();
        file.map_err(|error| self.root.error("open", Path::new(LOCK), error))
    }

    /// Puts a file into the directory, in the place of one that has the name.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> Result<(), PathError> {
        let staged = self.root.stage_named(bytes, Permissions::ByUmask)?;
        self.root.own_dir()?.replace(staged, name)
    }

    /// Makes an empty file at `path`, and the directories above it; one that is there stays.
    pub(crate) fn touch(&self, path: &Path) -> Result<(), PathError> {
        let (dir, name) = self.place(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE;
        let made = open_beneath(dir.fd(), name, flags, Mode::from_raw_mode(0o600));
        made.map_err(|errno| self.root.error("create", path, errno))?;
        Ok(())
    }

    /// Returns the directory of `path`, which is made where it is missing, and the name in it.
    fn place<'p>(&self, path: &'p Path) -> Result<(Dir<'_>, &'p OsStr), PathError> {
        let above = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().unwrap_or_default();
        Ok((self.root.open_dir(above)?, name))
    }

    /// Gives the file at `path`, if there is one, a time that tells it from no other.
    pub(crate) fn forget_time(&self, path: &Path) -> Result<(), PathError> {
        let time = FileTime {
            seconds: 0,
            nanoseconds: 0,
        };
        let (dir, name) = self.place(path)?;
        dir.set_modified(&name.to_string_lossy(), time)
    }

    /// Removes what is at `path` in the directory, with all that is in it; what is absent is no error.
    pub(crate) fn clear(&self, path: &Path) -> Result<(), PathError> {
        let above = path.parent().filter(|above| *above != Path::new(""));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let above = above.unwrap_or(Path::new("."));
        let above: File = match open_beneath(&self.root.fd, above, flags, Mode::empty()) {
            Ok(above) => above.into(),
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(self.root.error("remove", path, errno)),
        };
        let place = path_of(&above).join(path.file_name().unwrap_or_default());
        remove_tree(&place).map_err(|error| self.root.error("remove", path, error))
    }

    /// Removes the directory. Where that fails, it stays with what is left in it.
    pub(crate) fn remove(self) -> Result<(), PathError> {
        remove(&self.tmp, &self.name, &self.root.fd)
            .map_err(|error| self.root.error("remove", Path::new(""), error))
    }
}

/// Removes what is in a directory, its lock last: whoever waits for that finds that it is gone. And then the
/// directory, which has that name in `tmp`.
fn remove(tmp: &File, name: &str, dir: &File) -> io::Result<()> {
    for found in std::fs::read_dir(path_of(dir))? {
        let found = found?;
        if found.file_name() != LOCK {
            remove_tree(&found.path())?;
        }
    }
    remove_tree(&path_of(dir).join(LOCK))?;
    Ok(unlinkat(tmp, name, AtFlags::REMOVEDIR)?)
}

/// Removes whatever is at a path; what is absent is no error.
fn remove_tree(place: &Path) -> io::Result<()> {
    let removed = match place.symlink_metadata() {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(place),
        Ok(_) => std::fs::remove_file(place),
        Err(error) => Err(error),
    };
    removed.or_else(|error| match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

fn path_of(fd: &File) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd()).into()
}
