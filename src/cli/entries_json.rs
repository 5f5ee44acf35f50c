//! Entries in JSON, as `put` takes them: one, several one after another, or an array of them.
//!
//! Names the library's public API and nothing of the program, so that the fuzzer can take this file.

use engine_catalog::{EngineEntry, EntryError, EntryJsonError};
use serde_json::value::RawValue;

/// Returns the entries of the input, all of them checked; else what is wrong, for a person.
pub(super) fn parse(input: &[u8]) -> Result<Vec<EngineEntry>, String> {
    let not_json = |error: serde_json::Error| format!("not JSON: {error}");
    let mut entries = Vec::new();
    for value in serde_json::Deserializer::from_slice(input).into_iter::<&RawValue>() {
        let value = value.map_err(not_json)?.get();
        let values = if value.starts_with('[') {
            serde_json::from_str::<Vec<&RawValue>>(value).map_err(not_json)?
        } else {
            vec![serde_json::from_str(value).map_err(not_json)?]
        };
        for value in values {
            let number = entries.len() + 1;
            let entry = EngineEntry::from_json(value.get());
            entries.push(entry.map_err(|error| format!("entry {number}: {}", advised(&error)))?);
        }
    }
    if entries.is_empty() {
        return Err("there is no entry in it".to_owned());
    }
    Ok(entries)
}

/// What is wrong, and what to do about it.
fn advised(error: &EntryJsonError) -> String {
    match error {
        EntryJsonError::Entry(EntryError::Secret { .. }) => {
            format!("{error}: leave it out, or refer to it by a variable such as ${{HF_TOKEN}}")
        }
        error => error.to_string(),
    }
}
