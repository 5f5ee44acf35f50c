//! Snapshots: sets of entries, with names or without.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Catalog, Record, told};
use crate::durable::Hold;
use crate::error::Error;
use crate::filter::Filter;
use crate::hash::{ObjectId, Prefix};
use crate::name::Name;
use crate::objects::ReadObjectError;
use crate::schema::ObjectError;
use crate::snapshot::Snapshot;
use crate::{layout, objects, snapshots};

/// What a snapshot is made of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Members {
    /// The current entries that a filter matches, all at one moment.
    Current(Filter),
    /// The current entries that any of these filters matches, all at one moment.
    CurrentOfAny(Vec<Filter>),
    /// These entries, current or not.
    Objects(BTreeSet<ObjectId>),
}

/// A name, and the snapshot that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamedSnapshot {
    /// The name.
    pub name: Name,
    /// The object of the snapshot.
    pub object: ObjectId,
}

impl Catalog {
    /// Returns the snapshot that [`create_snapshot`](Self::create_snapshot) would make, and writes
    /// nothing. Its [`id`](Snapshot::id) tells whether two catalogs hold the same.
    ///
    /// # Locking
    ///
    /// For current entries, takes the store lock exclusively, so that they are those of one moment, and
    /// waits for writers to finish; in a catalog without the file of that lock it takes none.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchEntry`] where a member is not in the store or is no entry, and the errors of
    /// [`current`](Self::current).
    pub fn snapshot_of(&self, members: &Members) -> Result<Snapshot, Error> {
        let _lock = match members {
            Members::Objects(_) => None,
            _ => self.root.lock_existing_store(Path::new(layout::LOCK))?,
        };
        self.collect(members)
    }

    /// Makes a snapshot survive, with a name or without, and returns its object. One without a name
    /// stays in the store until garbage is collected, and longer only if it is signed.
    ///
    /// A name stands for one snapshot until it is [removed](Self::remove_snapshot). Giving a snapshot
    /// the name that it has changes nothing.
    ///
    /// # Locking
    ///
    /// Takes the store lock exclusively, and waits for writers to finish.
    ///
    /// # Errors
    ///
    /// Those of [`snapshot_of`](Self::snapshot_of), [`SnapshotError::Taken`](crate::SnapshotError::Taken)
    /// where the name is that of another snapshot, and those of writing.
    pub fn create_snapshot(
        &self,
        members: &Members,
        name: Option<&Name>,
    ) -> Result<ObjectId, Error> {
        told("snapshot", self.write_snapshot(members, name))
    }

    fn write_snapshot(&self, members: &Members, name: Option<&Name>) -> Result<ObjectId, Error> {
        let _lock = self.begin_write(Hold::Exclusive)?;
        let bytes = self.collect(members)?.encode();
        let bytes = bytes.map_err(Error::SnapshotObject)?;
        let object = ObjectId::of(&bytes);
        if let Some(name) = name {
            // A name that is taken leaves no object behind.
            snapshots::has_name(&self.root, name, object)?;
        }
        objects::write_all(&self.root, &BTreeMap::from([(object, bytes.as_slice())]))?;
        if let Some(name) = name {
            snapshots::create(&self.root, name, object)?;
        }
        Ok(object)
    }

    /// Removes the name of a snapshot, and returns its object, which stays until garbage is
    /// collected; `None` where there is no such name.
    ///
    /// # Locking
    ///
    /// Takes the store lock exclusively, and waits for writers to finish.
    ///
    /// # Errors
    ///
    /// [`Error::Snapshot`] where its file cannot be read or removed.
    pub fn remove_snapshot(&self, name: &Name) -> Result<Option<ObjectId>, Error> {
        let _lock = self.begin_write(Hold::Exclusive)?;
        Ok(snapshots::remove(&self.root, name)?)
    }

    /// Returns the named snapshots, sorted by name. A file that cannot be read is an error of its
    /// own.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where the names cannot be listed.
    pub fn snapshots(&self) -> Result<Vec<Result<NamedSnapshot, Error>>, Error> {
        let names = snapshots::list(&self.root)?.into_iter();
        let read = names.filter_map(|name| match snapshots::read(&self.root, &name) {
            // Removed since it was listed.
            Ok(None) => None,
            Ok(Some(object)) => Some(Ok(NamedSnapshot { name, object })),
            Err(error) => Some(Err(error.into())),
        });
        Ok(read.collect())
    }

    /// Returns the snapshot that is stored as `object`.
    ///
    /// # Errors
    ///
    /// [`Error::Object`] where the object is not what its name promises, is no snapshot, or cannot be
    /// read.
    pub fn snapshot(&self, object: &ObjectId) -> Result<Option<Snapshot>, Error> {
        Ok(objects::read_snapshot(&self.root, object)?)
    }

    /// Returns the snapshot that a person means by `spec`: a name, an object id or a unique prefix of
    /// one, looked for in this order.
    ///
    /// # Errors
    ///
    /// [`Error::DanglingSnapshot`] where the object of a name is missing,
    /// [`Error::UnreadableSnapshot`] where it cannot be returned as a snapshot, and those of
    /// [`resolve`](Self::resolve) and [`snapshot`](Self::snapshot).
    pub fn find_snapshot(&self, spec: &str) -> Result<Option<(ObjectId, Snapshot)>, Error> {
        // What is an id stands for the object, whatever a file is called.
        if let Ok(object) = spec.parse::<ObjectId>() {
            return Ok(self.snapshot(&object)?.map(|snapshot| (object, snapshot)));
        }
        if let Ok(name) = Name::new(spec)
            && let Some(found) = self.named_snapshot(&name)?
        {
            return Ok(Some(found));
        }
        let Ok(prefix) = spec.parse::<Prefix>() else {
            return Ok(None);
        };
        let Some(object) = self.resolve(&prefix)? else {
            return Ok(None);
        };
        Ok(self.snapshot(&object)?.map(|snapshot| (object, snapshot)))
    }

    /// Returns the snapshot that has a name, and its object; `None` where there is no such name.
    ///
    /// # Errors
    ///
    /// [`Error::DanglingSnapshot`] and [`Error::UnreadableSnapshot`].
    pub(crate) fn named_snapshot(
        &self,
        name: &Name,
    ) -> Result<Option<(ObjectId, Snapshot)>, Error> {
        let (mut missing, name) = (None, name.clone());
        while let Some(object) = snapshots::read(&self.root, &name)? {
            match objects::read_snapshot(&self.root, &object) {
                Ok(Some(snapshot)) => return Ok(Some((object, snapshot))),
                Err(cause) => return Err(Error::UnreadableSnapshot { name, cause }),
                Ok(None) if missing == Some(object) => {
                    return Err(Error::DanglingSnapshot { name, object });
                }
                // The name may have been removed, and gc taken the snapshot, since it was read: it is read
                // again before that is called damage.
                Ok(None) => missing = Some(object),
            }
        }
        Ok(None)
    }

    /// Returns the entries of a snapshot, sorted by engine and version.
    ///
    /// # Errors
    ///
    /// [`Error::MissingMember`] where a member is missing or is no entry, and [`Error::Object`].
    pub fn members(&self, snapshot: &Snapshot) -> Result<Vec<Record>, Error> {
        let mut records = Vec::with_capacity(snapshot.objects.len());
        for object in &snapshot.objects {
            let record = self.member(*object).map_err(|error| match error {
                Error::NoSuchEntry { object } => Error::MissingMember { object },
                error => error,
            });
            records.push(record?);
        }
        records.sort_by_cached_key(|record| (record.name(), record.object));
        Ok(records)
    }

    fn member(&self, object: ObjectId) -> Result<Record, Error> {
        match objects::read_entry(&self.root, &object) {
            Ok(Some(entry)) => Ok(Record { object, entry }),
            Ok(None)
            | Err(ReadObjectError::Refused {
                cause: ObjectError::WrongKind { .. },
                ..
            }) => Err(Error::NoSuchEntry { object }),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the members, every one of which is an entry in the store.
    fn collect(&self, members: &Members) -> Result<Snapshot, Error> {
        let objects = match members {
            Members::Current(filter) => self.collect_current(std::slice::from_ref(filter))?,
            Members::CurrentOfAny(filters) => self.collect_current(filters)?,
            Members::Objects(objects) => {
                for object in objects {
                    self.member(*object)?;
                }
                objects.clone()
            }
        };
        Ok(Snapshot { objects })
    }

    fn collect_current(&self, filters: &[Filter]) -> Result<BTreeSet<ObjectId>, Error> {
        let mut objects = BTreeSet::new();
        for filter in filters {
            for record in self.list(filter)? {
                objects.insert(record?.object);
            }
        }
        Ok(objects)
    }
}
