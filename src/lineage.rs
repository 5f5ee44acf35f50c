//! What the lines of a history add up to: which of them took effect, whether they lead to what the
//! ref holds, and where undoing leads (layout.md section 6).

use std::collections::BTreeMap;

use crate::change::{Change, Op};
use crate::hash::ObjectId;

/// The lines of a history file, oldest first, whether they took effect or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// The changes.
    pub(crate) changes: Vec<Change>,
    /// How many bytes they take. What follows is torn: a write that a crash cut short, or damage.
    pub(crate) bytes: u64,
}

/// Returns the lines in the bytes of a history file. A write that a crash cut short is torn: what
/// follows the last line feed, and a last line in which bytes are zero.
///
/// # Errors
///
/// The number, from 1, of a line that is malformed and not torn.
pub(crate) fn parse_history(bytes: &[u8]) -> Result<Lines, usize> {
    let mut lines = Lines::default();
    for (number, line) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        let Some(change) = parse_line(line) else {
            let is_last = lines.bytes + line.len() as u64 == bytes.len() as u64;
            return if is_last && is_torn(line) {
                Ok(lines)
            } else {
                Err(number)
            };
        };
        lines.changes.push(change);
        lines.bytes += line.len() as u64;
    }
    Ok(lines)
}

/// Returns whether `line`, the last of a history, is what a crash leaves of a write.
pub(crate) fn is_torn(line: &[u8]) -> bool {
    !line.ends_with(b"\n") || line.contains(&0)
}

/// Returns the change in `line`, which ends with its line feed.
#[must_use]
pub(crate) fn parse_line(line: &[u8]) -> Option<Change> {
    let line = line.strip_suffix(b"\n")?;
    std::str::from_utf8(line).ok()?.parse().ok()
}

/// Returns whether `changes` explain that the ref now points at `current`: one of them led there, or
/// none of them took effect and each found what the ref still holds, as in a copy without histories.
pub(crate) fn lead_to(changes: &[Change], current: Option<ObjectId>) -> bool {
    let led_there = changes.iter().any(|change| change.new == current);
    led_there || changes.iter().all(|change| change.old == current)
}

/// Returns those of `changes` that took effect, given that the ref now points at `current`.
///
/// A writer appends its line before it changes the ref, so a crash can leave lines of changes that
/// never happened. Read backwards, each line that did happen leads to what the later ones found.
#[must_use]
pub(crate) fn committed(changes: Vec<Change>, current: Option<ObjectId>) -> Vec<Change> {
    let mut expected = current;
    let mut kept: Vec<_> = changes
        .into_iter()
        .rev()
        .filter(|change| {
            let happened = change.new == expected;
            if happened {
                expected = change.old;
            }
            happened
        })
        .collect();
    kept.reverse();
    kept
}

/// Returns the entry to which undoing leads, given the changes that took effect: the one that a
/// retired ref last had, else the one before the current.
///
/// Undoing again leads further back: a rollback removes what it undid from the line of succession,
/// as undo does in an editor.
#[must_use]
pub(crate) fn undo_target(committed: &[Change]) -> Option<ObjectId> {
    let mut line: Vec<ObjectId> = Vec::new();
    // How often each entry is in it: looking for one that is not would be in vain, and long.
    let mut times = BTreeMap::<ObjectId, usize>::new();
    let mut retired = false;
    for change in committed {
        // An entry that was current without a line of its own (the history was cut or lost).
        if let (Some(old), true) = (change.old, line.is_empty()) {
            line.push(old);
            *times.entry(old).or_default() += 1;
        }
        retired = change.new.is_none();
        if let Some(new) = change.new {
            let is_known = times.get(&new).is_some_and(|times| *times > 0);
            match (change.op, is_known) {
                // What was retired and put again is where it was.
                _ if line.last() == Some(&new) => {}
                (Op::Rollback, true) => {
                    while let Some(undone) = line.pop_if(|id| *id != new) {
                        *times.entry(undone).or_default() -= 1;
                    }
                }
                _ => {
                    line.push(new);
                    *times.entry(new).or_default() += 1;
                }
            }
        }
    }
    if retired {
        line.last().copied()
    } else {
        line.iter().rev().nth(1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::sample::{change, id};
    use proptest::prelude::*;

    #[test]
    fn torn_end_is_left_out_and_damage_before_it_is_not() {
        let first = format!("{}\n", change(Op::Put, 0, 1));
        let second = format!("{}\n", change(Op::Put, 1, 2));
        let parse = |text: &str| {
            let lines = parse_history(text.as_bytes());
            lines.map(|lines| (lines.changes.len(), lines.bytes < text.len() as u64))
        };
        assert_eq!(parse(""), Ok((0, false)));
        assert_eq!(parse(&format!("{first}{second}")), Ok((2, false)));
        for cut in 0..second.len() {
            let torn = parse(&format!("{first}{}", &second[..cut]));
            assert_eq!(torn, Ok((1, cut > 0)), "{cut}");
        }
        assert_eq!(parse(&format!("{first}\0\0\0\n")), Ok((1, true)));
        assert_eq!(parse(&format!("{first}\0\0\0\n{second}")), Err(2));
        assert_eq!(parse(&format!("\n{first}")), Err(1));
        assert_eq!(
            parse(&format!("{first}{}", second.replace("put", "pot"))),
            Err(2)
        );
    }

    #[test]
    fn lines_of_changes_that_never_happened_are_passed_over() {
        let happened = [
            change(Op::Put, 0, 1),
            change(Op::Put, 1, 2),
            change(Op::Retire, 2, 0),
        ];
        let never = change(Op::Put, 1, 3);
        let lines = vec![
            happened[0].clone(),
            never.clone(),
            never,
            happened[1].clone(),
            change(Op::Put, 2, 1),
            happened[2].clone(),
            change(Op::Put, 0, 1),
        ];
        assert_eq!(committed(lines.clone(), None), happened);
        assert_eq!(committed(lines.clone(), Some(id(2))), happened[..2]);
        assert_eq!(committed(lines, Some(id(9))), []);
    }

    #[test]
    fn undo_leads_further_back_each_time_and_brings_back_what_was_retired() {
        let mut changes = vec![change(Op::Put, 0, 1)];
        assert_eq!(undo_target(&changes), None);
        changes.push(change(Op::Put, 1, 2));
        changes.push(change(Op::Put, 2, 3));
        assert_eq!(undo_target(&changes), Some(id(2)));
        changes.push(change(Op::Rollback, 3, 2));
        assert_eq!(undo_target(&changes), Some(id(1)));
        changes.push(change(Op::Rollback, 2, 1));
        assert_eq!(undo_target(&changes), None);
        changes.push(change(Op::Rollback, 1, 3));
        assert_eq!(undo_target(&changes), Some(id(1)));
        changes.push(change(Op::Retire, 3, 0));
        assert_eq!(undo_target(&changes), Some(id(3)));
        assert_eq!(undo_target(&[change(Op::Put, 4, 5)]), Some(id(4)));
        let put_again = [
            change(Op::Put, 0, 1),
            change(Op::Put, 1, 2),
            change(Op::Retire, 2, 0),
            change(Op::Put, 0, 2),
        ];
        assert_eq!(undo_target(&put_again), Some(id(1)));
    }

    #[test]
    fn changes_that_do_not_lead_to_the_ref_are_told_apart() {
        let changes = [change(Op::Put, 0, 1), change(Op::Put, 1, 2)];
        assert!(lead_to(&changes, Some(id(2))));
        assert!(
            lead_to(&changes, Some(id(1))),
            "the last did not take effect"
        );
        assert!(!lead_to(&changes, Some(id(3))));
        assert!(!lead_to(&changes, None), "nothing says that it was retired");
        assert!(
            lead_to(&changes[..1], None),
            "the first did not take effect"
        );
        assert!(
            lead_to(&changes[1..], Some(id(1))),
            "what came before is not known, and this did not take effect"
        );
        assert!(!lead_to(&changes[1..], None));
        // All that is there is torn.
        assert!(lead_to(&[], None));
        assert!(lead_to(&[], Some(id(1))));
    }

    proptest! {
        /// A ref that really moves, with attempts in between that a crash stopped before the ref.
        #[test]
        fn committed_changes_are_found_exactly(steps in prop::collection::vec((any::<bool>(), 0..4u8), 0..20)) {
            let (mut current, mut lines, mut happened) = (0, Vec::new(), Vec::new());
            for (stopped, new) in steps {
                if new == current {
                    continue;
                }
                let op = if new == 0 { Op::Retire } else { Op::Put };
                let line = change(op, current, new);
                lines.push(line.clone());
                if !stopped {
                    happened.push(line);
                    current = new;
                }
            }
            prop_assert_eq!(committed(lines, (current > 0).then(|| id(current))), happened);
        }
    }
}
