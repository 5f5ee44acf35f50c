//! Attachments: documents about an object, such as an SBOM or a signature, and the rules for them
//! (layout.md section 4.5).

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::hash::ObjectId;
use crate::name::Name;
use crate::secrets::has_private_key;

/// A document about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The object that it is about.
    pub subject: ObjectId,
    /// What kind of document it is.
    pub media_type: MediaType,
    /// What its file is called, if anything.
    pub name: Option<Name>,
    /// The document, byte for byte.
    pub payload: Vec<u8>,
}

/// What an [`Attachment`] must not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttachmentError {
    /// Its media type is none.
    #[error(transparent)]
    MediaType(#[from] MediaTypeError),
    /// Its name breaks the rules for names.
    #[error("its name is refused: {0}")]
    Name(#[from] crate::name::NameError),
    /// It contains a private key.
    #[error(
        "it contains a private key, which could not be taken back: attach the public one, or leave it out"
    )]
    PrivateKey,
}

impl Attachment {
    /// Refuses a private key: of all that is attached by accident the worst. Documents of others are
    /// full of what else looks like a credential, and is none.
    ///
    /// # Errors
    ///
    /// [`AttachmentError::PrivateKey`].
    pub fn check_secrets(&self) -> Result<(), AttachmentError> {
        match has_private_key(&self.payload) {
            true => Err(AttachmentError::PrivateKey),
            false => Ok(()),
        }
    }
}

/// A media type, as `application/spdx+json` (RFC 6838): in lower case, and without parameters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct MediaType(String);

/// A text that is no media type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no media type: expected type/subtype in lower case, such as application/spdx+json, \
     each part of 1 to 127 of the characters a-z 0-9 ! # $ & - ^ _ . + and the first a letter or digit"
)]
pub struct MediaTypeError {
    /// The text.
    pub text: String,
}

impl MediaType {
    /// The most characters of each part (RFC 6838, section 4.2).
    pub const MAX_PART: usize = 127;

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is that of a signature.
    pub(crate) fn is_signature(&self) -> bool {
        self.0 == SIGNATURE
    }
}

/// The media type of a signature in OpenSSH's format (layout.md section 5.6).
pub(crate) const SIGNATURE: &str = "application/vnd.openssh.sshsig";

impl FromStr for MediaType {
    type Err = MediaTypeError;

    fn from_str(text: &str) -> Result<Self, MediaTypeError> {
        let is_first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_further = |byte: &u8| is_first(*byte) || b"!#$&-^_.+".contains(byte);
        let is_part = |part: &str| {
            part.len() <= Self::MAX_PART
                && part.bytes().next().is_some_and(is_first)
                && part.as_bytes().iter().all(is_further)
        };
        match text.split_once('/') {
            Some((top, sub)) if is_part(top) && is_part(sub) => Ok(Self(text.to_owned())),
            _ => Err(MediaTypeError {
                text: text.to_owned(),
            }),
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_those_of_rfc_6838_in_lower_case() {
        let longest = format!("{0}/{0}", "a".repeat(127));
        for text in [
            "application/spdx+json",
            "application/vnd.cyclonedx+json",
            "application/vnd.openssh.sshsig",
            "text/plain",
            "0/9!#$&-^_.+",
            &longest,
        ] {
            assert_eq!(
                text.parse::<MediaType>().map(|it| it.0).as_deref(),
                Ok(text)
            );
        }
        let too_long = format!("a/{}", "a".repeat(128));
        for text in [
            "",
            "/",
            "text",
            "text/",
            "/plain",
            "text/plain/x",
            "Text/plain",
            "text/plain; charset=utf-8",
            "text/ plain",
            "text/.plain",
            "text/pläin",
            &too_long,
        ] {
            assert!(text.parse::<MediaType>().is_err(), "{text:?}");
        }
    }
}
