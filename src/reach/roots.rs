//! Where everything reachable begins: what refs and named snapshots hold, what retention keeps of what refs
//! have held, and what is young.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Reason, Unknown};
use crate::catalog::Catalog;
use crate::durable::{FileKind, Root};
use crate::filter::Filter;
use crate::hash::ObjectId;
use crate::hashed::HashedFile;
use crate::name::Name;
use crate::retention::{Decision, KeptBy, RefHistory, Retention, decide};
use crate::{layout, objects, refs, snapshots};

/// What is kept beside what refs and named snapshots hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// What is kept of what refs have held. A ref goes of whose version nothing is kept.
    pub retention: Retention,
    /// What changed less than so many milliseconds ago stays, with all that it leads to: what names it may
    /// still come, by a copy.
    pub grace_ms: i64,
    /// The time, in milliseconds since the Unix epoch.
    pub now_ms: i64,
}

impl Keep {
    /// The grace that there is by default: a day.
    pub const GRACE_MS: i64 = 24 * 60 * 60 * 1000;

    /// Keeps all that refs have held, and what is younger than a day.
    #[must_use]
    pub fn new(now_ms: i64) -> Self {
        Self {
            retention: Retention::default(),
            grace_ms: Self::GRACE_MS,
            now_ms,
        }
    }

    /// Returns whether what changed then is young.
    pub(crate) fn is_young(&self, changed_ms: i64) -> bool {
        self.now_ms.saturating_sub(changed_ms) < self.grace_ms
    }
}

/// What the names of a catalog hold, and what becomes of it.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// Of each build that refs hold, or have held.
    pub(crate) decisions: Vec<Decision>,
    /// The named snapshots.
    named: Vec<(ObjectId, Name)>,
    /// What histories mention that were damaged and moved aside, and in which file.
    moved_aside: Vec<(ObjectId, String)>,
    pub(crate) unknown: Vec<Unknown>,
}

impl Catalog {
    /// Finds out what refs and named snapshots hold, and what is kept of what refs have held. A history that
    /// cannot be read hides what it keeps.
    ///
    /// # Locking
    ///
    /// Takes none. Whoever removes something holds the store lock, exclusively; without it the refs are
    /// not those of one moment.
    pub(crate) fn standing(&self, keep: &Keep) -> Standing {
        let root = self.root_dir();
        let mut standing = Standing::default();
        for top in [layout::REFS, layout::HISTORY] {
            standing.unknown.extend(not_directories(root, top));
        }
        let mut names = standing.known(refs::list(root, &Filter::default()));
        names.extend(standing.known(refs::list_histories(root)));
        let names: BTreeSet<_> = names.into_iter().collect();
        for name in standing.known(snapshots::list(root)) {
            let held = standing.known(snapshots::read(root, &name));
            standing.named.extend(held.map(|object| (object, name)));
        }
        standing.list_moved_aside(root);
        let members = members(root, &standing.named);
        // Not the histories of all engines at once.
        let mut of_engine = Vec::<RefHistory>::new();
        for name in names {
            if of_engine
                .first()
                .is_some_and(|it| it.name.engine() != name.engine())
            {
                standing.decide(keep, &of_engine, &members);
                of_engine.clear();
            }
            let current = standing.known(refs::read(root, &name));
            let changes = standing.known(self.history(&name));
            of_engine.push(RefHistory {
                name,
                current,
                changes,
            });
        }
        standing.decide(keep, &of_engine, &members);
        standing
    }
}

impl Standing {
    fn decide(&mut self, keep: &Keep, refs: &[RefHistory], members: &BTreeMap<ObjectId, Name>) {
        let decided = decide(&keep.retention, refs, members, keep.now_ms);
        self.decisions.extend(decided);
    }

    /// Returns what was read; where it could not be, nothing, and that more may be hidden there.
    fn known<T: Default, E: Display>(&mut self, read: Result<T, E>) -> T {
        read.unwrap_or_else(|error| {
            self.unknown.push(Unknown::because_of(error));
            T::default()
        })
    }

    /// Returns what is reached from names and histories.
    pub(crate) fn roots(&self) -> impl Iterator<Item = (ObjectId, Reason)> {
        let named = self.named.iter().map(|(object, name)| {
            let name = name.clone();
            (*object, Reason::Snapshot { name })
        });
        let moved_aside = self.moved_aside.iter().map(|(object, file)| {
            let file = file.clone();
            (*object, Reason::MovedAside { file })
        });
        let held = self.decisions.iter().filter_map(root);
        named.chain(moved_aside).chain(held)
    }

    /// Finds what histories mention that were moved aside because they are damaged: the ones that took their
    /// places may not. Once a person has looked at such a file and removed it, it keeps nothing.
    fn list_moved_aside(&mut self, root: &Root) {
        let top = Path::new(layout::QUARANTINE);
        for (file, kind) in self.known(root.list(top)) {
            let of_history = file.split('.').next() == Some(layout::HISTORY);
            if !of_history || kind != FileKind::Regular {
                continue;
            }
            let read = root.read(&top.join(&file), layout::MAX_HISTORY_BYTES);
            let text = self.known(read).unwrap_or_default();
            let words = text.split(u8::is_ascii_whitespace);
            let ids = words.filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok());
            let mentioned: BTreeSet<ObjectId> = ids.collect();
            let mentioned = mentioned.into_iter().map(|object| (object, file.clone()));
            self.moved_aside.extend(mentioned);
        }
    }
}

/// Returns what keeps a build, if that is its ref, or the history of it.
fn root(decision: &Decision) -> Option<(ObjectId, Reason)> {
    let name = || decision.name.clone();
    if decision.is_current && !decision.retires() {
        return Some((decision.object, Reason::Ref { name: name() }));
    }
    // What only a snapshot keeps is reached from there.
    let by_rule = |it: &KeptBy| !matches!(it, KeptBy::Snapshot { .. });
    let is_kept = decision.kept_by.iter().any(by_rule);
    is_kept.then(|| (decision.object, Reason::History { name: name() }))
}

/// Returns those files that are young.
pub(crate) fn young<'a>(
    files: &'a [HashedFile],
    keep: &'a Keep,
) -> impl Iterator<Item = (ObjectId, Reason)> + 'a {
    let young = files.iter().filter(|it| keep.is_young(it.changed_ms));
    young.map(|it| (it.id, Reason::Young))
}

/// Returns the members of named snapshots, each with the name of one. What cannot be read is found out by
/// whoever marks.
fn members(root: &Root, named: &[(ObjectId, Name)]) -> BTreeMap<ObjectId, Name> {
    let mut members = BTreeMap::new();
    for (object, name) in named {
        if let Ok(Some(snapshot)) = objects::read_snapshot(root, object) {
            for member in snapshot.objects {
                members.entry(member).or_insert_with(|| name.clone());
            }
        }
    }
    members
}

/// Returns what has the name of an engine below `top` and is no directory: refs, or histories, may be
/// behind it.
fn not_directories(root: &Root, top: &str) -> Vec<Unknown> {
    // An error is reported by whoever lists it all.
    let engines = root.list(Path::new(top)).unwrap_or_default().into_iter();
    let odd = engines.filter(|(engine, kind)| {
        *kind != FileKind::Directory && Name::from_file_name(engine).is_some()
    });
    odd.map(|(engine, kind)| {
        let path = root.path().join(top).join(engine);
        Unknown::because_of(format_args!(
            "{} is {kind}, not a directory",
            path.display()
        ))
    })
    .collect()
}
