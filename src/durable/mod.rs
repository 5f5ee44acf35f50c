//! The disk: every read below a root, every write, sync, rename and lock. The only user of `rustix`.
//!
//! All paths are relative to the root's descriptor and are opened with `openat2`, which refuses to
//! leave the root, to follow a symbolic link and to cross into another file system. What is read
//! must be a regular file and is bounded in size before it is read.
//!
//! Writing is made of five steps, and a caller puts them in an order that keeps the invariants of
//! layout.md section 7:
//!
//! | step | survives a power cut once it returned |
//! |---|---|
//! | [`Root::dir`], [`Root::make_dirs`] | the directory and every directory above it, up to the root |
//! | [`Dir::stage`], [`Root::stage_named`] | nothing; a named file may be left over in `tmp/` |
//! | [`Root::sync`] of a staged file | its content, once it gets a name that survives |
//! | [`Dir::publish`], [`Dir::replace`], [`Dir::remove`] | nothing; old or new, never a mixture |
//! | [`Dir::keep`] | nothing; one more name or a copy, or none |
//! | [`Root::sync`] of the directory | the name |
//!
//! A step that fails leaves what was there, and a staged file that is dropped is gone.
//!
//! A whole directory, outside of any catalog, is made of three:
//!
//! | step | survives a power cut once it returned |
//! |---|---|
//! | `NewTree::begin` | the directories above it; an empty hidden one may be left over beside its name |
//! | `NewTree::add` | nothing; the hidden directory may be left over with anything in it |
//! | `NewTree::publish` | all of it, under its name; before, nothing has that name |

mod content;
mod dir;
mod evict;
mod inspect;
mod keep;
mod lock;
mod new_tree;
mod notice;
mod open_files;
mod outside;
mod probe;
mod root;
mod scratch;
mod staged;
mod standstill;
mod wait;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;

pub(crate) use content::{Content, Means, Opened, Unfilled};
pub(crate) use dir::Dir;
pub(crate) use evict::Unlinked;
pub(crate) use inspect::{
    Clocks, FileId, FileStat, FileSystemStat, FileTime, Mark, MountMode, Rights, clocks,
    kernel_release,
};
pub(crate) use lock::{Hold, Lock};
pub(crate) use new_tree::{NewTree, TreeFile, is_vacant};
pub(crate) use notice::{Notices, Told, Wait};
pub(crate) use open_files::{files_together, open_together};
pub(crate) use outside::{Outside, look_outside, sync_outside};
pub(crate) use probe::{Ability, Outcome};
pub use root::FileKind;
pub(crate) use root::Root;
pub(crate) use scratch::Scratch;
pub(crate) use staged::{Permissions, Published, Staged};
pub use standstill::Standstill;
pub(crate) use standstill::Unfinished;
pub use wait::LockWait;

/// A file operation that failed: what was attempted, on which path, and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {cause}", path.display())]
pub struct PathError {
    /// What was attempted, as it follows "cannot": `open`, `write`, `sync the file system of`.
    pub action: &'static str,
    /// The path; of a file in a catalog, with that of the root.
    pub path: PathBuf,
    /// Why it failed.
    pub cause: Cause,
}

/// Why a file operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The operating system says so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A symbolic link; links are never followed below a root.
    #[error("it is, or leads through, a symbolic link")]
    Link,
    /// Another file system is mounted there; a catalog lies within one.
    #[error("it is on another file system than the root of the catalog")]
    OtherFileSystem,
    /// Something other than a regular file.
    #[error("it is {0}, not a regular file")]
    NotRegular(FileKind),
    /// Something other than a directory, on the way to it.
    #[error("it leads through something that is not a directory")]
    NotADirectory,
    /// More bytes than such a file can have.
    #[error("it has {size} bytes, of at most {limit}")]
    TooLarge {
        /// Size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Others hold the lock.
    #[error("others hold the lock{}", gave_up(*limit))]
    Busy {
        /// How long it was waited for.
        limit: Duration,
    },
}

/// How long it was waited, where it was.
fn gave_up(limit: Duration) -> String {
    match limit.is_zero() {
        true => String::new(),
        false => format!("; gave up after {limit:?}"),
    }
}

impl Cause {
    /// Returns whether something is there that the format does not allow there, rather than the
    /// operating system failing.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Link | Self::NotRegular(_) | Self::NotADirectory | Self::TooLarge { .. }
        )
    }

    /// Returns whether a sync failed because this user may not write there, or nobody can, so that
    /// nothing there can be unsynced that this process relies on.
    pub(crate) fn needs_no_sync(&self) -> bool {
        use io::ErrorKind::{InvalidInput, PermissionDenied, ReadOnlyFilesystem};
        matches!(self, Self::Io(error)
            if matches!(error.kind(), InvalidInput | PermissionDenied | ReadOnlyFilesystem))
    }

    /// Returns whether the disk, or the file system, could not deliver what is there. Another error,
    /// such as a want of descriptors, memory or permission, says nothing about a file.
    pub(crate) fn is_unreadable(&self) -> bool {
        let Self::Io(error) = self else {
            return false;
        };
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        matches!(errno, Some(Errno::IO | Errno::BADMSG | Errno::UCLEAN))
    }
}

impl PathError {
    pub(crate) fn new(action: &'static str, path: &Path, cause: impl Into<Cause>) -> Self {
        let path = path.to_owned();
        Self {
            action,
            path,
            cause: cause.into(),
        }
    }

    /// Returns whether the file system is full, or a quota is.
    #[must_use]
    pub fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(&self.cause, Cause::Io(error) if matches!(error.kind(), StorageFull | QuotaExceeded))
    }
}

impl From<Errno> for Cause {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::LOOP => Self::Link,
            Errno::XDEV => Self::OtherFileSystem,
            Errno::NOTDIR => Self::NotADirectory,
            // What open(2) says of a socket, and of a directory that is to be written to.
            Errno::NXIO => Self::NotRegular(FileKind::Other),
            Errno::ISDIR => Self::NotRegular(FileKind::Directory),
            _ => Self::Io(errno.into()),
        }
    }
}

/// Why it is not opened as a file.
impl From<FileKind> for Cause {
    fn from(kind: FileKind) -> Self {
        match kind {
            FileKind::Link => Self::Link,
            kind => Self::NotRegular(kind),
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regular => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Other => "a FIFO, socket or device",
        })
    }
}

#[cfg(test)]
mod tests;
