//! Signatures in OpenSSH's format (PROTOCOL.sshsig), as `ssh-keygen -Y sign` makes them, over the bytes of an
//! object (layout.md section 5.6).
//!
//! The only place that names the crate `ssh_key`. What surrounds key and signature is read here, because
//! every part of it counts: nothing of a signature can be changed without it being refused.

mod armor;
mod key;
mod scalar;
mod sign;
mod wire;

use ssh_key::{HashAlg, Signature, SshSig};

pub use key::{KeyError, PublicKey};
pub use sign::{PrivateKey, PrivateKeyError};

use crate::attachment::MediaType;
use crate::digest::Algorithm;
use armor::{Armor, Fault};
use key::Material;

/// A signature: who made it, and what it is good for. That it is right is for [`verify`](Self::verify) to
/// say.
#[derive(Clone, Debug)]
pub struct SshSignature {
    key: PublicKey,
    namespace: String,
    hash: Algorithm,
    signature: SshSig,
}

/// What is wrong with a signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// It is larger than signatures are.
    #[error("it has {bytes} bytes, expected at most {}", SshSignature::MAX_BYTES)]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
    /// It is not in the armor in which `ssh-keygen -Y sign` writes it.
    #[error("it is no armored SSH signature: {what}")]
    Armor {
        /// What is wrong.
        what: &'static str,
    },
    /// A part of it is malformed, or more follows after the last.
    #[error("its {part} is malformed")]
    Malformed {
        /// The part.
        part: &'static str,
    },
    /// It is of another version of the format.
    #[error("it is of version {found} of the format, expected 1")]
    Version {
        /// Its version.
        found: u32,
    },
    /// Its reserved part is not empty: that is for a newer version to say what it means.
    #[error("its reserved part is not empty")]
    Reserved,
    /// It was made by a key that is malformed, or of a kind that is not supported.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// It was made in a way that is not supported: with SHA-1, or what is newer than this program.
    #[error("{what} {found:?} is not supported")]
    Unsupported {
        /// What is not supported.
        what: &'static str,
        /// Its name.
        found: String,
    },
    /// It was made for something else than objects of a catalog.
    #[error("its namespace is {found:?}, expected {:?}", SshSignature::NAMESPACE)]
    Namespace {
        /// What it was made for.
        found: String,
    },
    /// It was not made by its key over these bytes.
    #[error("it was not made by its key over these bytes")]
    Bad,
}

impl SignatureError {
    /// Returns whether another version of this program, or another program, may find it good.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self,
            Self::Version { .. }
                | Self::Reserved
                | Self::Unsupported { .. }
                | Self::Key(KeyError::Unsupported { .. } | KeyError::RsaSize { .. })
        )
    }
}

impl SshSignature {
    /// What signatures of objects are made for: `ssh-keygen -Y sign -n engine-catalog`.
    pub const NAMESPACE: &str = "engine-catalog";

    /// The media type of an attachment that is a signature. It is not registered.
    pub const MEDIA_TYPE: &str = crate::attachment::SIGNATURE;

    /// The most bytes that one has, with its armor. That of the largest key has 3,000.
    pub const MAX_BYTES: usize = 16 << 10;

    /// Returns the signature that is in this armor.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] says what is wrong, but for its [`Namespace`](SignatureError::Namespace), and
    /// whether it is [`Bad`](SignatureError::Bad).
    pub fn parse(armored: &[u8]) -> Result<Self, SignatureError> {
        if armored.len() > Self::MAX_BYTES {
            let bytes = armored.len();
            return Err(SignatureError::TooLarge { bytes });
        }
        let bytes = ARMOR.take_off(armored).map_err(|fault| {
            let what = match fault {
                Fault::Begin => "its first line is not -----BEGIN SSH SIGNATURE-----",
                Fault::End => "its last line is not -----END SSH SIGNATURE-----",
                Fault::Base64 => "what is between its first and last line is no base64",
            };
            SignatureError::Armor { what }
        })?;
        Self::from_bytes(&bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, SignatureError> {
        let malformed = |part| SignatureError::Malformed { part };
        let rest = bytes.strip_prefix(MAGIC);
        let rest = &mut rest.ok_or_else(|| malformed("magic"))?;
        match wire::number(rest).ok_or_else(|| malformed("version"))? {
            1 => {}
            found => return Err(SignatureError::Version { found }),
        }
        let key = wire::string(rest).ok_or_else(|| malformed("key"))?;
        let namespace = wire::text(rest).filter(|it| !it.is_empty());
        let namespace = namespace.ok_or_else(|| malformed("namespace"))?;
        let reserved = wire::string(rest).ok_or_else(|| malformed("reserved part"))?;
        let hash = wire::text(rest).ok_or_else(|| malformed("hash algorithm"))?;
        let signature = wire::string(rest).ok_or_else(|| malformed("signature"))?;
        if !rest.is_empty() {
            return Err(malformed("end"));
        }
        if !reserved.is_empty() {
            return Err(SignatureError::Reserved);
        }
        let (hash, hash_alg) = match hash {
            "sha256" => (Algorithm::Sha256, HashAlg::Sha256),
            "sha512" => (Algorithm::Sha512, HashAlg::Sha512),
            found => return Err(unsupported("the hash algorithm", found)),
        };
        let key = PublicKey::from_bytes(key)?;
        let signature = inner(&key, signature)?;
        let signature = SshSig::new(key.data().clone(), namespace, hash_alg, signature)
            .map_err(|_| malformed("signature"))?;
        Ok(Self {
            key,
            namespace: namespace.to_owned(),
            hash,
            signature,
        })
    }

    /// Returns the key that it names as the one that made it.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Returns what it was made for.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns how the bytes were hashed: SHA-256 or SHA-512.
    #[must_use]
    pub fn hash_algorithm(&self) -> Algorithm {
        self.hash
    }

    /// Checks that it was made by its key over `bytes`, for [`NAMESPACE`](Self::NAMESPACE). Whose key that
    /// is, is for [`AllowedSigners`](crate::AllowedSigners) to say.
    ///
    /// # Errors
    ///
    /// [`SignatureError::Namespace`] or [`SignatureError::Bad`].
    pub fn verify(&self, bytes: &[u8]) -> Result<(), SignatureError> {
        if self.namespace != Self::NAMESPACE {
            let found = self.namespace.clone();
            return Err(SignatureError::Namespace { found });
        }
        let key = ssh_key::PublicKey::from(self.key.data().clone());
        let verified = key.verify(Self::NAMESPACE, bytes, &self.signature);
        verified.map_err(|_| SignatureError::Bad)
    }

    /// Returns [`MEDIA_TYPE`](Self::MEDIA_TYPE).
    #[must_use]
    pub fn media_type() -> MediaType {
        Self::MEDIA_TYPE.parse().expect("it is a media type")
    }
}

const ARMOR: Armor = Armor {
    begin: "-----BEGIN SSH SIGNATURE-----",
    end: "-----END SSH SIGNATURE-----",
};
const MAGIC: &[u8] = b"SSHSIG";

fn unsupported(what: &'static str, found: &str) -> SignatureError {
    let found = found.to_owned();
    SignatureError::Unsupported { what, found }
}

/// The signature proper: the name of how it was made, its bytes, and those that a security key adds.
fn inner(key: &PublicKey, bytes: &[u8]) -> Result<Signature, SignatureError> {
    let malformed = || SignatureError::Malformed { part: "signature" };
    let rest = &mut &*bytes;
    let algorithm = wire::text(rest).ok_or_else(malformed)?;
    let of_key: &[&str] = match key.algorithm() {
        // Not `ssh-rsa`, which is SHA-1.
        "ssh-rsa" => &["rsa-sha2-256", "rsa-sha2-512"],
        same => &[same],
    };
    if !of_key.contains(&algorithm) {
        return Err(unsupported("the signature algorithm", algorithm));
    }
    wire::string(rest).ok_or_else(malformed)?;
    // Flags and counter.
    let added = if algorithm.starts_with("sk-") { 5 } else { 0 };
    if rest.len() != added {
        return Err(malformed());
    }
    Signature::try_from(bytes).map_err(|_| malformed())
}

/// Distinct keys, however often and in whatever form each has signed.
#[derive(Clone, Debug, Default)]
pub struct DistinctKeys(std::collections::BTreeSet<Material>);

impl DistinctKeys {
    /// Adds a key, and returns whether it was not there.
    pub fn add(&mut self, key: &PublicKey) -> bool {
        self.0.insert(key.material().clone())
    }

    /// Adds those of another set.
    pub fn extend(&mut self, others: &Self) {
        self.0.extend(others.0.iter().cloned());
    }

    /// Returns how many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}
