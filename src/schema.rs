//! The kinds of object: schema tags, size limits, and what can be wrong with an object's bytes
//! (layout.md section 4).

use std::fmt;

use serde::Deserialize;

use crate::attachment::AttachmentError;
use crate::cbor::{CborError, decode_liberal};
use crate::entry::EntryError;
use crate::manifest::ManifestError;

/// A kind of object and its version, as the `schema` key names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Schema {
    /// `engine-entry/1`, an [`EngineEntry`](crate::EngineEntry).
    EngineEntry1,
    /// `snapshot/1`, a [`Snapshot`](crate::Snapshot).
    Snapshot1,
    /// `artifacts/1`, a [`Manifest`](crate::Manifest).
    Artifacts1,
    /// `attachment/1`, an [`Attachment`](crate::Attachment).
    Attachment1,
}

impl Schema {
    /// Every schema that this version reads.
    pub const ALL: &[Self] = &[
        Self::EngineEntry1,
        Self::Snapshot1,
        Self::Artifacts1,
        Self::Attachment1,
    ];

    /// Returns the value of the `schema` key.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::EngineEntry1 => "engine-entry/1",
            Self::Snapshot1 => "snapshot/1",
            Self::Artifacts1 => "artifacts/1",
            Self::Attachment1 => "attachment/1",
        }
    }

    /// Returns the most bytes that an object of this kind may have.
    #[must_use]
    pub const fn max_bytes(self) -> u64 {
        match self {
            Self::EngineEntry1 => 1 << 20,
            Self::Snapshot1 | Self::Artifacts1 | Self::Attachment1 => MAX_OBJECT_BYTES,
        }
    }

    /// Looks up the schema that `bytes` name, without judging the rest.
    ///
    /// # Errors
    ///
    /// [`ObjectError`] where they name none, or one that this version does not read.
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, ObjectError> {
        #[derive(Deserialize)]
        struct Tagged<'a> {
            schema: &'a str,
        }
        let tagged: Tagged<'_> = decode_liberal(bytes)?;
        Self::ALL
            .iter()
            .copied()
            .find(|schema| schema.tag() == tagged.schema)
            .ok_or_else(|| ObjectError::UnknownSchema {
                found: tagged.schema.to_owned(),
            })
    }

    /// Requires that `bytes` are not more than this schema allows, and name it.
    pub(crate) fn expect(self, bytes: &[u8]) -> Result<(), ObjectError> {
        let (size, limit) = (bytes.len() as u64, self.max_bytes());
        if size > limit {
            return Err(ObjectError::TooLarge { size, limit });
        }
        match Self::of(bytes)? {
            found if found == self => Ok(()),
            found => Err(ObjectError::WrongKind {
                expected: self,
                found,
            }),
        }
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.tag())
    }
}

/// The most bytes that an object of any kind may have: 64 MiB.
pub(crate) const MAX_OBJECT_BYTES: u64 = 64 << 20;

/// What is wrong with the bytes of an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// The bytes do not hash to the object's name.
    #[error("its content hashes to {found}")]
    Hash {
        /// What they hash to.
        found: crate::hash::ObjectId,
    },
    /// Not strictly decodable.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// A kind of object, or a version of one, that this version does not read.
    #[error("its schema {found:?} is unknown; known are {}", known_tags())]
    UnknownSchema {
        /// The value of its `schema` key.
        found: String,
    },
    /// An object of one kind where another belongs.
    #[error("it is of kind {found}, expected {expected}")]
    WrongKind {
        /// The kind that belongs here.
        expected: Schema,
        /// The kind that it is.
        found: Schema,
    },
    /// More bytes than its kind may have.
    #[error("it has {size} bytes, of at most {limit}")]
    TooLarge {
        /// Size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// An entry whose content breaks the rules for entries.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A snapshot whose members are not in ascending order, or not unique.
    #[error("its members are not sorted and unique")]
    Unsorted,
    /// A manifest whose content breaks the rules for manifests.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An attachment whose content breaks the rules for attachments.
    #[error(transparent)]
    Attachment(#[from] AttachmentError),
}

fn known_tags() -> String {
    let tags: Vec<_> = Schema::ALL.iter().map(|schema| schema.tag()).collect();
    tags.join(", ")
}
