//! Digests of binaries and images: `algorithm:hex`, the grammar of OCI descriptors.
//!
//! Three algorithms can be checked against a file; digests of any other are kept as given.

use std::fmt;

/// How the bytes of a file are hashed to compare them with a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Algorithm {
    /// BLAKE3 with 256 bits of output, `blake3:`.
    Blake3,
    /// SHA-256 (FIPS 180-4), `sha256:`.
    Sha256,
    /// SHA-512 (FIPS 180-4), `sha512:`.
    Sha512,
}

impl Algorithm {
    /// Every algorithm that can be checked.
    pub const ALL: &[Self] = &[Self::Blake3, Self::Sha256, Self::Sha512];

    /// Returns the part of a digest before its colon.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blake3 => "blake3",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Returns the number of hexadecimal digits in a digest.
    const fn digits(self) -> usize {
        match self {
            Self::Blake3 | Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Checks that `text` is a digest, and returns its algorithm where it is one that can be checked
/// against a file.
///
/// The grammar is that of the OCI image specification (descriptor, "Digests"): lower-case
/// algorithm components joined by `+`, `.`, `_` or `-`, a colon, and `[a-zA-Z0-9=_-]+`; for the
/// algorithms known here, lower-case hexadecimal of the right length.
///
/// # Errors
///
/// [`DigestError`] says what is wrong with the text.
pub(crate) fn check_digest(text: &str) -> Result<Option<Algorithm>, DigestError> {
    let (algorithm, value) = text.split_once(':').ok_or(DigestError::Form)?;
    let is_component = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let is_value_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'_' | b'-');
    if !algorithm.split(['+', '.', '_', '-']).all(is_component)
        || value.is_empty()
        || !value.bytes().all(is_value_byte)
    {
        return Err(DigestError::Form);
    }
    let Some(known) = Algorithm::ALL
        .iter()
        .copied()
        .find(|known| known.name() == algorithm)
    else {
        return Ok(None);
    };
    let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if value.len() != known.digits() || !value.bytes().all(is_hex) {
        return Err(DigestError::Value {
            algorithm: known,
            digits: known.digits(),
        });
    }
    Ok(Some(known))
}

/// Why a text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// Not of the form `algorithm:value`.
    #[error("it is not of the form algorithm:hex, such as sha256:0f0f…")]
    Form,
    /// The value does not fit the algorithm.
    #[error("{algorithm} takes {digits} lower-case hexadecimal digits")]
    Value {
        /// The algorithm that the digest names.
        algorithm: Algorithm,
        /// How many digits its value has.
        digits: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_algorithms_take_lower_case_hex_of_their_length() {
        let hex = |n| "a".repeat(n);
        for (text, expected) in [
            (format!("blake3:{}", hex(64)), Ok(Some(Algorithm::Blake3))),
            (format!("sha256:{}", hex(64)), Ok(Some(Algorithm::Sha256))),
            (format!("sha512:{}", hex(128)), Ok(Some(Algorithm::Sha512))),
            (
                format!("sha256:{}", hex(63)),
                Err(DigestError::Value {
                    algorithm: Algorithm::Sha256,
                    digits: 64,
                }),
            ),
            (
                format!("sha256:{}", "A".repeat(64)),
                Err(DigestError::Value {
                    algorithm: Algorithm::Sha256,
                    digits: 64,
                }),
            ),
            ("md5:0f".to_owned(), Ok(None)),
            ("multihash+base58:QmRZxt2b1FVZPNqd8".to_owned(), Ok(None)),
        ] {
            assert_eq!(check_digest(&text), expected, "{text}");
        }
    }

    #[test]
    fn other_text_is_no_digest() {
        for text in [
            "",
            "abc",
            ":",
            "sha256:",
            ":ab",
            "SHA256:ab",
            "a b:c",
            "x:../y",
            "a+:b",
        ] {
            assert_eq!(check_digest(text), Err(DigestError::Form), "{text:?}");
        }
    }
}
