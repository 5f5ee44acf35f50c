//! Files on their way to a name: written first, and named when what they say survives.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::Ordering;

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, Timespec, Timestamps, UTIME_OMIT, futimens, linkat,
    renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;

use super::root::open_beneath;
use super::standstill::Unfinished;
use super::{Dir, FileTime, PathError, Root, Unfilled};
use crate::layout::TMP;

/// A written file that has no final name yet. Dropping it leaves nothing behind.
#[must_use = "a staged file is removed when this is dropped"]
#[derive(Debug)]
pub(crate) struct Staged<'r> {
    file: File,
    /// Its directory and name in `tmp/`; `None` where it has no name at all (`O_TMPFILE`).
    temporary: Option<(Dir<'r>, String, Unfinished)>,
}

/// Who may do what with a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permissions {
    /// Mode 0444, whatever the umask: everybody who may enter the directory reads it, nobody writes.
    ReadOnly,
    /// Mode 0666 less the umask.
    ByUmask,
}

impl Permissions {
    /// The permission bits of an object.
    pub(crate) const OBJECT_BITS: u32 = 0o444;

    pub(super) fn mode(self) -> Mode {
        Mode::from_raw_mode(match self {
            Self::ReadOnly => Self::OBJECT_BITS,
            Self::ByUmask => 0o666,
        })
    }
}

/// What became of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// The staged file has it.
    New,
    /// Another file has it already, and keeps it.
    Exists,
}

impl Root {
    /// Writes `bytes` to a new file with a random name in `tmp/`.
    pub(crate) fn stage_named(
        &self,
        bytes: &[u8],
        permissions: Permissions,
    ) -> Result<Staged<'_>, PathError> {
        let (staged, ()) = self.stage_named_by(permissions, &mut |file| write(file, bytes))?;
        Ok(staged)
    }

    /// As [`stage_named`](Self::stage_named), and fills it by `fill`, whose result is returned too.
    pub(crate) fn stage_named_by<T>(
        &self,
        permissions: Permissions,
        fill: Fill<'_, T>,
    ) -> Result<(Staged<'_>, T), PathError> {
        // Nothing in it, nor it itself, needs to survive.
        let tmp = self.open_dir(Path::new(TMP))?;
        let unfinished = Unfinished::begin();
        let (file, name) = loop {
            // No file of the format has such a name.
            let name = format!("new-{}", tmp.unique()?);
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
            match open_beneath(tmp.fd(), &name, flags, permissions.mode()) {
                Ok(fd) => break (File::from(fd), name),
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(tmp.fail("create", &name, errno)),
            }
        };
        let path = tmp.path().join(&name);
        let staged = Staged {
            file,
            temporary: Some((tmp, name, unfinished)),
        };
        let filled = staged.fill(permissions, fill);
        let filled = filled.map_err(|error| error.or(|cause| self.error("write", &path, cause)))?;
        Ok((staged, filled))
    }
}

impl<'r> Dir<'r> {
    /// Writes `bytes` to a new file that [`publish`](Self::publish) can name in this directory:
    /// one without a name where the file system can do that, else one in `tmp/`.
    pub(crate) fn stage(
        &self,
        bytes: &[u8],
        permissions: Permissions,
    ) -> Result<Staged<'r>, PathError> {
        let (staged, ()) = self.stage_by(permissions, &mut |file| write(file, bytes))?;
        Ok(staged)
    }

    /// As [`stage`](Self::stage), and fills it by `fill`, whose result is returned too.
    pub(crate) fn stage_by<T>(
        &self,
        permissions: Permissions,
        fill: Fill<'_, T>,
    ) -> Result<(Staged<'r>, T), PathError> {
        if self.root().has_unnamed_files.load(Ordering::Relaxed) {
            let flags = OFlags::RDWR | OFlags::TMPFILE;
            match open_beneath(self.fd(), ".", flags, permissions.mode()) {
                Ok(fd) if Path::new(&link_source(&fd)).exists() => {
                    let staged = Staged {
                        file: fd.into(),
                        temporary: None,
                    };
                    let filled = staged.fill(permissions, fill);
                    let filled = filled.map_err(|error| {
                        error.or(|cause| self.fail("write a file in", "", cause))
                    })?;
                    return Ok((staged, filled));
                }
                // Without /proc an unnamed file cannot be named; other file systems say that they
                // have none, or take the flag for an attempt to write to the directory.
                Ok(_) | Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                    self.root()
                        .has_unnamed_files
                        .store(false, Ordering::Relaxed);
                }
                Err(errno) => return Err(self.fail("create a file in", "", errno)),
            }
        }
        self.root().stage_named_by(permissions, fill)
    }

    /// Gives a staged file its name, unless another file has it.
    pub(crate) fn publish(
        &self,
        mut staged: Staged<'_>,
        name: &str,
    ) -> Result<Published, PathError> {
        let result = match &staged.temporary {
            None => {
                let source = link_source(&staged.file);
                linkat(CWD, source, self.fd(), name, AtFlags::SYMLINK_FOLLOW)
            }
            Some((tmp, temporary, _)) => {
                let flags = RenameFlags::NOREPLACE;
                match renameat_with(tmp.fd(), temporary, self.fd(), name, flags) {
                    // Some file systems cannot rename without replacing. With a link the temporary
                    // stays, and goes with `staged`.
                    Err(Errno::INVAL | Errno::NOSYS) => {
                        linkat(tmp.fd(), temporary, self.fd(), name, AtFlags::empty())
                    }
                    renamed => renamed.inspect(|()| staged.temporary = None),
                }
            }
        };
        match result {
            Ok(()) => Ok(Published::New),
            Err(Errno::EXIST) => Ok(Published::Exists),
            Err(errno) => Err(self.fail("create", name, errno)),
        }
    }

    /// Gives a file of [`Root::stage_named`] its name, in the place of whatever has it but a directory.
    pub(crate) fn replace(&self, mut staged: Staged<'_>, name: &str) -> Result<(), PathError> {
        let (tmp, temporary) = staged.named();
        renameat(tmp.fd(), temporary, self.fd(), name)
            .map_err(|errno| self.fail("replace", name, errno))?;
        staged.temporary = None;
        Ok(())
    }
}

impl<'r> Staged<'r> {
    /// Returns the directory and the name of the temporary.
    fn named(&self) -> (&Dir<'r>, &String) {
        let temporary = self.temporary.as_ref();
        let named = temporary.map(|(dir, name, _)| (dir, name));
        named.expect("only files of `stage_named` take the place of others")
    }

    /// Sets the time at which it was written.
    pub(crate) fn set_modified(&self, time: FileTime) -> Result<(), PathError> {
        set_modified(&self.file, time).map_err(|errno| {
            let (tmp, name) = self.named();
            tmp.fail("set the time of", name, errno)
        })
    }

    /// Returns the written file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    fn fill<T>(&self, permissions: Permissions, fill: Fill<'_, T>) -> Result<T, Unfilled> {
        let filled = fill(&self.file)?;
        if permissions == Permissions::ReadOnly {
            rustix::fs::fchmod(&self.file, permissions.mode())?;
        }
        Ok(filled)
    }
}

/// What fills a new file, which is open to read and write.
type Fill<'f, T> = &'f mut dyn FnMut(&File) -> Result<T, Unfilled>;

fn write(mut file: &File, bytes: &[u8]) -> Result<(), Unfilled> {
    Ok(file.write_all(bytes)?)
}

/// Sets when a file was written. That of another user stays: what depends on it reads the file.
pub(super) fn set_modified(file: &File, time: FileTime) -> Result<(), Errno> {
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: time.seconds,
            tv_nsec: time.nanoseconds,
        },
    };
    match futimens(file, &times) {
        Err(Errno::PERM) => Ok(()),
        result => result,
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // What cannot be removed is left over in tmp/, which readers never look into.
        if let Some((tmp, name, _)) = &self.temporary {
            let _ = unlinkat(tmp.fd(), name, AtFlags::empty());
        }
    }
}

/// The path by which an unnamed file can be linked.
pub(super) fn link_source(fd: &impl AsRawFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}
