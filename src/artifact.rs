//! Artifacts: the files of an engine, which lie outside of the catalog. They are hashed, compared
//! with a digest, and made to survive before an entry names them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, sync_channel};

use crate::digest::{Algorithm, DigestError};
use crate::durable::{PathError, sync_outside};
use crate::manifest::{Manifest, ManifestFile};

/// How much is read at a time. Reading ahead into a second buffer of this size keeps the disk busy
/// while all cores hash the first, which is as quick as mapping the file into memory; and a file that
/// shrinks, or a disk that fails, is an error and not a signal that ends the process.
const CHUNK: usize = 4 << 20;

/// How far the hashing of an artifact is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The artifact.
    pub path: &'a Path,
    /// Bytes that are hashed.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// An artifact that cannot be recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// No artifact was given.
    #[error("there is no artifact to record: name at least one file, or an image")]
    None,
    /// The file cannot be opened, read or synced.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Something other than a regular file.
    #[error("artifact {} is not a regular file: name the files themselves", .0.display())]
    NotAFile(PathBuf),
    /// The file changed while it was hashed.
    #[error("artifact {} changed while it was hashed", .0.display())]
    Changed(PathBuf),
    /// The file is not what the digest says.
    #[error("artifact {} does not match its digest: expected {expected}, found {found}", path.display())]
    Mismatch {
        /// The artifact.
        path: PathBuf,
        /// The digest that was given.
        expected: String,
        /// The digest of the file.
        found: String,
    },
    /// The image reference ends with another digest than the one that was given.
    #[error("image {image} does not match the digest that was given, {expected}")]
    ImageMismatch {
        /// The image reference.
        image: String,
        /// The digest that was given.
        expected: String,
    },
    /// What an image reference ends with is no digest.
    #[error("image {image} does not end with a digest: {cause}")]
    ImageDigest {
        /// The image reference.
        image: String,
        /// What is wrong with its end.
        cause: DigestError,
    },
    /// This program was built without the algorithm.
    #[error("this program cannot check {0} digests: it was built without the feature \"sha2\"")]
    Unsupported(Algorithm),
}

/// A file that survives, and is to stay the same until it is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Artifact {
    path: PathBuf,
    state: FileState,
}

/// What changes when a file is written to or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileState {
    device: u64,
    inode: u64,
    mode: u32,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl From<Metadata> for FileState {
    fn from(metadata: Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            mode: metadata.mode() & Manifest::MAX_MODE,
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Finds the files at `paths`, makes them survive, and returns them in order; several symbolic
/// links to one file are one artifact.
///
/// Syncing comes first: a page of a file that is mapped into memory and not yet written back can
/// change without any trace; from then on, a change of any kind shows in the times of the file.
pub(crate) fn seal(paths: &[PathBuf]) -> Result<Vec<Artifact>, ArtifactError> {
    let mut resolved = Vec::<PathBuf>::with_capacity(paths.len());
    for path in paths {
        let path = resolve(path)?;
        if !resolved.contains(&path) {
            resolved.push(path);
        }
    }
    sync_outside(resolved.iter().map(PathBuf::as_path))?;
    let artifacts = resolved.into_iter().map(|path| {
        let metadata = path.metadata();
        let metadata = metadata.map_err(|error| PathError::new("open artifact", &path, error))?;
        Ok(Artifact {
            path,
            state: metadata.into(),
        })
    });
    artifacts.collect()
}

/// Finds the absolute path without symbolic links of the file at `path`: the one that still leads
/// to it when a link such as `current` moves on.
fn resolve(path: &Path) -> Result<PathBuf, ArtifactError> {
    let fail = |error| PathError::new("open artifact", path, error);
    let resolved = path.canonicalize().map_err(fail)?;
    // Before it is opened: opening a FIFO would wait for a writer.
    if !resolved.metadata().map_err(fail)?.is_file() {
        return Err(ArtifactError::NotAFile(resolved));
    }
    Ok(resolved)
}

/// Requires that no artifact has changed since it was sealed.
pub(crate) fn check_unchanged(artifacts: &[Artifact]) -> Result<(), ArtifactError> {
    for artifact in artifacts {
        let metadata = artifact.path.metadata();
        artifact.require_same(
            metadata.map_err(|error| PathError::new("open artifact", &artifact.path, error))?,
        )?;
    }
    Ok(())
}

/// What is where an artifact is looked for.
#[derive(Debug)]
pub(crate) enum Found {
    /// A regular file.
    File(Artifact),
    Nothing,
    /// Something other than a regular file.
    Other,
}

impl Artifact {
    /// Looks for the artifact at `path`, and leaves it as it is.
    pub(crate) fn find(path: &Path) -> Result<Found, ArtifactError> {
        use io::ErrorKind::{NotADirectory, NotFound};
        match path.metadata() {
            Ok(metadata) if metadata.is_file() => Ok(Found::File(Self {
                path: path.to_owned(),
                state: metadata.into(),
            })),
            Ok(_) => Ok(Found::Other),
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(Found::Nothing),
            Err(error) => Err(PathError::new("open artifact", path, error).into()),
        }
    }

    /// Returns the path, which [`seal`] has resolved.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.state.size
    }

    /// Returns the permission bits.
    pub(crate) fn mode(&self) -> u32 {
        self.state.mode
    }

    /// Returns what a manifest says of the file, and the digest of its content by `algorithm`.
    pub(crate) fn hash(
        &self,
        algorithm: Algorithm,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(ManifestFile, String), ArtifactError> {
        if !can_hash(algorithm) {
            return Err(ArtifactError::Unsupported(algorithm));
        }
        let fail = |error| PathError::new("read artifact", &self.path, error);
        let file = File::open(&self.path).map_err(fail)?;
        self.require_same(file.metadata().map_err(fail)?)?;
        let total = self.state.size;
        let mut tell = |done| {
            progress(Progress {
                path: &self.path,
                done,
                total,
            });
        };
        let algorithms = BTreeSet::from([Algorithm::Blake3, algorithm]);
        let hashed = hash_file(&file, total, &algorithms, &mut tell).map_err(fail)?;
        self.require_same(file.metadata().map_err(fail)?)?;
        let blake3 = &hashed.hashes[&Algorithm::Blake3];
        let found = ManifestFile {
            mode: self.state.mode,
            size: hashed.bytes,
            blake3: blake3.parse().expect("a hash is an object id"),
        };
        Ok((found, format!("{algorithm}:{}", hashed.hashes[&algorithm])))
    }

    fn require_same(&self, found: Metadata) -> Result<(), ArtifactError> {
        if FileState::from(found) == self.state {
            Ok(())
        } else {
            Err(ArtifactError::Changed(self.path.clone()))
        }
    }
}

/// What was read of a file.
pub(crate) struct HashedBytes {
    /// How many bytes.
    pub(crate) bytes: u64,
    /// The hexadecimal digits of each hash.
    pub(crate) hashes: BTreeMap<Algorithm, String>,
}

/// Returns the hashes of a file by these algorithms, of which the program has to [be built](can_hash) with each.
/// `tell` gets how many bytes are hashed.
///
/// Of one that grows no more is read than `bytes`, which it had: it has changed.
pub(crate) fn hash_file(
    file: &File,
    bytes: u64,
    algorithms: &BTreeSet<Algorithm>,
    tell: &mut dyn FnMut(u64),
) -> io::Result<HashedBytes> {
    let hashers = algorithms.iter();
    let hashers = hashers.filter_map(|algorithm| Some((*algorithm, Hasher::new(*algorithm)?)));
    let mut hashers: Vec<_> = hashers.collect();
    let mut done = 0;
    tell(done);
    read_ahead(file.take(bytes), |chunk| {
        for (_, hasher) in &mut hashers {
            hasher.update(chunk);
        }
        done += chunk.len() as u64;
        tell(done);
    })?;
    let hashes = hashers.into_iter();
    let hashes = hashes.map(|(algorithm, hasher)| (algorithm, hasher.finish()));
    Ok(HashedBytes {
        bytes: done,
        hashes: hashes.collect(),
    })
}

/// Passes the content of a file to `consume` in order, reading the next chunk meanwhile.
fn read_ahead(mut file: io::Take<&File>, mut consume: impl FnMut(&[u8])) -> io::Result<()> {
    let (full, filled) = sync_channel::<Vec<u8>>(1);
    let (empty, emptied) = channel();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || -> io::Result<()> {
            for buffers in 0.. {
                let mut chunk = if buffers < 2 {
                    Vec::with_capacity(CHUNK)
                } else {
                    emptied.recv().unwrap_or_default()
                };
                chunk.clear();
                file.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
                if chunk.is_empty() || full.send(chunk).is_err() {
                    break;
                }
            }
            Ok(())
        });
        for chunk in filled {
            consume(&chunk);
            // The reader may have seen the end of the file and be gone.
            let _ = empty.send(chunk);
        }
        reader.join().expect("the reader does not panic")
    })
}

/// Returns whether this program was built with an algorithm.
pub(crate) fn can_hash(algorithm: Algorithm) -> bool {
    Hasher::new(algorithm).is_some()
}

/// A hash function under way.
pub(crate) enum Hasher {
    Blake3(Box<blake3::Hasher>),
    #[cfg(feature = "sha2")]
    Sha256(sha2::Sha256),
    #[cfg(feature = "sha2")]
    Sha512(sha2::Sha512),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::Blake3 => Some(Self::Blake3(Box::default())),
            #[cfg(feature = "sha2")]
            Algorithm::Sha256 => Some(Self::Sha256(sha2::Digest::new())),
            #[cfg(feature = "sha2")]
            Algorithm::Sha512 => Some(Self::Sha512(sha2::Digest::new())),
            #[cfg(not(feature = "sha2"))]
            Algorithm::Sha256 | Algorithm::Sha512 => None,
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Blake3(hasher) => {
                #[cfg(feature = "parallel")]
                hasher.update_rayon(bytes);
                #[cfg(not(feature = "parallel"))]
                hasher.update(bytes);
            }
            #[cfg(feature = "sha2")]
            Self::Sha256(hasher) => sha2::Digest::update(hasher, bytes),
            #[cfg(feature = "sha2")]
            Self::Sha512(hasher) => sha2::Digest::update(hasher, bytes),
        }
    }

    pub(crate) fn finish(self) -> String {
        #[cfg(feature = "sha2")]
        fn hex(bytes: &[u8]) -> String {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        }
        match self {
            Self::Blake3(hasher) => hasher.finalize().to_string(),
            #[cfg(feature = "sha2")]
            Self::Sha256(hasher) => hex(&sha2::Digest::finalize(hasher)),
            #[cfg(feature = "sha2")]
            Self::Sha512(hasher) => hex(&sha2::Digest::finalize(hasher)),
        }
    }
}
