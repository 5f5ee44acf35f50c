//! Reading JSON: by which keys a document is recognised, and errors that name the place.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};

use super::{DocumentError, DocumentFormat};

/// The keys by which documents are recognised, whatever is there.
#[derive(Deserialize)]
pub(super) struct Marks<'a> {
    #[serde(borrow, rename = "spdxVersion")]
    pub(super) spdx_version: Option<&'a RawValue>,
    #[serde(borrow, rename = "@context")]
    context: Option<&'a RawValue>,
    #[serde(borrow, rename = "bomFormat")]
    pub(super) bom_format: Option<&'a RawValue>,
    #[serde(borrow, rename = "_type")]
    pub(super) statement: Option<&'a RawValue>,
    #[serde(borrow, rename = "payloadType")]
    pub(super) payload_type: Option<&'a RawValue>,
    #[serde(borrow, rename = "mediaType")]
    pub(super) media_type: Option<&'a RawValue>,
}

impl<'a> Marks<'a> {
    /// Requires that all of it is one JSON object.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, DocumentError> {
        // A list would be taken for the fields in their order.
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if first.is_some_and(|byte| *byte != b'{') {
            let reason = "it does not begin with {".to_owned();
            return Err(DocumentError::NotJson { reason });
        }
        serde_json::from_slice(bytes).map_err(|error| DocumentError::NotJson {
            reason: shown(&error.to_string()),
        })
    }

    /// Returns the version of SPDX 3, of which only the JSON-LD context tells.
    pub(super) fn spdx_3(&self) -> Option<String> {
        const CONTEXT: &str = "https://spdx.org/rdf/";
        let context = self.context?.get();
        let one = serde_json::from_str(context).map(|it: Cow<'_, str>| vec![it]);
        let contexts = one.or_else(|_| serde_json::from_str(context)).ok()?;
        let mut versions = contexts.iter().filter_map(|it| it.strip_prefix(CONTEXT));
        versions.find_map(|rest| Some(shown(rest.split_once('/')?.0)))
    }
}

/// Returns the text that is at a key, where it is one.
pub(super) fn mark(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    serde_json::from_str(value?.get()).ok()
}

/// Reads the parts of a document that are used.
pub(super) fn parts<T: DeserializeOwned>(
    format: DocumentFormat,
    bytes: &[u8],
) -> Result<T, DocumentError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        let error = error.into_inner();
        // The pointer says more than the line, of which most documents have one.
        let place = format!(" at line {} column {}", error.line(), error.column());
        let reason = error.to_string();
        let reason = shown(reason.strip_suffix(&place).unwrap_or(&reason));
        field(format, pointer, reason)
    })
}

pub(super) fn field(
    format: DocumentFormat,
    pointer: impl Into<String>,
    reason: impl Into<String>,
) -> DocumentError {
    DocumentError::Field {
        format,
        pointer: pointer.into(),
        reason: reason.into(),
    }
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer += &format!("/{index}"),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer += "/";
                pointer += &key.replace('~', "~0").replace('/', "~1");
            }
            Segment::Unknown => {}
        }
    }
    shown(&pointer)
}

/// A text of the document as a message may show it: not endless.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
