//! Storing the files of an engine as blobs, so that they can be carried elsewhere and come back (layout.md
//! section 5.4).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::artifact::Progress;
use crate::blobs::{self, Arrival, Blob, BlobError, Incoming, Origin, Proof};
use crate::catalog::{Catalog, Record, told};
use crate::durable::{Hold, Means};
use crate::error::Error;
use crate::hash::ObjectId;
use crate::manifest::Manifest;
use crate::{hashed, layout};

/// Files of engines that were stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredFiles {
    /// How many files there are.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// How many blobs were not there yet: files with the same content have one.
    pub new_blobs: usize,
    /// Their size in bytes.
    pub new_bytes: u64,
    /// How many of these bytes take no room of their own: the file system shares them with the files.
    pub shared_bytes: u64,
}

impl StoredFiles {
    pub(crate) fn add(&mut self, others: &Self) {
        self.files += others.files;
        self.bytes += others.bytes;
        self.new_blobs += others.new_blobs;
        self.new_bytes += others.new_bytes;
        self.shared_bytes += others.shared_bytes;
    }
}

impl Manifest {
    /// Returns the blobs of its files, each with the path of one of them.
    pub(crate) fn blobs(&self) -> BTreeMap<Blob, &Path> {
        let files = self.files.iter().map(|(path, file)| {
            let (id, size) = (file.blake3, file.size);
            (Blob { id, size }, Path::new(path))
        });
        files.collect()
    }
}

impl Catalog {
    /// Stores the contents of the files that an entry names as blobs, each once over all engines and
    /// versions. Where the file system can, they share their blocks with the files.
    ///
    /// What was recorded is what is stored: every byte is hashed when it is in the store, and a file that
    /// is not what the manifest says is refused. A blob that is there already is hashed instead of the
    /// file, and replaced if it is damaged. Of several manifests the one counts from which the fewest files
    /// differ. When this returns, the blobs survive a power cut.
    ///
    /// # Locking
    ///
    /// Takes the store lock, shared, for some files at a time.
    ///
    /// # Errors
    ///
    /// [`Error::NoManifest`] where nothing says what the files are, [`BlobError::Drifted`] where one is
    /// something else, and those of reading and writing. Blobs that were stored before stay: they are
    /// what their names say.
    pub fn store_files(
        &self,
        record: &Record,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<StoredFiles, Error> {
        told("store", self.store_contents(record, progress))
    }

    fn store_contents(
        &self,
        record: &Record,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<StoredFiles, Error> {
        self.require_writable()?;
        let object = record.object;
        let manifest = self.manifest_on_disk(record, progress)?;
        let manifest = manifest.ok_or(Error::NoManifest { object })?;
        let wanted = manifest.blobs();
        let wanted = wanted.iter();
        let wanted: Vec<_> = wanted
            .map(|(blob, path)| (*blob, Origin::File(path)))
            .collect();
        let mut stored = self.store_blobs(&wanted, Proof::Hash, progress)?;
        stored.files = manifest.files.len();
        stored.bytes = manifest.files.values().map(|file| file.size).sum();
        Ok(stored)
    }

    /// Makes blobs exist and survive. Counts what is new, and leaves the files to the caller.
    ///
    /// # Locking
    ///
    /// Takes the store lock, shared, for some of them at a time.
    pub(crate) fn store_blobs(
        &self,
        wanted: &[(Blob, Origin<'_>)],
        proof: Proof,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<StoredFiles, Error> {
        let mut stored = StoredFiles::default();
        let progress = RefCell::new(progress);
        let tell = |told: Progress<'_>| (*progress.borrow_mut())(told);
        let mut rest = wanted;
        while !rest.is_empty() {
            let (some, others) = rest.split_at(some_of(rest));
            rest = others;
            let some = some.iter();
            let some = some.map(|(blob, origin)| Incoming::new(*blob, *origin, proof, &tell));
            let mut some: Vec<_> = some.collect();
            let _lock = self.begin_write(Hold::Shared)?;
            blobs::write_all(self.root_dir(), &mut some)?;
            for Incoming { blob, arrival, .. } in &some {
                if let Arrival::New(means) = arrival {
                    stored.new_blobs += 1;
                    stored.new_bytes += blob.size;
                    if *means == Means::Shared {
                        stored.shared_bytes += blob.size;
                    }
                }
            }
        }
        Ok(stored)
    }

    /// Writes the content of a blob to `to`, and returns its size in bytes; `None` where it is not in the
    /// store. What was written counts only when this has returned without an error: whether it is right
    /// is known at its end.
    ///
    /// # Errors
    ///
    /// [`BlobError::Damaged`] where it is not what its name says, and [`BlobError::Output`] where `to`
    /// fails.
    pub fn read_blob(&self, blob: &ObjectId, to: &mut dyn Write) -> Result<Option<u64>, Error> {
        let Some(opened) = blobs::open(self.root_dir(), blob)? else {
            return Ok(None);
        };
        let (id, size) = (*blob, opened.size()?);
        let found = opened.read_through(u64::MAX, &mut |chunk| {
            let written = to.write_all(chunk);
            written.map_err(|cause| BlobError::Output { blob: id, cause })
        })?;
        let size = found.size.max(size);
        Blob { id, size }.require(found)?;
        Ok(Some(size))
    }

    /// Returns the blobs that are in the store by their names, with their sizes in bytes, sorted. They are
    /// not read.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where they cannot be listed.
    pub fn blobs(&self) -> Result<Vec<(ObjectId, u64)>, Error> {
        let blobs = hashed::list(self.root_dir(), layout::BLOBS)?.into_iter();
        Ok(blobs.map(|it| (it.id, it.bytes)).collect())
    }

    /// Returns the files of an entry, by the first manifest that describes them, and whether the blob of
    /// each is in the store; none for an entry without a manifest. They are not read.
    ///
    /// # Errors
    ///
    /// Those of [`manifests`](Self::manifests), and [`Error::Path`].
    pub fn stored_files(&self, record: &Record) -> Result<Vec<StoredFile>, Error> {
        let manifest = self.describing(record)?.into_iter().next();
        let files = manifest.into_iter().flat_map(|manifest| manifest.files);
        let look = |(path, file): (String, crate::manifest::ManifestFile)| {
            let (id, size) = (file.blake3, file.size);
            let is_stored = Blob { id, size }.has_size(self.root_dir())? == Some(true);
            Ok(StoredFile {
                path: path.into(),
                blob: id,
                size,
                is_stored,
            })
        };
        files.map(look).collect()
    }
}

/// A file of an engine, and its blob.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredFile {
    /// The path that was recorded.
    pub path: PathBuf,
    /// The blob that has its content.
    pub blob: ObjectId,
    /// Its size in bytes.
    pub size: u64,
    /// Whether a blob of this name and size is in the store.
    pub is_stored: bool,
}

/// How many of the first go to the disk together: not so many that others wait long for the lock.
fn some_of(wanted: &[(Blob, Origin<'_>)]) -> usize {
    let mut bytes = 0_u64;
    let fits = |(blob, _): &&(Blob, Origin<'_>)| {
        bytes = bytes.saturating_add(blob.size);
        bytes <= blobs::BYTES_TOGETHER
    };
    wanted.iter().take_while(fits).count().max(1)
}
