//! CBOR by hand, for what no encoder writes; and what is expected of bytes that are no object.

use engine_catalog::{CborError, ObjectError};

/// The first bytes of an item of a major type, as short as they can be.
pub(crate) fn head(major: u8, n: u64) -> Vec<u8> {
    let width = match n {
        0..24 => return vec![major << 5 | u8::try_from(n).unwrap()],
        24..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    wide_head(major, n, width)
}

/// As [`head`], with the number in `width` bytes.
pub(crate) fn wide_head(major: u8, n: u64, width: usize) -> Vec<u8> {
    let info = 24 + u8::try_from(width.trailing_zeros()).unwrap();
    let number = &n.to_be_bytes()[8 - width..];
    [&[major << 5 | info], number].concat()
}

/// The major type of an item, the number in its head, and what follows the head.
pub(crate) fn parts(item: &[u8]) -> (u8, u64, &[u8]) {
    let (major, info) = (item[0] >> 5, item[0] & 0x1f);
    let width = match info {
        0..24 => return (major, info.into(), &item[1..]),
        24..=27 => 1 << (info - 24),
        _ => panic!("no head to start with"),
    };
    let number = item[1..=width].iter();
    let number = number.fold(0, |number, byte| number << 8 | u64::from(*byte));
    (major, number, &item[1 + width..])
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    [&head(3, text.len() as u64), text.as_bytes()].concat()
}

pub(crate) fn bytes(bytes: &[u8]) -> Vec<u8> {
    [&head(2, bytes.len() as u64), bytes].concat()
}

pub(crate) fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len() as u64), items.concat()].concat()
}

/// A map of text keys, with encoded values.
#[derive(Clone)]
pub(crate) struct RawMap(pub(crate) Vec<(&'static str, Vec<u8>)>);

impl RawMap {
    pub(crate) fn value(&self, key: &str) -> &[u8] {
        &self.0[self.at(key)].1
    }

    fn at(&self, key: &str) -> usize {
        self.0.iter().position(|(k, _)| *k == key).unwrap()
    }

    /// With another value for a key.
    pub(crate) fn with(&self, key: &str, value: impl Into<Vec<u8>>) -> Vec<u8> {
        let mut map = self.clone();
        map.0[self.at(key)].1 = value.into();
        map.encode()
    }

    /// With another key, encoded, in the place of one.
    pub(crate) fn with_key(&self, key: &str, other: &[u8]) -> Vec<u8> {
        let at = self.at(key);
        let (before, after) = (&self.0[..at], &self.0[at + 1..]);
        let head = head(5, self.0.len() as u64);
        [
            &head,
            &fields(before),
            other,
            self.value(key),
            &fields(after),
        ]
        .concat()
    }

    pub(crate) fn without(&self, key: &str) -> Vec<u8> {
        let mut map = self.clone();
        map.0.remove(self.at(key));
        map.encode()
    }

    /// With one field more, at the end.
    pub(crate) fn and(&self, key: &'static str, value: impl Into<Vec<u8>>) -> Vec<u8> {
        let mut map = self.clone();
        map.0.push((key, value.into()));
        map.encode()
    }

    /// The keys and values alone.
    pub(crate) fn fields(&self) -> Vec<u8> {
        fields(&self.0)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        [head(5, self.0.len() as u64), self.fields()].concat()
    }
}

fn fields(fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let fields = fields.iter();
    let fields = fields.flat_map(|(key, value)| [text(key), value.clone()]);
    fields.collect::<Vec<_>>().concat()
}

/// Bytes that are no object, and why.
pub(crate) struct Case {
    pub(crate) what: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) error: ObjectError,
}

/// A list of cases in the making.
#[derive(Default)]
pub(crate) struct Cases(pub(crate) Vec<Case>);

impl Cases {
    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
        error: ObjectError,
    ) {
        let (what, bytes) = (what.into(), bytes.into());
        self.0.push(Case { what, bytes, error });
    }
}

/// The error without what the decoder says, and without its offset.
pub(crate) fn blank(error: ObjectError) -> ObjectError {
    match error {
        ObjectError::Cbor(CborError::Malformed { .. }) => malformed(),
        ObjectError::Cbor(CborError::Shape { .. }) => shape(),
        ObjectError::Cbor(CborError::NotCanonical { .. }) => not_canonical(),
        error => error,
    }
}

pub(crate) fn malformed() -> ObjectError {
    ObjectError::Cbor(CborError::Malformed {
        offset: 0,
        message: String::new(),
    })
}

pub(crate) fn shape() -> ObjectError {
    ObjectError::Cbor(CborError::Shape {
        message: String::new(),
    })
}

pub(crate) fn not_canonical() -> ObjectError {
    ObjectError::Cbor(CborError::NotCanonical { offset: 0 })
}

pub(crate) fn unknown_schema(found: &str) -> ObjectError {
    ObjectError::UnknownSchema {
        found: found.to_owned(),
    }
}
