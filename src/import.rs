//! Bringing in what another catalog, or a proof bundle, has (layout.md section 10.2).
//!
//! Objects come first, then links, then refs, which only move forward. Everything that is read from
//! the source is checked, and one ref that cannot be read does not stop the others.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::attachments::{self, Link};
use crate::catalog::{Catalog, Record, batch_size, encode_checked};
use crate::change::{Change, Op, Stamp};
use crate::durable::Hold;
use crate::error::Error;
use crate::filter::Filter;
use crate::forward::{Decision, Side, decide};
use crate::hash::ObjectId;
use crate::name::RefName;
use crate::object::Object;
use crate::objects::{self, Carried};
use crate::refs::{self, Expect, RefError, Update};

/// How often it is looked again at refs that others change meanwhile.
const MOST_ATTEMPTS: u32 = 100;

/// More than this is not held in memory before it is written, less one object.
const MAX_BATCH_BYTES: usize = 64 << 20;

/// What [`Catalog::import`] did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Imported {
    /// What became of each ref that the source has, sorted by name. One that could not be brought in
    /// is among the problems.
    pub refs: Vec<ImportedRef>,
    /// What could not be brought in, and why.
    pub problems: Vec<ImportProblem>,
}

/// A ref that the source has, and what became of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportedRef {
    /// What theirs holds.
    pub theirs: Record,
    /// What ours held before; `None` where there was no such ref.
    pub ours: Option<ObjectId>,
    /// What became of ours.
    pub outcome: ImportOutcome,
}

impl ImportedRef {
    /// Returns the name of the ref.
    #[must_use]
    pub fn name(&self) -> RefName {
        self.theirs.name()
    }
}

/// What became of a ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportOutcome {
    /// It holds the same as theirs already.
    Same,
    /// There was none, and what theirs holds was never held here: it holds that now.
    Created,
    /// Theirs had moved on from what ours held: it holds what theirs holds now.
    Forward,
    /// Ours has held what theirs holds, and has moved on or was retired: it stays.
    Kept,
    /// Each has gone its own way. Ours stays; what theirs holds is in the store.
    Conflict,
}

impl std::fmt::Display for ImportOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Same => "same",
            Self::Created => "created",
            Self::Forward => "forward",
            Self::Kept => "kept",
            Self::Conflict => "conflict",
        })
    }
}

/// Something that could not be brought in.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {cause}")]
#[non_exhaustive]
pub struct ImportProblem {
    /// Which catalog has the problem.
    pub at: ImportSide,
    /// What is wrong.
    pub cause: Error,
}

/// One of the two catalogs of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportSide {
    /// The one that things come from.
    Source,
    /// The one that they come to.
    Here,
}

impl std::fmt::Display for ImportSide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Source => "source",
            Self::Here => "here",
        })
    }
}

impl Catalog {
    /// Brings in the entries that are current in `source`, and those of its named snapshots, with all
    /// that is attached to them, and moves refs forward, never back: a ref that is absent here is
    /// made, one that theirs has moved on from follows, and one that has held what theirs holds
    /// stays. Where each has gone its own way, ours stays and the conflict is reported.
    ///
    /// A source without histories, such as a proof bundle, makes refs and never moves one. Names of
    /// snapshots do not come along; the snapshots do, as objects. When this returns, all that it
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
        self.require_writable()?;
        let mut imported = Imported::default();
        for names in refs::list(source.root_dir(), &Filter::default())?.chunks(batch_size()) {
            let mut batch = Vec::with_capacity(names.len());
            for name in names {
                match Arrival::of_ref(source, name) {
                    Ok(Some(arrival)) => batch.push(self.screen(source, arrival, &mut imported)),
                    Ok(None) => {}
                    Err(cause) => imported.problem(ImportSide::Source, cause),
                }
                if batch.iter().map(Arrival::size).sum::<usize>() > MAX_BATCH_BYTES {
                    self.import_refs(source, &batch, stamp, &mut imported)?;
                    batch.clear();
                }
            }
            self.import_refs(source, &batch, stamp, &mut imported)?;
        }
        self.import_snapshots(source, &mut imported)?;
        Ok(imported)
    }

    /// Brings in entries of different refs, and moves the refs.
    fn import_refs(
        &self,
        source: &Self,
        batch: &[Arrival],
        stamp: &Stamp,
        imported: &mut Imported,
    ) -> Result<(), Error> {
        let lock = self.begin_write(Hold::Shared)?;
        self.write_arrivals(source, batch)?;
        for attempt in 1.. {
            let (mut decided, mut problems) = (Vec::with_capacity(batch.len()), Vec::new());
            for arrival in batch {
                match self.decide(arrival) {
                    Ok(done) => decided.push(done),
                    Err(cause) => problems.push(cause),
                }
            }
            let names: Vec<_> = decided.iter().map(ImportedRef::name).collect();
            let ops: BTreeMap<_, _> = batch.iter().map(|it| (it.record.name(), it.op())).collect();
            let updates = names.iter().zip(&decided).filter_map(|(name, done)| {
                // Where both hold the same, it may not have been synced yet.
                let settles =
                    !matches!(done.outcome, ImportOutcome::Kept | ImportOutcome::Conflict);
                let update = Update {
                    op: ops[name],
                    expect: done.ours.map_or(Expect::Absent, Expect::Object),
                    new: Some(done.theirs.object),
                };
                settles.then_some((name, update))
            });
            match refs::update_all(self.root_dir(), &updates.collect(), stamp) {
                // Somebody changed one meanwhile: look again at all.
                Err(RefError::Conflict { .. }) if attempt < MOST_ATTEMPTS => {}
                Err(error @ RefError::Conflict { .. }) => {
                    if let [_] = batch {
                        imported.problem(ImportSide::Here, error.into());
                        return Ok(());
                    }
                    // One that never rests must not keep the others.
                    drop(lock);
                    let mut each = batch.chunks(1);
                    return each.try_for_each(|one| self.import_refs(source, one, stamp, imported));
                }
                result => {
                    result?;
                    imported.refs.extend(decided);
                    for cause in problems {
                        imported.problem(ImportSide::Here, cause);
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn decide(&self, arrival: &Arrival) -> Result<ImportedRef, Error> {
        let (theirs, their_changes) = (&arrival.record, &arrival.changes);
        let name = theirs.name();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let current = refs::read(self.root_dir(), &name)?;
            let changes = self.history(&name)?;
            // The two were read one after the other. What is decided by a ref that never rests is
            // refused when the ref is to be changed.
            if attempt < MOST_ATTEMPTS && refs::read(self.root_dir(), &name)? != current {
                continue;
            }
            let ours = Side {
                current,
                changes: &changes,
            };
            let theirs_held = Side {
                current: Some(theirs.object),
                changes: their_changes,
            };
            return Ok(ImportedRef {
                theirs: theirs.clone(),
                ours: current,
                outcome: match decide(&ours, &theirs_held) {
                    Decision::Same => ImportOutcome::Same,
                    Decision::Create => ImportOutcome::Created,
                    Decision::Forward => ImportOutcome::Forward,
                    Decision::Keep => ImportOutcome::Kept,
                    Decision::Conflict => ImportOutcome::Conflict,
                },
            });
        }
    }

    /// Brings in the named snapshots of the source as objects, with their entries.
    fn import_snapshots(&self, source: &Self, imported: &mut Imported) -> Result<(), Error> {
        let mut arrived: BTreeSet<_> = imported.refs.iter().map(|it| it.theirs.object).collect();
        for named in source.snapshots()? {
            let snapshot = named.and_then(|named| {
                let found = source.snapshot(&named.object)?;
                let (name, object) = (named.name, named.object);
                found.ok_or(Error::DanglingSnapshot { name, object })
            });
            let snapshot = match snapshot {
                Ok(snapshot) => snapshot,
                Err(cause) => {
                    imported.problem(ImportSide::Source, cause);
                    continue;
                }
            };
            let members: Vec<_> = snapshot.objects.iter().copied().collect();
            for members in members.chunks(batch_size()) {
                let mut batch = Vec::with_capacity(members.len());
                for &object in members.iter().filter(|object| arrived.insert(**object)) {
                    match Arrival::of_member(source, object) {
                        Ok(arrival) => batch.push(self.screen(source, arrival, imported)),
                        Err(cause) => imported.problem(ImportSide::Source, cause),
                    }
                }
                let _lock = self.begin_write(Hold::Shared)?;
                self.write_arrivals(source, &batch)?;
            }
            let bytes = snapshot.encode().map_err(Error::SnapshotObject)?;
            let object = ObjectId::of(&bytes);
            match links_from(source, object) {
                Ok(links) => {
                    let _lock = self.begin_write(Hold::Shared)?;
                    self.write_with_attached(source, [(object, bytes.as_slice())], &links)?;
                }
                Err(cause) => imported.problem(ImportSide::Source, cause),
            }
        }
        Ok(())
    }

    /// Leaves out manifests that would speak against one that is here.
    fn screen(&self, source: &Self, mut arrival: Arrival, imported: &mut Imported) -> Arrival {
        let own = self.manifests(&arrival.record.object).unwrap_or_default();
        if own.is_empty() {
            return arrival;
        }
        arrival.links.retain(|&(subject, object)| {
            let is_other = match source.carry((subject, object)) {
                Ok(Some(Carried {
                    object: Some(Object::Manifest(manifest)),
                    ..
                })) => !own.contains(&manifest),
                _ => false,
            };
            if is_other {
                imported.problem(ImportSide::Source, Error::OtherFiles { subject, object });
            }
            !is_other
        });
        arrival
    }

    fn write_arrivals(&self, source: &Self, batch: &[Arrival]) -> Result<(), Error> {
        let entries = (batch.iter()).map(|it| (it.record.object, it.bytes.as_slice()));
        let links = batch.iter().flat_map(|it| &it.links).copied();
        self.write_with_attached(source, entries, &links.collect())
    }

    /// Writes objects, and what is attached to them in the source, where it was checked just now.
    fn write_with_attached<'a>(
        &self,
        source: &Self,
        described: impl IntoIterator<Item = (ObjectId, &'a [u8])>,
        links: &BTreeSet<Link>,
    ) -> Result<(), Error> {
        let mut objects: BTreeMap<ObjectId, Cow<'a, [u8]>> = BTreeMap::new();
        objects.extend(described.into_iter().map(|(id, bytes)| (id, bytes.into())));
        let (mut written, mut size) = (BTreeSet::new(), 0);
        for link in links {
            if !written.insert(link.1) {
                continue;
            }
            let (subject, object) = *link;
            let carried = source.carry(*link)?;
            let bytes = carried
                .ok_or(Error::DanglingAttachment { subject, object })?
                .bytes;
            size += bytes.len();
            objects.insert(object, bytes.into());
            if size > MAX_BATCH_BYTES {
                self.write_objects(&objects)?;
                objects.clear();
                size = 0;
            }
        }
        self.write_objects(&objects)?;
        Ok(attachments::add_all(self.root_dir(), links)?)
    }

    fn write_objects(&self, objects: &BTreeMap<ObjectId, Cow<'_, [u8]>>) -> Result<(), Error> {
        let objects = objects.iter().map(|(id, bytes)| (*id, &**bytes));
        Ok(objects::write_all(self.root_dir(), &objects.collect())?)
    }
}

/// Returns the links to everything that is attached to `subject`, all of which is read and checked.
fn links_from(source: &Catalog, subject: ObjectId) -> Result<BTreeSet<Link>, Error> {
    let mut links = BTreeSet::new();
    source.visit_attached(subject, &mut |link, _| {
        links.insert(link);
        Ok(())
    })?;
    Ok(links)
}

impl Imported {
    fn problem(&mut self, at: ImportSide, cause: Error) {
        self.problems.push(ImportProblem { at, cause });
    }
}

/// An entry of the source that was read and checked, with all that belongs to it.
struct Arrival {
    record: Record,
    bytes: Vec<u8>,
    /// To what is attached to it, and to that.
    links: BTreeSet<Link>,
    /// The changes of its ref that took effect there.
    changes: Vec<Change>,
}

impl Arrival {
    /// Returns about how many bytes of memory this takes.
    fn size(&self) -> usize {
        let links = self.links.len() * size_of::<Link>();
        let changes = self.changes.len() * size_of::<Change>();
        self.bytes.len() + links + changes
    }

    /// What a change of our ref is: a ref with a history comes from another catalog.
    fn op(&self) -> Op {
        if self.changes.is_empty() {
            Op::Import
        } else {
            Op::Pull
        }
    }

    /// Reads what a ref of the source holds; `None` where it was retired meanwhile.
    fn of_ref(source: &Catalog, name: &RefName) -> Result<Option<Self>, Error> {
        let Some(record) = source.current(name)? else {
            return Ok(None);
        };
        // A change in between makes it newer than what is brought in, which is no harm.
        let changes = source.history(name)?;
        Self::new(source, record, changes).map(Some)
    }

    fn of_member(source: &Catalog, object: ObjectId) -> Result<Self, Error> {
        let entry = source.entry(&object)?;
        let entry = entry.ok_or(Error::MissingMember { object })?;
        Self::new(source, Record { object, entry }, Vec::new())
    }

    fn new(source: &Catalog, record: Record, changes: Vec<Change>) -> Result<Self, Error> {
        // A source need not have kept credentials out.
        let bytes = encode_checked(&record.entry)?.into_bytes();
        Ok(Self {
            bytes,
            links: links_from(source, record.object)?,
            record,
            changes,
        })
    }
}
