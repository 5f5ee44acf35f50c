//! Runs operations on two catalogs and on their models, and compares what comes of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use engine_catalog::{
    Catalog, EngineEntry, Error, Expect, Filter, GcOptions, ImportOutcome, ImportedRef, Members,
    Name, ObjectId, Op, RefError, RefName, RepairReport, RetentionRule, Slug, SnapshotError, Stamp,
    VerifyScope,
};

use super::super::{readable, scratch};
use super::collect::Gone;
use super::compare::CAN_BE_READ;
use super::operation::{name, note, snapshot_name};
use super::{Action, IDS, Limits, Model, Pick, Refusal, Step, Wanted, note_id, object_of};

/// A catalog, and what it should hold.
struct Side {
    root: PathBuf,
    handles: [Catalog; 2],
    model: Model,
}

/// Runs operations, and requires that all that can be read after each equals the model.
pub fn run(steps: &[Step]) {
    let scratch = scratch::scratch();
    let side = |name| {
        let root = scratch.path().join(name);
        let made = Catalog::create(&root).expect("it can be made");
        Side {
            handles: [made, open(&root)],
            model: Model::default(),
            root,
        }
    };
    let mut sides = [side("here"), side("there")];
    for step in steps {
        let [here, there] = &mut sides;
        let (own, other) = match step.side {
            0 => (here, there),
            _ => (there, here),
        };
        own.run(step, other);
        // Through the other handle, which has not seen the change.
        own.model.assert_read_from(&own.handles[1 - step.handle]);
    }
    for side in &mut sides {
        side.verify();
        side.repair();
        let read_only = Catalog::open_read_only(&side.root).expect("it is one");
        side.model.assert_read_from(&read_only);
    }
}

fn open(root: &PathBuf) -> Catalog {
    Catalog::open(root).expect("it is one")
}

impl Side {
    fn run(&mut self, step: &Step, other: &Self) {
        let stamp = &Stamp::new("model@here", step.at_ms).expect("it is a name");
        let (catalog, model) = (&self.handles[step.handle], &mut self.model);
        match &step.action {
            Action::Put(pick, wanted) => {
                let (entry, expect) = (pick.entry(), model.expectation(pick.name, *wanted));
                let put = catalog.put_if(&entry, expect, stamp);
                assert_eq!(put.map_err(refusal), model.put(&entry, expect, stamp));
            }
            Action::PutAll(picks) => {
                let entries: Vec<_> = picks.iter().map(|pick| pick.entry()).collect();
                let puts = catalog.put_all(&entries, stamp).map_err(refusal);
                let each = entries
                    .iter()
                    .map(|entry| model.put(entry, Expect::Any, stamp));
                assert_eq!(puts, each.collect());
            }
            Action::PutRefused(pick) => {
                let refused = EngineEntry {
                    id: String::new(),
                    ..pick.entry()
                };
                let puts = catalog.put_all(&[pick.entry(), refused], stamp);
                assert_eq!(puts.map_err(refusal), Err(Refusal::Entry));
            }
            Action::PutObject(pick, wanted) => {
                let (object, expect) = (object(*pick), model.expectation(pick.name, *wanted));
                let put = catalog.put_object(&object, expect, stamp);
                let put = put.map(|recorded| recorded.put).map_err(refusal);
                assert_eq!(put, model.put_object(object, expect, stamp));
            }
            Action::Attach(pick, at) => {
                let note = note(*pick, *at);
                let attached = catalog.attach(&note).map_err(refusal);
                assert_eq!(attached, model.attach(note));
            }
            Action::Detach(pick, at) => {
                let note = note(*pick, *at);
                let object = note_id(&note);
                let was_attached = catalog.detach(&note.subject, &object);
                let was_attached = was_attached.expect("nothing speaks against it");
                assert_eq!(was_attached, model.attached.remove(&object));
            }
            Action::Retire(at, wanted) => {
                let (name, expect) = (name(*at), model.expectation(*at, *wanted));
                let retired = catalog.retire(&name, expect, stamp);
                assert_eq!(retired.map_err(refusal), model.retire(&name, expect, stamp));
            }
            Action::Rollback(at, to) => {
                let (name, to) = (name(*at), to.map(object));
                let put = catalog.rollback(&name, to, stamp);
                assert_eq!(put.map_err(refusal), model.rollback(&name, to, stamp));
            }
            Action::Delete(at) => {
                let deleted = catalog.delete(IDS[*at], stamp);
                assert_eq!(deleted.map_err(refusal), model.delete(IDS[*at], stamp));
            }
            Action::CreateSnapshot(picks, at) => {
                let picked = picks.as_ref().map(|picks| {
                    let objects = picks.iter().copied().map(object);
                    objects.collect::<BTreeSet<_>>()
                });
                let members = match &picked {
                    Some(objects) => Members::Objects(objects.clone()),
                    None => Members::Current(Filter::default()),
                };
                let name = at.map(snapshot_name);
                let made = catalog.create_snapshot(&members, name.as_ref());
                assert_eq!(
                    made.map_err(refusal),
                    model.create_snapshot(picked, name.as_ref())
                );
            }
            Action::RemoveSnapshot(at) => {
                let name = snapshot_name(*at);
                let removed = catalog.remove_snapshot(&name);
                assert_eq!(removed.map_err(refusal), Ok(model.snapshots.remove(&name)));
            }
            Action::Import => {
                let imported = catalog.import(&other.handles[step.handle], stamp);
                let imported = imported.expect("it can be brought in");
                assert!(imported.problems.is_empty(), "{:?}", imported.problems);
                assert_eq!(
                    imported.refs.iter().map(seen).collect::<Vec<_>>(),
                    model.import(&other.model, stamp)
                );
            }
            Action::Reopen => self.handles[step.handle] = open(&self.root),
            Action::Verify => self.verify(),
            Action::Repair => self.repair(),
            Action::Collect(limits) => {
                let options = gc_options(limits);
                let planned = catalog.plan_gc(&options).expect(CAN_BE_READ);
                let collected = catalog.collect_garbage(&options, stamp);
                let plan = collected.expect("nothing hides what is kept").plan;
                assert_eq!(plan, planned);
                let gone = Gone {
                    refs: plan.retired().map(|it| it.name.clone()).collect(),
                    objects: plan.objects.iter().map(|it| it.id).collect(),
                };
                assert_eq!(gone, model.collect(limits, stamp));
                let again = catalog.plan_gc(&options).expect(CAN_BE_READ);
                assert!(again.is_empty(), "{again:?}");
            }
        }
    }

    /// Finds nothing but ids that several current entries have.
    fn verify(&self) {
        let report = self.handles[0].verify(&VerifyScope::Everything, &|_| {});
        let report = report.expect("it can be read");
        let found: Vec<_> = (report.findings.iter())
            .map(|it| (it.slug, it.name.clone()))
            .collect();
        assert_eq!(found, self.model.findings(), "{:?}", report.findings);
    }

    /// Has nothing to do.
    fn repair(&self) {
        let RepairReport { repairs, lost, .. } = self.handles[0]
            .repair(&[], &|_| {})
            .expect("it can be written");
        assert!(lost.is_empty(), "{lost:?}");
        let is_done = repairs
            .iter()
            .any(|it| it.action.is_change() || !it.remains);
        assert!(!is_done, "{repairs:?}");
    }
}

/// What is young at the end of time is nothing.
fn gc_options(limits: &Limits) -> GcOptions {
    let mut options = GcOptions::new(i64::MAX);
    options.keep.grace_ms = 0;
    let engine = limits.engine.map(|at| name(at).engine().to_string());
    let rule = RetentionRule {
        versions: limits.versions,
        builds: limits.builds,
        ..RetentionRule::new(engine.as_deref().unwrap_or("*").into())
    };
    options.keep.retention.rules.push(rule);
    options
}

fn object(pick: Pick) -> ObjectId {
    object_of(&pick.entry())
}

/// What was seen of a ref that was brought in.
type Seen = (ObjectId, Option<ObjectId>, ImportOutcome);

fn seen(imported: &ImportedRef) -> Seen {
    (imported.theirs.object, imported.ours, imported.outcome)
}

fn refusal(error: Error) -> Refusal {
    let refusal = match &error {
        Error::Ref(RefError::Conflict { found, .. }) => Refusal::Conflict(*found),
        Error::Entry { .. } => Refusal::Entry,
        Error::NoEarlierEntry { .. } => Refusal::NoEarlierEntry,
        Error::NotInHistory { .. } => Refusal::NotInHistory,
        Error::Gone { object, .. } => Refusal::Gone(*object),
        Error::AmbiguousId { .. } => Refusal::AmbiguousId,
        Error::Snapshot(SnapshotError::Taken { found, .. }) => Refusal::Taken(*found),
        Error::NoSuchEntry { object } => Refusal::NoSuchEntry(*object),
        Error::NoSuchSubject { subject } => Refusal::NoSuchSubject(*subject),
        _ => panic!("nothing of the model says so: {error}"),
    };
    readable(error);
    refusal
}

impl Model {
    fn expectation(&self, at: usize, wanted: Wanted) -> Expect {
        match wanted {
            Wanted::Any => Expect::Any,
            Wanted::Absent => Expect::Absent,
            Wanted::Current => self
                .current(&name(at))
                .map_or(Expect::Absent, Expect::Object),
            Wanted::Entry(pick) => Expect::Object(object(pick)),
        }
    }

    /// Brings in what another catalog has, and returns what has to be seen of it.
    fn import(&mut self, source: &Self, stamp: &Stamp) -> Vec<Seen> {
        let mut all = Vec::new();
        for (name, theirs) in source.all_current() {
            self.add(&source.entries[&theirs]);
            let ours = self.refs.entry(name.clone()).or_default();
            let (before, outcome) = (ours.current(), ours.meets(&source.refs[name]));
            if matches!(outcome, ImportOutcome::Created | ImportOutcome::Forward) {
                self.change(name, Op::Pull, Some(theirs), stamp);
            }
            all.push((theirs, before, outcome));
        }
        for object in source.snapshots.values() {
            let members = &source.sets[object];
            for member in members {
                self.add(&source.entries[member]);
            }
            self.sets.insert(*object, members.clone());
        }
        // Of whatever is here.
        for object in &source.attached {
            let note = &source.notes[object];
            if self.entries.contains_key(&note.subject) {
                self.notes.insert(*object, note.clone());
                self.attached.insert(*object);
            }
        }
        all
    }

    /// What a checker has to find, sorted by path.
    fn findings(&self) -> Vec<(Slug, Option<RefName>)> {
        let again = |id| self.with_id(id).into_iter().skip(1);
        let mut names: Vec<_> = IDS.into_iter().flat_map(again).cloned().collect();
        names.sort_by_key(|name| [name.engine(), name.version()].map(Name::to_file_name));
        let found = names.into_iter();
        found.map(|name| (Slug::AmbiguousId, Some(name))).collect()
    }
}
