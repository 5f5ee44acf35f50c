//! What must hold for any input: the one copy of each check, run on generated inputs by the targets
//! in `fuzz_targets/`, and on the committed seeds by `tests/fuzz_seeds.rs` in plain `cargo test`.
//!
//! A check panics where something does not hold, and otherwise says nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use ciborium::Value;
use engine_catalog::{
    Change, Manifest, ManifestFile, Name, Object, ObjectId, Prefix, RefName, Snapshot,
};

/// A check of one input.
pub type Check = fn(&[u8]);

/// Every fuzz target by name.
pub const TARGETS: [(&str, Check); 2] = [("decode", decode), ("names", names)];

/// Objects: exactly those bytes are accepted that a second CBOR implementation reads as a valid
/// object and that encoding it gives again, and both read the same from them.
pub fn decode(bytes: &[u8]) {
    let decoded = Object::decode(bytes).map_err(readable);
    assert_eq!(decoded.ok(), independently_decoded(bytes));
}

/// The object that ciborium finds in `bytes`, where they are its deterministic encoding.
fn independently_decoded(bytes: &[u8]) -> Option<Object> {
    let value: Value = ciborium::from_reader(bytes).ok()?;
    let mut fields = value.as_map()?.clone();
    let schema = take(&mut fields, "schema")?.into_text().ok()?;
    let object = match schema.as_str() {
        "engine-entry/1" => Object::Entry(Value::Map(fields).deserialized().ok()?),
        "snapshot/1" => Object::Snapshot(snapshot(fields)?),
        "artifacts/1" => Object::Manifest(manifest(fields)?),
        _ => return None,
    };
    if object.encode().map_err(readable).ok()? != bytes {
        return None;
    }
    assert_deterministic(&value, bytes);
    Some(object)
}

type Fields = Vec<(Value, Value)>;

/// The value of a field, which is no longer one of `fields`.
fn take(fields: &mut Fields, key: &str) -> Option<Value> {
    let at = fields
        .iter()
        .position(|(it, _)| it.as_text() == Some(key))?;
    Some(fields.remove(at).1)
}

/// The snapshot with these fields, but for the schema.
fn snapshot(mut fields: Fields) -> Option<Snapshot> {
    let objects: BTreeSet<_> = take(&mut fields, "objects")?.deserialized().ok()?;
    fields.is_empty().then_some(Snapshot { objects })
}

/// The manifest with these fields, but for the schema.
fn manifest(mut fields: Fields) -> Option<Manifest> {
    let files = take(&mut fields, "files")?.into_array().ok()?;
    let files: BTreeMap<_, _> = files.into_iter().map(file).collect::<Option<_>>()?;
    let subject = take(&mut fields, "subject")?.deserialized().ok()?;
    fields.is_empty().then_some(Manifest { subject, files })
}

/// A file of a manifest, with its path.
fn file(value: Value) -> Option<(String, ManifestFile)> {
    let mut fields = value.into_map().ok()?;
    let path = take(&mut fields, "path")?.into_text().ok()?;
    let file = ManifestFile {
        mode: take(&mut fields, "mode")?.deserialized().ok()?,
        size: take(&mut fields, "size")?.deserialized().ok()?,
        blake3: take(&mut fields, "blake3")?.deserialized().ok()?,
    };
    fields.is_empty().then_some((path, file))
}

/// RFC 8949 section 4.2.1, as far as objects need it: ciborium writes definite lengths and shortest
/// integers, and leaves the keys of a map in their order, which must be that of their encodings.
fn assert_deterministic(value: &Value, bytes: &[u8]) {
    assert!(value.is_map(), "an object is a map");
    assert_eq!(encoded(value), bytes, "ciborium encodes it otherwise");
    assert_ordered(value);
}

fn assert_ordered(value: &Value) {
    match value {
        Value::Map(fields) => {
            let keys: Vec<_> = fields.iter().map(|(key, _)| encoded(key)).collect();
            assert!(keys.is_sorted_by(|a, b| a < b), "keys are out of order");
            fields.iter().for_each(|(_, value)| assert_ordered(value));
        }
        Value::Array(values) => values.iter().for_each(assert_ordered),
        _ => {}
    }
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("a value encodes into memory");
    bytes
}

/// Names, and all other text that becomes a file name or a line: what is accepted has one text form,
/// which is accepted and stands for the same thing.
pub fn names(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Some(name) = parsed::<Name>(text) {
        let file_name = name.to_file_name();
        assert_safe(&file_name);
        assert_eq!(Name::from_file_name(&file_name), Some(name));
    }
    if let Some(name) = Name::from_file_name(text) {
        assert_safe(text);
        assert_eq!(name.to_file_name(), text);
        assert_eq!(parsed(name.as_str()), Some(name));
    }
    if let Some(name) = parsed::<RefName>(text) {
        let (engine, version) = (name.engine(), name.version());
        assert_eq!(
            RefName::from_file_names(&engine.to_file_name(), &version.to_file_name()),
            Some(name)
        );
    }
    if let Some((engine, version)) = text.split_once('/')
        && let Some(name) = RefName::from_file_names(engine, version)
    {
        assert_eq!(name.engine().to_file_name(), engine);
        assert_eq!(name.version().to_file_name(), version);
        assert_eq!(parsed(&name.to_string()), Some(name));
    }
    parsed::<Change>(text);
    let id = parsed::<ObjectId>(text);
    if let Some(prefix) = parsed::<Prefix>(text) {
        assert_eq!(prefix.as_object_id(), id);
        assert!(id.is_none_or(|id| prefix.matches(&id)));
    } else {
        assert_eq!(id, None, "an object id is a prefix of itself");
    }
}

/// What `text` stands for, where it is accepted; then it is the text form of that.
fn parsed<T>(text: &str) -> Option<T>
where
    T: FromStr<Err: Error> + Display + Debug + PartialEq,
{
    let value: T = text.parse().map_err(readable).ok()?;
    assert_eq!(value.to_string(), text);
    Some(value)
}

/// A file name is one component of a path, visible, and of a length that every file system takes.
fn assert_safe(file_name: &str) {
    assert!((1..=255).contains(&file_name.len()), "{file_name:?}");
    assert!(!file_name.starts_with('.'), "{file_name:?}");
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"_-+.%".contains(&b);
    assert!(file_name.bytes().all(is_safe), "{file_name:?}");
}

/// Writes the message of a refusal, which must be possible for whatever was refused.
fn readable(error: impl Error) {
    assert!(!error.to_string().is_empty());
}
