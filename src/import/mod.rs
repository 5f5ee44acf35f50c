//! Bringing in what another catalog, or a proof bundle, has (layout.md section 10.2).
//!
//! Objects come first, then links, then refs, which only move forward. Everything that is read from
//! the source is checked, and one ref that cannot be read does not stop the others.

mod blobs;
mod cargo;
mod choose;
mod compared;
#[cfg(feature = "json")]
mod index;
mod options;
mod outcome;
mod settle;
#[cfg(feature = "signatures")]
mod signed;

use std::collections::{BTreeMap, BTreeSet};

use cargo::Cargo;
pub use compared::{ComparedRef, Comparison, Standing};
pub use options::{Blobs, ImportOptions};
pub use outcome::{ImportOutcome, ImportProblem, ImportSide, Imported, ImportedRef};
use settle::Step;

use crate::catalog::{Catalog, Guard, Record, batch_size, encode_checked, told};
use crate::change::{Change, Op, Stamp};
use crate::durable::{FileTime, Hold};
use crate::error::Error;
use crate::filter::Filter;
use crate::forward::{Decision, Side, decide};
use crate::hash::ObjectId;
use crate::name::RefName;
use crate::prefer::Choice;
use crate::refs::{self, Expect, RefError, Update};
use crate::{attachments, layout, ref_time};

/// So much of histories is held at once, less one: each may be of many changes.
const MOST_CHANGES: usize = 500_000;

/// How often a ref of the source is read that moves on meanwhile.
const MOST_READS: u32 = 10;

impl Catalog {
    /// Brings in the entries that are current in `source`, and those of its named snapshots, with all
    /// that is attached to them, and to what is here; and moves refs forward, never back: a ref that is absent here is
    /// made, one that theirs has moved on from follows, and one that has held what theirs holds
    /// stays. Where each has gone its own way, ours stays and the conflict is reported.
    ///
    /// A source without histories, such as a proof bundle, makes refs and never moves one. Names of
    /// snapshots do not come along; the snapshots do, as objects. Where this catalog has a policy, a ref stays
    /// whose entry is not signed as that requires ([`ImportOutcome::Unsigned`]). When this returns, all that it
    /// reports survives a power cut. Importing again changes nothing.
    ///
    /// # Locking
    ///
    /// Takes the store lock, shared, for some entries at a time. The source is read without a lock.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where the source cannot be listed, and those of writing: what was brought in
    /// before stays, and importing again is harmless. What cannot be read or taken of a single ref
    /// or snapshot is among the [problems](Imported::problems).
    pub fn import(&self, source: &Self, stamp: &Stamp) -> Result<Imported, Error> {
        self.import_with(source, &ImportOptions::default(), stamp)
    }

    /// As [`import`](Self::import), with options: where each side has gone its own way, a ref becomes what
    /// is preferred of it; and the contents of artifacts may come along.
    ///
    /// # Locking
    ///
    /// As [`import`](Self::import).
    ///
    /// # Errors
    ///
    /// Those of [`import`](Self::import).
    pub fn import_with(
        &self,
        source: &Self,
        options: &ImportOptions,
        stamp: &Stamp,
    ) -> Result<Imported, Error> {
        let guard = self.guard(None);
        told(
            "import",
            guard.and_then(|it| self.bring_in(source, options, stamp, it)),
        )
    }

    /// Returns what [`import_with`](Self::import_with) would do as things stand, and writes nothing and
    /// takes no lock. Of what is attached, and of snapshots, it says nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where the source cannot be listed.
    pub fn plan_import(&self, source: &Self, options: &ImportOptions) -> Result<Imported, Error> {
        self.plan(source, options, &self.guard(Some(source))?)
    }

    fn plan(
        &self,
        source: &Self,
        options: &ImportOptions,
        guard: &Guard<'_>,
    ) -> Result<Imported, Error> {
        let mut imported = Imported::default();
        for name in refs::list(source.root_dir(), &Filter::default())? {
            match Arrival::of_ref(source, &name) {
                Ok(Some((arrival, _))) => {
                    let planned = self.move_to(&arrival, options);
                    let planned = planned.and_then(|step| step.admitted_by(guard, leave));
                    imported.tell(planned.map(|step| [step.done]));
                }
                Ok(None) => {}
                Err(cause) => imported.problem(ImportSide::Source, cause),
            }
        }
        Ok(imported)
    }

    fn bring_in(
        &self,
        source: &Self,
        options: &ImportOptions,
        stamp: &Stamp,
        mut guard: Guard<'_>,
    ) -> Result<Imported, Error> {
        self.require_writable()?;
        let mut imported = Imported::default();
        let mut arrived = BTreeSet::new();
        // What lets refs move has to be here before they do.
        let is_guarded = guard.requires_some();
        if is_guarded {
            self.import_snapshots(source, &mut arrived, &mut imported)?;
            self.import_attached(source, &arrived, &mut imported)?;
        }
        let names = refs::list(source.root_dir(), &Filter::default())?;
        let mut names = names.iter().peekable();
        while names.peek().is_some() {
            let _lock = self.begin_write(Hold::Shared)?;
            let (mut cargo, mut batch) = (Cargo::new(self), Vec::new());
            for name in names.by_ref().take(batch_size()) {
                batch.extend(Arrival::load(source, name, &mut cargo, &mut imported)?);
                let changes = batch.iter().map(|arrival| arrival.changes.len());
                if changes.sum::<usize>() > MOST_CHANGES {
                    break;
                }
            }
            cargo.deliver()?;
            guard.renew()?;
            self.settle(
                &batch,
                stamp,
                &|arrival| self.move_to(arrival, options)?.admitted_by(&guard, leave),
                &mut |done| imported.tell(done.map(|done| [done])),
            )?;
        }
        arrived.extend(imported.refs.iter().map(|it| it.theirs.object));
        if !is_guarded {
            self.import_snapshots(source, &mut arrived, &mut imported)?;
            self.import_attached(source, &arrived, &mut imported)?;
        }
        imported.tell_each_problem_once();
        if options.blobs == Blobs::Bring {
            self.import_blobs(source, &arrived, &mut imported)?;
        }
        Ok(imported)
    }

    /// Decides what becomes of our ref, and how it comes to that.
    fn move_to<'a>(
        &self,
        arrival: &'a Arrival,
        options: &ImportOptions,
    ) -> Result<Step<'a, ImportedRef>, Error> {
        let name = arrival.record.name();
        let (current, changes) = self.settled_ref(&name)?;
        let (ours, theirs) = (Side::new(current, &changes), arrival.side());
        let outcome = match decide(&ours, &theirs) {
            Decision::Same => ImportOutcome::Same,
            Decision::Create => ImportOutcome::Created,
            Decision::Forward => ImportOutcome::Forward,
            Decision::Keep => ImportOutcome::Kept,
            Decision::Conflict => {
                let choice = options.prefer.of(&name);
                match self.choose(choice, current, &changes, arrival)? {
                    Choice::Ours => ImportOutcome::Ours,
                    Choice::Theirs => ImportOutcome::Theirs,
                    _ => ImportOutcome::Conflict,
                }
            }
        };
        let expect = current.map_or(Expect::Absent, Expect::Object);
        // A time that tells something is not given up for what somebody else says.
        let takes_time = outcome != ImportOutcome::Same
            || ref_time::read(self.root_dir(), &name).is_ok_and(|time| time.is_none());
        let update = match outcome {
            ImportOutcome::Kept | ImportOutcome::Conflict => None,
            ImportOutcome::Ours => choose::settled(ours, &theirs).map(|through| Update {
                through: vec![through],
                ..Update::to(arrival.op(), expect, current)
            }),
            // Where both hold the same, it may not have been synced yet.
            _ => Some(Update {
                written: arrival.written.filter(|_| takes_time),
                ..Update::to(arrival.op(), expect, theirs.current)
            }),
        };
        Ok(Step {
            name,
            objects: BTreeMap::new(),
            update,
            done: ImportedRef {
                theirs: arrival.record.clone(),
                ours: current,
                outcome,
            },
        })
    }

    /// Brings in the named snapshots of the source as objects, with those of their entries that have not
    /// arrived, which they then have.
    fn import_snapshots(
        &self,
        source: &Self,
        arrived: &mut BTreeSet<ObjectId>,
        imported: &mut Imported,
    ) -> Result<(), Error> {
        for named in source.snapshots()? {
            let snapshot = match named.and_then(|named| source.named_snapshot(&named.name)) {
                Ok(Some((_, snapshot))) => snapshot,
                // The name was removed since it was listed.
                Ok(None) => continue,
                Err(cause) => {
                    imported.problem(ImportSide::Source, cause);
                    continue;
                }
            };
            let members: Vec<_> = snapshot.objects.iter().copied().collect();
            for members in members.chunks(batch_size()) {
                let _lock = self.begin_write(Hold::Shared)?;
                let mut cargo = Cargo::new(self);
                for &object in members.iter().filter(|object| arrived.insert(**object)) {
                    match read_member(source, object) {
                        Ok(bytes) => drop(cargo.add(source, (object, bytes), imported)?),
                        Err(cause) => imported.problem(ImportSide::Source, cause),
                    }
                }
                cargo.deliver()?;
            }
            let bytes = snapshot.encode().map_err(Error::SnapshotObject)?;
            let _lock = self.begin_write(Hold::Shared)?;
            let mut cargo = Cargo::new(self);
            cargo.add(source, (ObjectId::of(&bytes), bytes), imported)?;
            cargo.deliver()?;
        }
        Ok(())
    }

    /// Brings in what is attached in the source to objects that are here, and did not come with others.
    fn import_attached(
        &self,
        source: &Self,
        arrived: &BTreeSet<ObjectId>,
        imported: &mut Imported,
    ) -> Result<(), Error> {
        let links = attachments::list_all(source.root_dir());
        for damage in links.damage {
            let is_path =
                |cause: &Error| matches!(cause, Error::Path(it) if it.path == damage.path);
            if !imported.problems.iter().any(|it| is_path(&it.cause)) {
                imported.problem(ImportSide::Source, damage.into());
            }
        }
        let subjects = self.subjects_here(&links.by_subject, arrived);
        for subjects in subjects.chunks(batch_size()) {
            let _lock = self.begin_write(Hold::Shared)?;
            let mut cargo = Cargo::new(self);
            // What nothing keeps here may have been collected since it was looked for.
            for &subject in subjects.iter().filter(|subject| self.is_here(subject)) {
                cargo.add_attached(source, subject, imported)?;
            }
            cargo.deliver()?;
        }
        Ok(())
    }

    fn is_here(&self, object: &ObjectId) -> bool {
        self.root_dir().has(&layout::object(object).path())
    }

    /// Returns the subjects that are here from which all others that are here are reached, less those that
    /// came with what has arrived.
    fn subjects_here(
        &self,
        by_subject: &BTreeMap<ObjectId, Vec<ObjectId>>,
        arrived: &BTreeSet<ObjectId>,
    ) -> Vec<ObjectId> {
        let mut reached = BTreeSet::new();
        for object in arrived {
            reach(*object, by_subject, &mut reached);
        }
        let here = by_subject.keys().filter(|subject| self.is_here(subject));
        let here: Vec<_> = here.copied().collect();
        let attached: BTreeSet<_> = here.iter().flat_map(|it| &by_subject[it]).collect();
        // What is attached to another comes with that; what is attached in circles comes at last.
        let (later, first): (Vec<_>, Vec<_>) =
            here.into_iter().partition(|it| attached.contains(it));
        let mut subjects = Vec::new();
        for subject in first.into_iter().chain(later) {
            if !reached.contains(&subject) {
                reach(subject, by_subject, &mut reached);
                subjects.push(subject);
            }
        }
        subjects
    }
}

/// Takes up all that is attached to an object, and to that.
fn reach(
    object: ObjectId,
    by_subject: &BTreeMap<ObjectId, Vec<ObjectId>>,
    reached: &mut BTreeSet<ObjectId>,
) {
    let mut stack = vec![object];
    while let Some(object) = stack.pop() {
        if reached.insert(object) {
            stack.extend(by_subject.get(&object).into_iter().flatten());
        }
    }
}

/// Tells that a ref stays for want of signatures.
fn leave(done: &mut ImportedRef, _object: ObjectId, outcome: ImportOutcome) {
    done.outcome = outcome;
}

/// Reads an entry, and returns its bytes.
fn read_member(source: &Catalog, object: ObjectId) -> Result<Vec<u8>, Error> {
    let entry = source.entry(&object)?;
    let entry = entry.ok_or(Error::MissingMember { object })?;
    // A source need not have kept credentials out.
    Ok(encode_checked(&entry)?.into_bytes())
}

/// What a ref of the source holds, read and checked.
struct Arrival {
    record: Record,
    /// The changes of the ref that took effect there.
    changes: Vec<Change>,
    /// When the ref was written there.
    written: Option<FileTime>,
}

impl Arrival {
    /// Takes up what a ref of the source holds, with all that is attached to it; `None` where it was retired
    /// meanwhile, or not all could be read, which then is among the problems.
    fn load(
        source: &Catalog,
        name: &RefName,
        cargo: &mut Cargo<'_>,
        imported: &mut Imported,
    ) -> Result<Option<Self>, Error> {
        let problems = imported.problems.len();
        for attempt in 1.. {
            let (arrival, bytes) = match Self::of_ref(source, name) {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(cause) => {
                    imported.problem(ImportSide::Source, cause);
                    break;
                }
            };
            let object = arrival.record.object;
            let is_whole = cargo.add(source, (object, bytes), imported)?;
            // Where the ref has moved on, gc may have removed what was attached before it was come by. A ref that
            // moves on faster than that must not keep an import for ever.
            let has_moved = refs::read(source.root_dir(), name).is_ok_and(|it| it != Some(object));
            if !has_moved || attempt == MOST_READS {
                return Ok(is_whole.then_some(arrival));
            }
            imported.problems.truncate(problems);
        }
        Ok(None)
    }

    /// Reads what a ref of the source holds, and the bytes of that; `None` where it was retired
    /// meanwhile.
    fn of_ref(source: &Catalog, name: &RefName) -> Result<Option<(Self, Vec<u8>)>, Error> {
        let time = || ref_time::read(source.root_dir(), name).map_err(RefError::from);
        let before = time()?;
        let Some(record) = source.current(name)? else {
            return Ok(None);
        };
        // A source need not have kept credentials out.
        let bytes = encode_checked(&record.entry)?.into_bytes();
        // A change in between makes it newer than what is brought in, which is no harm.
        let changes = source.history(name)?;
        // Of a ref that changed as it was read the time is not known.
        let written = before.filter(|_| time().is_ok_and(|after| after == before));
        let arrival = Self {
            record,
            changes,
            written,
        };
        Ok(Some((arrival, bytes)))
    }

    fn side(&self) -> Side {
        Side::new(Some(self.record.object), &self.changes)
    }

    /// What a change of our ref is: a ref with a history comes from another catalog.
    fn op(&self) -> Op {
        if self.changes.is_empty() {
            Op::Import
        } else {
            Op::Pull
        }
    }
}
