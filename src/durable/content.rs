//! Contents of any size: copying a file, by sharing its blocks where the file system can, and telling
//! what the copy holds.
//!
//! Memory is constant. What is told of a copy is told of the bytes that were written, or that are in
//! it: its source may change meanwhile.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, fstat, ftruncate, ioctl_ficlone};

use super::root::FileKind;
use super::standstill::fail_if_awaited;
use super::{Cause, PathError, Root};
use crate::hash::ObjectId;

/// How much is read, hashed and written at a time.
const CHUNK: usize = 1 << 20;

/// An open file, and where it is.
#[derive(Debug)]
pub(crate) struct Opened {
    file: File,
    path: PathBuf,
}

/// How a copy came to its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// The file system shares the blocks of both (a reflink).
    Shared,
    /// All bytes were written anew.
    Copied,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// The BLAKE3 hash of all of it.
    pub(crate) hash: ObjectId,
    /// Its size in bytes.
    pub(crate) size: u64,
}

/// Why a new file could not be filled.
#[derive(Debug)]
pub(crate) enum Unfilled {
    /// What it was to be filled from cannot be read.
    Source(PathError),
    /// It cannot be written itself.
    Own(Cause),
}

impl<C: Into<Cause>> From<C> for Unfilled {
    fn from(cause: C) -> Self {
        Self::Own(cause.into())
    }
}

impl From<PathError> for Unfilled {
    fn from(error: PathError) -> Self {
        Self::Source(error)
    }
}

impl Unfilled {
    /// Returns the error, which `name` makes of one of the file itself.
    pub(super) fn or(self, name: impl FnOnce(Cause) -> PathError) -> PathError {
        match self {
            Self::Source(error) => error,
            Self::Own(cause) => name(cause),
        }
    }
}

impl Opened {
    /// Opens a regular file outside of any catalog, also through symbolic links.
    pub(crate) fn outside(path: &Path) -> Result<Self, PathError> {
        let fail = |cause: Cause| PathError::new("open", path, cause);
        // NONBLOCK: opening a FIFO must not wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file =
            rustix::fs::open(path, flags, Mode::empty()).map_err(|error| fail(error.into()))?;
        let stat = fstat(&file).map_err(|error| fail(error.into()))?;
        match FileKind::from(FileType::from_raw_mode(stat.st_mode)) {
            FileKind::Regular => Ok(Self {
                file: file.into(),
                path: path.to_owned(),
            }),
            kind => Err(fail(Cause::NotRegular(kind))),
        }
    }

    /// Opens a regular file of a catalog; `None` where there is no such file.
    pub(crate) fn inside(root: &Root, path: &Path) -> Result<Option<Self>, PathError> {
        let path_of = |file| Self {
            file,
            path: root.path().join(path),
        };
        Ok(root.open_file(path)?.map(path_of))
    }

    /// Returns the file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns its size in bytes, as it is now.
    pub(crate) fn size(&self) -> Result<u64, PathError> {
        let stat = self.file.metadata();
        Ok(stat.map_err(|error| self.fail(error.into()))?.len())
    }

    /// Reads all of it, passes it to `consume` in order, and returns what it holds. Of one that is larger
    /// than `most` bytes no more is read, and it is too large.
    pub(crate) fn read_through<E: From<PathError>>(
        &self,
        most: u64,
        consume: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Content, E> {
        let mut chunk = vec![0; CHUNK];
        let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
        loop {
            let length = match self.file.read_at(&mut chunk, size) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.fail(error.into()).into()),
            };
            size += length as u64;
            if size > most {
                let cause = Cause::TooLarge { size, limit: most };
                return Err(self.fail(cause).into());
            }
            hash_more(&mut hasher, &chunk[..length]);
            consume(&chunk[..length])?;
        }
        let hash = ObjectId::from_bytes(*hasher.finalize().as_bytes());
        Ok(Content { hash, size })
    }

    /// Fills `to`, a new file that is open to read and write, with the content of this one, and returns
    /// what it holds then. Of a file that is larger than `most` bytes that is refused.
    ///
    /// `tell` gets how many bytes are known to be right, and is called now and then. Whoever waits for a
    /// standstill does not wait for the end of this: it fails.
    pub(crate) fn copy_to(
        &self,
        to: &File,
        most: u64,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(Content, Means), Unfilled> {
        let mut done = 0;
        let mut count = |chunk: &[u8]| {
            done += chunk.len() as u64;
            tell(done);
            fail_if_awaited()
        };
        // Whatever the reason, copying tells whether it is one of the file.
        if ioctl_ficlone(to, &self.file).is_ok() {
            // The source may have changed between any look at it and this.
            let copy = Self {
                file: to.try_clone()?,
                path: self.path.clone(),
            };
            let content = copy.read_through(most, &mut |chunk| Ok::<_, Unfilled>(count(chunk)?))?;
            return Ok((content, Means::Shared));
        }
        // A clone that failed on its way may have left a part.
        ftruncate(to, 0)?;
        let mut writing = to;
        let content = self.read_through(most, &mut |chunk| {
            writing.write_all(chunk)?;
            Ok::<_, Unfilled>(count(chunk)?)
        })?;
        Ok((content, Means::Copied))
    }

    fn fail(&self, cause: Cause) -> PathError {
        PathError::new("read", &self.path, cause)
    }
}

/// On all cores, where the library was built for that.
fn hash_more(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    #[cfg(feature = "parallel")]
    hasher.update_rayon(bytes);
    #[cfg(not(feature = "parallel"))]
    hasher.update(bytes);
}
