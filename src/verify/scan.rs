//! Looking at parts, on all cores, and counting what was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::finding::Finding;
use super::part::Part;
use super::{VerifyProgress, blobs, names, objects};
use crate::durable::{FileKind, Mark, Root};
use crate::hash::ObjectId;
use crate::{layout, removed};

/// The most threads, each of which holds an object of up to 64 MiB and what it decodes to.
const MAX_THREADS: usize = 16;

/// A snapshot of 64 MiB has two million members, and what is told of each takes memory.
const MOST_MEMBERS: usize = 1000;

/// A verification under way.
pub(crate) struct Scan<'a> {
    pub(super) root: &'a Root,
    progress: &'a (dyn Fn(VerifyProgress) + Sync),
    /// What was in `tmp/` in the beginning: what is still there in the end is left over.
    pub(super) temporaries: BTreeSet<(String, FileKind)>,
    removed: Mutex<KnownRemovals>,
    /// Of how many members of one snapshot it is told what is wrong; others are counted.
    pub(super) most_members: usize,
    parts: usize,
    parts_done: AtomicUsize,
    objects: AtomicU64,
    bytes: AtomicU64,
}

/// What was removed on purpose, as far as a file tells that was read.
#[derive(Default)]
struct KnownRemovals {
    /// Which file; `None` for none.
    mark: Option<Mark>,
    /// The objects, and when each was removed last.
    objects: BTreeMap<ObjectId, i64>,
}

/// A part that was looked at.
pub(crate) struct Looked {
    pub(crate) part: Part,
    /// When that began, by the clock that was given.
    pub(crate) at_ms: i64,
    pub(crate) findings: Vec<Finding>,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(
        root: &'a Root,
        parts: usize,
        progress: &'a (dyn Fn(VerifyProgress) + Sync),
    ) -> Self {
        let temporaries = root
            .list(layout::TMP.as_ref())
            .unwrap_or_default()
            .into_iter()
            .collect();
        Self {
            root,
            progress,
            temporaries,
            removed: Mutex::default(),
            most_members: MOST_MEMBERS,
            parts,
            parts_done: AtomicUsize::new(0),
            objects: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Has all members of a snapshot told that something is wrong with, however many they are.
    pub(crate) fn telling_all_members(self) -> Self {
        Self {
            most_members: usize::MAX,
            ..self
        }
    }

    /// Looks at parts, in order, as long as `goes_on` says so before each; at the first in any case.
    pub(crate) fn look_at(
        &self,
        parts: &[Part],
        clock: &(dyn Fn() -> i64 + Sync),
        goes_on: impl Fn() -> bool + Sync,
    ) -> Vec<Looked> {
        spread_while(
            parts,
            |at| at == 0 || goes_on(),
            |part| {
                let at_ms = clock();
                let mut findings = match part {
                    Part::Names => names::check(self),
                    Part::Objects(shard) => objects::check_shard(self, *shard),
                    Part::Blobs(shard) => blobs::check_shard(self, *shard),
                };
                findings.sort_unstable();
                findings.dedup_by(|a, b| a.is_same_as(b));
                self.parts_done.fetch_add(1, Ordering::Relaxed);
                self.tell();
                Looked {
                    part: *part,
                    at_ms,
                    findings,
                }
            },
        )
    }

    /// Returns whether an object was removed on purpose at this time or later, as far as is known.
    pub(super) fn was_removed_since(&self, object: &ObjectId, at_ms: i64) -> bool {
        let stat = self.root.stat(layout::REMOVED.as_ref()).ok().flatten();
        let mark = stat.map(|it| it.mark);
        // A thread that panicked cannot have left a set that is half read.
        let mut known = self.removed.lock().unwrap_or_else(PoisonError::into_inner);
        // Gc may be at work, and says what it removes before it does.
        if known.mark != mark {
            known.objects = removed::objects(self.root).unwrap_or_default();
            known.mark = mark;
        }
        known.objects.get(object).is_some_and(|at| *at >= at_ms)
    }

    pub(super) fn count_object(&self) {
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    pub(super) fn count_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    fn tell(&self) {
        (self.progress)(self.so_far());
    }

    /// Returns how far it is.
    pub(crate) fn so_far(&self) -> VerifyProgress {
        VerifyProgress {
            parts_done: self.parts_done.load(Ordering::Relaxed),
            parts: self.parts,
            objects: self.objects.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// Does the work on every item, on all cores, and returns the results in any order.
pub(super) fn spread<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    spread_while(items, |_| true, work)
}

/// As [`spread`], as long as `goes_on` says so of the number of an item.
fn spread_while<T: Sync, R: Send>(
    items: &[T],
    goes_on: impl Fn(usize) -> bool + Sync,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            match items.get(at) {
                Some(item) if goes_on(at) => done.push(work(item)),
                _ => return done,
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let others = cores.min(MAX_THREADS).min(items.len()).saturating_sub(1);
    thread::scope(|scope| {
        // As many as there can be: without any it only takes longer.
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, run).ok();
        let others: Vec<_> = (0..others).map_while(spawn).collect();
        let mut done = run();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    })
}
