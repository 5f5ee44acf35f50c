//! The JSON index that other catalogs keep, read and checked as a whole before anything is done with it.
//!
//! What stands in the file is in `shape.rs`, what one entry of it may be in `entry.rs`. Nothing is guessed:
//! what is in none of the known shapes is refused.

mod entry;
mod pairs;
mod shape;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use entry::{IndexEntry, IndexEntryError, RefusedEntry};
pub use shape::IndexError;

use crate::secrets::find_secret;
use entry::{Found, judge};
use shape::Candidate;

/// The versions of an index that are read, as a message shows them.
const SUPPORTED: &str = r#"1, "1" and "v1""#;

/// An index of prepared engines in JSON, as a catalog in the style of catalog-core keeps it, or as
/// `engine-catalog export` writes it.
///
/// | shape | what it is |
/// |---|---|
/// | `{"version": 1, "entries": …}` | an index with a version: `entries` (or `engines`) is a map from id to entry, or a list of entries; the version is in `version`, `schema_version` or `schema`, as `1`, `"1"` or `"v1"`; there is no other key |
/// | `{"ID": {…}, …}` | a map from id to entry; an empty one, or an empty file, is an index without entries |
/// | `[{…}, …]` | a list of entries |
/// | `{…}` LF `{…}` LF | NDJSON: one entry a line; what has no keys but such as start with `_`, as the first line of NDJSON in a proof bundle, is passed over |
///
/// An entry has the eight fields of an [`EngineEntry`](crate::EngineEntry), those that are optional at
/// will, and may have a `lifecycle` or a `state` that is `Active` or `Retired`, in any case. In a map its
/// key is its id. An entry that is not so is [refused](Self::refused), and the others are taken: also all of
/// those that have one id and are not the same. What stands twice and is the same counts once.
///
/// [`Catalog::import_index`](crate::Catalog::import_index) brings it in.
///
/// ```
/// use engine_catalog::{EngineIndex, IndexError};
///
/// let index = EngineIndex::parse(br#"{"version": "v1", "entries": {
///     "llamacpp:b4321": {"id": "llamacpp:b4321", "engine": "llamacpp", "version": "b4321",
///                        "artifacts": ["/opt/llamacpp/b4321/llama-server"],
///                        "created_ms": 1758240000000, "lifecycle": "Active"},
///     "vllm:0.9.2": {"id": "vllm:0.9.1"}
/// }}"#)?;
/// assert_eq!(index.entries()[0].entry.version, "b4321");
/// assert_eq!(index.refused()[0].id.as_deref(), Some("vllm:0.9.2"));
///
/// let newer = EngineIndex::parse(br#"{"version": 2, "entries": {}}"#);
/// assert!(matches!(newer, Err(IndexError::Version { .. })));
/// # Ok::<(), IndexError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineIndex {
    entries: Vec<IndexEntry>,
    refused: Vec<RefusedEntry>,
}

impl EngineIndex {
    /// Reads an index, and checks every entry of it.
    ///
    /// # Errors
    ///
    /// [`IndexError`] where it is none, or of a version that is not known: nothing is taken of it. No
    /// message repeats what looks like a credential.
    pub fn parse(bytes: &[u8]) -> Result<Self, IndexError> {
        let mut index = Self::default();
        let candidates = shape::entries(bytes)?;
        let mut of_key: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for Candidate { key, position, .. } in &candidates {
            if let Some(key) = key {
                of_key.entry(key.clone()).or_default().push(*position);
            }
        }
        let of_key = of_key.into_iter();
        let of_key = of_key.map(|(key, positions)| (key, Arc::from(positions)));
        let of_key = of_key.collect();
        let found = candidates.into_iter().map(|it| judge(it, &of_key));
        for found in refuse_what_shares_an_id(found.collect()) {
            match found {
                Ok(found) => index.entries.push(found.entry),
                Err(refused) => index.refused.push(refused),
            }
        }
        Ok(index)
    }

    /// Returns the entries that can be taken, in the order of the index.
    #[must_use]
    pub fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }

    /// Returns what cannot be taken, and why, in the order of the index.
    #[must_use]
    pub fn refused(&self) -> &[RefusedEntry] {
        &self.refused
    }
}

/// Refuses all entries that have the same id and are not the same, and leaves out what stands twice.
fn refuse_what_shares_an_id(
    found: Vec<Result<Found, RefusedEntry>>,
) -> Vec<Result<Found, RefusedEntry>> {
    let mut of_id: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, found) in found.iter().enumerate() {
        if let Ok(found) = found {
            of_id.entry(&found.entry.entry.id).or_default().push(at);
        }
    }
    let mut positions = BTreeMap::new();
    for sharing in of_id.values().filter(|sharing| sharing.len() > 1) {
        let each = || sharing.iter().filter_map(|at| found[*at].as_ref().ok());
        let mut entries = each().map(|found| &found.entry);
        let first = entries.next();
        if entries.all(|other| Some(other) == first) {
            positions.extend(sharing[1..].iter().map(|at| (*at, None)));
        } else {
            let numbers: Arc<[_]> = each().map(|found| found.position).collect();
            positions.extend(sharing.iter().map(|at| (*at, Some(Arc::clone(&numbers)))));
        }
    }
    let judged = found.into_iter().enumerate();
    let judged = judged.filter_map(|(at, found)| match (found, positions.remove(&at)) {
        (Ok(_), Some(None)) => None,
        (Ok(found), Some(Some(positions))) => Some(Err(RefusedEntry {
            position: found.position,
            id: Some(found.entry.entry.id),
            cause: IndexEntryError::SameId { positions },
        })),
        (found, _) => Some(found),
    });
    judged.collect()
}

/// A text of the index as a message may show it: no credential, and not endless.
fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let shown = match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    // A part may look like what the whole does not.
    if [text, &shown]
        .iter()
        .any(|text| find_secret(text).is_some())
    {
        return "…".to_owned();
    }
    shown
}
