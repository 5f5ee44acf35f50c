//! `engine-entry/1`: an [`EngineEntry`] as an object (layout.md section 4.2).

use serde::{Deserialize, Serialize};

use crate::cbor::{decode_strict, encode};
use crate::entry::{EngineEntry, EntryError};
use crate::schema::{ObjectError, Schema};

/// The stored form. Fields stand in the order of their encoded keys: shorter first, then bytewise.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
    engine: &'a str,
    schema: &'a str,
    version: &'a str,
    #[serde(borrow)]
    artifacts: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_ref: Option<&'a str>,
    created_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_flags: Option<Vec<&'a str>>,
}

/// Returns the canonical bytes of `entry`.
///
/// # Errors
///
/// [`ObjectError`] where the entry is not valid or its bytes are more than 1 MiB.
pub fn encode_entry(entry: &EngineEntry) -> Result<Vec<u8>, ObjectError> {
    entry.validate()?;
    let artifacts = entry.artifacts.iter().map(|path| {
        path.to_str()
            .ok_or_else(|| EntryError::NotUtf8 { path: path.clone() })
    });
    let bytes = encode(&Stored {
        id: &entry.id,
        digest: entry.digest.as_deref(),
        engine: &entry.engine,
        schema: Schema::EngineEntry1.tag(),
        version: &entry.version,
        artifacts: artifacts.collect::<Result<_, _>>()?,
        build_ref: entry.build_ref.as_deref(),
        created_ms: entry.created_ms,
        build_flags: entry
            .build_flags
            .as_ref()
            .map(|flags| flags.iter().map(String::as_str).collect()),
    });
    Schema::EngineEntry1.expect(&bytes)?;
    Ok(bytes)
}

/// Returns the entry whose canonical bytes are `bytes`.
///
/// # Errors
///
/// [`ObjectError`] where they are not the canonical bytes of a valid entry.
pub fn decode_entry(bytes: &[u8]) -> Result<EngineEntry, ObjectError> {
    Schema::EngineEntry1.expect(bytes)?;
    let stored: Stored<'_> = decode_strict(bytes)?;
    let owned = str::to_owned;
    let entry = EngineEntry {
        id: stored.id.to_owned(),
        engine: stored.engine.to_owned(),
        version: stored.version.to_owned(),
        build_ref: stored.build_ref.map(owned),
        digest: stored.digest.map(owned),
        build_flags: stored
            .build_flags
            .map(|flags| flags.into_iter().map(owned).collect()),
        artifacts: stored.artifacts.into_iter().map(Into::into).collect(),
        created_ms: stored.created_ms,
    };
    entry.validate()?;
    Ok(entry)
}
