//! The JSON input of `engine-catalog put`, by the program's own parser.

use engine_catalog::{EngineEntry, Object, decode_entry, encode_entry, find_secret};
use serde_json::Value;

#[path = "../../src/cli/entries_json.rs"]
mod entries_json;

/// Entries in JSON: what is accepted can be stored and says what a plain JSON parser finds in the
/// input; what is refused is refused in words that repeat no secret.
pub fn put_json(bytes: &[u8]) {
    match entries_json::parse(bytes) {
        Ok(entries) => {
            assert!(!entries.is_empty());
            entries.iter().for_each(assert_can_be_stored);
            let found: Vec<_> = entries.iter().map(fields).collect();
            assert_eq!(found, by_plain_parser(bytes));
        }
        Err(message) => {
            // Controls in it are for the program to make visible.
            assert!(!message.is_empty());
            if !is_cleared(bytes) {
                assert_eq!(find_secret(&message), None, "{message:?}");
            }
        }
    }
}

pub(super) fn assert_can_be_stored(entry: &EngineEntry) {
    assert_eq!((entry.validate(), entry.refuse_secrets()), (Ok(()), Ok(())));
    let bytes = encode_entry(entry).expect("it was checked");
    assert_eq!(decode_entry(&bytes).as_ref(), Ok(entry));
    assert_eq!(Object::decode(&bytes), Ok(Object::Entry(entry.clone())));
}

/// The fields that are there.
pub(super) fn fields(entry: &EngineEntry) -> Value {
    without_nulls(serde_json::to_value(entry).expect("it is text, lists and a number"))
}

/// The entries up to the end, or to what is no JSON.
fn by_plain_parser(bytes: &[u8]) -> Vec<Value> {
    let values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let entries = values.map_while(Result::ok).flat_map(|value| match value {
        Value::Array(values) => values,
        value => vec![value],
    });
    entries.map(without_nulls).collect()
}

/// Whether the entry that is refused has no secret in it. Text of it may look like one in the message,
/// where escapes take the place of what ends a URL.
fn is_cleared(bytes: &[u8]) -> bool {
    let mut entries = by_plain_parser(bytes).into_iter();
    let is_refused = |value: &Value| entries_json::parse(value.to_string().as_bytes()).is_err();
    let refused = entries.find(is_refused);
    let entry = refused.and_then(|value| serde_json::from_value::<EngineEntry>(value).ok());
    entry.is_some_and(|entry| entry.refuse_secrets().is_ok())
}

pub(super) fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, value| !value.is_null());
    }
    value
}
