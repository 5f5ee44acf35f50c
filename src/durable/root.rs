//! A root directory, and reading below it.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2};
use rustix::io::Errno;

use super::{Cause, LockWait, PathError};

/// What `chmod` changes of a mode.
const PERMISSION_BITS: u32 = 0o7777;

/// An open root directory.
///
/// Paths stay relative to this descriptor: renaming the root, or planting a link above it, leads
/// nothing astray.
#[derive(Debug)]
pub(crate) struct Root {
    pub(super) fd: File,
    /// Where it was opened, for messages.
    path: PathBuf,
    /// Directories whose names, up to the root, are known to survive a power cut.
    pub(super) durable_dirs: Mutex<HashSet<DirIdentity>>,
    /// Whether the file system has `O_TMPFILE`, as far as is known.
    pub(super) has_unnamed_files: AtomicBool,
    pub(super) lock_wait: LockWait,
    /// Where objects are looked for that are not here.
    alternate: Option<Box<Self>>,
}

/// Which directory it is: removing and making one of the same name gives another identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct DirIdentity {
    pub(super) inode: u64,
    pub(super) born_ns: (i64, u32),
}

/// What a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A FIFO, socket or device.
    Other,
}

impl From<FileType> for FileKind {
    fn from(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::Regular,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

impl Root {
    /// Opens a directory as a root; `None` where there is no such directory.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, PathError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(fd) => fd.into(),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(PathError::new("open", path, Cause::Io(errno.into()))),
        };
        Ok(Some(Self::of(fd, path.to_owned())))
    }

    /// Makes a root of an open directory.
    pub(super) fn of(fd: File, path: PathBuf) -> Self {
        Self {
            fd,
            path,
            durable_dirs: Mutex::default(),
            has_unnamed_files: AtomicBool::new(true),
            lock_wait: LockWait::default(),
            alternate: None,
        }
    }

    /// Sets how it waits for locks from now on.
    pub(crate) fn set_lock_wait(&mut self, lock_wait: LockWait) {
        self.lock_wait = lock_wait;
    }

    /// Sets where objects are looked for that are not here.
    pub(crate) fn set_alternate(&mut self, alternate: Self) {
        self.alternate = Some(Box::new(alternate));
    }

    /// Returns where objects are looked for that are not here.
    pub(crate) fn alternate(&self) -> Option<&Self> {
        self.alternate.as_deref()
    }

    /// Returns the path under which the root was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes an error for `path`, relative to the root.
    pub(crate) fn error(
        &self,
        action: &'static str,
        path: &Path,
        cause: impl Into<Cause>,
    ) -> PathError {
        if path == Path::new("") {
            return PathError::new(action, &self.path, cause);
        }
        PathError::new(action, &self.path.join(path), cause)
    }

    /// Opens what is at `path` without leaving the root, following a link or changing file system.
    pub(super) fn open_beneath(
        &self,
        path: &Path,
        flags: OFlags,
        mode: Mode,
    ) -> Result<OwnedFd, Errno> {
        open_beneath(&self.fd, path, flags, mode)
    }

    /// Returns the whole content of the file at `path`; `None` where there is no such file.
    ///
    /// The size is checked against `limit` before anything is read.
    pub(crate) fn read(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, PathError> {
        let read = self.read_with_mode(path, limit)?;
        Ok(read.map(|(bytes, _)| bytes))
    }

    /// As [`read`](Self::read), with the permission bits of the file.
    pub(crate) fn read_with_mode(
        &self,
        path: &Path,
        limit: u64,
    ) -> Result<Option<(Vec<u8>, u32)>, PathError> {
        let Some(file) = self.open_file(path)? else {
            return Ok(None);
        };
        let fail = |cause| self.error("read", path, cause);
        let metadata = file.metadata().map_err(|error| fail(error.into()))?;
        let (size, mode) = (metadata.len(), metadata.mode() & PERMISSION_BITS);
        if size > limit {
            return Err(fail(Cause::TooLarge { size, limit }));
        }
        // One byte of room more lets the last read see the end of the file without growing.
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
        file.take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| fail(error.into()))?;
        let size = bytes.len() as u64;
        if size > limit {
            return Err(fail(Cause::TooLarge { size, limit }));
        }
        Ok(Some((bytes, mode)))
    }

    /// Returns whether there may be something at `path`, whatever it is: only what is certainly absent
    /// is not there.
    pub(crate) fn has(&self, path: &Path) -> bool {
        let found = self.open_beneath(path, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty());
        !matches!(found, Err(Errno::NOENT))
    }

    /// Opens a regular file for reading; `None` where there is no such file.
    pub(crate) fn open_file(&self, path: &Path) -> Result<Option<File>, PathError> {
        open_file(&self.fd, path).map_err(|cause| self.error("open", path, cause))
    }

    /// Returns the names in a directory and what each is, sorted; none where there is no such
    /// directory. Names that are not UTF-8 cannot be ours and are shown with replacements.
    pub(crate) fn list(&self, path: &Path) -> Result<Vec<(String, FileKind)>, PathError> {
        let fail = |errno: Errno| self.error("list", path, errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let fd = match self.open_beneath(path, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(errno) => return Err(fail(errno)),
        };
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&fd).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Not every file system tells the kind in a listing.
                FileType::Unknown => {
                    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
                    match rustix::fs::statat(&fd, entry.file_name(), flags) {
                        Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                        Err(Errno::NOENT) => continue,
                        Err(errno) => return Err(fail(errno)),
                    }
                }
                kind => kind,
            };
            names.push((name.to_string_lossy().into_owned(), kind.into()));
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// Opens what is at `path` below `dir` without leaving it, following a link or changing file system.
pub(super) fn open_beneath(
    dir: &File,
    path: impl AsRef<Path>,
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    let path = path.as_ref();
    loop {
        match openat2(dir, path, flags | OFlags::CLOEXEC, mode, resolve) {
            // EAGAIN: the tree changed while the kernel resolved the path.
            Err(Errno::INTR | Errno::AGAIN) => {}
            result => return result,
        }
    }
}

/// Opens a regular file below `dir` for reading; `None` where there is no such file.
pub(super) fn open_file(dir: &File, path: impl AsRef<Path>) -> Result<Option<File>, Cause> {
    open_file_with(dir, path, OFlags::empty())
}

/// As [`open_file`], with more flags.
pub(super) fn open_file_with(
    dir: &File,
    path: impl AsRef<Path>,
    more: OFlags,
) -> Result<Option<File>, Cause> {
    // NONBLOCK: opening a FIFO must not wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | more;
    let fd = match open_beneath(dir, path, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    match FileKind::from(FileType::from_raw_mode(fstat(&fd)?.st_mode)) {
        FileKind::Regular => Ok(Some(fd.into())),
        kind => Err(Cause::NotRegular(kind)),
    }
}
