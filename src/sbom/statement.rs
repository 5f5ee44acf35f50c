//! In-toto statements, v0.1 and v1, bare, in a DSSE envelope, and in that of a Sigstore bundle. The signatures
//! are not verified: the subjects are what a document says, not what is proved.

use serde::Deserialize;

use super::parts::HashMap;
use super::read::{Marks, field, mark, parts, shown};
use super::{Component, ComponentKind, Document, DocumentError, DocumentFormat, base64};

/// What the type of every statement begins with.
pub(super) const TYPE: &str = "https://in-toto.io/Statement/";
const VERSIONS: [&str; 2] = ["v0.1", "v1"];

/// What a statement is in an envelope.
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

#[derive(Deserialize)]
struct Statement {
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    name: Option<String>,
    digest: HashMap,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    #[serde(rename = "sig")]
    _sig: String,
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(rename = "dsseEnvelope")]
    envelope: Option<Envelope>,
}

pub(super) fn read(bytes: &[u8], kind: &str) -> Result<Document, DocumentError> {
    let format = DocumentFormat::InToto;
    let found = kind.strip_prefix(TYPE).unwrap_or(kind);
    if !VERSIONS.contains(&found) {
        let found = shown(found);
        return Err(DocumentError::Version { format, found });
    }
    let statement: Statement = parts(format, bytes)?;
    if statement.subject.is_empty() {
        let reason = "a statement is about at least one subject";
        return Err(field(format, "/subject", reason));
    }
    let subjects = statement.subject.into_iter().map(|subject| Component {
        kind: ComponentKind::Subject,
        path: subject.name.clone(),
        name: subject.name.unwrap_or_default(),
        version: None,
        purl: None,
        licences: Vec::new(),
        hashes: subject.digest.0,
    });
    Ok(Document {
        format,
        version: found.to_owned(),
        media_type: format.media_type(),
        name: None,
        identifier: None,
        predicate_type: Some(statement.predicate_type),
        components: subjects.collect(),
    })
}

pub(super) fn read_envelope(bytes: &[u8]) -> Result<Document, DocumentError> {
    let format = DocumentFormat::Dsse;
    let envelope: Envelope = parts(format, bytes)?;
    let statement = envelope.open(format, "")?;
    Ok(Document {
        format,
        media_type: format.media_type(),
        ..statement
    })
}

pub(super) fn read_bundle(bytes: &[u8], media_type: &str) -> Result<Document, DocumentError> {
    let format = DocumentFormat::SigstoreBundle;
    // Until 0.2 the version was a parameter.
    let known = [
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
    ];
    if !known.contains(&media_type) {
        let found = shown(media_type);
        return Err(DocumentError::Version { format, found });
    }
    let bundle: Bundle = parts(format, bytes)?;
    let Some(envelope) = bundle.envelope else {
        // The other thing that one may hold.
        let found = "messageSignature".to_owned();
        return Err(DocumentError::NoStatement { format, found });
    };
    let statement = envelope.open(format, "/dsseEnvelope")?;
    let media_type = media_type.split_once(';').map_or(media_type, |it| it.0);
    Ok(Document {
        format,
        media_type: media_type.parse().expect("these are media types"),
        ..statement
    })
}

impl Envelope {
    /// Returns the statement in it.
    fn open(self, format: DocumentFormat, at: &str) -> Result<Document, DocumentError> {
        let fail = |key, reason: String| field(format, format!("{at}/{key}"), reason);
        if self.payload_type != PAYLOAD_TYPE {
            let found = shown(&self.payload_type);
            return Err(DocumentError::NoStatement { format, found });
        }
        if self.signatures.is_empty() {
            let reason = "an envelope has at least one signature".to_owned();
            return Err(fail("signatures", reason));
        }
        let payload = base64::decode(&self.payload)
            .ok_or_else(|| fail("payload", "it is not base64".to_owned()))?;
        // No envelope in an envelope.
        let inner = Marks::read(&payload).and_then(|marks| {
            let kind = mark(marks.statement).filter(|it| it.starts_with(TYPE));
            read(&payload, &kind.ok_or(DocumentError::Unrecognised)?)
        });
        inner.map_err(|error| fail("payload", format!("in what it holds: {error}")))
    }
}

/// Returns what is stated, for a person, where it is one of the common predicates.
#[must_use]
pub fn predicate_name(predicate_type: &str) -> Option<&'static str> {
    Some(match predicate_type {
        "https://slsa.dev/provenance/v0.2" => "SLSA provenance v0.2",
        "https://slsa.dev/provenance/v1" => "SLSA provenance v1",
        "https://slsa.dev/verification_summary/v1" => "SLSA verification summary v1",
        "https://spdx.dev/Document" => "SPDX SBOM",
        "https://cyclonedx.org/bom" => "CycloneDX SBOM",
        "https://docs.pypi.org/attestations/publish/v1" => "PyPI publish v1",
        "https://github.com/npm/attestation/tree/main/specs/publish/v0.1" => "npm publish v0.1",
        _ => return None,
    })
}
