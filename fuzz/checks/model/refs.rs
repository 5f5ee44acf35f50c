//! A ref: what it has held, where undoing leads, and what becomes of it when the same ref comes from
//! elsewhere (layout.md sections 6 and 10.2).

use engine_catalog::{Change, ImportOutcome, ObjectId, Op, Stamp};

/// A ref that was changed at least once.
#[derive(Clone, Debug, Default)]
pub(super) struct Ref {
    pub(super) changes: Vec<Change>,
    /// The line of succession: what undoing goes back along.
    line: Vec<ObjectId>,
}

impl Ref {
    pub(super) fn current(&self) -> Option<ObjectId> {
        self.changes.last().and_then(|change| change.new)
    }

    /// When it was changed last.
    pub(super) fn changed_ms(&self) -> Option<i64> {
        self.changes.last().map(|change| change.at_ms)
    }

    /// Returns what it holds and has held, the last first, each once.
    pub(super) fn builds(&self) -> Vec<ObjectId> {
        let mut builds = Vec::new();
        for change in self.changes.iter().rev() {
            for object in [change.new, change.old].into_iter().flatten() {
                if !builds.contains(&object) {
                    builds.push(object);
                }
            }
        }
        builds
    }

    pub(super) fn has_held(&self, object: ObjectId) -> bool {
        self.changes.iter().any(|change| change.new == Some(object))
    }

    /// Makes it hold something, and returns what it held.
    pub(super) fn change(
        &mut self,
        op: Op,
        new: Option<ObjectId>,
        stamp: &Stamp,
    ) -> Option<ObjectId> {
        let old = self.current();
        if old == new {
            return old;
        }
        let Stamp { at_ms, actor } = stamp.clone();
        let change = Change {
            at_ms,
            op,
            old,
            new,
            actor,
        };
        self.changes.push(change);
        let Some(new) = new else { return old };
        if op == Op::Rollback && self.line.contains(&new) {
            while self.line.last() != Some(&new) {
                self.line.pop();
            }
        } else if self.line.last() != Some(&new) {
            self.line.push(new);
        }
        old
    }

    /// Returns where undoing leads.
    pub(super) fn undo(&self) -> Option<ObjectId> {
        let mut line = self.line.clone();
        if self.current().is_some() {
            line.pop();
        }
        line.pop()
    }

    /// Returns what becomes of this ref when `theirs`, which holds something, comes.
    pub(super) fn meets(&self, theirs: &Self) -> ImportOutcome {
        if self.current() == theirs.current() {
            return ImportOutcome::Same;
        }
        let theirs_here = theirs.current().is_some_and(|it| self.has_held(it));
        let Some(ours) = self.current() else {
            return if theirs_here {
                ImportOutcome::Kept
            } else {
                ImportOutcome::Created
            };
        };
        match (theirs_here, theirs.has_held(ours)) {
            (false, false) => ImportOutcome::Conflict,
            (true, false) => ImportOutcome::Kept,
            (false, true) => ImportOutcome::Forward,
            (true, true) if self.went_through(theirs) && theirs.went_through(self) => {
                ImportOutcome::Conflict
            }
            (true, true) if self.went_through(theirs) => ImportOutcome::Kept,
            (true, true) if theirs.went_through(self) => ImportOutcome::Forward,
            (true, true) => ImportOutcome::Conflict,
        }
    }

    /// Returns whether this ref held all that `other` held, in the same order.
    fn went_through(&self, other: &Self) -> bool {
        let mut at = 0;
        for change in &self.changes {
            if other.changes.get(at).is_some_and(|it| it.new == change.new) {
                at += 1;
            }
        }
        at == other.changes.len()
    }
}
