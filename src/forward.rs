//! What becomes of a ref when another catalog has the same one: refs only move forward (layout.md
//! section 10.2).
//!
//! Nothing is decided by times. What one side has held before, the other is ahead of.

use crate::change::Change;
use crate::hash::ObjectId;

/// A ref as one catalog has it.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// What the ref holds; `None` where there is none.
    pub(crate) current: Option<ObjectId>,
    /// What it held, one after the other, up to what it holds; `None` where it was retired.
    pub(crate) held: Vec<Option<ObjectId>>,
}

/// What is to become of our ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Both hold the same, or nothing.
    Same,
    /// There is none here, and theirs was never held here: it is made.
    Create,
    /// Theirs has moved on from what ours holds: ours follows.
    Forward,
    /// Ours has moved on from what theirs holds, or theirs was retired: it stays.
    Keep,
    /// Each has gone its own way: it stays, and a person has to choose.
    Conflict,
}

impl Side {
    /// A ref that holds `current`, after these changes took effect, oldest first; none where they are not
    /// known, as in a bundle.
    pub(crate) fn new(current: Option<ObjectId>, changes: &[Change]) -> Self {
        // What comes before the first line that is known.
        let first = changes.first().and_then(|change| change.old);
        let mut held: Vec<_> = first.map(Some).into_iter().collect();
        held.extend(changes.iter().map(|change| change.new));
        if changes.is_empty() && current.is_some() {
            held.push(current);
        }
        Self { current, held }
    }

    /// The same after it held `passed` in between, and came back.
    pub(crate) fn back_from(mut self, passed: ObjectId) -> Self {
        self.held.extend([Some(passed), self.current]);
        self
    }
}

/// Decides what is to become of `ours`, given `theirs`.
pub(crate) fn decide(ours: &Side, theirs: &Side) -> Decision {
    if ours.current == theirs.current {
        return Decision::Same;
    }
    let Some(their_current) = theirs.current else {
        // Retiring is not shared.
        return Decision::Keep;
    };
    let (we_held, they_held) = (&ours.held, &theirs.held);
    let we_are_ahead = we_held.contains(&Some(their_current));
    let Some(our_current) = ours.current else {
        return if we_are_ahead {
            Decision::Keep
        } else {
            Decision::Create
        };
    };
    match (we_are_ahead, they_held.contains(&Some(our_current))) {
        (true, false) => Decision::Keep,
        (false, true) => Decision::Forward,
        (false, false) => Decision::Conflict,
        // One of them was rolled back. It is ahead of the other if it has been through all that the
        // other has been through.
        (true, true) => match (is_part(they_held, we_held), is_part(we_held, they_held)) {
            (true, false) => Decision::Keep,
            (false, true) => Decision::Forward,
            _ => Decision::Conflict,
        },
    }
}

/// Returns whether all of `part` is in `whole`, in the same order.
fn is_part<T: PartialEq>(part: &[T], whole: &[T]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|wanted| rest.any(|found| found == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Op;
    use crate::change::sample::{change, id};
    use proptest::prelude::*;

    /// A ref that held these one after the other; 0 is none.
    fn history(held: &[u8]) -> Vec<Change> {
        let mut before = 0;
        let mut changes = Vec::new();
        for &now in held {
            if now != before {
                let op = if now == 0 { Op::Retire } else { Op::Put };
                changes.push(change(op, before, now));
            }
            before = now;
        }
        changes
    }

    fn current(held: &[u8]) -> Option<ObjectId> {
        held.last().filter(|n| **n > 0).map(|n| id(*n))
    }

    fn decided(ours: &[u8], theirs: &[u8]) -> Decision {
        let side = |held: &[u8]| Side::new(current(held), &history(held));
        decide(&side(ours), &side(theirs))
    }

    /// As a bundle has it: what is current, and no history.
    fn decided_by_bundle(ours: &[u8], theirs: u8) -> Decision {
        let ours = Side::new(current(ours), &history(ours));
        decide(&ours, &Side::new(Some(id(theirs)), &[]))
    }

    #[test]
    fn refs_move_forward_only() {
        use Decision::{Conflict, Create, Forward, Keep, Same};
        for (ours, theirs, expected) in [
            (&[][..], &[][..], Same),
            (&[1], &[1], Same),
            (&[1, 2, 1], &[1], Same),
            (&[], &[1, 2], Create),
            (&[1], &[1, 2], Forward),
            (&[1, 2], &[1], Keep),
            (&[1, 2], &[1, 3], Conflict),
            (&[1], &[2], Conflict),
            // Retired here, after it was held.
            (&[1, 2, 0], &[1], Keep),
            (&[1, 2, 0], &[2], Keep),
            (&[1, 0], &[2], Create),
            (&[1, 0], &[1, 2], Create),
            // Retired there.
            (&[1], &[1, 0], Keep),
            (&[], &[1, 0], Same),
            // Retired there, and put again.
            (&[1], &[1, 0, 2], Forward),
            // Rolled back, here or there.
            (&[1, 2, 1], &[1, 2], Keep),
            (&[1, 2], &[1, 2, 1], Forward),
            // Followed in one step what took two, and then rolled back there.
            (&[1, 3], &[1, 2, 3, 1], Forward),
            (&[1, 2], &[2, 1], Conflict),
        ] {
            assert_eq!(decided(ours, theirs), expected, "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn bundle_without_history_creates_and_never_moves() {
        use Decision::{Conflict, Create, Keep, Same};
        for (ours, theirs, expected) in [
            (&[][..], 1, Create),
            (&[1], 1, Same),
            (&[1, 2], 1, Keep),
            (&[1], 2, Conflict),
            (&[1, 0], 1, Keep),
            (&[1, 2, 0], 3, Create),
            (&[1, 2, 1], 2, Keep),
        ] {
            assert_eq!(
                decided_by_bundle(ours, theirs),
                expected,
                "{ours:?} {theirs}"
            );
        }
    }

    /// What becomes of `ours` when it takes over what was decided.
    fn moved(ours: &[u8], theirs: &[u8]) -> Vec<u8> {
        let mut moved = ours.to_vec();
        if matches!(decided(ours, theirs), Decision::Create | Decision::Forward) {
            moved.extend(theirs.last());
        }
        moved
    }

    fn held() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(0..4u8, 0..6)
    }

    proptest! {
        #[test]
        fn both_sides_agree_on_who_is_ahead(a in held(), b in held()) {
            let (there, back) = (decided(&a, &b), decided(&b, &a));
            let both_are_current = current(&a).is_some() && current(&b).is_some();
            if both_are_current {
                let expected = match there {
                    Decision::Forward => Decision::Keep,
                    Decision::Keep => Decision::Forward,
                    same => same,
                };
                prop_assert_eq!(back, expected);
            }
        }

        #[test]
        fn what_continues_a_history_is_ahead_of_it(a in held(), more in held()) {
            let b = [a.clone(), more].concat();
            if current(&a).is_some() && current(&b).is_some() && current(&a) != current(&b) {
                prop_assert_eq!(decided(&a, &b), Decision::Forward);
            }
        }

        #[test]
        fn deciding_again_changes_nothing(a in held(), b in held()) {
            let once = moved(&a, &b);
            prop_assert_eq!(moved(&once, &b), once);
        }

        #[test]
        fn what_was_held_here_is_never_brought_back_by_one_that_has_no_history(
            a in held(), theirs in 1..4u8,
        ) {
            if a.contains(&theirs) {
                let decision = decided_by_bundle(&a, theirs);
                prop_assert!(matches!(decision, Decision::Same | Decision::Keep), "{decision:?}");
            }
        }

        #[test]
        fn either_order_ends_in_the_same(a in held(), b in held()) {
            let (a_first, b_first) = (moved(&a, &b), moved(&b, &a));
            let one = (current(&a_first), current(&moved(&b, &a_first)));
            let other = (current(&moved(&a, &b_first)), current(&b_first));
            prop_assert_eq!(one, other);
        }
    }
}
