//! Bringing in a JSON index (layout.md section 10.3): what it says of one engine and version is done in one
//! change of their ref.

use std::collections::{BTreeMap, BTreeSet};

use super::settle::Step;
use super::{ImportOutcome, Imported, ImportedRef};
use crate::catalog::{Catalog, Record, batch_size, encode_checked};
use crate::change::{Op, Stamp};
use crate::durable::Hold;
use crate::entry::EngineEntry;
use crate::error::Error;
use crate::forward::{Decision, Side, decide};
use crate::hash::ObjectId;
use crate::index_json::EngineIndex;
use crate::name::RefName;
use crate::refs::{Expect, Update};

impl Catalog {
    /// Brings in the entries of an index. A ref that is absent, and that never held the entry, is made;
    /// where ours has held it, or holds the same build recorded at another time, it stays; otherwise
    /// each has gone its own way: ours stays and the conflict is reported.
    ///
    /// Of several entries of one engine and version, those that are not retired come after those that
    /// are, and the later [`created_ms`](EngineEntry::created_ms) after the earlier. The last is current,
    /// if it is not retired, and the history has all of them: [`get`](Self::get) finds each by its id. If
    /// ours is at one of them, it moves on to the last. All of it is one change of the ref: no reader
    /// finds an entry current on its way.
    ///
    /// When this returns, all that it reports survives a power cut. Bringing it in again changes nothing.
    ///
    /// # Locking
    ///
    /// Takes the store lock, shared, for some refs at a time.
    ///
    /// # Errors
    ///
    /// Those of writing: of each ref all was brought in, or nothing, and bringing the index in again is
    /// harmless. What cannot be taken of a single ref is among the [problems](Imported::problems).
    ///
    /// ```
    /// use engine_catalog::{Catalog, EngineIndex, ImportOutcome, Stamp};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let catalog = Catalog::create(dir.path().join("engines"))?;
    /// let index = EngineIndex::parse(br#"{"llamacpp:b4321":
    ///     {"id": "llamacpp:b4321", "engine": "llamacpp", "version": "b4321",
    ///      "artifacts": [], "created_ms": 1758240000000, "lifecycle": "Retired"}}"#)?;
    /// let imported = catalog.import_index(&index, &Stamp::now("me")?)?;
    /// assert_eq!(imported.refs[0].outcome, ImportOutcome::Retired);
    /// assert!(!catalog.exists("llamacpp:b4321")?);
    /// assert!(catalog.get("llamacpp:b4321")?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn import_index(&self, index: &EngineIndex, stamp: &Stamp) -> Result<Imported, Error> {
        self.require_writable()?;
        let mut imported = Imported::default();
        let groups = Group::all(index)?;
        let mut guard = self.guard(None)?;
        for batch in groups.chunks(batch_size()) {
            let _lock = self.begin_write(Hold::Shared)?;
            guard.renew()?;
            self.settle(
                batch,
                stamp,
                &|group| {
                    self.plan_group(group)?
                        .admitted_by(&guard, |done, object, it| leave_all(done, object, it))
                },
                &mut |done| imported.tell(done),
            )?;
        }
        imported.refs.sort_by_key(ImportedRef::name);
        Ok(imported)
    }

    /// Returns what [`import_index`](Self::import_index) would do now, and writes nothing.
    ///
    /// # Errors
    ///
    /// Those of `Catalog::policy`; what cannot be taken of a single ref is among the
    /// [problems](Imported::problems).
    pub fn plan_index(&self, index: &EngineIndex) -> Result<Imported, Error> {
        let mut imported = Imported::default();
        let guard = self.guard(None)?;
        for group in &Group::all(index)? {
            let planned = self.plan_group(group);
            let planned = planned.and_then(|step| {
                step.admitted_by(&guard, |done, object, it| leave_all(done, object, it))
            });
            imported.tell(planned.map(|step| step.done));
        }
        Ok(imported)
    }

    /// Decides what becomes of a ref.
    fn plan_group<'a>(&self, group: &'a Group) -> Result<Step<'a, Vec<ImportedRef>>, Error> {
        let (current, changes) = self.settled_ref(&group.name)?;
        let mut ours = Side::new(current, &changes);
        self.take_same_builds_for_the_same(&mut ours, group);
        let theirs = group.side();
        let newest = group.newest();
        let held = |object| ours.held.contains(&Some(object));
        // Into a history without a line only one can come that leads to what the ref holds meanwhile.
        let takes_one = current.is_some() && changes.is_empty();
        let is_new = |item: &&Item| {
            let object = item.record.object;
            !held(object) && (!takes_one || theirs.current == Some(object))
        };
        let decision = match (theirs.current, ours.current) {
            (None, None) if group.items.iter().any(|item| is_new(&item)) => Decision::Create,
            _ => decide(&ours, &theirs),
        };
        let moves = matches!(decision, Decision::Create | Decision::Forward);
        let new = match decision {
            _ if moves => theirs.current,
            _ => current,
        };
        let through = group.items.iter().filter(is_new).map(|it| it.record.object);
        let through = through.filter(|object| moves && Some(*object) != new);
        let expect = current.map_or(Expect::Absent, Expect::Object);
        let update = Update {
            through: through.collect(),
            ..Update::to(Op::Import, expect, new)
        };
        let outcome = |item: &Item| match decision {
            _ if moves && is_new(&item) => match item {
                _ if Some(item.record.object) == new => ImportOutcome::Created,
                _ if new.is_none() => ImportOutcome::Retired,
                _ => ImportOutcome::Superseded,
            },
            Decision::Same if std::ptr::eq(item, newest) => ImportOutcome::Same,
            Decision::Conflict if std::ptr::eq(item, newest) => ImportOutcome::Conflict,
            _ => ImportOutcome::Kept,
        };
        let done = group.items.iter().map(|item| ImportedRef {
            theirs: item.record.clone(),
            ours: current,
            outcome: outcome(item),
        });
        let done: Vec<_> = done.collect();
        let is_needed = |(item, done): &(&'a Item, &ImportedRef)| {
            let object = item.record.object;
            // What is the same may have come by a copy that was never synced.
            done.outcome != ImportOutcome::Kept
                && (moves || Some(object) == current || { done.outcome == ImportOutcome::Conflict })
        };
        let needed = group.items.iter().zip(&done).filter(is_needed);
        let objects = needed.map(|(item, _)| (item.record.object, &*item.bytes));
        let settles = !matches!(decision, Decision::Keep | Decision::Conflict);
        Ok(Step {
            name: group.name.clone(),
            objects: objects.collect(),
            update: settles.then_some(update),
            done,
        })
    }

    /// Where ours has held the same build as an entry of the index, recorded at another time, lets it be
    /// that entry.
    fn take_same_builds_for_the_same(&self, ours: &mut Side, group: &Group) {
        let of_index: BTreeSet<_> = group
            .items
            .iter()
            .map(|it| Some(it.record.object))
            .collect();
        let unknown: BTreeSet<_> = ours.held.iter().flatten().copied().collect();
        let mut same = BTreeMap::new();
        for object in unknown
            .into_iter()
            .filter(|it| !of_index.contains(&Some(*it)))
        {
            // What cannot be read is not the same as anything.
            let Ok(Some(entry)) = self.entry(&object) else {
                continue;
            };
            let mut items = group.items.iter();
            if let Some(item) = items.find(|item| item.record.entry.is_same_build(&entry)) {
                same.insert(object, item.record.object);
            }
        }
        for held in ours.held.iter_mut().chain([&mut ours.current]).flatten() {
            *held = *same.get(held).unwrap_or(held);
        }
    }
}

/// Tells that what was to come in did not, for want of signatures of one of them.
fn leave_all(done: &mut [ImportedRef], object: ObjectId, outcome: ImportOutcome) {
    for it in done {
        let comes_in = matches!(
            it.outcome,
            ImportOutcome::Created | ImportOutcome::Superseded | ImportOutcome::Retired
        );
        it.outcome = match it.theirs.object == object {
            true => outcome,
            false if comes_in => ImportOutcome::Kept,
            false => it.outcome,
        };
    }
}

/// What an index says of one engine and version.
struct Group {
    name: RefName,
    /// In the order in which the ref comes to hold them: those that are retired first.
    items: Vec<Item>,
}

struct Item {
    record: Record,
    is_retired: bool,
    bytes: Vec<u8>,
}

impl Item {
    fn order(&self) -> (bool, i64, &str) {
        let EngineEntry { id, created_ms, .. } = &self.record.entry;
        (!self.is_retired, *created_ms, id)
    }
}

impl Group {
    /// Returns what there is, sorted by name.
    fn all(index: &EngineIndex) -> Result<Vec<Self>, Error> {
        let mut groups: BTreeMap<RefName, Vec<Item>> = BTreeMap::new();
        for it in index.entries() {
            let bytes = encode_checked(&it.entry)?.into_bytes();
            let record = Record {
                object: ObjectId::of(&bytes),
                entry: it.entry.clone(),
            };
            groups.entry(record.name()).or_default().push(Item {
                record,
                is_retired: it.is_retired,
                bytes,
            });
        }
        let groups = groups.into_iter().map(|(name, mut items)| {
            items.sort_by(|a, b| a.order().cmp(&b.order()));
            Self { name, items }
        });
        Ok(groups.collect())
    }

    fn newest(&self) -> &Item {
        self.items.last().expect("a group is made of an item")
    }

    /// Returns the ref as the index has it.
    fn side(&self) -> Side {
        let mut held: Vec<_> = self.items.iter().map(|it| Some(it.record.object)).collect();
        let newest = self.newest();
        let current = (!newest.is_retired).then_some(newest.record.object);
        if current.is_none() {
            held.push(None);
        }
        Side { current, held }
    }
}
