//! Directories to write in, the names that are in them, and what makes files and names survive.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, fstat, mkdirat, statx, unlinkat};
use rustix::io::Errno;

use super::root::{DirIdentity, open_file};
use super::staged::set_modified;
use super::{Cause, FileStat, FileTime, LockWait, PathError, Permissions, Root};

/// The most files and directories that are synced one by one; for more, one sync of the whole file
/// system is quicker.
const MAX_SINGLE_SYNCS: usize = 8;

/// An open directory whose own name, up to the root, survives a power cut.
#[derive(Debug)]
pub(crate) struct Dir<'r> {
    root: &'r Root,
    fd: File,
    path: PathBuf,
}

impl Root {
    /// Opens the directory at `path` for writing, making it and those above it where missing, so
    /// that its name, up to the root, survives.
    pub(crate) fn dir(&self, path: &Path) -> Result<Dir<'_>, PathError> {
        self.make_dirs([path])?;
        self.open_dir(path)
    }

    /// Makes directories, and those above them, where they are missing, so that their names, up to
    /// the root, survive; with one wait for all.
    pub(crate) fn make_dirs<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p Path>,
    ) -> Result<(), PathError> {
        let (mut unsynced, mut made) = (BTreeSet::new(), Vec::new());
        for path in paths {
            // A directory that was there may be one that another process has made and not synced.
            for dir in path.ancestors().take_while(|dir| *dir != Path::new("")) {
                let identity = self.open_dir(dir)?.identity();
                if identity.is_some_and(|identity| self.durable_dirs().contains(&identity)) {
                    break;
                }
                made.extend(identity);
                unsynced.extend(dir.parent());
            }
        }
        let unsynced = unsynced.into_iter().map(|dir| self.open_dir(dir));
        self.sync([], &unsynced.collect::<Result<Vec<_>, _>>()?)?;
        self.durable_dirs().extend(made);
        Ok(())
    }

    /// As [`dir`](Self::dir), and nothing need survive yet.
    pub(crate) fn open_dir(&self, path: &Path) -> Result<Dir<'_>, PathError> {
        let Some(parent) = path.parent() else {
            return self.own_dir();
        };
        let fail = |action, errno: Errno| self.error(action, path, errno);
        let open = || self.open_beneath(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty());
        let fd = match open() {
            Err(Errno::NOENT) => {
                let parent = self.open_dir(parent)?;
                let name = path.file_name().unwrap_or_default();
                match mkdirat(&parent.fd, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => open(),
                    Err(errno) => return Err(fail("create directory", errno)),
                }
            }
            opened => opened,
        };
        Ok(Dir {
            root: self,
            fd: fd.map_err(|errno| fail("open", errno))?.into(),
            path: path.to_owned(),
        })
    }

    /// Returns the root itself as a directory to write to.
    pub(crate) fn own_dir(&self) -> Result<Dir<'_>, PathError> {
        let fd = self.fd.try_clone();
        let fd = fd.map_err(|error| self.error("open", Path::new(""), error))?;
        Ok(Dir {
            root: self,
            fd,
            path: PathBuf::new(),
        })
    }

    fn durable_dirs(&self) -> MutexGuard<'_, HashSet<DirIdentity>> {
        // A thread that panicked cannot have left a set of identities half changed.
        self.durable_dirs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes files and directories survive, all with one wait where they are many.
    ///
    /// What each of them holds when this is called is durable when it returns. The first was opened
    /// before any of the others was written.
    pub(crate) fn sync<'a>(
        &self,
        files: impl IntoIterator<Item = &'a File>,
        dirs: impl IntoIterator<Item = &'a Dir<'a>>,
    ) -> Result<(), PathError> {
        let files: Vec<_> = files.into_iter().collect();
        let dirs: Vec<_> = dirs.into_iter().collect();
        if files.len() + dirs.len() > MAX_SINGLE_SYNCS {
            // The kernel tells of a failed write once through each descriptor that was open then.
            // That of the root is shared: another thread might be told of a failure that is ours.
            let own = files.first().copied().or(dirs.first().map(|dir| &dir.fd));
            return rustix::fs::syncfs(own.unwrap_or(&self.fd))
                .map_err(|errno| self.error("sync the file system of", Path::new(""), errno));
        }
        for file in files {
            file.sync_all()
                .map_err(|error| self.error("sync a file below", Path::new(""), error))?;
        }
        dirs.into_iter().try_for_each(Dir::sync)
    }
}

impl Root {
    /// Makes everything on the file system survive that was done before, whoever did it.
    pub(crate) fn sync_file_system(&self) -> Result<(), PathError> {
        let fail = |errno| self.error("sync the file system of", Path::new(""), errno);
        // Through a descriptor of its own, not a duplicate of the root's: the kernel tells of a failed write once
        // through each that was opened, for all that share it.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let own = self.open_beneath(Path::new("."), flags, Mode::empty());
        rustix::fs::syncfs(own.map_err(fail)?).map_err(fail)
    }
}

impl<'r> Dir<'r> {
    /// Makes one of an open directory.
    pub(super) fn of(root: &'r Root, fd: File, path: PathBuf) -> Self {
        Self { root, fd, path }
    }

    pub(super) fn root(&self) -> &'r Root {
        self.root
    }

    pub(super) fn fd(&self) -> &File {
        &self.fd
    }

    /// Returns the path of the file `name`, with that of the root.
    pub(super) fn full_path(&self, name: &str) -> PathBuf {
        self.root.path().join(&self.path).join(name)
    }

    pub(super) fn lock_wait(&self) -> &LockWait {
        &self.root.lock_wait
    }

    /// Returns the path, relative to the root.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes an error for the file `name` in this directory.
    pub(crate) fn fail(
        &self,
        action: &'static str,
        name: &str,
        cause: impl Into<Cause>,
    ) -> PathError {
        match name {
            "" => self.root.error(action, &self.path, cause),
            name => self.root.error(action, &self.path.join(name), cause),
        }
    }

    /// `None` where the file system does not tell when the directory was made.
    fn identity(&self) -> Option<DirIdentity> {
        let wanted = StatxFlags::INO | StatxFlags::BTIME;
        let stat = statx(&self.fd, "", AtFlags::EMPTY_PATH, wanted).ok()?;
        let has_birth = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
        has_birth.then_some(DirIdentity {
            inode: stat.stx_ino,
            born_ns: (stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec),
        })
    }

    /// Returns 64 random bits as digits, which no other name in this directory ends with.
    pub(super) fn unique(&self) -> Result<String, PathError> {
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(|errno| self.fail("name a file in", "", errno))?;
        Ok(format!("{:016x}", u64::from_ne_bytes(random)))
    }

    /// Removes the file `name`; one that is already gone is no error.
    pub(crate) fn remove(&self, name: &str) -> Result<(), PathError> {
        match unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.fail("remove", name, errno)),
        }
    }

    /// Removes the directory `name` if it is empty, and returns whether it did.
    pub(crate) fn remove_dir(&self, name: &str) -> Result<bool, PathError> {
        match unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => Ok(false),
            Err(errno) => Err(self.fail("remove", name, errno)),
        }
    }

    /// Returns whether a regular file has the name; something else that has it is an error.
    pub(crate) fn has_file(&self, name: &str) -> Result<bool, PathError> {
        let file = open_file(&self.fd, name).map_err(|cause| self.fail("open", name, cause))?;
        Ok(file.is_some())
    }

    /// Opens the file `name` and renews its ctime, from which gc counts its age; `None` where the
    /// ctime cannot be renewed because the file belongs to another user.
    pub(crate) fn renew(&self, name: &str) -> Result<Option<File>, PathError> {
        let file = open_file(&self.fd, name).map_err(|cause| self.fail("open", name, cause))?;
        let file = file.ok_or_else(|| self.fail("open", name, Errno::NOENT))?;
        match rustix::fs::fchmod(&file, Permissions::ReadOnly.mode()) {
            Ok(()) => Ok(Some(file)),
            Err(Errno::PERM) => Ok(None),
            Err(errno) => Err(self.fail("renew", name, errno)),
        }
    }

    /// Gives the file `name`, as far as it exists, the time at which it was written. That need not survive.
    pub(crate) fn set_modified(&self, name: &str, time: FileTime) -> Result<(), PathError> {
        let file = open_file(&self.fd, name).map_err(|cause| self.fail("open", name, cause))?;
        let is_new = |file: &File| Ok(FileStat::from(fstat(file)?).modified != time);
        let set = |file: File| match is_new(&file)? {
            true => set_modified(&file, time),
            false => Ok(()),
        };
        file.map_or(Ok(()), set)
            .map_err(|errno| self.fail("set the time of", name, errno))
    }

    /// Makes the content of the file `name` survive, as far as it exists.
    pub(crate) fn sync_file(&self, name: &str) -> Result<(), PathError> {
        let file = open_file(&self.fd, name).map_err(|cause| self.fail("open", name, cause))?;
        file.map_or(Ok(()), |file| file.sync_all())
            .map_err(|error| self.fail("sync", name, error))
    }

    /// Makes the names in this directory survive.
    pub(crate) fn sync(&self) -> Result<(), PathError> {
        self.fd
            .sync_all()
            .map_err(|error| self.fail("sync", "", error))
    }
}
