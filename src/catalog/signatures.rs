//! Signatures of objects: attachments that are checked against the object, its key and who is allowed to
//! sign (layout.md section 5.6).

use std::fmt;

use super::{Attached, Catalog};
use crate::allowed_signers::{AllowedSigners, SignerStanding};
use crate::attachment::Attachment;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::objects;
use crate::sshsig::{PublicKey, SignatureError, SshSignature};

/// A signature that is attached to an object, and what it is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JudgedSignature {
    /// The object of the attachment.
    pub object: ObjectId,
    /// The key that it names as the one that made it; `None` where it cannot be read. That this key did make
    /// it is what [`Valid`](SignatureVerdict::Valid) and [`NotAccepted`](SignatureVerdict::NotAccepted) say.
    pub key: Option<PublicKey>,
    /// What it is worth.
    pub verdict: SignatureVerdict,
}

/// What a signature is worth: first whether it is right, then whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureVerdict {
    /// It is right, and its signer is accepted.
    Valid {
        /// The principals of each line that accepts its key, as the `allowed_signers` file has them.
        principals: Vec<String>,
    },
    /// It is right, and its signer is not accepted: unknown, expired, not yet valid, or accepted for other
    /// namespaces only.
    NotAccepted(SignerStanding),
    /// It is wrong, made for another namespace, malformed, or of a kind that is not supported
    /// ([`SignatureError::is_unsupported`]).
    Refused(SignatureError),
}

impl JudgedSignature {
    /// Returns the key that has signed, where the signature is right and its signer accepted. What
    /// [`DistinctKeys`](crate::DistinctKeys) are to be counted of.
    #[must_use]
    pub fn good_key(&self) -> Option<&PublicKey> {
        match self.verdict {
            SignatureVerdict::Valid { .. } => self.key.as_ref(),
            _ => None,
        }
    }
}

impl SignatureVerdict {
    /// Returns a word for it, which does not change: `valid`; `unknown-signer`, `other-namespaces`,
    /// `not-yet-valid`, `expired`; `wrong-namespace`, `bad-signature`, `unsupported`, `malformed`.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        match self {
            Self::Valid { .. } => "valid",
            Self::NotAccepted(standing) => standing.slug(),
            Self::Refused(SignatureError::Namespace { .. }) => "wrong-namespace",
            Self::Refused(SignatureError::Bad) => "bad-signature",
            Self::Refused(error) if error.is_unsupported() => "unsupported",
            Self::Refused(_) => "malformed",
        }
    }
}

impl fmt::Display for SignatureVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid { principals } => write!(f, "signed by {}", principals.join(" ")),
            Self::NotAccepted(standing) => standing.fmt(f),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

/// Why a signature is not attached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachSignatureError {
    /// It is not one of this object.
    #[error("the signature is refused: {0}")]
    Refused(#[from] SignatureError),
    /// The catalog cannot be written, or has no such object.
    #[error(transparent)]
    Catalog(#[from] Error),
}

impl Catalog {
    /// Returns the bytes of an object, which are what a signature of it is over; `None` where it is not in
    /// the store.
    ///
    /// # Errors
    ///
    /// [`Error::Object`] where it is damaged.
    pub fn signed_bytes(&self, object: &ObjectId) -> Result<Option<Vec<u8>>, Error> {
        let carried = objects::read_to_carry(self.root_dir(), object)?;
        Ok(carried.map(|it| it.bytes))
    }

    /// Attaches a signature, in its armor, to the object that it is of: if it is well formed, and was made by
    /// the key that it names over the bytes of the object, for [`SshSignature::NAMESPACE`]. Whose key that is
    /// matters to whoever asks for [`signatures`](Self::signatures), not here. Returns the object of the
    /// attachment; attaching the same again changes nothing.
    ///
    /// When this returns, it survives a power cut.
    ///
    /// # Locking
    ///
    /// Shares the store lock.
    ///
    /// # Errors
    ///
    /// [`AttachSignatureError`].
    pub fn attach_signature(
        &self,
        subject: &ObjectId,
        armored: &[u8],
    ) -> Result<ObjectId, AttachSignatureError> {
        let bytes = self.bytes_of_subject(subject)?;
        SshSignature::parse(armored)?.verify(&bytes)?;
        let attachment = Attachment {
            subject: *subject,
            media_type: SshSignature::media_type(),
            name: None,
            payload: armored.to_vec(),
        };
        Ok(self.attach(&attachment)?)
    }

    /// Judges the signatures that are attached to `subject`, in the order of their objects, holding one at a
    /// time. `at_ms` is the time to which the validity of keys is compared (milliseconds since the Unix
    /// epoch): now, or one that the caller knows otherwise. A signature does not say when it was made.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchSubject`], and those of [`attached`](Self::attached); an attachment that cannot be read
    /// is an error of the iterator, which goes on after it.
    pub fn signatures<'a>(
        &'a self,
        subject: &ObjectId,
        signers: &'a AllowedSigners,
        at_ms: i64,
    ) -> Result<impl Iterator<Item = Result<JudgedSignature, Error>> + use<'a>, Error> {
        self.signatures_of(subject, signers, at_ms, None)
    }

    /// As [`signatures`](Self::signatures), less what is too large to be one, which is not read.
    pub(super) fn small_signatures<'a>(
        &'a self,
        subject: &ObjectId,
        signers: &'a AllowedSigners,
        at_ms: i64,
    ) -> Result<impl Iterator<Item = Result<JudgedSignature, Error>> + use<'a>, Error> {
        // With its subject, media type and name.
        const AROUND: u64 = 1024;
        let limit = SshSignature::MAX_BYTES as u64 + AROUND;
        self.signatures_of(subject, signers, at_ms, Some(limit))
    }

    fn signatures_of<'a>(
        &'a self,
        subject: &ObjectId,
        signers: &'a AllowedSigners,
        at_ms: i64,
        limit: Option<u64>,
    ) -> Result<impl Iterator<Item = Result<JudgedSignature, Error>> + use<'a>, Error> {
        let bytes = self.bytes_of_subject(subject)?;
        let media_type = SshSignature::media_type();
        let attached = self.attached_below(subject, Some(&media_type), limit)?;
        Ok(attached.map(move |it| it.map(|it| judge(&it, &bytes, signers, at_ms))))
    }

    fn bytes_of_subject(&self, subject: &ObjectId) -> Result<Vec<u8>, Error> {
        let subject = *subject;
        let bytes = self.signed_bytes(&subject)?;
        bytes.ok_or(Error::NoSuchSubject { subject })
    }
}

fn judge(
    attached: &Attached,
    bytes: &[u8],
    signers: &AllowedSigners,
    at_ms: i64,
) -> JudgedSignature {
    let signature = SshSignature::parse(&attached.attachment.payload);
    let key = signature.as_ref().ok().map(|it| it.key().clone());
    let verified = signature.and_then(|it| it.verify(bytes).map(|()| it));
    let standing = verified.map(|it| signers.judge(it.key(), at_ms));
    let verdict = match standing {
        Ok(SignerStanding::Accepted { principals }) => SignatureVerdict::Valid { principals },
        Ok(standing) => SignatureVerdict::NotAccepted(standing),
        Err(error) => SignatureVerdict::Refused(error),
    };
    JudgedSignature {
        object: attached.object,
        key,
        verdict,
    }
}
