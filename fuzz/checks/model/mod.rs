//! A catalog in memory, written from what the documents promise and with nothing of the library's
//! own logic: what an operation has to return, and what can be read after it.

mod collect;
mod compare;
mod operation;
mod refs;
mod run;

use std::collections::{BTreeMap, BTreeSet};

use engine_catalog::{
    Attachment, EngineEntry, Expect, Name, ObjectId, Op, Put, RefName, Snapshot, Stamp,
    encode_entry,
};

pub use operation::{Action, IDS, Limits, NAMES, Pick, SNAPSHOTS, Step, Wanted};
use refs::Ref;
pub use run::run;

/// Any sequence of operations on two catalogs does what it does to the model.
pub fn operations(bytes: &[u8]) {
    run(&operation::decode(bytes));
}

/// What a catalog holds.
#[derive(Debug, Default)]
struct Model {
    refs: BTreeMap<RefName, Ref>,
    snapshots: BTreeMap<Name, ObjectId>,
    entries: BTreeMap<ObjectId, EngineEntry>,
    sets: BTreeMap<ObjectId, BTreeSet<ObjectId>>,
    /// Every note that is stored.
    notes: BTreeMap<ObjectId, Attachment>,
    /// Those that are attached.
    attached: BTreeSet<ObjectId>,
}

/// Why an operation is refused.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// The ref holds this.
    Conflict(Option<ObjectId>),
    /// An entry is not valid.
    Entry,
    NoEarlierEntry,
    NotInHistory,
    /// What the ref held is no longer stored.
    Gone(ObjectId),
    AmbiguousId,
    /// The name is that of this snapshot.
    Taken(ObjectId),
    NoSuchEntry(ObjectId),
    NoSuchSubject(ObjectId),
}

impl Model {
    fn current(&self, name: &RefName) -> Option<ObjectId> {
        self.refs.get(name).and_then(Ref::current)
    }

    /// The refs that hold something, and what.
    fn all_current(&self) -> impl Iterator<Item = (&RefName, ObjectId)> {
        let held = self.refs.iter();
        held.filter_map(|(name, it)| Some((name, it.current()?)))
    }

    /// The refs whose current entry has an id.
    fn with_id(&self, id: &str) -> Vec<&RefName> {
        let has_id = |object: &ObjectId| self.entries[object].id == id;
        let found = self.all_current().filter(|(_, object)| has_id(object));
        found.map(|(name, _)| name).collect()
    }

    fn add(&mut self, entry: &EngineEntry) -> ObjectId {
        let object = object_of(entry);
        self.entries.insert(object, entry.clone());
        object
    }

    fn expect(&self, name: &RefName, expect: Expect) -> Result<(), Refusal> {
        let found = self.current(name);
        let is_met = match expect {
            Expect::Absent => found.is_none(),
            Expect::Object(object) => found == Some(object),
            _ => true,
        };
        is_met.then_some(()).ok_or(Refusal::Conflict(found))
    }

    fn put(&mut self, entry: &EngineEntry, expect: Expect, stamp: &Stamp) -> Result<Put, Refusal> {
        let name = entry.ref_name().expect("it has names");
        self.expect(&name, expect)?;
        let object = self.add(entry);
        let previous = self.change(&name, Op::Put, Some(object), stamp);
        Ok(Put { object, previous })
    }

    fn put_object(
        &mut self,
        object: ObjectId,
        expect: Expect,
        stamp: &Stamp,
    ) -> Result<Put, Refusal> {
        let entry = self.entries.get(&object).cloned();
        self.put(&entry.ok_or(Refusal::NoSuchEntry(object))?, expect, stamp)
    }

    fn attach(&mut self, note: Attachment) -> Result<ObjectId, Refusal> {
        if !self.entries.contains_key(&note.subject) {
            return Err(Refusal::NoSuchSubject(note.subject));
        }
        let object = note_id(&note);
        self.notes.insert(object, note);
        self.attached.insert(object);
        Ok(object)
    }

    /// The notes that are attached to an object.
    fn attached_to(&self, subject: ObjectId) -> impl Iterator<Item = (ObjectId, &Attachment)> {
        let attached = self.attached.iter().map(|it| (*it, &self.notes[it]));
        attached.filter(move |(_, note)| note.subject == subject)
    }

    /// Makes a ref hold something, and returns what it held.
    fn change(
        &mut self,
        name: &RefName,
        op: Op,
        new: Option<ObjectId>,
        stamp: &Stamp,
    ) -> Option<ObjectId> {
        self.refs
            .entry(name.clone())
            .or_default()
            .change(op, new, stamp)
    }

    fn retire(
        &mut self,
        name: &RefName,
        expect: Expect,
        stamp: &Stamp,
    ) -> Result<Option<ObjectId>, Refusal> {
        self.expect(name, expect)?;
        if self.current(name).is_none() {
            return Ok(None);
        }
        Ok(self.change(name, Op::Retire, None, stamp))
    }

    fn delete(&mut self, id: &str, stamp: &Stamp) -> Result<bool, Refusal> {
        let names = self.with_id(id);
        match names[..] {
            [] => Ok(false),
            [name] => {
                let name = name.clone();
                self.change(&name, Op::Retire, None, stamp);
                Ok(true)
            }
            _ => Err(Refusal::AmbiguousId),
        }
    }

    fn rollback(
        &mut self,
        name: &RefName,
        to: Option<ObjectId>,
        stamp: &Stamp,
    ) -> Result<Put, Refusal> {
        let held = self.refs.get(name);
        let object = match to {
            Some(object) if held.is_some_and(|it| it.has_held(object)) => object,
            Some(_) => return Err(Refusal::NotInHistory),
            None => held.and_then(Ref::undo).ok_or(Refusal::NoEarlierEntry)?,
        };
        if !self.entries.contains_key(&object) {
            return Err(Refusal::Gone(object));
        }
        let previous = self.change(name, Op::Rollback, Some(object), stamp);
        Ok(Put { object, previous })
    }

    fn create_snapshot(
        &mut self,
        members: Option<BTreeSet<ObjectId>>,
        name: Option<&Name>,
    ) -> Result<ObjectId, Refusal> {
        let current = || self.all_current().map(|(_, object)| object).collect();
        let members: BTreeSet<_> = members.unwrap_or_else(current);
        let missing = members.iter().find(|it| !self.entries.contains_key(it));
        if let Some(missing) = missing {
            return Err(Refusal::NoSuchEntry(*missing));
        }
        let object = snapshot_id(&members);
        if let Some(name) = name {
            let found = *self.snapshots.get(name).unwrap_or(&object);
            if found != object {
                return Err(Refusal::Taken(found));
            }
            self.snapshots.insert(name.clone(), object);
        }
        self.sets.insert(object, members);
        Ok(object)
    }
}

fn object_of(entry: &EngineEntry) -> ObjectId {
    ObjectId::of(&encode_entry(entry).expect("it is valid"))
}

fn note_id(note: &Attachment) -> ObjectId {
    ObjectId::of(&note.encode().expect("it is small"))
}

fn snapshot_id(members: &BTreeSet<ObjectId>) -> ObjectId {
    let objects = members.clone();
    Snapshot { objects }.id().expect("it is small")
}
