//! Recording what a provisioner has prepared: resolve, hash, compare, make survive, put.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::artifact::{Artifact, ArtifactError, Progress, check_unchanged, seal};
use crate::catalog::{Catalog, Files, Put, Record, encode_checked, told};
use crate::change::Stamp;
use crate::digest::{Algorithm, check_digest};
use crate::entry::EngineEntry;
use crate::error::{Error, ErrorKind};
use crate::hash::ObjectId;
use crate::identity::EngineIdentity;
use crate::manifest::ManifestFile;
use crate::refs::Expect;

/// What a provisioner hands over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedEngine {
    /// The engine: `llamacpp`, `vllm`, `tgi`, `triton`.
    pub engine: String,
    /// Semantic or upstream version.
    pub version: String,
    /// Stable id; by default `engine:version@digest`, or `engine:version` without a digest.
    pub id: Option<String>,
    /// Git ref or commit, or image tag, that the engine was made from.
    pub build_ref: Option<String>,
    /// Digest of the first artifact or of the image; by default `blake3:` of the first artifact, or
    /// what the image reference ends with (`…@sha256:…`).
    pub digest: Option<String>,
    /// Flags that influence run-time determinism, in order.
    pub build_flags: Option<Vec<String>>,
    /// Where the engine is.
    pub artifacts: Artifacts,
    /// When it was prepared: milliseconds since the Unix epoch.
    pub created_ms: i64,
}

/// Where a prepared engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Artifacts {
    /// Files on this node, the binary first.
    Files(Vec<PathBuf>),
    /// An image, by its reference.
    Image(String),
}

impl PreparedEngine {
    /// Returns an engine with nothing optional.
    #[must_use]
    pub fn new(engine: &str, version: &str, artifacts: Artifacts, created_ms: i64) -> Self {
        Self {
            engine: engine.to_owned(),
            version: version.to_owned(),
            id: None,
            build_ref: None,
            digest: None,
            build_flags: None,
            artifacts,
            created_ms,
        }
    }

    /// Returns the engine of an entry, which is at another place.
    #[must_use]
    pub fn of_entry(entry: &EngineEntry, artifacts: Artifacts) -> Self {
        Self {
            engine: entry.engine.clone(),
            version: entry.version.clone(),
            id: Some(entry.id.clone()),
            build_ref: entry.build_ref.clone(),
            digest: entry.digest.clone(),
            build_flags: entry.build_flags.clone(),
            artifacts,
            created_ms: entry.created_ms,
        }
    }

    /// Returns the entry, as far as it is known without looking at any file.
    fn draft(&self) -> EngineEntry {
        let plain = EngineEntry::new(&self.engine, &self.version, self.created_ms);
        EngineEntry {
            id: self.id.clone().unwrap_or(plain.id),
            build_ref: self.build_ref.clone(),
            digest: self.digest.clone(),
            build_flags: self.build_flags.clone(),
            artifacts: match &self.artifacts {
                Artifacts::Files(paths) => paths.clone(),
                Artifacts::Image(image) => vec![image.into()],
            },
            ..plain
        }
    }
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// What the ref holds now, and held before.
    pub put: Put,
    /// The entry that is current now.
    pub entry: EngineEntry,
}

impl Recorded {
    /// Returns the identity under which other systems report this engine.
    #[must_use]
    pub fn identity(&self) -> EngineIdentity {
        self.entry.identity(self.put.object)
    }

    /// Returns the entry and its object, as looking it up does.
    #[must_use]
    pub fn record(&self) -> Record {
        Record {
            object: self.put.object,
            entry: self.entry.clone(),
        }
    }
}

impl Catalog {
    /// Makes an entry current that is in the store, with what is attached to it: one that had to be signed
    /// first, or was current once. If its ref holds what the caller expects.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchEntry`], and those of [`put_if`](Self::put_if).
    pub fn put_object(
        &self,
        object: &ObjectId,
        expect: Expect,
        stamp: &Stamp,
    ) -> Result<Recorded, Error> {
        let found = self.require_writable().and_then(|()| self.entry(object));
        let found = found.and_then(|it| it.ok_or(Error::NoSuchEntry { object: *object }));
        // What is not there makes nobody wait.
        let put = found.and_then(|_| self.put_stored(object, expect, stamp));
        let (entry, put) = told("put", put)?;
        Ok(Recorded { put, entry })
    }

    /// Records a prepared engine and makes it current. Recording the same build again changes
    /// nothing: where the current entry differs only in `created_ms`, it stays.
    ///
    /// Artifact paths are made absolute, without symbolic links. Every file is synced and hashed
    /// before the entry names it. The first is compared with the given digest, where its algorithm is
    /// `blake3`, `sha256` or `sha512`, and gets a `blake3:` digest where none is given. A
    /// [`Manifest`](crate::Manifest) of all files is attached to the entry, from which
    /// [`check`](Self::check) tells drift; files that differ from it are another build.
    ///
    /// # Errors
    ///
    /// [`Error::Artifact`] where a file is missing, is not a regular file, does not match the digest
    /// or changes meanwhile, and the errors of [`put`](Self::put).
    pub fn record(&self, prepared: &PreparedEngine, stamp: &Stamp) -> Result<Recorded, Error> {
        self.record_with_progress(prepared, stamp, &mut |_| {})
    }

    /// As [`record`](Self::record), and tells how far the hashing is.
    ///
    /// # Errors
    ///
    /// As [`record`](Self::record).
    pub fn record_with_progress(
        &self,
        prepared: &PreparedEngine,
        stamp: &Stamp,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Recorded, Error> {
        told("record", self.record_files(prepared, stamp, progress))
    }

    /// Stores what [`record`](Self::record) would record, with the manifest of its files, and makes it not
    /// current: to be signed first, and then given to [`put_object`](Self::put_object). Returns it, or the
    /// current entry where that is of the same build; and what the ref held, which that is to expect.
    /// `progress` is told how far the hashing is.
    ///
    /// # Errors
    ///
    /// As [`record`](Self::record); no ref changes.
    pub fn store_prepared(
        &self,
        prepared: &PreparedEngine,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(Record, Expect), Error> {
        let store = |(entry, files): (EngineEntry, Option<Files>)| {
            let (entry, expect) = self.to_record(&entry, files.as_ref())?;
            let object = self.store_with_files(&entry, files.as_ref())?;
            Ok((Record { object, entry }, expect))
        };
        told("store", self.examine(prepared, progress).and_then(store))
    }

    fn record_files(
        &self,
        prepared: &PreparedEngine,
        stamp: &Stamp,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Recorded, Error> {
        let (entry, files) = self.examine(prepared, progress)?;
        loop {
            let (entry, expect) = self.to_record(&entry, files.as_ref())?;
            match self.put_with_files(&entry, files.as_ref(), expect, stamp) {
                // Somebody else recorded meanwhile: compare with that.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                put => return Ok(Recorded { put: put?, entry }),
            }
        }
    }

    /// Returns the entry of an engine, and its files.
    fn examine(
        &self,
        prepared: &PreparedEngine,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(EngineEntry, Option<Files>), Error> {
        // What can be refused is refused before gigabytes are hashed.
        self.require_writable()?;
        let mut entry = prepared.draft();
        encode_checked(&entry)?;
        let mut files = None;
        match &prepared.artifacts {
            Artifacts::Files(paths) => {
                let artifacts = seal(paths)?;
                let resolved = artifacts.iter().map(|artifact| artifact.path().to_owned());
                entry.artifacts = resolved.collect();
                // What the paths became may not be recordable.
                encode_checked(&entry)?;
                let (digest, found) = hash(&artifacts, entry.digest, progress)?;
                entry.digest = Some(digest);
                files = Some(Files {
                    recorded: found,
                    sealed: artifacts,
                });
            }
            Artifacts::Image(image) => entry.digest = image_digest(image, entry.digest)?,
        }
        if let (None, Some(digest)) = (&prepared.id, &entry.digest) {
            entry.id = format!("{}@{digest}", entry.id);
        }
        Ok((entry, files))
    }

    /// Returns what is to be recorded, and what the ref has to hold before: where the current entry is of
    /// the same build, that one stays.
    fn to_record(
        &self,
        entry: &EngineEntry,
        files: Option<&Files>,
    ) -> Result<(EngineEntry, Expect), Error> {
        match self.current(&entry.ref_name()?) {
            Ok(Some(current)) => {
                let expect = Expect::Object(current.object);
                let is_same = current.entry.is_same_build(entry)
                    && self.may_have_files(&current.object, files)?;
                let recorded = if is_same {
                    current.entry
                } else {
                    entry.clone()
                };
                Ok((recorded, expect))
            }
            Ok(None) => Ok((entry.clone(), Expect::Absent)),
            // What cannot be read is replaced, and healed where it is this very entry.
            Err(error) if error.kind() == ErrorKind::Damage => Ok((entry.clone(), Expect::Any)),
            Err(error) => Err(error),
        }
    }
}

/// Returns the digest of an image: the one that was given, or that its reference ends with.
fn image_digest(image: &str, given: Option<String>) -> Result<Option<String>, ArtifactError> {
    let pinned = image.rsplit_once('@').map(|(_, digest)| digest.to_owned());
    if let Some(digest) = &pinned {
        check_digest(digest).map_err(|cause| ArtifactError::ImageDigest {
            image: image.to_owned(),
            cause,
        })?;
    }
    match (given, pinned) {
        (Some(expected), Some(found)) if expected != found => Err(ArtifactError::ImageMismatch {
            image: image.to_owned(),
            expected,
        }),
        (given, pinned) => Ok(given.or(pinned)),
    }
}

/// Hashes the files, compares the first with the digest that was given, and returns its digest and
/// what a manifest says of all.
fn hash(
    artifacts: &[Artifact],
    given: Option<String>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(String, BTreeMap<String, ManifestFile>), Error> {
    let mut files = BTreeMap::new();
    let mut digest = None;
    for artifact in artifacts {
        let algorithm = match (&digest, &given) {
            (None, Some(given)) => check_digest(given).expect("it was checked with the draft"),
            _ => None,
        };
        let (file, found) = artifact.hash(algorithm.unwrap_or(Algorithm::Blake3), progress)?;
        let path = artifact.path();
        let name = path
            .to_str()
            .expect("it was checked with the resolved paths");
        files.insert(name.to_owned(), file);
        if digest.is_some() {
            continue;
        }
        digest = Some(match (&given, algorithm) {
            (Some(expected), Some(_)) if *expected != found => {
                let (path, expected) = (path.to_owned(), expected.clone());
                return Err(ArtifactError::Mismatch {
                    path,
                    expected,
                    found,
                }
                .into());
            }
            (Some(given), _) => given.clone(),
            (None, _) => found,
        });
    }
    check_unchanged(artifacts)?;
    Ok((digest.ok_or(ArtifactError::None)?, files))
}
