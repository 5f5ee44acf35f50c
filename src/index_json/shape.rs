//! Which shape an index has, and where its entries are.

use serde_json::value::RawValue;

use super::pairs::{Elements, MOST_ELEMENTS, Pairs};
use super::{SUPPORTED, shown};

/// The keys that may have the version of an index.
const VERSION: [&str; 3] = ["version", "schema_version", "schema"];

/// The keys that may have its entries.
const ENTRIES: [&str; 2] = ["entries", "engines"];

/// Keys of an entry that nothing else has at its top.
const OF_AN_ENTRY: [&str; 4] = ["id", "engine", "artifacts", "created_ms"];

/// Why something is no index that can be read. Nothing was taken of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// It is not JSON.
    #[error("not JSON: {message}")]
    NotJson {
        /// What is wrong, and where.
        message: String,
    },
    /// Its version is not known.
    #[error("the {key:?} of the index is {found}; supported are {SUPPORTED}")]
    Version {
        /// The key that has the version.
        key: &'static str,
        /// The version, as it stands there.
        found: String,
    },
    /// It has `entries` and no version.
    #[error("the index has {entries:?} and no \"version\"; supported are {SUPPORTED}")]
    NoVersion {
        /// The key that has the entries.
        entries: &'static str,
    },
    /// It has a version and no `entries`.
    #[error("the index has a version and no \"entries\"")]
    NoEntries,
    /// Its `entries` are neither a map nor a list.
    #[error("the {entries:?} of the index are neither a map nor a list")]
    NotEntries {
        /// The key that has them.
        entries: &'static str,
    },
    /// Something that only one key can say is said by two, which may be the same.
    #[error("the index has {first:?} and {second:?}, of which it can have one")]
    Twice {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// Beside version and entries there is something that is not known.
    #[error("the index has {key:?} beside its version and entries, which is not known")]
    UnknownKey {
        /// The key, less what may be a secret.
        key: String,
    },
    /// It has more entries than can be read at once.
    #[error("the index has more than {MOST_ELEMENTS} entries: give them in several parts")]
    TooMany,
    /// It is in none of the shapes.
    #[error("it is no index: {found} at the top")]
    Shape {
        /// What it is.
        found: &'static str,
    },
    /// Something follows where the index has ended.
    #[error("something follows the index")]
    Trailing,
}

impl From<serde_json::Error> for IndexError {
    fn from(error: serde_json::Error) -> Self {
        // What is read is any JSON, so that only their number can be wrong.
        if error.is_data() {
            return Self::TooMany;
        }
        // And no text of it is in the message.
        let message = error.to_string();
        Self::NotJson { message }
    }
}

/// Something that is to be an entry.
pub(super) struct Candidate<'a> {
    /// Where it stands among the others, from 1.
    pub(super) position: usize,
    /// The key of the map that it stands under.
    pub(super) key: Option<String>,
    pub(super) value: &'a RawValue,
}

/// Returns what is to be the entries of an index.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Candidate<'_>>, IndexError> {
    let values = serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>();
    let values = values.take(MOST_ELEMENTS + 1);
    let values = values.collect::<Result<Vec<_>, _>>()?;
    if values.len() > MOST_ELEMENTS {
        return Err(IndexError::TooMany);
    }
    let Some((first, others)) = values.split_first() else {
        return Ok(Vec::new());
    };
    let alone = match first.get().as_bytes()[0] {
        b'[' => list(first)?,
        b'{' => {
            let top: Pairs<'_> = serde_json::from_str(first.get())?;
            if is_record(&top) {
                return records(&values);
            }
            of_object(top)?
        }
        _ => {
            return Err(IndexError::Shape {
                found: "a text, a number or the like",
            });
        }
    };
    match others {
        [] => Ok(alone),
        _ => Err(IndexError::Trailing),
    }
}

/// Whether an object is a line of NDJSON: an entry, or what is passed over.
fn is_record(top: &Pairs<'_>) -> bool {
    let has = |keys: &[&str]| top.0.iter().any(|(key, _)| keys.contains(&&**key));
    let is_scalar = |key: &str| {
        let mut values = top.0.iter().filter(|(found, _)| found == key);
        values.any(|(_, value)| !value.get().starts_with('{'))
    };
    is_remark(top) || (!has(&ENTRIES) && OF_AN_ENTRY.iter().any(|key| is_scalar(key)))
}

/// Whether it says something of the stream that it stands in.
fn is_remark(top: &Pairs<'_>) -> bool {
    !top.0.is_empty() && top.0.iter().all(|(key, _)| key.starts_with('_'))
}

/// The lines of NDJSON.
fn records<'a>(values: &[&'a RawValue]) -> Result<Vec<Candidate<'a>>, IndexError> {
    let mut found = Vec::new();
    for (position, &value) in (1..).zip(values) {
        let is_object = value.get().starts_with('{');
        if is_object && is_remark(&serde_json::from_str(value.get())?) {
            continue;
        }
        let key = None;
        found.push(Candidate {
            position,
            key,
            value,
        });
    }
    Ok(found)
}

fn list(value: &RawValue) -> Result<Vec<Candidate<'_>>, IndexError> {
    let values: Elements<'_> = serde_json::from_str(value.get())?;
    let candidates = (1..).zip(values.0).map(|(position, value)| Candidate {
        position,
        key: None,
        value,
    });
    Ok(candidates.collect())
}

fn map(pairs: Pairs<'_>) -> Vec<Candidate<'_>> {
    let candidates = (1..)
        .zip(pairs.0)
        .map(|(position, (key, value))| Candidate {
            position,
            key: Some(key.into_owned()),
            value,
        });
    candidates.collect()
}

/// An index with a version, or a map of entries.
fn of_object(top: Pairs<'_>) -> Result<Vec<Candidate<'_>>, IndexError> {
    let has_entries = top.0.iter().any(|(key, _)| ENTRIES.contains(&&**key));
    let is_version =
        |key: &str, value: &RawValue| VERSION.contains(&key) && !value.get().starts_with('{');
    let has_version = top.0.iter().any(|(key, value)| is_version(key, value));
    if has_entries || has_version {
        return versioned(&top);
    }
    let mut values = top.0.iter().map(|(_, value)| value.get());
    if !top.0.is_empty() && values.all(|value| !value.starts_with('{')) {
        return Err(IndexError::Shape {
            found: "an object in which there is no entry",
        });
    }
    Ok(map(top))
}

fn versioned<'a>(top: &Pairs<'a>) -> Result<Vec<Candidate<'a>>, IndexError> {
    let version = the_one(top, &VERSION)?;
    let entries = the_one(top, &ENTRIES)?;
    // First the version: what else there is in another one is not for this one to judge.
    match (version, entries) {
        (Some((key, found)), _) if !matches!(found.get(), "1" | r#""1""# | r#""v1""#) => {
            let found = shown(found.get());
            return Err(IndexError::Version { key, found });
        }
        (Some(_), _) => {}
        (None, Some((entries, _))) => return Err(IndexError::NoVersion { entries }),
        (None, None) => return Err(IndexError::NoEntries),
    }
    let (entries, value) = entries.ok_or(IndexError::NoEntries)?;
    let mut keys = top.0.iter().map(|(key, _)| &**key);
    if let Some(key) = keys.find(|key| !VERSION.contains(key) && !ENTRIES.contains(key)) {
        return Err(IndexError::UnknownKey { key: shown(key) });
    }
    match value.get().as_bytes()[0] {
        b'[' => list(value),
        b'{' => Ok(map(serde_json::from_str(value.get())?)),
        _ => Err(IndexError::NotEntries { entries }),
    }
}

/// Returns the one of these keys that is there, and its value.
fn the_one<'a>(
    top: &Pairs<'a>,
    keys: &[&'static str],
) -> Result<Option<(&'static str, &'a RawValue)>, IndexError> {
    let mut found = top.0.iter().filter_map(|(key, value)| {
        let known = keys.iter().find(|known| *known == key)?;
        Some((*known, *value))
    });
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => Err(IndexError::Twice {
            first: first.0.to_owned(),
            second: second.0.to_owned(),
        }),
        (found, _) => Ok(found),
    }
}
