//! The files of engines: those that only entries name which go, go with them.
//!
//! A file goes only if it is below the directory that was named, leads there through no link, is what the record of
//! an entry that goes says, is not young, and is named by no entry that stays. Whatever else it is, it stays, and
//! the plan says why: nobody will, once the entry has gone. A directory never goes.
//!
//! What is not known here: whether anybody else needs a file. Two catalogs that name files below one directory must
//! not both let them go.
//!
//! Whoever records files looks at them once more under the store lock, so none goes that is being recorded.

mod find;
mod kept;
mod remove;
mod room;
mod under;

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(super) use find::Survey;
pub(super) use remove::{Removed, remove};
pub(super) use under::Under;

use crate::durable::{Cause, FileKind, PathError};
use crate::hash::ObjectId;

/// Which files of engines go, and how much room they may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactOptions {
    /// Only files below this directory go: an absolute path of one that exists, in UTF-8. The catalog neither is it,
    /// nor lies in it, nor around it.
    pub under: PathBuf,
    /// The regular files below `under` that entries name may have so many bytes. Where they have more, once what goes
    /// anyway has gone, further builds give way, the oldest first and no more than have to: as far as nothing
    /// keeps them but that no rule limits what they are, or that they are recent, or the last of a day, week or
    /// month. Of each engine the version that was changed last stays, and so does what no rule is of. Whether
    /// they fit then is for the caller to see, in [`ArtifactRoom`].
    pub max_bytes: Option<u64>,
    /// In which order they do.
    pub order: EvictionOrder,
}

/// Which builds are the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EvictionOrder {
    /// Those that became current, or ceased to be, first.
    LastChanged,
    /// Those of which no file was read since, either: by the time of access of the files below the directory, which
    /// on most file systems is up to a day off.
    LastUsed,
}

impl fmt::Display for EvictionOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LastChanged => "last changed",
            Self::LastUsed => "last used",
        })
    }
}

/// A file of an engine that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ArtifactFile {
    /// Its absolute path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// What its content has to be, or it stays: `algorithm:hex`. One digest, unless several entries that go, or
    /// manifests, say different things of it. Sorted.
    pub digests: Vec<String>,
    /// An entry that goes and names it.
    pub entry: ObjectId,
}

/// A file that stays, of an entry that goes, or that was to give way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ArtifactLeft {
    /// Its absolute path.
    pub path: PathBuf,
    /// Its size in bytes; 0 of what is no regular file, or cannot be looked at.
    pub bytes: u64,
    /// The entry.
    pub entry: ObjectId,
    /// Why it stays.
    pub reason: LeftReason,
}

/// Why a file of an engine stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LeftReason {
    /// An entry that stays names it too, or the directory that it is in: by this path or another.
    Named {
        /// That entry.
        by: ObjectId,
    },
    /// It is not below the directory.
    Elsewhere,
    /// Its path has a `..`.
    ParentDir,
    /// Its path is, or leads through, a symbolic link.
    Link,
    /// Its path leads to another file system than that of the directory.
    OtherFileSystem,
    /// It is no regular file.
    NotAFile,
    /// It changed not long ago, as [young](crate::Keep::grace_ms) objects did: it may be a new file, of an engine that
    /// is to be recorded.
    Recent,
    /// It has not the size that was recorded.
    Size {
        /// Bytes that were recorded.
        recorded: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// It has not the content that was recorded.
    Content,
    /// Its name came to stand for another file, or it was written to, after it was looked at.
    Changed,
    /// Its entry has no manifest, and no digest of it that can be checked.
    NothingRecorded,
    /// It cannot be looked at, read or removed.
    Failed {
        /// Why.
        error: String,
    },
    /// It was to give way, and its entry stays because that is young.
    Young,
    /// It was to give way, and its entry stays because more than its ref keeps it.
    Kept,
}

impl LeftReason {
    /// Returns whether the file may go another time: until then its record has to stay, or nobody would know of it.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Recent | Self::Changed | Self::Failed { .. })
    }

    fn of(error: &PathError) -> Self {
        match &error.cause {
            Cause::Link => Self::Link,
            Cause::OtherFileSystem => Self::OtherFileSystem,
            Cause::NotRegular(FileKind::Link) => Self::Link,
            Cause::NotRegular(_) => Self::NotAFile,
            cause => Self::Failed {
                error: cause.to_string(),
            },
        }
    }
}

impl fmt::Display for LeftReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named { by } => write!(f, "entry {by}, which stays, names it"),
            Self::Elsewhere => f.write_str("it is not below the directory"),
            Self::ParentDir => f.write_str("its path has a `..`"),
            Self::Link => f.write_str("its path leads through a symbolic link"),
            Self::OtherFileSystem => f.write_str("it is on another file system"),
            Self::NotAFile => f.write_str("it is not a regular file"),
            Self::Recent => f.write_str("it changed not long ago"),
            Self::Size { recorded, found } => {
                write!(f, "it has {found} bytes, {recorded} were recorded")
            }
            Self::Content => f.write_str("its content is not what was recorded"),
            Self::Changed => f.write_str("it changed meanwhile"),
            Self::NothingRecorded => f.write_str("nothing was recorded to compare it with"),
            Self::Failed { error } => f.write_str(error),
            Self::Young => f.write_str("its entry is young"),
            Self::Kept => f.write_str("its entry stays, by more than its ref"),
        }
    }
}

/// How much room the files of engines take. Each counts once, however many entries and names it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ArtifactRoom {
    /// How many bytes they may have.
    pub max_bytes: u64,
    /// How many they have: the regular files below the directory that entries in the store name.
    pub bytes_before: u64,
    /// How many of these are there still once the plan is carried out.
    pub bytes_after: u64,
    /// In which order builds gave way: by the last change, also where it was to be by the last use, if the file
    /// system of the directory does not keep that.
    pub order: EvictionOrder,
}

impl ArtifactRoom {
    /// Returns by how many bytes they do not fit: what is over is kept by what does not give way.
    #[must_use]
    pub fn excess_bytes(&self) -> u64 {
        self.bytes_after.saturating_sub(self.max_bytes)
    }
}
