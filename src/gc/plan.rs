//! What goes: everything in the store that no ref, named snapshot, history or young object leads to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Garbage, GcOptions, GcPlan};
use crate::attachments::Link;
use crate::catalog::Catalog;
use crate::durable::{FileKind, PathError, Root};
use crate::error::Error;
use crate::filter::Filter;
use crate::hash::ObjectId;
use crate::name::{Name, RefName};
use crate::reach::{self, Reach, Reason, Roots, Unknown};
use crate::retention::{Decision, RefHistory, decide};
use crate::{layout, refs};

/// What goes, and what of it is needed to remove it.
pub(super) struct Found {
    pub(super) plan: GcPlan,
    pub(super) links: Vec<Link>,
}

impl Catalog {
    /// Returns what a [collection](Self::collect_garbage) would remove now. It reads and checks all that is kept,
    /// takes no lock and writes nothing: while others write it may tell of what they are about to use.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where the store cannot be listed. Damage that hides what keeps objects is among the
    /// plan's [unknown](GcPlan::unknown).
    pub fn plan_gc(&self, options: &GcOptions) -> Result<GcPlan, Error> {
        Ok(self.find_garbage(options)?.plan)
    }

    pub(super) fn find_garbage(&self, options: &GcOptions) -> Result<Found, Error> {
        let root = self.root_dir();
        let age = |it: &Garbage| options.now_ms.saturating_sub(it.changed_ms);
        let is_young = |it: &&Garbage| age(it) < options.grace_ms;
        // Before the roots: what came since is of no concern.
        let (objects, blobs) = (list(root, layout::OBJECTS)?, list(root, layout::BLOBS)?);
        let mut roots = reach::roots(root);
        let decisions = self.decide(options, &mut roots);
        let kept = decisions.iter().filter(|it| it.is_kept());
        let kept = kept.map(|it| {
            let name = it.name.clone();
            (it.object, Reason::History { name })
        });
        roots.objects.extend(kept);
        let young = objects.iter().filter(is_young);
        roots.objects.extend(young.map(|it| (it.id, Reason::Young)));
        let reach = reach::mark(root, roots);
        let only_young = BTreeSet::from([Reason::Young]);
        let young = (reach.objects.values()).filter(|reasons| **reasons == only_young);
        let is_dead_blob = |it: &Garbage| !reach.blobs.contains_key(&it.id);
        let dead_blobs = blobs.into_iter().filter(is_dead_blob);
        let (young_blobs, blobs): (Vec<_>, _) = dead_blobs.partition(|it| is_young(&it));
        let links = dead_links(&reach);
        let is_dead = |it: &Garbage| !reach.objects.contains_key(&it.id);
        let plan = GcPlan {
            young: young.count() + young_blobs.len(),
            objects: objects.into_iter().filter(is_dead).collect(),
            blobs,
            links: links.len(),
            decisions,
            unknown: reach.unknown.into_iter().collect(),
        };
        Ok(Found { plan, links })
    }

    /// Decides what is kept of what refs hold, and have held. A history that cannot be read hides what it
    /// keeps.
    fn decide(&self, options: &GcOptions, roots: &mut Roots) -> Vec<Decision> {
        let root = self.root_dir();
        let mut names = BTreeSet::new();
        for listed in [
            refs::list(root, &Filter::default()),
            refs::list_histories(root),
        ] {
            match listed {
                Ok(listed) => names.extend(listed),
                Err(error) => roots.unknown.push(Unknown::of_reasons(error)),
            }
        }
        let mut histories = Vec::with_capacity(names.len());
        for name in names {
            match self.ref_history(name) {
                Ok(history) => histories.push(history),
                Err(error) => roots.unknown.push(Unknown::of_reasons(error)),
            }
        }
        let snapshots = self.members_of_named();
        decide(&options.retention, &histories, &snapshots, options.now_ms)
    }

    fn ref_history(&self, name: RefName) -> Result<RefHistory, Error> {
        let current = refs::read(self.root_dir(), &name)?;
        let changes = self.history(&name)?;
        Ok(RefHistory {
            name,
            current,
            changes,
        })
    }

    /// Returns the members of named snapshots, each with the name of one. What cannot be read is found out by
    /// whoever marks.
    fn members_of_named(&self) -> BTreeMap<ObjectId, Name> {
        let mut members = BTreeMap::new();
        for named in self.snapshots().into_iter().flatten().flatten() {
            if let Ok(Some(snapshot)) = self.snapshot(&named.object) {
                for member in snapshot.objects {
                    members.entry(member).or_insert_with(|| named.name.clone());
                }
            }
        }
        members
    }
}

/// Returns the links of what is not reached.
fn dead_links(reach: &Reach) -> Vec<Link> {
    let dead = reach
        .links
        .iter()
        .filter(|(subject, _)| !reach.objects.contains_key(subject));
    dead.flat_map(|(subject, objects)| objects.iter().map(|object| (*subject, *object)))
        .collect()
}

/// Returns the files below `top` that are named by hashes, sorted.
fn list(root: &Root, top: &str) -> Result<Vec<Garbage>, PathError> {
    let mut found = Vec::new();
    for (shard, kind) in root.list(Path::new(top))? {
        if kind != FileKind::Directory {
            continue;
        }
        for (name, stat) in root.list_stats(&Path::new(top).join(&shard))? {
            if let (Some(id), FileKind::Regular) = (layout::object_id(&shard, &name), stat.kind) {
                found.push(Garbage {
                    id,
                    bytes: stat.size,
                    changed_ms: stat.ctime_ms,
                });
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
