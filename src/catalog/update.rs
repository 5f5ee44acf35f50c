//! Changing what is current. Every change is made under the store lock and compared with what the
//! caller expects to change.

use std::collections::BTreeMap;

use super::checked::{Checked, Files, encode_checked};
use super::{Catalog, Guard, told};
use crate::change::{Op, Stamp};
use crate::durable::{Hold, open_together};
use crate::entry::EngineEntry;
use crate::entry_codec::encode_entry;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::lineage::undo_target;
use crate::name::RefName;
use crate::refs::{self, Expect, Update};
use crate::{attachments, objects};

/// Returns how many entries go to the disk together at most.
pub(crate) fn batch_size() -> usize {
    const MOST: usize = 32;
    // Of each the history, the staged ref, and the directories of both and of the ref.
    open_together(5, MOST)
}

/// What a ref holds now, and held before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// The object that is current now.
    pub object: ObjectId,
    /// The object that was current before; `None` where there was none.
    pub previous: Option<ObjectId>,
}

impl Put {
    /// Returns whether the entry was current already, so that nothing changed.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.previous == Some(self.object)
    }
}

impl Catalog {
    /// Stores `entry` exactly as it is and makes it current for its engine and version.
    ///
    /// When this returns, the entry survives a power cut.
    ///
    /// # Errors
    ///
    /// [`Error::Entry`] where the entry is not valid or looks like it contains a credential, and
    /// those of reading and writing: the old entry is current, or where the disk failed at the very
    /// end the new one. Putting it again is harmless. [`Error::RefUnsigned`] where the catalog has a policy,
    /// and too few keys have signed the entry: it is stored, and what was current stays so. Once it is
    /// signed, it can be put again.
    pub fn put(&self, entry: &EngineEntry, stamp: &Stamp) -> Result<Put, Error> {
        self.put_if(entry, Expect::Any, stamp)
    }

    /// As [`put`](Self::put), if the ref holds what the caller expects.
    ///
    /// # Errors
    ///
    /// [`RefError::Conflict`](crate::RefError::Conflict) says what the ref holds instead.
    pub fn put_if(&self, entry: &EngineEntry, expect: Expect, stamp: &Stamp) -> Result<Put, Error> {
        told("put", self.put_with_files(entry, None, expect, stamp))
    }

    /// As [`put_if`](Self::put_if), and attaches a manifest of the entry's files.
    pub(crate) fn put_with_files(
        &self,
        entry: &EngineEntry,
        files: Option<&Files>,
        expect: Expect,
        stamp: &Stamp,
    ) -> Result<Put, Error> {
        let checked = encode_checked(entry)?.with_files(files)?;
        let puts = self.put_batch(&[&checked], expect, stamp, &mut None)?;
        Ok(puts[0])
    }

    /// As [`put_if`](Self::put_if), of an entry that is in the store, with what is attached to it.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchEntry`].
    pub(crate) fn put_stored(
        &self,
        object: &ObjectId,
        expect: Expect,
        stamp: &Stamp,
    ) -> Result<(EngineEntry, Put), Error> {
        let _lock = self.begin_write(Hold::Shared)?;
        // Under the lock: gc removes an entry with what is attached to it, which would not come back.
        let entry = self.entry(object)?;
        let entry = entry.ok_or(Error::NoSuchEntry { object: *object })?;
        let checked = encode_checked(&entry)?;
        let puts = self.put_locked(&[&checked], expect, stamp, &mut None)?;
        Ok((entry, puts[0]))
    }

    /// As [`put`](Self::put) for many entries, which share their waits for the disk. Of two entries
    /// of the same engine and version, the later becomes current.
    ///
    /// Every entry is checked before any is written.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put). Where writing fails, or one of them is not signed as it has to be, each entry
    /// is current or not, and putting all again is harmless.
    pub fn put_all(&self, entries: &[EngineEntry], stamp: &Stamp) -> Result<Vec<Put>, Error> {
        told("put", self.put_rounds(entries, stamp))
    }

    fn put_rounds(&self, entries: &[EngineEntry], stamp: &Stamp) -> Result<Vec<Put>, Error> {
        self.require_writable()?;
        let checked = entries.iter().map(encode_checked);
        let checked = checked.collect::<Result<Vec<_>, _>>()?;
        // One round changes each ref once at most, so that its history gets a line at a time.
        let mut rounds: Vec<BTreeMap<&RefName, usize>> = Vec::new();
        let mut earlier = BTreeMap::<&RefName, usize>::new();
        for (at, Checked { name, .. }) in checked.iter().enumerate() {
            let round = earlier.entry(name).or_default();
            if *round == rounds.len() {
                rounds.push(BTreeMap::new());
            }
            rounds[*round].insert(name, at);
            *round += 1;
        }
        let (mut puts, mut guard) = (vec![None; entries.len()], None);
        for round in &rounds {
            // In the order of the refs' names, in which their locks are taken.
            let round: Vec<_> = round.values().copied().collect();
            for batch in round.chunks(batch_size()) {
                let entries: Vec<_> = batch.iter().map(|&at| &checked[at]).collect();
                let done = self.put_batch(&entries, Expect::Any, stamp, &mut guard)?;
                for (&at, put) in batch.iter().zip(done) {
                    puts[at] = Some(put);
                }
            }
        }
        Ok(puts.into_iter().flatten().collect())
    }

    /// Stores entries exactly as they are, and makes none of them current: such as have to be signed first.
    /// Returns their objects.
    ///
    /// When this returns, they survive a power cut, and the removal of what nothing keeps until that is of
    /// some age.
    ///
    /// # Errors
    ///
    /// As [`put_all`](Self::put_all); no ref changes.
    pub fn store(&self, entries: &[EngineEntry]) -> Result<Vec<ObjectId>, Error> {
        told("store", self.store_all(entries))
    }

    fn store_all(&self, entries: &[EngineEntry]) -> Result<Vec<ObjectId>, Error> {
        self.require_writable()?;
        let checked = entries.iter().map(encode_checked);
        let checked = checked.collect::<Result<Vec<_>, _>>()?;
        for batch in checked.chunks(batch_size()) {
            self.store_batch(&batch.iter().collect::<Vec<_>>())?;
        }
        Ok(checked.iter().map(|checked| checked.object).collect())
    }

    /// As [`store`](Self::store), with a manifest of the entry's files.
    pub(crate) fn store_with_files(
        &self,
        entry: &EngineEntry,
        files: Option<&Files>,
    ) -> Result<ObjectId, Error> {
        let checked = encode_checked(entry)?.with_files(files)?;
        self.store_batch(&[&checked])?;
        Ok(checked.object)
    }

    fn store_batch(&self, batch: &[&Checked]) -> Result<(), Error> {
        let _lock = self.begin_write(Hold::Shared)?;
        // Who cannot heed a policy does not write.
        self.guard(None)?;
        self.write_batch(batch)
    }

    /// Writes objects and links.
    ///
    /// # Locking
    ///
    /// The caller holds the store lock, in either way.
    fn write_batch(&self, batch: &[&Checked]) -> Result<(), Error> {
        for checked in batch {
            checked.require_files()?;
        }
        let objects = batch.iter().flat_map(|checked| checked.objects());
        objects::write_all(&self.root, &objects.collect())?;
        let links = batch.iter().flat_map(|checked| checked.links());
        Ok(attachments::add_all(&self.root, &links.collect())?)
    }

    /// Requires that a ref may come to hold an object, or holds it already, and returns what it has to hold
    /// before.
    fn admit(
        &self,
        guard: &Guard<'_>,
        (name, object): (&RefName, ObjectId),
        expect: Expect,
    ) -> Result<Expect, Error> {
        let holds = || refs::read(&self.root, name).is_ok_and(|held| held == Some(object));
        match guard.admit(name, &object) {
            // What the ref holds already it may go on holding.
            Err(Error::RefUnsigned { .. }) if holds() => Ok(Expect::Object(object)),
            admitted => admitted.map(|()| expect),
        }
    }

    /// Puts entries of different refs. `guard` is that of the batch before.
    fn put_batch<'a>(
        &'a self,
        batch: &[&Checked],
        expect: Expect,
        stamp: &Stamp,
        guard: &mut Option<Guard<'a>>,
    ) -> Result<Vec<Put>, Error> {
        let _lock = self.begin_write(Hold::Shared)?;
        self.put_locked(batch, expect, stamp, guard)
    }

    /// As [`put_batch`](Self::put_batch).
    ///
    /// # Locking
    ///
    /// The caller holds the store lock, shared.
    fn put_locked<'a>(
        &'a self,
        batch: &[&Checked],
        expect: Expect,
        stamp: &Stamp,
        guard: &mut Option<Guard<'a>>,
    ) -> Result<Vec<Put>, Error> {
        let guard = match guard {
            Some(guard) => {
                guard.renew()?;
                guard
            }
            None => guard.insert(self.guard(None)?),
        };
        if expect != Expect::Any {
            for checked in batch {
                // A conflict that shows now leaves no object behind; under the ref's lock it is
                // looked at again.
                refs::check(&self.root, &checked.name, expect)?;
            }
        }
        self.write_batch(batch)?;
        let mut updates = BTreeMap::new();
        for checked in batch {
            let (name, object) = (&checked.name, checked.object);
            let expect = self.admit(guard, (name, object), expect)?;
            updates.insert(name, Update::to(Op::Put, expect, Some(object)));
        }
        let before = refs::update_all(&self.root, &updates, stamp)?;
        let puts = batch.iter().map(|checked| Put {
            object: checked.object,
            previous: before[&checked.name],
        });
        Ok(puts.collect())
    }

    /// Removes the ref of an engine and version, if it holds what the caller expects; its entries
    /// and history stay, and [`rollback`](Self::rollback) brings it back. Returns what the ref held;
    /// `None` where there was none.
    ///
    /// # Errors
    ///
    /// [`RefError::Conflict`](crate::RefError::Conflict) says what the ref holds instead of what was expected.
    pub fn retire(
        &self,
        name: &RefName,
        expect: Expect,
        stamp: &Stamp,
    ) -> Result<Option<ObjectId>, Error> {
        told("retire", self.remove_ref(name, expect, stamp))
    }

    fn remove_ref(
        &self,
        name: &RefName,
        expect: Expect,
        stamp: &Stamp,
    ) -> Result<Option<ObjectId>, Error> {
        let _lock = self.begin_write(Hold::Shared)?;
        if refs::check(&self.root, name, expect)?.is_none() {
            refs::sync_absence(&self.root, name)?;
            return Ok(None);
        }
        self.update(name, Update::to(Op::Retire, expect, None), stamp)
    }

    /// Retires the current entry with this id. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// As [`exists`](Self::exists) and [`retire`](Self::retire); [`RefError::Conflict`](crate::RefError::Conflict) where another
    /// entry became current meanwhile.
    pub fn delete(&self, id: &str, stamp: &Stamp) -> Result<bool, Error> {
        // Also a catalog that must not be written says so, whatever is in it.
        told("retire", self.require_writable())?;
        let Some(record) = told("retire", self.current_with_id(id))? else {
            refs::sync_absences(&self.root)?;
            return Ok(false);
        };
        let expect = Expect::Object(record.object);
        Ok(self.retire(&record.name(), expect, stamp)?.is_some())
    }

    /// Points a ref back at an earlier entry of its history: at `to`, else at the one before the
    /// current, or for a retired ref at the one that it last held. Rolling back again leads further
    /// back.
    ///
    /// # Errors
    ///
    /// [`Error::NoEarlierEntry`], [`Error::NotInHistory`], [`Error::Gone`] where the entry is no
    /// longer in the store, [`Error::MisplacedHistory`] where it is one of another engine or version,
    /// [`Error::RefUnsigned`] where the policy of the catalog requires that more keys have signed it, and
    /// [`RefError::Conflict`](crate::RefError::Conflict) where the ref changed meanwhile.
    pub fn rollback(
        &self,
        name: &RefName,
        to: Option<ObjectId>,
        stamp: &Stamp,
    ) -> Result<Put, Error> {
        told("rollback", self.point_back(name, to, stamp))
    }

    fn point_back(
        &self,
        name: &RefName,
        to: Option<ObjectId>,
        stamp: &Stamp,
    ) -> Result<Put, Error> {
        let _lock = self.begin_write(Hold::Shared)?;
        let changes = self.history(name)?;
        let is_known = |id| {
            changes
                .iter()
                .any(|change| change.new == Some(id) || change.old == Some(id))
        };
        let object = match to {
            Some(object) if is_known(object) => object,
            Some(object) => {
                return Err(Error::NotInHistory {
                    name: name.clone(),
                    object,
                });
            }
            None => {
                undo_target(&changes).ok_or_else(|| Error::NoEarlierEntry { name: name.clone() })?
            }
        };
        let entry = self.entry(&object)?;
        let entry = entry.ok_or_else(|| Error::Gone {
            name: name.clone(),
            object,
        })?;
        // A history that was mixed up by a copy must not mix up the ref.
        let found = entry.ref_name()?;
        if found != *name {
            let name = name.clone();
            return Err(Error::MisplacedHistory {
                name,
                object,
                found,
            });
        }
        let expect = match changes.last().and_then(|change| change.new) {
            Some(current) => Expect::Object(current),
            None => Expect::Absent,
        };
        let expect = self.admit(&self.guard(None)?, (name, object), expect)?;
        // What is in the store may have come by a copy that was never synced.
        let bytes = encode_entry(&entry).expect("an entry that was read can be encoded");
        objects::write_all(&self.root, &BTreeMap::from([(object, bytes.as_slice())]))?;
        let update = Update::to(Op::Rollback, expect, Some(object));
        let previous = self.update(name, update, stamp)?;
        Ok(Put { object, previous })
    }

    /// Changes one ref and returns what it held.
    fn update(
        &self,
        name: &RefName,
        update: Update,
        stamp: &Stamp,
    ) -> Result<Option<ObjectId>, Error> {
        let before = refs::update_all(&self.root, &BTreeMap::from([(name, update)]), stamp)?;
        Ok(before[name])
    }
}
