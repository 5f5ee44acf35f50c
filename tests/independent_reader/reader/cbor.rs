//! Section 4.1: CBOR items, and maps whose keys are text.

use ciborium::Value;

/// One well-formed item, and nothing behind it.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    let mut rest = bytes;
    let value = ciborium::from_reader(&mut rest).map_err(|error| error.to_string())?;
    if !rest.is_empty() {
        return Err("something follows the item".into());
    }
    Ok(value)
}

/// The core deterministic encoding. The encoder writes heads in the shortest form and definite
/// lengths; the order of keys is left to its caller.
pub(super) fn encode(value: Value) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&sorted(value)?, &mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// The value with the keys of every map in it in the bytewise order of their encodings.
fn sorted(value: Value) -> Result<Value, String> {
    match value {
        Value::Map(pairs) => {
            let mut encoded = Vec::new();
            for (key, value) in pairs {
                encoded.push((encode(key.clone())?, key, sorted(value)?));
            }
            encoded.sort_by(|one, other| one.0.cmp(&other.0));
            let pairs = encoded.into_iter().map(|(_, key, value)| (key, value));
            Ok(Value::Map(pairs.collect()))
        }
        Value::Array(values) => {
            let values = values.into_iter().map(sorted);
            Ok(Value::Array(values.collect::<Result<_, _>>()?))
        }
        other => Ok(other),
    }
}

/// The fields of a map, which are taken one after the other.
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    pub(super) fn of(value: Value) -> Result<Self, String> {
        let pairs = value.into_map().map_err(|_| "not a map")?;
        let mut fields: Vec<(String, Value)> = Vec::new();
        for (key, value) in pairs {
            let key = key.into_text().map_err(|_| "a key that is no text")?;
            if fields.iter().any(|(known, _)| *known == key) {
                return Err(format!("{key:?} twice"));
            }
            fields.push((key, value));
        }
        Ok(Self(fields))
    }

    pub(super) fn optional(&mut self, key: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.remove(at).1)
    }

    pub(super) fn required(&mut self, key: &str) -> Result<Value, String> {
        self.optional(key).ok_or(format!("no field {key:?}"))
    }

    /// Requires that every field was taken.
    pub(super) fn end(self) -> Result<(), String> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(format!("an unknown key {key:?}")),
        }
    }
}

pub(super) fn text(value: Value) -> Result<String, String> {
    value.into_text().map_err(|_| "no text".into())
}

pub(super) fn bytes(value: Value) -> Result<Vec<u8>, String> {
    value.into_bytes().map_err(|_| "no byte string".into())
}

/// A byte string of 32 bytes.
pub(super) fn hash(value: Value) -> Result<Vec<u8>, String> {
    match value {
        Value::Bytes(hash) if hash.len() == 32 => Ok(hash),
        _ => Err("no hash".into()),
    }
}

pub(super) fn list<T>(
    value: Value,
    element: impl Fn(Value) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let values = value.into_array().map_err(|_| "no list")?;
    values.into_iter().map(element).collect()
}

/// An integer from -2^63 to 2^63 - 1.
pub(super) fn integer(value: Value) -> Result<i64, String> {
    let number = value.into_integer().map_err(|_| "no integer")?;
    number.try_into().map_err(|_| "out of range".into())
}
