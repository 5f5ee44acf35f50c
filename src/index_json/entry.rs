//! One entry of an index: what may stand there, and why it is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::pairs::Pairs;
use super::shape::Candidate;
use super::shown;
use crate::entry::EngineEntry;
use crate::entry_json::{EntryJsonError, parse_with};

/// The keys that may say whether an entry is retired.
const LIFECYCLE: [&str; 2] = ["lifecycle", "state"];

/// An entry of an index, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexEntry {
    /// The entry.
    pub entry: EngineEntry,
    /// Whether the index says that it is retired.
    pub is_retired: bool,
}

/// An entry of an index that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {cause}", self.place())]
#[non_exhaustive]
pub struct RefusedEntry {
    /// Where it stands among the entries, or lines, of the index, from 1.
    pub position: usize,
    /// The key that it stands under, else the id that it says it has; less what may be a secret. `None`
    /// where there is neither.
    pub id: Option<String>,
    /// What is wrong.
    pub cause: IndexEntryError,
}

impl RefusedEntry {
    fn place(&self) -> String {
        let position = self.position;
        match &self.id {
            Some(id) => format!("entry {position}, {id:?}"),
            None => format!("entry {position}"),
        }
    }
}

/// Why an entry of an index cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexEntryError {
    /// It is none that could be stored.
    #[error(transparent)]
    Entry(EntryJsonError),
    /// It stands under another key than its id.
    #[error("it stands under {key:?}, and its id is {id:?}")]
    OtherId {
        /// The key, less what may be a secret.
        key: String,
        /// The id.
        id: String,
    },
    /// What it says of its lifecycle is neither `Active` nor `Retired`, or it says it twice.
    #[error("its \"lifecycle\" or \"state\" is {found}, which is neither Active nor Retired")]
    Lifecycle {
        /// What it says, less what may be a secret.
        found: String,
    },
    /// Others of the index have the same id, and are not the same.
    #[error("entries {} have this id", numbers(positions))]
    SameId {
        /// Where all of them stand, from 1: of each the same list, for there may be many.
        positions: Arc<[usize]>,
    },
}

fn numbers(positions: &[usize]) -> String {
    /// Each of those that share an id has such a message.
    const MOST: usize = 10;
    let (shown, others) = positions.split_at(positions.len().min(MOST));
    let numbers: Vec<_> = shown.iter().map(ToString::to_string).collect();
    match others.len() {
        0 => numbers.join(", "),
        others => format!("{} and {others} others", numbers.join(", ")),
    }
}

/// An entry that can be taken, if there is no other one of its id.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) position: usize,
    pub(super) entry: IndexEntry,
}

/// Reads what is to be an entry. `of_key` has the positions of what stands under each key.
pub(super) fn judge(
    candidate: Candidate<'_>,
    of_key: &BTreeMap<String, Arc<[usize]>>,
) -> Result<Found, RefusedEntry> {
    let Candidate {
        position,
        key,
        value,
    } = candidate;
    let read = parse_with(value.get(), |json| {
        let mut pairs: Pairs<'_> = serde_json::from_str(json)?;
        let lifecycle = [pairs.take(LIFECYCLE[0])?, pairs.take(LIFECYCLE[1])?];
        Ok((pairs.read()?, lifecycle))
    });
    let refuse = |cause| {
        let id = key.as_deref().map(Cow::Borrowed);
        RefusedEntry {
            position,
            id: id.or_else(|| id_in(value)).map(|id| shown(&id)),
            cause,
        }
    };
    if let Some(positions) = key.as_ref().map(|key| &of_key[key])
        && positions.len() > 1
    {
        let positions = Arc::clone(positions);
        return Err(refuse(IndexEntryError::SameId { positions }));
    }
    let (entry, lifecycle) = read.map_err(|error| refuse(IndexEntryError::Entry(error)))?;
    let is_retired = match lifecycle {
        [None, None] => Some(false),
        [Some(said), None] | [None, Some(said)] => is_retired(said),
        [Some(_), Some(_)] => None,
    };
    let is_retired = is_retired.ok_or_else(|| {
        let said: Vec<_> = lifecycle.iter().flatten().map(|it| it.get()).collect();
        let found = shown(&said.join(" and "));
        refuse(IndexEntryError::Lifecycle { found })
    })?;
    if let Some(other) = key.as_deref().filter(|key| *key != entry.id) {
        let (key, id) = (shown(other), entry.id);
        return Err(refuse(IndexEntryError::OtherId { key, id }));
    }
    Ok(Found {
        position,
        entry: IndexEntry { entry, is_retired },
    })
}

/// What an entry says of its lifecycle: `None` where that is neither word.
fn is_retired(said: &RawValue) -> Option<bool> {
    let said: String = serde_json::from_str(said.get()).ok()?;
    match said.to_ascii_lowercase().as_str() {
        "active" => Some(false),
        "retired" => Some(true),
        _ => None,
    }
}

/// The id that something says it has that is no entry.
fn id_in(value: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
    }
    let found: Id<'_> = serde_json::from_str(value.get()).ok()?;
    Some(found.id)
}
