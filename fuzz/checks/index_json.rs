//! The JSON index of other catalogs.

use engine_catalog::{
    EngineIndex, EntryJsonError, IndexEntryError, IndexError, RefusedEntry, find_secret,
};
use serde_json::Value;

use super::put_json::{assert_can_be_stored, fields, without_nulls};

/// An index: what is taken can be stored, has an id of its own, and stands in the input as a plain JSON
/// parser reads it; what is refused is refused in words that repeat no secret; and what is taken, written as
/// NDJSON, is read as the same.
pub fn index_json(bytes: &[u8]) {
    let index = match EngineIndex::parse(bytes) {
        Ok(index) => index,
        Err(error) => return assert_is_discreet(&error),
    };
    index.refused().iter().for_each(assert_says_what_is_wrong);
    let mut ids: Vec<_> = index.entries().iter().map(|it| &it.entry.id).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
    let found = by_plain_parser(bytes);
    for it in index.entries() {
        assert_can_be_stored(&it.entry);
        assert!(found.contains(&fields(&it.entry)), "{it:?}");
    }
    let lines = index.entries().iter().map(|it| {
        let line = serde_json::to_string(&it.entry).expect("it is text, lists and a number");
        line + "\n"
    });
    let again = EngineIndex::parse(lines.collect::<String>().as_bytes());
    let again = again.expect("it is as it was written");
    assert!(again.refused().is_empty(), "{again:?}");
    let entries = |index: &EngineIndex| -> Vec<_> {
        let entries = index.entries().iter();
        entries.map(|it| it.entry.clone()).collect()
    };
    assert_eq!(entries(&again), entries(&index));
}

fn assert_is_discreet(error: &IndexError) {
    assert!(!error.to_string().is_empty());
    let repeated = match error {
        IndexError::Version { found, .. } => found,
        IndexError::UnknownKey { key } => key,
        IndexError::NotJson { message } => message,
        _ => return,
    };
    assert_eq!(find_secret(repeated), None, "{repeated:?}");
}

fn assert_says_what_is_wrong(refused: &RefusedEntry) {
    assert!(!refused.to_string().is_empty());
    let cause = match &refused.cause {
        IndexEntryError::OtherId { key, id } => vec![key, id],
        IndexEntryError::Lifecycle { found } => vec![found],
        IndexEntryError::Entry(EntryJsonError::Form { message }) => vec![message],
        _ => vec![],
    };
    for text in cause.into_iter().chain(&refused.id) {
        assert_eq!(find_secret(text), None, "{text:?}");
    }
}

/// Every object of the input that may be an entry, less what only an index has.
fn by_plain_parser(bytes: &[u8]) -> Vec<Value> {
    let values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let top: Vec<_> = values.map_while(Result::ok).collect();
    let within = |value: &Value| match value {
        Value::Array(values) => values.clone(),
        Value::Object(fields) => fields.values().cloned().collect(),
        _ => Vec::new(),
    };
    let second: Vec<_> = top.iter().flat_map(within).collect();
    let third: Vec<_> = second.iter().flat_map(within).collect();
    let found = [top, second, third].concat().into_iter().map(|mut value| {
        if let Value::Object(fields) = &mut value {
            fields.retain(|key, _| key != "lifecycle" && key != "state");
        }
        without_nulls(value)
    });
    found.collect()
}
