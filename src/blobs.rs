//! The store of blobs: contents of artifacts, of any size, each named by its BLAKE3 hash (layout.md
//! section 5.4). What a manifest says of a file names its blob; nothing else does.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::artifact::Progress;
use crate::durable::{
    Cause, Content, Dir, Means, Opened, PathError, Permissions, Root, Staged, Unfilled,
    files_together,
};
use crate::hash::ObjectId;
use crate::hashed::{Hashed, write_together};
use crate::layout::{self, Place};

/// Others who wait for the store lock wait no longer than for so many bytes, or one blob.
pub(crate) const BYTES_TOGETHER: u64 = 256 << 20;

/// A blob that cannot be stored or returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// It is not in the store.
    #[error("blob {blob}, of {}, is not in the store", path.display())]
    Missing {
        /// The blob.
        blob: ObjectId,
        /// The file that has this content, by the manifest.
        path: PathBuf,
    },
    /// It is not what its name says.
    #[error("blob {blob} is damaged: it holds {found}")]
    Damaged {
        /// The blob.
        blob: ObjectId,
        /// What it holds.
        found: BlobContent,
    },
    /// A file that is to become a blob is not what was recorded.
    #[error("{} is not what was recorded: expected what hashes to {blob}, found {found}", path.display())]
    Drifted {
        /// The file.
        path: PathBuf,
        /// The blob that it was to become.
        blob: ObjectId,
        /// What it holds.
        found: BlobContent,
    },
    /// What it is written to does not take it.
    #[error("blob {blob} cannot be written: {cause}")]
    Output {
        /// The blob.
        blob: ObjectId,
        /// Why.
        cause: std::io::Error,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlobContent {
    /// This.
    Exactly {
        /// Size in bytes.
        size: u64,
        /// BLAKE3 hash.
        blake3: ObjectId,
    },
    /// More than was expected; no more of it was read.
    Larger {
        /// Bytes that it has at least.
        size: u64,
    },
}

impl fmt::Display for BlobContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly { size, blake3 } => write!(f, "{size} bytes that hash to {blake3}"),
            Self::Larger { size } => write!(f, "{size} bytes or more"),
        }
    }
}

impl From<Content> for BlobContent {
    fn from(Content { hash, size }: Content) -> Self {
        let blake3 = hash;
        Self::Exactly { size, blake3 }
    }
}

/// A blob by its name, and its size, which whoever names it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Blob {
    pub(crate) id: ObjectId,
    pub(crate) size: u64,
}

impl Blob {
    fn content(&self) -> Content {
        Content {
            hash: self.id,
            size: self.size,
        }
    }

    /// Opens the blob; `None` where there is no such file.
    pub(crate) fn open(&self, root: &Root) -> Result<Option<Opened>, PathError> {
        open(root, &self.id)
    }

    /// Requires that a copy of the blob holds what it should.
    pub(crate) fn require(&self, found: Content) -> Result<(), BlobError> {
        if found == self.content() {
            return Ok(());
        }
        Err(self.damaged(found.into()))
    }

    fn damaged(&self, found: BlobContent) -> BlobError {
        BlobError::Damaged {
            blob: self.id,
            found,
        }
    }

    /// Says of an error that is a file of the blob being too large that the blob is damaged.
    pub(crate) fn judge(&self, error: PathError) -> BlobError {
        match error.cause {
            Cause::TooLarge { size, .. } => self.damaged(BlobContent::Larger { size }),
            _ => error.into(),
        }
    }

    /// Returns whether the blob is in the store, and right; all of it is read.
    pub(crate) fn check(&self, root: &Root) -> Result<bool, BlobError> {
        let Some(opened) = self.open(root)? else {
            return Ok(false);
        };
        self.require_in(&opened)?;
        Ok(true)
    }

    /// Requires that a file has the content of the blob; all of it is read.
    pub(crate) fn require_in(&self, opened: &Opened) -> Result<(), BlobError> {
        let found = opened.read_through(self.size, &mut |_| Ok::<_, PathError>(()));
        self.require(found.map_err(|error| self.judge(error))?)
    }

    /// Returns whether a file of the right size has the name; an error where something else has it.
    pub(crate) fn has_size(&self, root: &Root) -> Result<Option<bool>, PathError> {
        let opened = self.open(root)?;
        let size = opened.map(|opened| opened.size()).transpose()?;
        Ok(size.map(|size| size == self.size))
    }
}

/// Where the content of a blob comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin<'a> {
    /// A file outside of any catalog, whose path may lead through links.
    File(&'a Path),
    /// A file of a catalog, by its path there.
    Catalog(&'a Root, &'a Path),
}

impl Origin<'_> {
    fn open(&self) -> Result<Opened, PathError> {
        match self {
            Self::File(path) => Opened::outside(path),
            Self::Catalog(root, path) => Opened::inside(root, path)?.ok_or_else(|| {
                let absent = std::io::Error::from(std::io::ErrorKind::NotFound);
                root.error("open", path, absent)
            }),
        }
    }
}

/// When a file that has the name of a blob is taken for the blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// When all of it hashes to its name.
    Hash,
    /// When it has the size: for what is cheap only where it does not read what is there already.
    Size,
}

/// How a blob came into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It was there.
    Existed,
    /// It is new, or took the place of a damaged one.
    New(Means),
}

/// A blob that is to exist.
pub(crate) struct Incoming<'a, 'p> {
    pub(crate) blob: Blob,
    origin: Origin<'a>,
    proof: Proof,
    pub(crate) arrival: Arrival,
    tell: &'p dyn Fn(Progress<'_>),
}

impl<'a, 'p> Incoming<'a, 'p> {
    pub(crate) fn new(
        blob: Blob,
        origin: Origin<'a>,
        proof: Proof,
        tell: &'p dyn Fn(Progress<'_>),
    ) -> Self {
        Self {
            blob,
            origin,
            proof,
            arrival: Arrival::Existed,
            tell,
        }
    }

    /// Fills a new file, and requires of that file, not of its source, that it holds the blob.
    fn fill<S>(
        &mut self,
        stage: impl FnOnce(
            &mut dyn FnMut(&std::fs::File) -> Result<(Content, Means), Unfilled>,
        ) -> Result<(S, (Content, Means)), PathError>,
    ) -> Result<S, BlobError> {
        let from = self.origin.open()?;
        let Blob { size: total, .. } = self.blob;
        let mut tell = |done| {
            (self.tell)(Progress {
                path: from.path(),
                done,
                total,
            });
        };
        let filled = stage(&mut |file| from.copy_to(file, total, &mut tell));
        let (staged, (found, means)) = filled.map_err(|error| self.refuse(error))?;
        if found != self.blob.content() {
            return Err(self.mismatch(from.path(), found.into()));
        }
        self.arrival = Arrival::New(means);
        Ok(staged)
    }

    /// An error of a source that is too large is one of its content.
    fn refuse(&self, error: PathError) -> BlobError {
        match error.cause {
            Cause::TooLarge { size, .. } => {
                self.mismatch(&error.path, BlobContent::Larger { size })
            }
            _ => error.into(),
        }
    }

    fn mismatch(&self, path: &Path, found: BlobContent) -> BlobError {
        match self.origin {
            Origin::Catalog(..) => self.blob.damaged(found),
            Origin::File(_) => BlobError::Drifted {
                path: path.to_owned(),
                blob: self.blob.id,
                found,
            },
        }
    }
}

impl Hashed for Incoming<'_, '_> {
    type Error = BlobError;

    fn place(&self) -> Place {
        layout::blob(&self.blob.id)
    }

    fn is_there(&mut self, root: &Root) -> Result<Option<bool>, PathError> {
        match self.proof {
            Proof::Size => self.blob.has_size(root),
            Proof::Hash => {
                let found = inspect(root, &self.blob, &mut |_| {})?;
                Ok(found.map(|found| found == self.blob.content()))
            }
        }
    }

    fn stage<'r>(&mut self, dir: &Dir<'r>) -> Result<Staged<'r>, BlobError> {
        self.fill(|fill| dir.stage_by(Permissions::ReadOnly, fill))
    }

    fn stage_named<'r>(&mut self, root: &'r Root) -> Result<Staged<'r>, BlobError> {
        self.fill(|fill| root.stage_named_by(Permissions::ReadOnly, fill))
    }
}

/// Makes every one of `blobs`, no two of which are the same, exist and survive, and notes how each came.
///
/// A blob that is there already keeps its file where that is right, and the source is not read; its
/// ctime is renewed. Where it is damaged, it is moved to quarantine, and a good one takes its place.
///
/// # Locking
///
/// The caller holds the store lock, in either way.
pub(crate) fn write_all(root: &Root, blobs: &mut [Incoming<'_, '_>]) -> Result<(), BlobError> {
    let mut some = blobs.chunks_mut(files_together());
    some.try_for_each(|some| write_together(root, some))
}

/// Returns what the file of a blob holds; `None` where there is no such file. Of one that is larger than
/// the blob that is the error.
pub(crate) fn inspect(
    root: &Root,
    blob: &Blob,
    tell: &mut dyn FnMut(u64),
) -> Result<Option<Content>, PathError> {
    let Some(opened) = blob.open(root)? else {
        return Ok(None);
    };
    let read = opened.read_through(blob.size, &mut |chunk| {
        tell(chunk.len() as u64);
        Ok::<_, PathError>(())
    });
    read.map(Some)
}

/// Opens the file that has the name of a blob; `None` where there is no such file.
pub(crate) fn open(root: &Root, id: &ObjectId) -> Result<Option<Opened>, PathError> {
    Opened::inside(root, &layout::blob(id).path())
}
