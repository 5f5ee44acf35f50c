//! Public keys, of the kinds that sign.

use std::fmt;

use base64ct::{Base64, Encoding};
use ssh_key::HashAlg;
use ssh_key::public::{KeyData, RsaPublicKey};

use super::wire;

/// A public key of one of the kinds that [`SUPPORTED`](Self::SUPPORTED) names. Equal keys are the same key:
/// there is one way to write each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey {
    material: Material,
    algorithm: &'static str,
    data: KeyData,
}

/// Why there is no [`PublicKey`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is not what a key of its kind is.
    #[error("the key is malformed")]
    Malformed,
    /// It says that it is of another kind than it is.
    #[error("the key is said to be {expected:?} and is {found:?}")]
    OtherKind {
        /// What it is said to be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Keys of its kind are not supported: certificates, DSA, and what is newer than this program.
    #[error("keys of the kind {algorithm:?} are not supported: take one of {}", PublicKey::SUPPORTED.join(", "))]
    Unsupported {
        /// The name of the kind.
        algorithm: String,
    },
    /// It is an RSA key of a size that is not secure, or not supported.
    #[error("the RSA key has {bits} bits, expected {} to {}", PublicKey::RSA_BITS.start(), PublicKey::RSA_BITS.end())]
    RsaSize {
        /// Its bits.
        bits: usize,
    },
}

impl PublicKey {
    /// The kinds of keys (RFC 4253, RFC 5656, RFC 8709; those of security keys by
    /// PROTOCOL.u2f of OpenSSH).
    pub const SUPPORTED: [&str; 7] = [
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "ssh-rsa",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    ];

    /// How many bits the modulus of an RSA key has.
    pub const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

    /// Returns the key that `text` is: its kind, and base64 of its bytes, with a space between; as in a file
    /// `.pub`, and with nothing after it.
    ///
    /// # Errors
    ///
    /// [`KeyError`] says what is wrong.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let (kind, base64) = text.split_once(' ').ok_or(KeyError::Malformed)?;
        let bytes = Base64::decode_vec(base64).map_err(|_| KeyError::Malformed)?;
        let key = Self::from_bytes(&bytes)?;
        match key.algorithm() {
            found if found == kind => Ok(key),
            found => Err(KeyError::OtherKind {
                expected: kind.to_owned(),
                found: found.to_owned(),
            }),
        }
    }

    /// Returns the key with these bytes.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let name = wire::text(&mut &*bytes).ok_or(KeyError::Malformed)?;
        let unsupported = || KeyError::Unsupported {
            algorithm: name.to_owned(),
        };
        let mut kinds = Self::SUPPORTED.into_iter();
        let algorithm = kinds.find(|kind| *kind == name).ok_or_else(unsupported)?;
        let key = ssh_key::PublicKey::from_bytes(bytes).map_err(|_| KeyError::Malformed)?;
        if key.to_bytes().ok().as_deref() != Some(bytes) {
            return Err(KeyError::Malformed);
        }
        let data = KeyData::from(key);
        let material = match &data {
            KeyData::Ed25519(key) => Material::Edwards(key.0),
            KeyData::SkEd25519(key) => Material::Edwards(key.public_key().0),
            KeyData::Ecdsa(key) => point(key.as_sec1_bytes())?,
            KeyData::SkEcdsaSha2NistP256(key) => point(key.ec_point().as_bytes())?,
            KeyData::Rsa(key) => modulus(key)?,
            _ => return Err(unsupported()),
        };
        Ok(Self {
            material,
            algorithm,
            data,
        })
    }

    pub(super) fn data(&self) -> &KeyData {
        &self.data
    }

    /// Returns what a signer has to have the secret of.
    pub(super) fn material(&self) -> &Material {
        &self.material
    }

    /// Returns the name of its kind.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// Returns its SHA-256 fingerprint, as OpenSSH writes it: `SHA256:` and 43 characters of base64.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.data.fingerprint(HashAlg::Sha256).to_string()
    }
}

/// A point of a curve: the form with both coordinates. OpenSSH does not take the shorter one, and one key
/// must not look like two.
fn point(bytes: &[u8]) -> Result<Material, KeyError> {
    const BOTH_COORDINATES: u8 = 4;
    match bytes.first() {
        Some(&BOTH_COORDINATES) => Ok(Material::Point(bytes.to_vec())),
        _ => Err(KeyError::Malformed),
    }
}

fn modulus(key: &RsaPublicKey) -> Result<Material, KeyError> {
    let modulus = key.n.as_positive_bytes().ok_or(KeyError::Malformed)?;
    let first = modulus.first().ok_or(KeyError::Malformed)?;
    let bits = modulus.len() * 8 - first.leading_zeros() as usize;
    match PublicKey::RSA_BITS.contains(&bits) {
        true => Ok(Material::Modulus(modulus.to_vec())),
        false => Err(KeyError::RsaSize { bits }),
    }
}

/// What a signer has to have the secret of. Two keys may have it in common: a security key under two
/// application names, a modulus with two exponents.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Material {
    Edwards([u8; 32]),
    Point(Vec<u8>),
    Modulus(Vec<u8>),
}

impl fmt::Display for PublicKey {
    /// Its fingerprint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.fingerprint())
    }
}
