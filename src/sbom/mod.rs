//! Documents about software, recognised by what they say and not by what they are called: SBOMs in SPDX and
//! CycloneDX JSON, and in-toto statements, bare or in an envelope (layout.md section 10.6).
//!
//! Each format has a file that checks the parts that are used, and reduces them to one summary. Nothing else
//! of a document is kept, and reading one takes no more memory than the document and twice the summary: what
//! is not used is passed over as it is read. A key that is used and stands twice is refused.

mod base64;
mod cyclonedx;
mod linkage;
mod parts;
mod read;
mod spdx;
mod statement;

use std::fmt;

use serde::Serialize;

pub use linkage::{Contradiction, Linkage, Untold, Verdict};
pub(crate) use linkage::{Known, KnownFile};
pub use parts::DocumentHash;
pub use statement::predicate_name;

use crate::attachment::MediaType;
use read::{Marks, mark};

/// What kind of document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentFormat {
    /// An SBOM in SPDX JSON (ISO/IEC 5962, and SPDX 2.3).
    Spdx,
    /// An SBOM in CycloneDX JSON (ECMA-424).
    CycloneDx,
    /// An in-toto statement, such as SLSA provenance.
    InToto,
    /// An in-toto statement in a DSSE envelope. The signatures of the envelope are not verified.
    Dsse,
    /// An in-toto statement in the DSSE envelope of a Sigstore bundle. Nothing in the bundle is verified.
    SigstoreBundle,
}

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

impl DocumentFormat {
    /// Returns what documents of a media type are, where it is one of those that are recognised.
    #[must_use]
    pub fn of(media_type: &MediaType) -> Option<Self> {
        match media_type.as_str() {
            "application/spdx+json" => Some(Self::Spdx),
            "application/vnd.cyclonedx+json" => Some(Self::CycloneDx),
            "application/vnd.in-toto+json" => Some(Self::InToto),
            "application/vnd.dsse.envelope.v1+json" => Some(Self::Dsse),
            other => other.starts_with(BUNDLE).then_some(Self::SigstoreBundle),
        }
    }

    /// Returns the media type: the registered one, or that which the format's own specification gives.
    #[must_use]
    pub fn media_type(self) -> MediaType {
        let text = match self {
            Self::Spdx => "application/spdx+json",
            Self::CycloneDx => "application/vnd.cyclonedx+json",
            Self::InToto => "application/vnd.in-toto+json",
            Self::Dsse => "application/vnd.dsse.envelope.v1+json",
            Self::SigstoreBundle => "application/vnd.dev.sigstore.bundle.v0.3+json",
        };
        text.parse().expect("these are media types")
    }

    /// Returns the versions that are read.
    const fn supported(self) -> &'static str {
        match self {
            Self::Spdx => "2.2 and 2.3",
            Self::CycloneDx => "1.2 to 1.7",
            Self::InToto | Self::Dsse => "v0.1 and v1",
            Self::SigstoreBundle => "0.1 to 0.3",
        }
    }
}

impl fmt::Display for DocumentFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spdx => "SPDX",
            Self::CycloneDx => "CycloneDX",
            Self::InToto => "in-toto Statement",
            Self::Dsse => "in-toto Statement in a DSSE envelope",
            Self::SigstoreBundle => "in-toto Statement in a Sigstore bundle",
        })
    }
}

/// Why something is no document that is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It is larger than any attachment.
    #[error("it has {size} bytes, of at most {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The most bytes of a document.
        limit: usize,
    },
    /// It is not one JSON object.
    #[error("it is no JSON object: {reason}")]
    NotJson {
        /// Where, and what is wrong there.
        reason: String,
    },
    /// It is JSON, and none of the formats.
    #[error(
        "it is neither SPDX nor CycloneDX JSON, nor an in-toto statement, a DSSE envelope or a Sigstore bundle of one"
    )]
    Unrecognised,
    /// It is of a format that is known, in a version that is not.
    #[error("it is {format} {found:?}, and {} are read", format.supported())]
    Version {
        /// The format.
        format: DocumentFormat,
        /// The version that it says it has.
        found: String,
    },
    /// It is of another format than its media type says.
    #[error("it is {found}, expected {expected}")]
    OtherType {
        /// The media type that it is said to have.
        expected: MediaType,
        /// That of what it is.
        found: MediaType,
    },
    /// It is an envelope or a bundle of something else than a statement.
    #[error("it holds {found:?}, and only in-toto statements are read")]
    NoStatement {
        /// What it is.
        format: DocumentFormat,
        /// What it says it holds: a media type, or a key of the bundle.
        found: String,
    },
    /// A part that is used is missing, or not as its format has it.
    #[error("it is {format}, and {pointer:?} is not as that has it: {reason}")]
    Field {
        /// The format.
        format: DocumentFormat,
        /// The part, as a JSON pointer (RFC 6901); that of the object in which something is missing.
        pointer: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl DocumentError {
    /// Returns the format of what is of a format that is known, and is not read: it may be as it should.
    #[must_use]
    pub fn unread(&self) -> Option<DocumentFormat> {
        match self {
            Self::Version { format, .. } | Self::NoStatement { format, .. } => Some(*format),
            _ => None,
        }
    }
}

/// What a document says, as far as it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// What kind of document it is.
    pub format: DocumentFormat,
    /// The version of the format; of what is in an envelope, the version of the statement.
    pub version: String,
    /// Its media type.
    pub media_type: MediaType,
    /// What it calls itself, or what it is about.
    pub name: Option<String>,
    /// What tells it from all others: the namespace of an SPDX document, the serial number of a CycloneDX one.
    pub identifier: Option<String>,
    /// Of a statement: what is stated, as a URI.
    pub predicate_type: Option<String>,
    /// What it lists, in its order; of a statement its subjects.
    pub components: Vec<Component>,
}

/// Something that a document lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Component {
    /// What it is.
    pub kind: ComponentKind,
    /// Its name; of a file, mostly a relative path.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// Its package URL (ECMA-427).
    pub purl: Option<String>,
    /// Its licences: identifiers, names or expressions of SPDX, as they stand there.
    pub licences: Vec<String>,
    /// Hashes of it. Several of one algorithm are of several files, such as one for each platform.
    pub hashes: Vec<DocumentHash>,
    /// The path of the file that it is, if it is one.
    #[serde(skip)]
    pub path: Option<String>,
}

/// What a [`Component`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ComponentKind {
    /// A package, library, application, or whatever else is no file.
    Package,
    /// A file.
    File,
    /// What a statement is about.
    Subject,
}

impl Document {
    /// The most bytes of a document: as of any attachment (layout.md section 1).
    pub const MAX_BYTES: usize = 64 << 20;

    /// Recognises a document by what it says, checks the parts that are used, and returns what they say.
    /// Signatures of envelopes and bundles are not verified.
    ///
    /// ```
    /// use engine_catalog::{Document, DocumentFormat};
    ///
    /// let sbom = br#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
    ///     {"type": "library", "name": "ggml", "licenses": [{"license": {"id": "MIT"}}]}]}"#;
    /// let sbom = Document::parse(sbom)?;
    /// assert_eq!(sbom.format, DocumentFormat::CycloneDx);
    /// assert_eq!(sbom.components[0].licences, ["MIT"]);
    /// # Ok::<(), engine_catalog::DocumentError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DocumentError::NotJson`] and [`DocumentError::Unrecognised`] where it is something else,
    /// those that are [`unread`](DocumentError::unread) where it may be what it should, and
    /// [`DocumentError::Field`] where it is not what it says.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let (size, limit) = (bytes.len(), Self::MAX_BYTES);
        if size > limit {
            return Err(DocumentError::TooLarge { size, limit });
        }
        let marks = Marks::read(bytes)?;
        if let Some(version) = mark(marks.spdx_version) {
            return spdx::read(bytes, &version);
        }
        if let Some(found) = marks.spdx_3() {
            let format = DocumentFormat::Spdx;
            return Err(DocumentError::Version { format, found });
        }
        if mark(marks.bom_format).is_some_and(|it| it == "CycloneDX") {
            return cyclonedx::read(bytes);
        }
        if let Some(kind) = mark(marks.statement).filter(|it| it.starts_with(statement::TYPE)) {
            return statement::read(bytes, &kind);
        }
        if mark(marks.payload_type).is_some() {
            return statement::read_envelope(bytes);
        }
        match mark(marks.media_type).filter(|it| it.starts_with(BUNDLE)) {
            Some(media_type) => statement::read_bundle(bytes, &media_type),
            None => Err(DocumentError::Unrecognised),
        }
    }

    /// As [`parse`](Self::parse), of what is said to have this media type: it has to be of the format that
    /// [`DocumentFormat::of`] returns for that, if any. Which version of the format is for the document to
    /// say: Sigstore bundles have a media type for each.
    ///
    /// # Errors
    ///
    /// [`DocumentError::OtherType`] where it is of another format, whether that is read or not; and those of
    /// [`parse`](Self::parse).
    pub fn parse_as(media_type: &MediaType, bytes: &[u8]) -> Result<Self, DocumentError> {
        let parsed = Self::parse(bytes);
        let found = match &parsed {
            Ok(document) => Some((document.format, document.media_type.clone())),
            Err(error) => error.unread().map(|format| (format, format.media_type())),
        };
        match (DocumentFormat::of(media_type), found) {
            (Some(expected), Some((format, found))) if format != expected => {
                let expected = media_type.clone();
                Err(DocumentError::OtherType { expected, found })
            }
            _ => parsed,
        }
    }
}
