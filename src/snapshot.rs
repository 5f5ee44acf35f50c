//! `snapshot/1`: a set of objects as an object (layout.md section 4.3).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::cbor::{decode_strict, encode};
use crate::hash::ObjectId;
use crate::schema::{ObjectError, Schema};

/// A set of entries, by their object ids.
///
/// The same set has the same bytes, and so the same hash, on every node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The members.
    pub objects: BTreeSet<ObjectId>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    schema: &'a str,
    objects: Vec<ObjectId>,
}

impl Snapshot {
    /// Returns the object id.
    ///
    /// # Errors
    ///
    /// Those of [`encode`](Self::encode).
    pub fn id(&self) -> Result<ObjectId, ObjectError> {
        Ok(ObjectId::of(&self.encode()?))
    }

    /// Returns the canonical bytes.
    ///
    /// # Errors
    ///
    /// [`ObjectError::TooLarge`] where they are more than 64 MiB, almost two million members.
    pub fn encode(&self) -> Result<Vec<u8>, ObjectError> {
        let bytes = encode(&Stored {
            schema: Schema::Snapshot1.tag(),
            objects: self.objects.iter().copied().collect(),
        });
        Schema::Snapshot1.expect(&bytes)?;
        Ok(bytes)
    }

    /// Returns the snapshot whose canonical bytes are `bytes`.
    ///
    /// # Errors
    ///
    /// [`ObjectError`] where they are not the canonical bytes of a snapshot.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        Schema::Snapshot1.expect(bytes)?;
        let stored: Stored<'_> = decode_strict(bytes)?;
        if !stored.objects.is_sorted_by(|a, b| a < b) {
            return Err(ObjectError::Unsorted);
        }
        Ok(Self {
            objects: stored.objects.into_iter().collect(),
        })
    }
}
