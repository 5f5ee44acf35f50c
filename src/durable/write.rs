//! Writing: directories, staged files, the names they get, and what makes each survive.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, StatxFlags, linkat, mkdirat, renameat, renameat_with,
    statx, unlinkat,
};
use rustix::io::Errno;

use super::root::{DirIdentity, open_beneath, open_file};
use super::standstill::Unfinished;
use super::{Cause, LockWait, PathError, Root, Unfilled};
use crate::layout::TMP;

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
    pub(super) fn open_dir(&self, path: &Path) -> Result<Dir<'_>, PathError> {
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
            match open_beneath(&tmp.fd, &name, flags, permissions.mode()) {
                Ok(fd) => break (File::from(fd), name),
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(tmp.fail("create", &name, errno)),
            }
        };
        let path = tmp.path.join(&name);
        let staged = Staged {
            file,
            temporary: Some((tmp, name, unfinished)),
        };
        let filled = staged.fill(permissions, fill);
        let filled = filled.map_err(|error| error.or(|cause| self.error("write", &path, cause)))?;
        Ok((staged, filled))
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

impl<'r> Dir<'r> {
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
        if self.root.has_unnamed_files.load(Ordering::Relaxed) {
            let flags = OFlags::RDWR | OFlags::TMPFILE;
            match open_beneath(&self.fd, ".", flags, permissions.mode()) {
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
                    self.root.has_unnamed_files.store(false, Ordering::Relaxed);
                }
                Err(errno) => return Err(self.fail("create a file in", "", errno)),
            }
        }
        self.root.stage_named_by(permissions, fill)
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
                linkat(CWD, source, &self.fd, name, AtFlags::SYMLINK_FOLLOW)
            }
            Some((tmp, temporary, _)) => {
                let flags = RenameFlags::NOREPLACE;
                match renameat_with(&tmp.fd, temporary, &self.fd, name, flags) {
                    // Some file systems cannot rename without replacing. With a link the temporary
                    // stays, and goes with `staged`.
                    Err(Errno::INVAL | Errno::NOSYS) => {
                        linkat(&tmp.fd, temporary, &self.fd, name, AtFlags::empty())
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
        renameat(&tmp.fd, temporary, &self.fd, name)
            .map_err(|errno| self.fail("replace", name, errno))?;
        staged.temporary = None;
        Ok(())
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

impl<'r> Staged<'r> {
    /// Returns the directory and the name of the temporary.
    fn named(&self) -> (&Dir<'r>, &String) {
        let temporary = self.temporary.as_ref();
        let named = temporary.map(|(dir, name, _)| (dir, name));
        named.expect("only files of `stage_named` take the place of others")
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

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        // What cannot be removed is left over in tmp/, which readers never look into.
        if let Some((tmp, name, _)) = &self.temporary {
            let _ = unlinkat(&tmp.fd, name, AtFlags::empty());
        }
    }
}

/// The path by which an unnamed file can be linked.
pub(super) fn link_source(fd: &impl AsRawFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}
