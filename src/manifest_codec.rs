//! `artifacts/1`: a [`Manifest`] as an object (layout.md section 4.4).

use serde::{Deserialize, Serialize};

use crate::cbor::{decode_strict, encode};
use crate::hash::ObjectId;
use crate::manifest::{Manifest, ManifestError, ManifestFile};
use crate::schema::{ObjectError, Schema};

/// The stored form. Fields stand in the order of their encoded keys: shorter first, then bytewise.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    #[serde(borrow)]
    files: Vec<StoredFile<'a>>,
    schema: &'a str,
    subject: ObjectId,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFile<'a> {
    mode: u32,
    path: &'a str,
    size: u64,
    blake3: ObjectId,
}

impl Manifest {
    /// Returns the canonical bytes.
    ///
    /// # Errors
    ///
    /// [`ObjectError`] where a file breaks the rules, or the bytes are more than 64 MiB.
    pub fn encode(&self) -> Result<Vec<u8>, ObjectError> {
        self.validate()?;
        let bytes = encode(&Stored {
            files: (self.files.iter())
                .map(|(path, file)| StoredFile {
                    mode: file.mode,
                    path,
                    size: file.size,
                    blake3: file.blake3,
                })
                .collect(),
            schema: Schema::Artifacts1.tag(),
            subject: self.subject,
        });
        Schema::Artifacts1.expect(&bytes)?;
        Ok(bytes)
    }

    /// Returns the manifest whose canonical bytes are `bytes`.
    ///
    /// # Errors
    ///
    /// [`ObjectError`] where they are not the canonical bytes of a valid manifest.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        Schema::Artifacts1.expect(bytes)?;
        let stored: Stored<'_> = decode_strict(bytes)?;
        if !stored.files.is_sorted_by(|a, b| a.path < b.path) {
            return Err(ManifestError::Unsorted.into());
        }
        let files = stored.files.into_iter().map(|file| {
            let StoredFile {
                mode, size, blake3, ..
            } = file;
            (file.path.to_owned(), ManifestFile { mode, size, blake3 })
        });
        let manifest = Self {
            subject: stored.subject,
            files: files.collect(),
        };
        manifest.validate()?;
        Ok(manifest)
    }
}
