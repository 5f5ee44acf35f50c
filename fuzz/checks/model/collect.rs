//! What is left when garbage has been collected (layout.md sections 5.8, 7.9), where nothing is young.

use std::collections::BTreeSet;

use engine_catalog::{ObjectId, Op, RefName, Stamp};

use super::refs::Ref;
use super::{Limits, Model};

/// What went.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gone {
    /// Refs.
    pub(super) refs: BTreeSet<RefName>,
    /// Objects.
    pub(super) objects: BTreeSet<ObjectId>,
}

impl Model {
    /// Removes what nothing keeps, and the refs and builds that are more than the limits.
    pub(super) fn collect(&mut self, limits: &Limits, stamp: &Stamp) -> Gone {
        let refs: BTreeSet<_> = self.beyond(limits).into_iter().cloned().collect();
        let mut kept = BTreeSet::new();
        for (name, it) in &self.refs {
            let builds = it.builds();
            let count = match limits {
                _ if !limits.apply_to(name) => builds.len(),
                _ if it.current().is_none() || refs.contains(name) => 0,
                Limits { builds: None, .. } => builds.len(),
                Limits {
                    builds: Some(count),
                    ..
                } => *count,
            };
            kept.extend(builds.into_iter().take(count));
        }
        for object in self.snapshots.values() {
            kept.insert(*object);
            kept.extend(&self.sets[object]);
        }
        for name in &refs {
            self.change(name, Op::Prune, None, stamp);
        }
        let notes = &self.notes;
        self.attached
            .retain(|note| kept.contains(&notes[note].subject));
        kept.extend(&self.attached);
        let before = self.objects();
        self.entries.retain(|object, _| kept.contains(object));
        self.sets.retain(|object, _| kept.contains(object));
        self.notes.retain(|object, _| kept.contains(object));
        let objects = before.difference(&self.objects()).copied().collect();
        Gone { refs, objects }
    }

    /// The refs that hold something and are not among the last of their engine.
    fn beyond(&self, limits: &Limits) -> Vec<&RefName> {
        let Some(count) = limits.versions else {
            return Vec::new();
        };
        let is_later = |it: &Ref, than: &Ref| it.changed_ms() > than.changed_ms();
        let held = self
            .refs
            .iter()
            .filter(|(name, it)| it.current().is_some() && limits.apply_to(name));
        let held: Vec<_> = held.collect();
        let is_beyond = |(name, it): &(&RefName, &Ref)| {
            let before = held.iter().filter(|(other, than)| {
                let is_same_time = than.changed_ms() == it.changed_ms();
                let is_lesser = other.version().as_str() < name.version().as_str();
                other.engine() == name.engine() && (is_later(than, it) || is_same_time && is_lesser)
            });
            before.count() >= count
        };
        held.iter()
            .filter(|it| is_beyond(it))
            .map(|it| it.0)
            .collect()
    }

    /// All objects that are stored.
    pub(super) fn objects(&self) -> BTreeSet<ObjectId> {
        let known = self.entries.keys().chain(self.sets.keys());
        known.chain(self.notes.keys()).copied().collect()
    }
}
