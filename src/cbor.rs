//! Deterministic CBOR (RFC 8949 section 4.2.1), and the only file that names `serde_cbor`.
//!
//! serde_cbor is archived and decodes liberally: over-long integers, indefinite lengths, tags,
//! arrays or integer keys in place of maps. None of it matters here, because what does not encode
//! back to the same bytes is rejected. Encoding is deterministic by construction: it writes definite
//! lengths and shortest integers, and our types list their fields in the order of their encoded
//! keys. Another CBOR crate can take its place in this file alone.

use serde::{Deserialize, Serialize};

/// Encodes `value`.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    serde_cbor::to_vec(value).expect("our types have string keys and encode into memory")
}

/// Decodes `bytes` and requires that they are the encoding of the result.
pub(crate) fn decode_strict<'a, T>(bytes: &'a [u8]) -> Result<T, CborError>
where
    T: Deserialize<'a> + Serialize,
{
    let value = decode_liberal(bytes)?;
    let canonical = encode(&value);
    if canonical == bytes {
        return Ok(value);
    }
    let same = canonical.iter().zip(bytes).take_while(|(a, b)| a == b);
    Err(CborError::NotCanonical {
        offset: same.count(),
    })
}

/// Decodes `bytes` as far as `T` asks, to look before decoding strictly.
pub(crate) fn decode_liberal<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, CborError> {
    serde_cbor::from_slice(bytes).map_err(|error| {
        let (offset, message) = (error.offset(), error.to_string());
        if error.is_data() {
            CborError::Shape { message }
        } else {
            CborError::Malformed { offset, message }
        }
    })
}

/// Why bytes were not decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CborError {
    /// Not one well-formed data item: cut short, followed by something, or no CBOR at all.
    #[error("not well-formed CBOR: {message}")]
    Malformed {
        /// Byte offset.
        offset: u64,
        /// What the decoder says.
        message: String,
    },
    /// Well-formed, but not of the form the schema gives: an unknown, missing or duplicate key, or
    /// a value of the wrong type.
    #[error("not of the form its schema gives: {message}")]
    Shape {
        /// What the decoder says.
        message: String,
    },
    /// Not the deterministic encoding of its own content.
    #[error("not in deterministic encoding, from byte {offset} on")]
    NotCanonical {
        /// Offset of the first byte that differs from the deterministic encoding.
        offset: usize,
    },
}
