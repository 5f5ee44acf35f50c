//! SBOMs and statements of an entry, and what each says of it (layout.md section 10.6).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

use crate::artifact::{Artifact, ArtifactError, Found, Hasher, Progress, can_hash};
use crate::attachment::Attachment;
use crate::catalog::{Attached, Catalog, Record};
use crate::digest::Algorithm;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::manifest::{Manifest, ManifestFile};
use crate::sbom::{Document, DocumentError, DocumentFormat, Known, KnownFile, Linkage};

/// An SBOM or a statement that is attached to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttachedDocument {
    /// The object that holds it.
    pub object: ObjectId,
    /// It, as it was attached.
    pub attachment: Attachment,
    /// What it says, and what it says of the entry; or why it is not what its media type says.
    pub read: Result<(Document, Linkage), DocumentError>,
}

impl Catalog {
    /// Returns the SBOMs and statements that are attached to an entry, sorted by their objects, and what each
    /// says of it. They are found by their media types, those of [`DocumentFormat`].
    ///
    /// Only hashes name something. The files of the entry are hashed as the documents do, if they are on this
    /// node and what was recorded, or else in the catalog; each once. `progress` is told how far that is.
    /// Nothing is verified that is signed.
    ///
    /// # Errors
    ///
    /// Those of [`attached`](Self::attached). An attachment that cannot be read is an error of the iterator,
    /// which goes on after it; so is [`Error::Artifact`], where a file changes meanwhile. A manifest of the
    /// files that cannot be read is one of these, and nothing is known by it.
    pub fn documents<'c>(
        &'c self,
        record: &'c Record,
        progress: &'c mut dyn FnMut(Progress<'_>),
    ) -> Result<impl Iterator<Item = Result<AttachedDocument, Error>> + use<'c>, Error> {
        let mut files = Files::of(self, record, progress)?;
        let attached = self.attached(&record.object, None)?;
        let documents = attached.map(move |attached| {
            let Attached { object, attachment } = attached?;
            if DocumentFormat::of(&attachment.media_type).is_none() {
                return Ok(None);
            }
            let read = match Document::parse_as(&attachment.media_type, &attachment.payload) {
                Ok(document) => {
                    let linkage = files.link(record, &document)?;
                    Ok((document, linkage))
                }
                Err(error) => Err(error),
            };
            Ok(Some(AttachedDocument {
                object,
                attachment,
                read,
            }))
        });
        Ok(documents.filter_map(Result::transpose))
    }

    /// Returns what a document says of an entry, whether it is attached to it or not.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where what is attached to the entry cannot be listed, and [`Error::Artifact`] where a
    /// file changes meanwhile. A manifest that cannot be read says nothing.
    pub fn link_document(
        &self,
        record: &Record,
        document: &Document,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Linkage, Error> {
        Files::of(self, record, progress)?.link(record, document)
    }
}

/// The files of an entry, each of them hashed once by an algorithm.
struct Files<'c> {
    catalog: &'c Catalog,
    manifest: Option<Manifest>,
    progress: &'c mut dyn FnMut(Progress<'_>),
    /// A digest, or why there is none.
    hashed: BTreeMap<(String, Algorithm), Result<String, String>>,
}

impl<'c> Files<'c> {
    fn of(
        catalog: &'c Catalog,
        record: &Record,
        progress: &'c mut dyn FnMut(Progress<'_>),
    ) -> Result<Self, Error> {
        // What is attached and cannot be read is told where it is listed, and keeps no other from being read.
        let manifests = catalog.each_manifest(&record.object)?.flatten().collect();
        let manifest = catalog.closest_on_disk(manifests, record, progress)?;
        Ok(Self {
            catalog,
            manifest,
            progress,
            hashed: BTreeMap::new(),
        })
    }

    fn link(&mut self, record: &Record, document: &Document) -> Result<Linkage, Error> {
        // Taken, for hashing needs the rest, and put back also where that fails: others are linked after it.
        let manifest = self.manifest.take();
        let files = self.known(manifest.as_ref(), &document.algorithms());
        self.manifest = manifest;
        Ok(document.link(&Known {
            engine: &record.entry.engine,
            version: &record.entry.version,
            digest: record.entry.digest.as_deref(),
            is_one_thing: record.entry.artifacts.len() <= 1,
            files: files?,
        }))
    }

    fn known(
        &mut self,
        manifest: Option<&Manifest>,
        algorithms: &BTreeSet<Algorithm>,
    ) -> Result<Vec<KnownFile>, Error> {
        let mut files = Vec::new();
        for (path, file) in manifest.into_iter().flat_map(|it| &it.files) {
            let mut known = KnownFile {
                path: path.clone(),
                digests: BTreeMap::new(),
                unread: None,
            };
            for algorithm in algorithms {
                match self.hash(path, file, *algorithm)? {
                    Ok(digest) => {
                        known.digests.insert(*algorithm, digest);
                    }
                    Err(reason) => known.unread = Some(reason),
                }
            }
            files.push(known);
        }
        Ok(files)
    }

    /// Returns the digest of what was recorded of a file.
    fn hash(
        &mut self,
        path: &str,
        file: &ManifestFile,
        algorithm: Algorithm,
    ) -> Result<Result<String, String>, Error> {
        if algorithm == Algorithm::Blake3 {
            return Ok(Ok(format!("{algorithm}:{}", file.blake3)));
        }
        if !can_hash(algorithm) {
            let error = ArtifactError::Unsupported(algorithm);
            return Ok(Err(error.to_string()));
        }
        let key = (path.to_owned(), algorithm);
        if let Some(hashed) = self.hashed.get(&key) {
            return Ok(hashed.clone());
        }
        let hashed = match self.hash_on_disk(path, file, algorithm)? {
            Ok(digest) => Ok(digest),
            Err(reason) => match self.hash_blob(file, algorithm) {
                Ok(Some(digest)) => Ok(digest),
                Ok(None) => Err(reason),
                Err(error) => Err(error.to_string()),
            },
        };
        self.hashed.insert(key, hashed.clone());
        Ok(hashed)
    }

    /// As [`hash`](Self::hash), of the file on this node, if it is what was recorded.
    fn hash_on_disk(
        &mut self,
        path: &str,
        file: &ManifestFile,
        algorithm: Algorithm,
    ) -> Result<Result<String, String>, Error> {
        let differs = || Err("it is not what was recorded".to_owned());
        let hashed = match Artifact::find(Path::new(path)) {
            Ok(Found::File(found)) if found.size() == file.size => {
                found.hash(algorithm, self.progress)
            }
            Ok(Found::Nothing) => return Ok(Err("it is not there".to_owned())),
            Ok(_) => return Ok(differs()),
            Err(error) => Err(error),
        };
        match hashed {
            Ok((found, digest)) if found.blake3 == file.blake3 => Ok(Ok(digest)),
            Ok(_) => Ok(differs()),
            Err(ArtifactError::Path(error)) => Ok(Err(error.cause.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// As [`hash`](Self::hash), of the blob; `None` where there is none.
    fn hash_blob(
        &self,
        file: &ManifestFile,
        algorithm: Algorithm,
    ) -> Result<Option<String>, Error> {
        let mut hashing = Hashing(Hasher::new(algorithm).expect("it was asked for"));
        let size = self.catalog.read_blob(&file.blake3, &mut hashing)?;
        Ok(size.map(|_| format!("{algorithm}:{}", hashing.0.finish())))
    }
}

/// Hashes what is written to it.
struct Hashing(Hasher);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
