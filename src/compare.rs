//! What differs between two sets of entries.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Record;
use crate::diff::{FieldDiff, diff};
use crate::name::RefName;

/// What became of an engine and version from one set of entries to another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryChange {
    /// The second set has this entry, and the first none in its place.
    Added(Record),
    /// The first set has this entry, and the second none in its place.
    Removed(Record),
    /// Both have an entry, and not the same.
    Changed {
        /// The entry of the first set.
        from: Box<Record>,
        /// The entry of the second set.
        to: Box<Record>,
        /// The fields in which they differ.
        fields: Vec<FieldDiff>,
    },
}

impl EntryChange {
    /// Returns the engine and version.
    #[must_use]
    pub fn name(&self) -> RefName {
        match self {
            Self::Added(record) | Self::Removed(record) => record.name(),
            Self::Changed { to, .. } => to.name(),
        }
    }
}

/// Returns what differs from one set of entries to another, sorted by engine and version; nothing
/// where they are the same.
///
/// A set may hold several entries of one engine and version. One is taken to have become another
/// only where that is the one difference; else each is added or removed.
#[must_use]
pub fn compare(from: &[Record], to: &[Record]) -> Vec<EntryChange> {
    let mut sides = BTreeMap::<RefName, (Vec<&Record>, Vec<&Record>)>::new();
    let objects = |records: &[Record]| -> BTreeSet<_> {
        records.iter().map(|record| record.object).collect()
    };
    let (in_from, in_to) = (objects(from), objects(to));
    for record in from.iter().filter(|record| !in_to.contains(&record.object)) {
        sides.entry(record.name()).or_default().0.push(record);
    }
    for record in to.iter().filter(|record| !in_from.contains(&record.object)) {
        sides.entry(record.name()).or_default().1.push(record);
    }
    let changes = sides.into_values().flat_map(|(removed, added)| {
        if let ([from], [to]) = (&removed[..], &added[..]) {
            let fields = diff(&from.entry, &to.entry);
            let (from, to) = (Box::new((*from).clone()), Box::new((*to).clone()));
            return vec![EntryChange::Changed { from, to, fields }];
        }
        let removed = removed.into_iter().cloned().map(EntryChange::Removed);
        let added = added.into_iter().cloned().map(EntryChange::Added);
        removed.chain(added).collect()
    });
    changes.collect()
}
