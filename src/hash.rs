//! Object identity: BLAKE3-256 names and unique prefixes of them (layout.md section 4).
//!
//! Every hash that enters the program (from a ref file, a file name, a peer, a user) becomes an
//! [`ObjectId`] here or is refused, so a digest string can never turn into a path.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Length in bytes of a BLAKE3-256 hash.
const LEN: usize = 32;

/// The name of an object: the BLAKE3-256 hash of its exact bytes.
///
/// Its text form is exactly 64 lower-case hexadecimal digits, what `b3sum` prints.
/// Serialized as that text in human-readable formats and as a 32-byte string in CBOR.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; LEN]);

impl ObjectId {
    /// Returns the id of the object that consists of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Wraps a hash that is already known.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; LEN]) -> Self {
        Self(bytes)
    }

    /// Returns the id in the bytes of a ref or a named snapshot: its digits and a line feed.
    pub(crate) fn from_line(bytes: &[u8]) -> Option<Self> {
        let digits = bytes.strip_suffix(b"\n")?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Returns what [`from_line`](Self::from_line) reads.
    pub(crate) fn to_line(self) -> String {
        format!("{self}\n")
    }

    /// Returns the 32 bytes of the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; LEN] {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

impl FromStr for ObjectId {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        require_digits(text, 2 * LEN, 2 * LEN)?;
        let hash = blake3::Hash::from_hex(text).expect("these are 64 hexadecimal digits");
        Ok(Self(*hash.as_bytes()))
    }
}

/// Requires `least` to `most` lower-case hexadecimal digits.
fn require_digits(text: &str, least: usize, most: usize) -> Result<(), HashError> {
    if let Some(digit) = text.chars().find(|c| !matches!(c, '0'..='9' | 'a'..='f')) {
        return Err(HashError::Digit(digit));
    }
    let found = text.len();
    if found < least || found > most {
        return Err(HashError::Length { least, most, found });
    }
    Ok(())
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = ObjectId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a byte string of 32 bytes")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<ObjectId, E> {
                let bytes = bytes
                    .try_into()
                    .map_err(|_| E::invalid_length(bytes.len(), &self))?;
                Ok(ObjectId(bytes))
            }
        }
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        } else {
            deserializer.deserialize_bytes(Bytes)
        }
    }
}

/// The first digits of an [`ObjectId`], at least [`Prefix::MIN`] of them, as a person types them.
#[derive(Clone, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// The fewest digits that are taken as a prefix; fewer are almost always a mistake.
    pub const MIN: usize = 4;

    /// Returns whether `id` starts with this prefix.
    #[must_use]
    pub fn matches(&self, id: &ObjectId) -> bool {
        blake3::Hash::from_bytes(id.0).to_hex().starts_with(&self.0)
    }

    /// Returns the digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the object id where the prefix has all of its digits.
    #[must_use]
    pub fn as_object_id(&self) -> Option<ObjectId> {
        let hash = blake3::Hash::from_hex(&self.0).ok()?;
        Some(ObjectId(*hash.as_bytes()))
    }
}

impl FromStr for Prefix {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        require_digits(text, Self::MIN, 2 * LEN)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefix({self})")
    }
}

/// Text that is no object id, or no prefix of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// A character other than a lower-case hexadecimal digit.
    #[error("{0:?} is not a lower-case hexadecimal digit")]
    Digit(char),
    /// The wrong number of digits.
    #[error("expected {}, found {found}", digits(*least, *most))]
    Length {
        /// The fewest digits that belong here.
        least: usize,
        /// The most.
        most: usize,
        /// How many there were.
        found: usize,
    },
}

fn digits(least: usize, most: usize) -> String {
    if least == most {
        format!("{most} hexadecimal digits")
    } else {
        format!("{least} to {most} hexadecimal digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

    #[test]
    fn text_form_is_what_b3sum_prints_for_no_input() {
        assert_eq!(ObjectId::of(b"").to_string(), EMPTY);
        assert_eq!(EMPTY.parse(), Ok(ObjectId::of(b"")));
    }

    #[test]
    fn anything_but_64_lower_case_digits_is_refused() {
        for (text, error) in [
            (EMPTY.to_uppercase(), HashError::Digit('A')),
            (format!("../{}", &EMPTY[3..]), HashError::Digit('.')),
            (format!("{EMPTY}\n"), HashError::Digit('\n')),
            (
                EMPTY[1..].to_owned(),
                HashError::Length {
                    least: 64,
                    most: 64,
                    found: 63,
                },
            ),
            (
                format!("{EMPTY}0"),
                HashError::Length {
                    least: 64,
                    most: 64,
                    found: 65,
                },
            ),
        ] {
            assert_eq!(text.parse::<ObjectId>(), Err(error), "{text}");
        }
    }

    #[test]
    fn prefix_matches_the_start_only() {
        let id = ObjectId::of(b"");
        assert!("af13".parse::<Prefix>().unwrap().matches(&id));
        assert!(!"f134".parse::<Prefix>().unwrap().matches(&id));
        assert!(EMPTY.parse::<Prefix>().unwrap().matches(&id));
        assert!("af1".parse::<Prefix>().is_err());
    }
}
