//! Private keys that are not encrypted, and signing with them.

use std::fmt;

use ssh_key::{Algorithm, HashAlg, LineEnding};

use super::armor::Armor;
use super::{KeyError, PublicKey, SshSignature, scalar};

const ARMOR: Armor = Armor {
    begin: "-----BEGIN OPENSSH PRIVATE KEY-----",
    end: "-----END OPENSSH PRIVATE KEY-----",
};

/// A private key that signs: Ed25519 or ECDSA, from an OpenSSH file that is not encrypted. For all others
/// there is `ssh-keygen -Y sign`, which asks for the passphrase, the agent or the security key.
pub struct PrivateKey {
    key: ssh_key::PrivateKey,
    public: PublicKey,
}

/// Why there is no [`PrivateKey`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// It is none that begins with `-----BEGIN OPENSSH PRIVATE KEY-----`, or a damaged one.
    #[error("it is no private key in OpenSSH's format")]
    Malformed,
    /// It is encrypted.
    #[error("the private key is encrypted")]
    Encrypted,
    /// Its kind is not one to sign with here.
    #[error("private keys of the kind {algorithm:?} are not signed with here")]
    Unsupported {
        /// The name of the kind.
        algorithm: String,
    },
    /// Its public key is refused.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// It does not sign: its public part is that of another key, or it is out of range.
    #[error("the private key is damaged: it does not sign")]
    Damaged,
}

impl PrivateKey {
    /// Returns the key in a file of OpenSSH.
    ///
    /// # Errors
    ///
    /// [`PrivateKeyError`] says why it is not one to sign with here.
    pub fn parse(file: &[u8]) -> Result<Self, PrivateKeyError> {
        let bytes = ARMOR.take_off(file);
        let bytes = bytes.map_err(|_| PrivateKeyError::Malformed)?;
        let bytes = scalar::filled_up(&bytes).unwrap_or(bytes);
        let key = ssh_key::PrivateKey::from_bytes(&bytes);
        let key = key.map_err(|_| PrivateKeyError::Malformed)?;
        match key.algorithm() {
            Algorithm::Ed25519 | Algorithm::Ecdsa { .. } => {}
            other => {
                let algorithm = other.to_string();
                return Err(PrivateKeyError::Unsupported { algorithm });
            }
        }
        if key.is_encrypted() {
            return Err(PrivateKeyError::Encrypted);
        }
        let public = key.public_key().to_bytes();
        let public = public.map_err(|_| PrivateKeyError::Malformed)?;
        let public = PublicKey::from_bytes(&public)?;
        Ok(Self { key, public })
    }

    /// Returns the public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `bytes` for [`SshSignature::NAMESPACE`], by way of SHA-512 as `ssh-keygen` does. Returns the
    /// signature in its armor, which [`SshSignature::verify`] finds good.
    ///
    /// # Errors
    ///
    /// [`PrivateKeyError::Damaged`] where it is not good.
    pub fn sign(&self, bytes: &[u8]) -> Result<String, PrivateKeyError> {
        let damaged = |_| PrivateKeyError::Damaged;
        let namespace = SshSignature::NAMESPACE;
        let signature = self.key.sign(namespace, HashAlg::Sha512, bytes);
        let armored = signature.and_then(|it| it.to_pem(LineEnding::LF));
        let armored = armored.map_err(damaged)?;
        let parsed = SshSignature::parse(armored.as_bytes());
        let verified = parsed.and_then(|it| it.verify(bytes));
        verified.map_err(|_| PrivateKeyError::Damaged)?;
        Ok(armored)
    }
}

impl fmt::Debug for PrivateKey {
    /// Only the public part.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateKey").field(&self.public).finish()
    }
}
