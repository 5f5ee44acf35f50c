//! `attachment/1`: an [`Attachment`] as an object (layout.md section 4.5).

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::attachment::{Attachment, AttachmentError};
use crate::cbor::{decode_strict, encode};
use crate::hash::ObjectId;
use crate::name::Name;
use crate::schema::{ObjectError, Schema};

/// The stored form. Fields stand in the order of their encoded keys: shorter first, then bytewise.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    schema: &'a str,
    #[serde(borrow)]
    payload: Bytes<'a>,
    subject: ObjectId,
    media_type: &'a str,
}

/// A byte string, of which there is one copy.
struct Bytes<'a>(&'a [u8]);

impl Attachment {
    /// Returns the canonical bytes.
    ///
    /// # Errors
    ///
    /// [`ObjectError::TooLarge`] where the bytes are more than 64 MiB.
    pub fn encode(&self) -> Result<Vec<u8>, ObjectError> {
        let bytes = encode(&Stored {
            name: self.name.as_ref().map(Name::as_str),
            schema: Schema::Attachment1.tag(),
            payload: Bytes(&self.payload),
            subject: self.subject,
            media_type: self.media_type.as_str(),
        });
        Schema::Attachment1.expect(&bytes)?;
        Ok(bytes)
    }

    /// Returns the attachment whose canonical bytes are `bytes`.
    ///
    /// # Errors
    ///
    /// [`ObjectError`] where they are not the canonical bytes of a valid attachment.
    pub fn decode(bytes: &[u8]) -> Result<Self, ObjectError> {
        Schema::Attachment1.expect(bytes)?;
        let stored: Stored<'_> = decode_strict(bytes)?;
        let name = stored.name.map(Name::new).transpose();
        let media_type = stored.media_type.parse();
        Ok(Self {
            subject: stored.subject,
            media_type: media_type.map_err(AttachmentError::from)?,
            name: name.map_err(AttachmentError::from)?,
            payload: stored.payload.0.to_vec(),
        })
    }
}

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = Bytes<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a byte string")
            }

            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Bytes<'de>, E> {
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_bytes(Borrowed)
    }
}
