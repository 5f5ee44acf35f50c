//! One entry in JSON: the eight fields, checked as what is to be stored is. What is wrong is never said in
//! words that repeat a credential.

use crate::entry::{EngineEntry, EntryError};
use crate::entry_codec::encode_entry;
use crate::schema::ObjectError;
use crate::secrets::{SecretKind, find_secret};

/// Why a JSON value is no entry that can be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryJsonError {
    /// A list, text, number or the like.
    #[error("it is not an object")]
    NotAnObject,
    /// A key is unknown, missing or there twice, or a value is of another type.
    #[error("{message}")]
    Form {
        /// What, and where.
        message: String,
    },
    /// As [`Form`](Self::Form), of something that looks like it contains a credential, so that it is
    /// not said what.
    #[error("it is not an entry, and looks like it contains {kind}")]
    FormWithSecret {
        /// What it looks like.
        kind: SecretKind,
    },
    /// It has the form of an entry, and breaks a rule for entries.
    #[error(transparent)]
    Entry(EntryError),
    /// The object that it would become is too large.
    #[error(transparent)]
    Object(ObjectError),
}

impl EngineEntry {
    /// Returns the entry that is in `json`, in the form that serde writes it in, and
    /// [`validate`](Self::validate) and [`refuse_secrets`](Self::refuse_secrets) have passed. It can be
    /// stored.
    ///
    /// # Errors
    ///
    /// [`EntryJsonError`], whose message can be shown: it does not repeat what looks like a credential.
    ///
    /// ```
    /// use engine_catalog::EngineEntry;
    ///
    /// let json = r#"{"id": "llamacpp:b4321", "engine": "llamacpp", "version": "b4321",
    ///     "artifacts": ["/opt/llamacpp/b4321/llama-server"], "created_ms": 1758240000000}"#;
    /// assert_eq!(EngineEntry::from_json(json)?.version, "b4321");
    ///
    /// let other = json.replace("created_ms", "created");
    /// let error = EngineEntry::from_json(&other).unwrap_err();
    /// assert!(error.to_string().starts_with("unknown field `created`"));
    /// # Ok::<(), engine_catalog::EntryJsonError>(())
    /// ```
    pub fn from_json(json: &str) -> Result<Self, EntryJsonError> {
        let (entry, ()) = parse_with(json, |json| Ok((serde_json::from_str(json)?, ())))?;
        Ok(entry)
    }
}

/// As [`EngineEntry::from_json`], of a value in which there may be more than an entry: `parse` takes it
/// apart.
pub(crate) fn parse_with<'a, T>(
    json: &'a str,
    parse: impl FnOnce(&'a str) -> Result<(EngineEntry, T), serde_json::Error>,
) -> Result<(EngineEntry, T), EntryJsonError> {
    if !json.trim_start().starts_with('{') {
        return Err(EntryJsonError::NotAnObject);
    }
    let (entry, more) = parse(json).map_err(|error| {
        // The message may repeat a text whose escapes are undone.
        let message = error.to_string();
        match find_secret(json).or_else(|| find_secret(&message)) {
            Some(kind) => EntryJsonError::FormWithSecret { kind },
            None => EntryJsonError::Form { message },
        }
    })?;
    // Secrets first: other errors repeat what they complain of.
    entry.refuse_secrets().map_err(EntryJsonError::Entry)?;
    encode_entry(&entry).map_err(|error| match error {
        ObjectError::Entry(cause) => EntryJsonError::Entry(cause),
        cause => EntryJsonError::Object(cause),
    })?;
    Ok((entry, more))
}
