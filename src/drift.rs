//! Drift: whether the files of an engine are still what was recorded (layout.md section 4.4).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::artifact::{Artifact, ArtifactError, Found, Progress, can_hash};
use crate::catalog::{Catalog, Record};
use crate::digest::{Algorithm, check_digest};
use crate::entry::EngineEntry;
use crate::error::Error;
use crate::manifest::{Manifest, ManifestFile};

/// What came of comparing the files of an entry with its record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// Every file that the record describes is as it says.
    Pass {
        /// How many files were compared.
        files: usize,
        /// Their size in bytes.
        bytes: u64,
    },
    /// Some are not.
    Drift(Vec<Drift>),
    /// The record describes no file of this node.
    NothingToCompare(Incomparable),
}

/// A file that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Drift {
    /// Its absolute path.
    pub path: PathBuf,
    /// How it differs.
    #[serde(flatten)]
    pub how: DriftKind,
}

/// How a file differs from what was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
#[non_exhaustive]
pub enum DriftKind {
    /// Nothing is there.
    Missing,
    /// Something other than a regular file is there.
    NotAFile,
    /// It cannot be read, so nobody knows whether it is as recorded.
    Unreadable {
        /// Why.
        reason: String,
    },
    /// It has another size, and so another content.
    Size {
        /// Bytes that were recorded.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// Its content is another.
    Content {
        /// The digest that was recorded.
        expected: String,
        /// The digest that it has.
        found: String,
    },
    /// Its permission bits are others.
    Mode {
        /// Those that were recorded.
        expected: u32,
        /// Those that it has.
        found: u32,
    },
}

/// Why there is nothing to compare an entry with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incomparable {
    /// The entry is of an image, or has no artifact.
    NoFiles,
    /// It has neither a manifest nor a digest that can be checked.
    NoDigest,
}

impl std::fmt::Display for Incomparable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoFiles => "it names no file of this node",
            Self::NoDigest => "it has no manifest, and no digest that can be checked",
        })
    }
}

impl Catalog {
    /// Compares the files of an entry with its manifest and its digest. Paths are followed, also
    /// through symbolic links; a file that cannot have the recorded content is not read.
    ///
    /// An entry without a manifest, as [`put`](Self::put) stores it, has only its first file
    /// compared, with its digest. Of several manifests the one counts from which the fewest files
    /// differ.
    ///
    /// # Errors
    ///
    /// [`Error::Artifact`] where a file changes meanwhile, and the errors of
    /// [`manifests`](Self::manifests).
    pub fn check(&self, record: &Record) -> Result<Check, Error> {
        self.check_with_progress(record, &mut |_| {})
    }

    /// As [`check`](Self::check), and tells how far the hashing is.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn check_with_progress(
        &self,
        record: &Record,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Check, Error> {
        let first = record.entry.artifacts.first();
        let Some(first) = first.filter(|path| path.is_absolute()) else {
            return Ok(Check::NothingToCompare(Incomparable::NoFiles));
        };
        let digest = record.entry.digest.as_deref();
        let algorithm = digest.and_then(|digest| check_digest(digest).ok()?);
        let algorithm = algorithm.filter(|algorithm| can_hash(*algorithm));
        let mut files = Files {
            first,
            algorithm,
            progress,
            seen: BTreeMap::new(),
        };
        let closest = files.closest(self.describing(record)?)?;
        // What the manifest says of the first file says all.
        let has_drifted =
            |(_, drift): &(Manifest, Vec<Drift>)| drift.iter().any(|drift| drift.path == *first);
        let by_digest = match (digest, algorithm) {
            (Some(digest), Some(_)) if !closest.as_ref().is_some_and(has_drifted) => {
                Some(files.compare_first(digest)?)
            }
            _ => None,
        };
        let (mut drift, count, bytes) = match (closest, &by_digest) {
            (Some((manifest, drift)), _) => {
                let bytes = manifest.files.values().map(|file| file.size).sum();
                (drift, manifest.files.len(), bytes)
            }
            (None, Some(_)) => (Vec::new(), 1, files.size_of_first()),
            (None, None) => return Ok(Check::NothingToCompare(Incomparable::NoDigest)),
        };
        drift.extend(by_digest.flatten());
        Ok(if drift.is_empty() {
            Check::Pass {
                files: count,
                bytes,
            }
        } else {
            Check::Drift(drift)
        })
    }

    /// Returns the manifests that are of the files that an entry names, sorted by their object ids.
    pub(crate) fn describing(&self, record: &Record) -> Result<Vec<Manifest>, Error> {
        let mut manifests = self.manifests(&record.object)?;
        manifests.retain(|manifest| describes(manifest, &record.entry));
        Ok(manifests)
    }

    /// Returns the manifest of an entry from which the fewest files on this node differ; `None` where it
    /// has none. One is not compared with any file.
    pub(crate) fn manifest_on_disk(
        &self,
        record: &Record,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Manifest>, Error> {
        let manifests = self.manifests(&record.object)?;
        self.closest_on_disk(manifests, record, progress)
    }

    /// As [`manifest_on_disk`](Self::manifest_on_disk), of some of the manifests of the entry.
    pub(crate) fn closest_on_disk(
        &self,
        mut manifests: Vec<Manifest>,
        record: &Record,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<Manifest>, Error> {
        manifests.retain(|manifest| describes(manifest, &record.entry));
        let Some(first) = record
            .entry
            .artifacts
            .first()
            .filter(|_| manifests.len() > 1)
        else {
            return Ok(manifests.pop());
        };
        let mut files = Files {
            first,
            algorithm: None,
            progress,
            seen: BTreeMap::new(),
        };
        let closest = files.closest(manifests)?;
        Ok(closest.map(|(manifest, _)| manifest))
    }
}

/// Returns whether a manifest is of the files that an entry names, no more and no less. One that came
/// from elsewhere might be of anything.
pub(crate) fn describes(manifest: &Manifest, entry: &EngineEntry) -> bool {
    let named: BTreeSet<_> = entry
        .artifacts
        .iter()
        .filter_map(|path| path.to_str())
        .collect();
    manifest.files.keys().map(String::as_str).eq(named)
}

/// The files of an entry, each of them read once at most.
struct Files<'a> {
    /// The file that the digest of the entry is of.
    first: &'a Path,
    algorithm: Option<Algorithm>,
    progress: &'a mut dyn FnMut(Progress<'_>),
    seen: BTreeMap<PathBuf, (ManifestFile, String)>,
}

impl Files<'_> {
    /// Returns the manifest from which the fewest files differ, and those that do.
    fn closest(
        &mut self,
        manifests: Vec<Manifest>,
    ) -> Result<Option<(Manifest, Vec<Drift>)>, Error> {
        let mut closest: Option<(Manifest, Vec<Drift>)> = None;
        for manifest in manifests {
            let drift = self.compare(&manifest)?;
            let is_closer = |(_, least): &(_, Vec<_>)| drift.len() < least.len();
            if closest.as_ref().is_none_or(is_closer) {
                closest = Some((manifest, drift));
            }
        }
        Ok(closest)
    }

    /// Returns the files that are not as `manifest` says.
    fn compare(&mut self, manifest: &Manifest) -> Result<Vec<Drift>, Error> {
        let mut drift = Vec::new();
        for (path, expected) in &manifest.files {
            let path = Path::new(path);
            let found = self.differences(path, expected)?.into_iter();
            drift.extend(found.map(|how| Drift {
                path: path.to_owned(),
                how,
            }));
        }
        Ok(drift)
    }

    fn differences(
        &mut self,
        path: &Path,
        expected: &ManifestFile,
    ) -> Result<Vec<DriftKind>, Error> {
        let artifact = match at(path)? {
            Ok(artifact) => artifact,
            Err(how) => return Ok(vec![how]),
        };
        let mut differences = Vec::new();
        if artifact.size() != expected.size {
            differences.push(DriftKind::Size {
                expected: expected.size,
                found: artifact.size(),
            });
        } else {
            match self.hash(&artifact)? {
                Ok((found, _)) if found.blake3 == expected.blake3 => {}
                Ok((found, _)) => differences.push(DriftKind::Content {
                    expected: format!("{}:{}", Algorithm::Blake3, expected.blake3),
                    found: format!("{}:{}", Algorithm::Blake3, found.blake3),
                }),
                Err(how) => differences.push(how),
            }
        }
        if artifact.mode() != expected.mode {
            differences.push(DriftKind::Mode {
                expected: expected.mode,
                found: artifact.mode(),
            });
        }
        Ok(differences)
    }

    /// Returns how the first file differs from the digest of the entry.
    fn compare_first(&mut self, digest: &str) -> Result<Option<Drift>, Error> {
        let path = self.first;
        let how = match at(path)? {
            Ok(artifact) => match self.hash(&artifact)? {
                Ok((_, found)) => (found != digest).then(|| DriftKind::Content {
                    expected: digest.to_owned(),
                    found,
                }),
                Err(how) => Some(how),
            },
            Err(how) => Some(how),
        };
        let path = path.to_owned();
        Ok(how.map(|how| Drift { path, how }))
    }

    fn size_of_first(&self) -> u64 {
        self.seen.get(self.first).map_or(0, |(file, _)| file.size)
    }

    /// Returns what is in a file: what a manifest says of it, and its digest by the algorithm of the
    /// entry.
    fn hash(
        &mut self,
        artifact: &Artifact,
    ) -> Result<Result<(ManifestFile, String), DriftKind>, Error> {
        let path = artifact.path();
        if let Some(found) = self.seen.get(path) {
            return Ok(Ok(found.clone()));
        }
        let of_entry = self.algorithm.filter(|_| path == self.first);
        let algorithm = of_entry.unwrap_or(Algorithm::Blake3);
        match artifact.hash(algorithm, self.progress) {
            Ok(found) => {
                self.seen.insert(path.to_owned(), found.clone());
                Ok(Ok(found))
            }
            Err(error) => unreadable(error).map(Err),
        }
    }
}

/// Returns the file that `path` leads to, or how what is there cannot be that file.
fn at(path: &Path) -> Result<Result<Artifact, DriftKind>, Error> {
    let found = match Artifact::find(path) {
        Ok(found) => found,
        Err(error) => return unreadable(error).map(Err),
    };
    Ok(match found {
        Found::File(artifact) => Ok(artifact),
        Found::Nothing => Err(DriftKind::Missing),
        Found::Other => Err(DriftKind::NotAFile),
    })
}

/// A file that cannot be read hides nothing of the others.
fn unreadable(error: ArtifactError) -> Result<DriftKind, Error> {
    match error {
        ArtifactError::Path(error) => Ok(DriftKind::Unreadable {
            reason: error.cause.to_string(),
        }),
        error => Err(error.into()),
    }
}
