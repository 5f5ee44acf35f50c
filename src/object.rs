//! Any object, by the kind that its bytes name.

use crate::attachment::Attachment;
use crate::entry::EngineEntry;
use crate::entry_codec::{decode_entry, encode_entry};
use crate::hash::ObjectId;
use crate::manifest::Manifest;
use crate::schema::{MAX_OBJECT_BYTES, ObjectError, Schema};
use crate::snapshot::Snapshot;

/// A decoded object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Object {
    /// `engine-entry/1`.
    Entry(EngineEntry),
    /// `snapshot/1`.
    Snapshot(Snapshot),
    /// `artifacts/1`.
    Manifest(Manifest),
    /// `attachment/1`.
    Attachment(Attachment),
}

impl Object {
    /// Decodes an object strictly: it is returned only if encoding it gives `bytes` again.
    ///
    /// # Errors
    ///
    /// [`ObjectError`] where `bytes` are not the canonical bytes of an object of a known kind.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        let (size, limit) = (bytes.len() as u64, MAX_OBJECT_BYTES);
        if size > limit {
            return Err(ObjectError::TooLarge { size, limit });
        }
        match Schema::of(bytes)? {
            Schema::EngineEntry1 => decode_entry(bytes).map(Self::Entry),
            Schema::Snapshot1 => Snapshot::decode(bytes).map(Self::Snapshot),
            Schema::Artifacts1 => Manifest::decode(bytes).map(Self::Manifest),
            Schema::Attachment1 => Attachment::decode(bytes).map(Self::Attachment),
        }
    }

    /// Returns the kind.
    #[must_use]
    pub fn schema(&self) -> Schema {
        match self {
            Self::Entry(_) => Schema::EngineEntry1,
            Self::Snapshot(_) => Schema::Snapshot1,
            Self::Manifest(_) => Schema::Artifacts1,
            Self::Attachment(_) => Schema::Attachment1,
        }
    }

    /// Returns the object that this one describes, where its kind is one that is attached to others.
    #[must_use]
    pub fn subject(&self) -> Option<ObjectId> {
        match self {
            Self::Manifest(manifest) => Some(manifest.subject),
            Self::Attachment(attachment) => Some(attachment.subject),
            Self::Entry(_) | Self::Snapshot(_) => None,
        }
    }

    /// Returns the canonical bytes.
    ///
    /// # Errors
    ///
    /// [`ObjectError`] where the content breaks the rules of its kind.
    pub fn encode(&self) -> Result<Vec<u8>, ObjectError> {
        match self {
            Self::Entry(entry) => encode_entry(entry),
            Self::Snapshot(snapshot) => snapshot.encode(),
            Self::Manifest(manifest) => manifest.encode(),
            Self::Attachment(attachment) => attachment.encode(),
        }
    }
}
