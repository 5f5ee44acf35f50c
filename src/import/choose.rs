//! Where each side has gone its own way: what becomes of ours by what is preferred.

use super::Arrival;
use crate::catalog::Catalog;
use crate::change::Change;
use crate::error::Error;
use crate::forward::{Decision, Side, decide};
use crate::hash::ObjectId;
use crate::prefer::{Age, Choice};

impl Catalog {
    /// Returns whether ours or theirs is preferred, or neither, of a ref that both have. Ours holds
    /// `current`, after `changes`.
    pub(super) fn choose(
        &self,
        choice: Choice,
        current: Option<ObjectId>,
        changes: &[Change],
        arrival: &Arrival,
    ) -> Result<Choice, Error> {
        let (record, name) = (&arrival.record, arrival.record.name());
        let (Choice::Newest, Some(object)) = (choice, current) else {
            return Ok(choice);
        };
        // Ours counts even where it cannot be read, if histories tell.
        let created_ms = match (self.entry(&object), changes, &arrival.changes[..]) {
            (Ok(Some(entry)), ..) => entry.created_ms,
            (_, [_, ..], [_, ..]) => 0,
            (Ok(None), ..) => return Err(Error::Dangling { name, object }),
            (Err(cause), ..) => return Err(cause),
        };
        let ours = Age::new(object, created_ms, changes);
        let theirs = Age::new(record.object, record.entry.created_ms, &arrival.changes);
        Ok(if theirs.is_newer_than(&ours) {
            Choice::Theirs
        } else {
            Choice::Ours
        })
    }
}

/// Returns what the history of ours has to say that it held in between, for ours to be ahead of theirs;
/// `None` where that would not do.
pub(super) fn settled(ours: Side, theirs: &Side) -> Option<ObjectId> {
    let through = theirs.current?;
    let is_ahead = decide(&ours.back_from(through), theirs) == Decision::Keep;
    is_ahead.then_some(through)
}
