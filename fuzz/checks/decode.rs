//! Objects: the strict decoder against a second CBOR implementation.

use std::collections::{BTreeMap, BTreeSet};

use ciborium::Value;
use engine_catalog::{Attachment, Manifest, ManifestFile, Name, Object, Snapshot};

use super::readable;

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
        "attachment/1" => Object::Attachment(attachment(fields)?),
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

/// The attachment with these fields, but for the schema.
fn attachment(mut fields: Fields) -> Option<Attachment> {
    let name = match take(&mut fields, "name") {
        Some(name) => Some(Name::new(&name.into_text().ok()?).ok()?),
        None => None,
    };
    let attachment = Attachment {
        subject: take(&mut fields, "subject")?.deserialized().ok()?,
        media_type: take(&mut fields, "media_type")?
            .into_text()
            .ok()?
            .parse()
            .ok()?,
        name,
        payload: take(&mut fields, "payload")?.into_bytes().ok()?,
    };
    fields.is_empty().then_some(attachment)
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
