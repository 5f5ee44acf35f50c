//! Carrying a plan out, in the order of layout.md section 7.9; files of engines after the refs, while their records
//! still tell which. A cut at any moment leaves a catalog of which less was removed.

use std::collections::BTreeMap;
use std::path::Path;

use super::artifacts::{self, Removed, Under};
use super::{ArtifactFile, ArtifactLeft, Garbage, GcOptions, GcPlan, histories, scratch};
use crate::catalog::{Catalog, batch_size, told};
use crate::change::{Op, Stamp};
use crate::durable::{Dir, FileKind, Hold, PathError, Root};
use crate::error::Error;
use crate::hash::ObjectId;
use crate::layout::{self, Place};
use crate::refs::{self, Expect, Update};
use crate::removed::{self, Removal, RemovedKind};

/// What a collection did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Collected {
    /// The [id](GcPlan::id) of the plan that was carried out, by which the file `removed` tells of it.
    pub id: ObjectId,
    /// What went, but for the files of engines that follow: less the entries, and what is attached to them, whose
    /// files may go another time.
    pub plan: GcPlan,
    /// The files of engines that were removed, in the order of the plan.
    pub artifacts: Vec<ArtifactFile>,
    /// How many bytes they had; those of a file with several names once.
    pub artifact_bytes: u64,
    /// The files of engines that were to be removed, and are left: because they are not what was recorded, or
    /// cannot be removed. One that was gone is none.
    pub artifacts_left: Vec<ArtifactLeft>,
    /// What could not be done: files that cannot be removed, notes of what was removed, histories that are still
    /// long, and what is left in `tmp/`.
    pub undone: Vec<Error>,
}

impl Catalog {
    /// Removes what nothing keeps, the refs that retention lets go, and, where the options say so, files of engines
    /// that go.
    ///
    /// When this returns, what was removed stays away, also through a power cut. One that comes before, or an
    /// error, leaves some of it, which the next collection removes. To remove takes no room; to retire a ref
    /// does, a line of its history. Files of engines are removed before the records that tell which they are.
    ///
    /// # Locking
    ///
    /// Takes the lock on `objects/` and the store lock, exclusively, and waits for all who write, capture or
    /// copy. They wait for it, too, as long as it takes to read and hash the files of engines that go. A thread that
    /// has a [`Staging`](crate::Staging) waits for itself.
    ///
    /// # Errors
    ///
    /// [`Error::Unsure`] where damage may hide what keeps objects, or files, and [`Error::Under`], as of
    /// [`plan_gc`](Self::plan_gc): then nothing is removed. [`Error::Ref`] where a ref cannot be retired, and
    /// [`Error::Path`] where something cannot be removed: then a part may have gone. Those of a catalog that cannot be
    /// written.
    pub fn collect_garbage(&self, options: &GcOptions, stamp: &Stamp) -> Result<Collected, Error> {
        told("gc", self.plan_and_sweep(options, None, stamp))
    }

    /// Carries out a plan that was made before, if the same would be planned now. Its time is that at which it
    /// was made, and the time of the stamp if that is before: what is young then is not old by a plan that says
    /// so.
    ///
    /// # Locking
    ///
    /// As [`collect_garbage`](Self::collect_garbage).
    ///
    /// # Errors
    ///
    /// [`Error::PlanOutdated`] where the catalog has changed since the plan was made: then nothing is
    /// removed. And those of [`collect_garbage`](Self::collect_garbage).
    pub fn carry_out(&self, plan: &GcPlan, stamp: &Stamp) -> Result<Collected, Error> {
        told("gc", self.plan_and_sweep(&plan.options, Some(plan), stamp))
    }

    fn plan_and_sweep(
        &self,
        options: &GcOptions,
        expected: Option<&GcPlan>,
        stamp: &Stamp,
    ) -> Result<Collected, Error> {
        self.require_writable()?;
        let root = self.root_dir();
        // In this order, as for whoever copies: while that takes its time, writers go on.
        let _objects = root.lock_dir(Path::new(layout::OBJECTS), Hold::Exclusive)?;
        let _lock = self.begin_write(Hold::Exclusive)?;
        let under = options.artifacts.as_ref();
        let under = under.map(|it| Under::open(self, it)).transpose()?;
        let mut plan = match expected {
            Some(_) => self.look_gc(&as_of(stamp.at_ms, options))?,
            None => self.look_gc(options)?,
        };
        plan.options = options.clone();
        if let Some(first) = plan.unknown.first() {
            return Err(Error::Unsure {
                reason: first.reason.clone(),
                more: plan.unknown.len() - 1,
            });
        }
        if let Some(expected) = expected {
            if let Some(what) = expected.difference(&plan) {
                let plan = expected.id();
                return Err(Error::PlanOutdated { plan, what });
            }
            // What stays may be more by now. It is the same plan.
            (plan.young, plan.historic) = (expected.young, expected.historic);
        }
        // What was found may come from a writer that was killed, and a cut take it back: a ref might come to hold
        // again what is gone.
        root.sync_file_system()?;
        let mut undone = Vec::new();
        self.retire_all(&plan, stamp)?;
        let removed = under.map(|under| artifacts::remove(&under, &plan.artifacts));
        let Removed { files, bytes, left } = removed.transpose()?.unwrap_or_default();
        let id = plan.id();
        plan.spare(GcPlan::waiting(&left).collect::<Vec<_>>());
        // Without room, after there is some. Nothing that is kept depends on it.
        let note = || removed::add(root, removals(&plan, id, stamp)).map_err(Error::from);
        let is_noted = note().is_ok();
        sweep(root, &plan, &mut undone)?;
        if !is_noted {
            undone.extend(note().err());
        }
        for long in &plan.histories {
            undone.extend(histories::shorten(self, long).err());
        }
        for leftover in &plan.leftovers {
            undone.extend(scratch::remove(root, leftover).err().map(Error::from));
        }
        Ok(Collected {
            id,
            plan,
            artifacts: files,
            artifact_bytes: bytes,
            artifacts_left: left,
            undone,
        })
    }

    /// Removes the refs that go.
    fn retire_all(&self, plan: &GcPlan, stamp: &Stamp) -> Result<(), Error> {
        let retired: Vec<_> = plan.retired().collect();
        for batch in retired.chunks(batch_size()) {
            let updates = batch.iter().map(|it| {
                let expect = Expect::Object(it.object);
                (&it.name, Update::to(Op::Prune, expect, None))
            });
            let updates: BTreeMap<_, _> = updates.collect();
            refs::update_all(self.root_dir(), &updates, stamp)?;
        }
        Ok(())
    }
}

/// Returns the same options at a time that is no later than this.
fn as_of(at_ms: i64, options: &GcOptions) -> GcOptions {
    let mut options = options.clone();
    options.keep.now_ms = options.keep.now_ms.min(at_ms);
    options
}

/// Returns what is noted of a plan that is carried out.
fn removals(plan: &GcPlan, id: ObjectId, stamp: &Stamp) -> impl Iterator<Item = Removal> {
    let (at_ms, actor) = (stamp.at_ms, stamp.actor.clone());
    let decided = plan.decisions.iter();
    // Whatever clocks say, it is removed after the last line that names it.
    let changed: BTreeMap<_, _> = decided.map(|it| (it.object, it.changed_ms)).collect();
    let objects = plan.objects.iter().map(|it| (RemovedKind::Object, it));
    let blobs = plan.blobs.iter().map(|it| (RemovedKind::Blob, it));
    let removal = move |(kind, it): (_, &Garbage)| Removal {
        at_ms: changed
            .get(&it.id)
            .copied()
            .flatten()
            .unwrap_or(at_ms)
            .max(at_ms),
        kind,
        id: it.id,
        plan: id,
        actor: actor.clone(),
    };
    objects.chain(blobs).map(removal)
}

/// Removes links, objects and blobs, and the directories that are empty.
fn sweep(root: &Root, plan: &GcPlan, undone: &mut Vec<Error>) -> Result<(), Error> {
    let links = plan.links.iter();
    let links = links.map(|(subject, object)| layout::attachment(subject, object));
    // A link must not outlive what it leads to.
    let mut left = Vec::new();
    remove_all(root, links, &mut left)?;
    if let Some(first) = left.into_iter().next() {
        return Err(first);
    }
    let objects = plan.objects.iter().map(|it| layout::object(&it.id));
    let blobs = plan.blobs.iter().map(|it| layout::blob(&it.id));
    remove_all(root, objects.chain(blobs), undone)?;
    for top in [layout::ATTACHMENTS, layout::OBJECTS, layout::BLOBS] {
        remove_empty(root, top)?;
    }
    Ok(())
}

/// How many directories are open at once: not more than a process may have.
const MOST_DIRS: usize = 256;

/// Removes files, which are sorted by their directories, so that they stay away. One that cannot be removed is
/// `undone`, and holds up no other.
fn remove_all(
    root: &Root,
    places: impl Iterator<Item = Place>,
    undone: &mut Vec<Error>,
) -> Result<(), PathError> {
    let mut dirs = Vec::<Dir<'_>>::new();
    for place in places {
        if dirs.last().is_none_or(|dir| dir.path() != place.dir) {
            if dirs.len() >= MOST_DIRS {
                root.sync([], &dirs)?;
                dirs.clear();
            }
            dirs.push(root.open_dir(&place.dir)?);
        }
        if let Some(dir) = dirs.last() {
            undone.extend(dir.remove(&place.name).err().map(Error::from));
        }
    }
    root.sync([], &dirs)
}

/// Removes shards that are empty, and of links the directories of subjects before. That need not survive, nor
/// succeed: an empty directory is nothing.
fn remove_empty(root: &Root, top: &str) -> Result<(), PathError> {
    let top = Path::new(top);
    for shard in dirs(root, top, layout::is_shard)? {
        if top == Path::new(layout::ATTACHMENTS) {
            let shard_path = top.join(&shard);
            let is_subject = |name: &str| layout::object_id(&shard, name).is_some();
            for subject in dirs(root, &shard_path, is_subject)? {
                let _ = root.open_dir(&shard_path)?.remove_dir(&subject);
            }
        }
        let _ = root.open_dir(top)?.remove_dir(&shard);
    }
    Ok(())
}

/// Returns the directories in a directory that are of the format.
fn dirs(
    root: &Root,
    path: &Path,
    is_ours: impl Fn(&str) -> bool,
) -> Result<impl Iterator<Item = String>, PathError> {
    let found = root.list(path)?.into_iter();
    let dirs = found.filter(move |(name, kind)| *kind == FileKind::Directory && is_ours(name));
    Ok(dirs.map(|(name, _)| name))
}
