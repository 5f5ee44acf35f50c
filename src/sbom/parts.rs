//! What the formats have in common: hashes.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::read::shown;
use crate::digest::{Algorithm, check_digest};

/// A hash that a document gives of something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DocumentHash {
    /// The algorithm, as digests name it: `sha256`, `sha512`, `blake3`, `sha1`, `md5`.
    pub algorithm: String,
    /// Its value, of hexadecimal digits in lower case where the algorithm is known.
    pub value: String,
}

impl DocumentHash {
    /// Checks a hash, by the name of its algorithm in any of the formats: `SHA-256`, `SHA256`, `sha256`.
    pub(super) fn new(algorithm: &str, value: &str) -> Result<Self, String> {
        let algorithm = algorithm.to_ascii_lowercase();
        let algorithm = match algorithm.strip_prefix("sha-") {
            Some(bits) => format!("sha{bits}"),
            None => algorithm,
        };
        if algorithm.is_empty() || value.is_empty() {
            return Err("a hash has an algorithm and a value".to_owned());
        }
        let mut hash = Self {
            algorithm,
            value: value.to_owned(),
        };
        if let Some(known) = Algorithm::ALL.iter().find(|it| it.name() == hash.algorithm) {
            hash.value.make_ascii_lowercase();
            let checked = check_digest(&hash.to_string());
            checked.map_err(|error| format!("{:?} is no {known}: {error}", shown(value)))?;
        }
        Ok(hash)
    }

    /// Returns the algorithm, where it is one by which files can be compared.
    pub(super) fn known(&self) -> Option<Algorithm> {
        let mut known = Algorithm::ALL.iter().copied();
        known.find(|it| it.name() == self.algorithm)
    }
}

/// As a digest: `algorithm:value`.
impl fmt::Display for DocumentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.value)
    }
}

/// Hashes as an object, from algorithm to value, in which none stands twice.
pub(super) struct HashMap(pub(super) Vec<DocumentHash>);

impl<'de> Deserialize<'de> for HashMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EachOnce;
        impl<'de> Visitor<'de> for EachOnce {
            type Value = HashMap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of hashes by their algorithms")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut hashes, mut seen) = (Vec::new(), BTreeSet::new());
                while let Some((algorithm, value)) = map.next_entry::<String, String>()? {
                    let hash = DocumentHash::new(&algorithm, &value).map_err(A::Error::custom)?;
                    if !seen.insert(hash.algorithm.clone()) {
                        let twice = format!("{:?} stands twice", shown(&algorithm));
                        return Err(A::Error::custom(twice));
                    }
                    hashes.push(hash);
                }
                Ok(HashMap(hashes))
            }
        }
        deserializer.deserialize_map(EachOnce)
    }
}
