//! Which files an engine consists of, and the rules for such a manifest (layout.md section 4.4).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::hash::ObjectId;

/// The files of an engine as they were when it was recorded: what drift is told from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The entry that the files belong to.
    pub subject: ObjectId,
    /// The files, by absolute path.
    pub files: BTreeMap<String, ManifestFile>,
}

/// A file of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ManifestFile {
    /// Permission bits, at most [`Manifest::MAX_MODE`].
    pub mode: u32,
    /// Size in bytes, at most `i64::MAX`.
    pub size: u64,
    /// BLAKE3 hash of the content.
    pub blake3: ObjectId,
}

/// What a [`Manifest`] must not contain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// A path that is not absolute, or contains U+0000.
    #[error("its file {path:?} is no absolute path")]
    Path {
        /// The path.
        path: String,
    },
    /// More than permission bits.
    #[error(
        "its file {path:?} has mode {mode:o}, of at most {:o}",
        Manifest::MAX_MODE
    )]
    Mode {
        /// The path.
        path: String,
        /// The mode.
        mode: u32,
    },
    /// More bytes than an integer of the format can say.
    #[error("its file {path:?} has {size} bytes, of at most {}", i64::MAX)]
    Size {
        /// The path.
        path: String,
        /// The size.
        size: u64,
    },
    /// Files that are not in ascending order of their paths, or not unique.
    #[error("its files are not sorted by path and unique")]
    Unsorted,
}

impl Manifest {
    /// All permission bits: those of user, group and others, set-user-id, set-group-id and sticky.
    pub const MAX_MODE: u32 = 0o7777;

    /// Checks every file against the rules for manifests.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] names the first that breaks them.
    pub fn validate(&self) -> Result<(), ManifestError> {
        for (path, file) in &self.files {
            if !path.starts_with('/') || path.contains('\0') {
                return Err(ManifestError::Path { path: path.clone() });
            }
            if i64::try_from(file.size).is_err() {
                let (path, size) = (path.clone(), file.size);
                return Err(ManifestError::Size { path, size });
            }
            let mode = file.mode;
            if mode > Self::MAX_MODE {
                let path = path.clone();
                return Err(ManifestError::Mode { path, mode });
            }
        }
        Ok(())
    }
}
