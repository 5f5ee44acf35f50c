//! What differs between two sets of entries, and between the files of two entries.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, Record};
use crate::diff::{FieldDiff, diff, diff_files};
use crate::drift::describes;
use crate::error::Error;
use crate::manifest::Manifest;
use crate::name::RefName;

/// What became of an engine and version from one set of entries to another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryChange {
    /// The second set has this entry, and the first none in its place.
    Added(Record),
    /// The first set has this entry, and the second none in its place.
    Removed(Record),
    /// Both have an entry, and not the same. Its version may be another where [`compare_engines`] says so.
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
    /// Returns the engine and version, of the second set where both have one.
    #[must_use]
    pub fn name(&self) -> RefName {
        match self {
            Self::Added(record) | Self::Removed(record) => record.name(),
            Self::Changed { to, .. } => to.name(),
        }
    }

    fn between(from: Record, to: Record) -> Self {
        let fields = diff(&from.entry, &to.entry);
        let (from, to) = (Box::new(from), Box::new(to));
        Self::Changed { from, to, fields }
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
            return vec![EntryChange::between((*from).clone(), (*to).clone())];
        }
        let removed = removed.into_iter().cloned().map(EntryChange::Removed);
        let added = added.into_iter().cloned().map(EntryChange::Added);
        removed.chain(added).collect()
    });
    changes.collect()
}

/// As [`compare`], of what two runs used: where an engine has one entry less, and one more of another
/// version, that one has taken its place.
#[must_use]
pub fn compare_engines(from: &[Record], to: &[Record]) -> Vec<EntryChange> {
    let mut engines = BTreeMap::<_, Vec<EntryChange>>::new();
    for change in compare(from, to) {
        let engine = change.name().engine().clone();
        engines.entry(engine).or_default().push(change);
    }
    let changes = engines.into_values().flat_map(|mut changes| {
        let is_added = |change: &EntryChange| matches!(change, EntryChange::Added(_));
        let is_removed = |change: &EntryChange| matches!(change, EntryChange::Removed(_));
        let the_one = |is: &dyn Fn(&EntryChange) -> bool| {
            let mut places = (0..changes.len()).filter(|&at| is(&changes[at]));
            places.next().filter(|_| places.next().is_none())
        };
        let (added, removed) = (the_one(&is_added), the_one(&is_removed));
        if let (Some(added), Some(removed)) = (added, removed)
            && let (EntryChange::Added(to), EntryChange::Removed(from)) =
                (changes[added].clone(), changes[removed].clone())
        {
            changes[added] = EntryChange::between(from, to);
            changes.remove(removed);
        }
        changes
    });
    changes.collect()
}

impl Catalog {
    /// Returns what differs between the files of two entries, by their manifests; `None` where they are
    /// the same, or one of the entries has no manifest.
    ///
    /// # Errors
    ///
    /// Those of [`manifests`](Self::manifests).
    pub fn compare_files(&self, from: &Record, to: &Record) -> Result<Option<FieldDiff>, Error> {
        let (from, to) = (self.own_manifests(from)?, self.own_manifests(to)?);
        let files: BTreeSet<_> = from.iter().map(|manifest| &manifest.files).collect();
        // With several nobody knows which files are there now.
        if to.iter().any(|manifest| files.contains(&manifest.files)) {
            return Ok(None);
        }
        let sides = from.first().zip(to.first());
        Ok(sides.and_then(|(from, to)| diff_files(from, to)))
    }

    /// The manifests of an entry that are of its artifacts, sorted by their object ids.
    fn own_manifests(&self, record: &Record) -> Result<Vec<Manifest>, Error> {
        let mut manifests = self.manifests(&record.object)?;
        manifests.retain(|manifest| describes(manifest, &record.entry));
        Ok(manifests)
    }
}
