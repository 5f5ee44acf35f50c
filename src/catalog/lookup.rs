//! Looking things up. Nothing here writes or takes a lock.

use std::path::PathBuf;

use super::{Catalog, Record};
use crate::change::Change;
use crate::entry::EngineEntry;
use crate::error::Error;
use crate::filter::Filter;
use crate::hash::{ObjectId, Prefix};
use crate::name::RefName;
use crate::{history, objects, refs};

/// How often a history is read that changes meanwhile.
const MOST_READS: u32 = 10;

/// How an entry stands to the ref of its engine and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It is what the ref holds.
    Current,
    /// The ref holds another entry.
    Superseded,
    /// There is no such ref.
    Retired,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Current => "current",
            Self::Superseded => "superseded",
            Self::Retired => "retired",
        })
    }
}

impl Catalog {
    /// Returns the entry with this id: the current one, else the one that was last recorded and is
    /// still in the store, else `None`.
    ///
    /// # Errors
    ///
    /// [`Error::AmbiguousId`] where two refs hold entries with this id. Where nothing is found and
    /// something could not be read, the error of that.
    pub fn get(&self, id: &str) -> Result<Option<Record>, Error> {
        if let Some(record) = self.current_with_id(id)? {
            return Ok(Some(record));
        }
        let (mut last, mut damage): (Option<(i64, Record)>, _) = (None, None);
        for name in refs::list_histories(&self.root)? {
            match self.last_with_id(&name, id) {
                // Within a history the order of its lines counts, between two only their times can.
                Ok(Some(found)) if last.as_ref().is_none_or(|last| last.0 <= found.0) => {
                    last = Some(found);
                }
                Ok(_) => {}
                Err(error) => damage = Some(error),
            }
        }
        match (last, damage) {
            (None, Some(error)) => Err(error),
            (last, _) => Ok(last.map(|(_, record)| record)),
        }
    }

    /// Returns the entry with this id that the ref held last and that is still in the store, and
    /// when it came.
    fn last_with_id(&self, name: &RefName, id: &str) -> Result<Option<(i64, Record)>, Error> {
        let mut damage = None;
        for change in self.history(name)?.iter().rev() {
            let Some(object) = change.new else { continue };
            match self.entry(&object) {
                Ok(Some(entry)) if entry.id == id => {
                    return Ok(Some((change.at_ms, Record { object, entry })));
                }
                Ok(_) => {}
                Err(error) => damage = Some(error),
            }
        }
        damage.map_or(Ok(None), Err)
    }

    /// Returns whether a current entry has this id. One that is no longer current, which
    /// [`get`](Self::get) finds, does not count.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get) for current entries.
    pub fn exists(&self, id: &str) -> Result<bool, Error> {
        Ok(self.current_with_id(id)?.is_some())
    }

    /// Returns the artifact paths of the current entry with this id. The files themselves are not
    /// looked at.
    ///
    /// # Errors
    ///
    /// As [`exists`](Self::exists).
    pub fn locate(&self, id: &str) -> Result<Option<Vec<PathBuf>>, Error> {
        let record = self.current_with_id(id)?;
        Ok(record.map(|record| record.entry.artifacts))
    }

    pub(super) fn current_with_id(&self, id: &str) -> Result<Option<Record>, Error> {
        let mut found: Option<Record> = None;
        let mut damage = None;
        for record in self.list(&Filter::default())? {
            match record {
                Ok(record) if record.entry.id == id => {
                    // The first may have gone since it was read, and the id have moved on.
                    if let Some(first) = found
                        && self.state(&first)? == State::Current
                    {
                        return Err(Error::AmbiguousId {
                            id: id.to_owned(),
                            first: first.name(),
                            second: record.name(),
                        });
                    }
                    found = Some(record);
                }
                Ok(_) => {}
                Err(error) => damage = Some(error),
            }
        }
        // Damage elsewhere hides nothing that was found, and might hide what was not.
        match (found, damage) {
            (None, Some(error)) => Err(error),
            (found, _) => Ok(found),
        }
    }

    /// Returns the current entry of an engine and version.
    ///
    /// # Errors
    ///
    /// [`Error::Ref`] where the ref cannot be read, [`Error::Dangling`] where it holds an object that
    /// is not there, [`Error::Unreadable`] where it holds one that cannot be returned as an entry, and
    /// [`Error::Misplaced`] where it holds an entry of another engine or version.
    pub fn current(&self, name: &RefName) -> Result<Option<Record>, Error> {
        let mut missing = None;
        loop {
            let Some(object) = refs::read(&self.root, name)? else {
                return Ok(None);
            };
            let entry = objects::read_entry(&self.root, &object).map_err(|cause| {
                let name = name.clone();
                Error::Unreadable { name, cause }
            })?;
            if let Some(entry) = entry {
                let record = Record { object, entry };
                if record.name() != *name {
                    let (name, found) = (name.clone(), record.name());
                    return Err(Error::Misplaced {
                        name,
                        object,
                        found,
                    });
                }
                return Ok(Some(record));
            }
            // The ref may have moved, and gc taken the entry, since it was read: read it again
            // before calling it damage.
            if missing == Some(object) {
                return Err(Error::Dangling {
                    name: name.clone(),
                    object,
                });
            }
            missing = Some(object);
        }
    }

    /// Returns the entry that is stored as `object`, current or not.
    ///
    /// # Errors
    ///
    /// [`Error::Object`] where the object is not what its name promises, is not an entry, or cannot
    /// be read.
    pub fn entry(&self, object: &ObjectId) -> Result<Option<EngineEntry>, Error> {
        Ok(objects::read_entry(&self.root, object)?)
    }

    /// Returns the current entries that `filter` matches, sorted by engine and version.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where the refs cannot be listed. An entry that cannot be read is an error of
    /// the iterator, which goes on after it.
    pub fn list(&self, filter: &Filter) -> Result<List<'_>, Error> {
        let names = refs::list(&self.root, filter)?.into_iter();
        Ok(List {
            catalog: self,
            names,
        })
    }

    /// Returns the object whose id starts with `prefix`.
    ///
    /// # Errors
    ///
    /// [`Error::AmbiguousPrefix`] where several do.
    pub fn resolve(&self, prefix: &Prefix) -> Result<Option<ObjectId>, Error> {
        let candidates = objects::with_prefix(&self.root, prefix)?;
        match candidates[..] {
            [] => Ok(None),
            [id] => Ok(Some(id)),
            _ => Err(Error::AmbiguousPrefix {
                prefix: prefix.clone(),
                candidates,
            }),
        }
    }

    /// Returns the entry that a person means by `spec`: an object id, an `engine/version` that is
    /// current, an id, or a unique prefix of an object id, looked for in this order.
    ///
    /// # Errors
    ///
    /// Those of [`current`](Self::current), [`get`](Self::get), [`resolve`](Self::resolve) and
    /// [`entry`](Self::entry).
    pub fn find(&self, spec: &str) -> Result<Option<Record>, Error> {
        if let Ok(object) = spec.parse::<ObjectId>()
            && let Some(entry) = self.entry(&object)?
        {
            return Ok(Some(Record { object, entry }));
        }
        if let Ok(name) = spec.parse::<RefName>()
            && let Some(record) = self.current(&name)?
        {
            return Ok(Some(record));
        }
        let by_id = match self.get(spec) {
            Ok(Some(record)) => return Ok(Some(record)),
            other => other,
        };
        if let Ok(prefix) = spec.parse::<Prefix>()
            && let Some(object) = self.resolve(&prefix)?
            && let Some(entry) = self.entry(&object)?
        {
            return Ok(Some(Record { object, entry }));
        }
        by_id
    }

    /// Returns the changes of a ref, oldest first; none where there never was such a ref.
    ///
    /// # Errors
    ///
    /// [`Error::History`] where a line is damaged, and [`Error::Ref`].
    pub fn history(&self, name: &RefName) -> Result<Vec<Change>, Error> {
        let (mut attempts, mut errors_in_a_row) = (0, 0);
        loop {
            attempts += 1;
            let current = refs::read(&self.root, name)?;
            let changes = history::read(&self.root, name, current);
            // The last line may be of a change that is under way, and lead back to what the ref held
            // when it was read: then it would look as if it had taken effect. A ref that changes
            // faster than its history can be read must not keep a reader for ever.
            let is_settled = refs::read(&self.root, name)? == current;
            // A writer that failed takes its line back, which can show as damage for a moment.
            errors_in_a_row = if changes.is_err() {
                errors_in_a_row + 1
            } else {
                0
            };
            if attempts == MOST_READS || (is_settled && errors_in_a_row != 1) {
                return Ok(changes?);
            }
        }
    }

    /// Returns how an entry stands to the ref of its engine and version.
    ///
    /// # Errors
    ///
    /// [`Error::Ref`] where the ref cannot be read.
    pub fn state(&self, record: &Record) -> Result<State, Error> {
        Ok(match refs::read(&self.root, &record.name())? {
            Some(object) if object == record.object => State::Current,
            Some(_) => State::Superseded,
            None => State::Retired,
        })
    }
}

/// The current entries of a listing, read one by one.
#[derive(Debug)]
pub struct List<'c> {
    catalog: &'c Catalog,
    names: std::vec::IntoIter<RefName>,
}

impl Iterator for List<'_> {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        // A ref that was retired since the names were listed is left out.
        self.names
            .find_map(|name| self.catalog.current(&name).transpose())
    }
}
