//! Recording what a provisioner has prepared: resolve, hash, compare, make survive, put.

use std::path::PathBuf;

use crate::artifact::{Artifact, ArtifactError, Progress};
use crate::catalog::{Catalog, Put};
use crate::change::Stamp;
use crate::digest::{Algorithm, check_digest};
use crate::entry::EngineEntry;
use crate::error::{Error, ErrorKind};
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
    /// Digest of the first artifact or of the image; by default `blake3:` of the first artifact.
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
pub struct Recorded {
    /// What the ref holds now, and held before.
    pub put: Put,
    /// The entry that is current now.
    pub entry: EngineEntry,
}

impl Catalog {
    /// Records a prepared engine and makes it current. Recording the same build again changes
    /// nothing: where the current entry differs only in `created_ms`, it stays.
    ///
    /// Artifact paths are made absolute, without symbolic links. The first file is hashed and
    /// compared with the given digest, where its algorithm is `blake3`, `sha256` or `sha512`, and
    /// gets a `blake3:` digest where none is given. Every file is synced before the entry names it.
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
        // What can be refused is refused before gigabytes are hashed.
        let mut entry = prepared.draft();
        crate::catalog::check(&entry)?;
        if let Artifacts::Files(paths) = &prepared.artifacts {
            (entry.artifacts, entry.digest) = seal(paths, prepared.digest.as_deref(), progress)?;
        }
        if let (None, Some(digest)) = (&prepared.id, &entry.digest) {
            entry.id = format!("{}@{digest}", entry.id);
        }
        loop {
            let name = entry.ref_name()?;
            let (current, expect) = match self.current(&name) {
                Ok(Some(current)) => {
                    let expect = Expect::Object(current.object);
                    (Some(current), expect)
                }
                Ok(None) => (None, Expect::Absent),
                // It is damaged, so nothing is there that could be lost.
                Err(error) if error.kind() == ErrorKind::Damage => (None, Expect::Any),
                Err(error) => return Err(error),
            };
            let wanted = match current {
                Some(current) if current.entry.is_same_build(&entry) => current.entry,
                _ => entry.clone(),
            };
            match self.put_if(&wanted, expect, stamp) {
                // Somebody else recorded meanwhile: compare with that.
                Err(error) if Self::is_conflict(&error) => {}
                result => {
                    return Ok(Recorded {
                        put: result?,
                        entry: wanted,
                    });
                }
            }
        }
    }
}

/// Hashes the first of the files, makes all survive, and returns their paths and the digest.
fn seal(
    paths: &[PathBuf],
    given: Option<&str>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(Vec<PathBuf>, Option<String>), Error> {
    let artifacts = paths.iter().map(|path| Artifact::open(path));
    let artifacts = artifacts.collect::<Result<Vec<_>, _>>()?;
    let first = artifacts.first().ok_or(ArtifactError::None)?;
    let algorithm = match given {
        None => Some(Algorithm::Blake3),
        Some(given) => check_digest(given).expect("the draft with this digest was checked"),
    };
    let mut digest = given.map(str::to_owned);
    if let Some(algorithm) = algorithm {
        let found = first.digest(algorithm, progress)?;
        let expected = digest.get_or_insert_with(|| found.clone());
        if *expected != found {
            let (path, expected) = (first.path().to_owned(), expected.clone());
            return Err(ArtifactError::Mismatch {
                path,
                expected,
                found,
            }
            .into());
        }
    }
    let mut resolved = Vec::with_capacity(artifacts.len());
    for artifact in &artifacts {
        artifact.seal()?;
        // Several links to one library are one artifact.
        if !resolved.iter().any(|path| path == artifact.path()) {
            resolved.push(artifact.path().to_owned());
        }
    }
    Ok((resolved, digest))
}
