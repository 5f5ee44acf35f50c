//! Changes of refs: the lines of a history file, which of them took effect, and what undoing means
//! (layout.md section 6).

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::hash::ObjectId;
use crate::name::{Name, NameError};

/// What a change of a ref was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Op {
    /// An entry was recorded.
    Put,
    /// The ref was removed.
    Retire,
    /// The ref was pointed back at an earlier entry.
    Rollback,
    /// An entry came from another catalog.
    Pull,
    /// An entry came from a proof bundle or an index of another kind.
    Import,
}

impl Op {
    const ALL: [Self; 5] = [
        Self::Put,
        Self::Retire,
        Self::Rollback,
        Self::Pull,
        Self::Import,
    ];

    /// Returns the word for this operation in a history line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Retire => "retire",
            Self::Rollback => "rollback",
            Self::Pull => "pull",
            Self::Import => "import",
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who changes a catalog, and when; history keeps both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// A short name, such as `engine-provisioner` or `user@host`.
    pub actor: Name,
}

impl Stamp {
    /// Returns a stamp with a given time.
    ///
    /// # Errors
    ///
    /// [`NameError`] where `actor` is no name.
    pub fn new(actor: &str, at_ms: i64) -> Result<Self, NameError> {
        Ok(Self {
            at_ms,
            actor: Name::new(actor)?,
        })
    }

    /// Returns a stamp with the time of the system clock.
    ///
    /// # Errors
    ///
    /// [`NameError`] where `actor` is no name.
    pub fn now(actor: &str) -> Result<Self, NameError> {
        let ms =
            |elapsed: std::time::Duration| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        let at_ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => ms(since),
            Err(before) => -ms(before.duration()),
        };
        Self::new(actor, at_ms)
    }
}

/// One change of a ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When: milliseconds since the Unix epoch, by the clock of whoever changed it.
    pub at_ms: i64,
    /// What.
    pub op: Op,
    /// The entry that was current before; `None` where there was none.
    pub old: Option<ObjectId>,
    /// The entry that is current after; `None` where the ref was removed.
    pub new: Option<ObjectId>,
    /// Who.
    pub actor: Name,
}

/// The line that stands for the change, without its line feed.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = |id: Option<ObjectId>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        write!(
            f,
            "{} {} {} {} {}",
            self.at_ms,
            self.op,
            id(self.old),
            id(self.new),
            self.actor.to_file_name()
        )
    }
}

impl FromStr for Change {
    type Err = MalformedLine;

    /// Parses exactly what [`Display`](fmt::Display) writes.
    fn from_str(line: &str) -> Result<Self, MalformedLine> {
        let parse_id = |text: &str| match text {
            "-" => Ok(None),
            id => id.parse().map(Some).map_err(|_| MalformedLine),
        };
        let mut fields = line.split(' ');
        let mut field = || fields.next().ok_or(MalformedLine);
        let change = Self {
            at_ms: field()?.parse().map_err(|_| MalformedLine)?,
            op: {
                let word = field()?;
                let op = Op::ALL.into_iter().find(|op| op.as_str() == word);
                op.ok_or(MalformedLine)?
            },
            old: parse_id(field()?)?,
            new: parse_id(field()?)?,
            actor: Name::from_file_name(field()?).ok_or(MalformedLine)?,
        };
        // Retiring, and nothing else, leaves no entry; and a change changes something. Comparing
        // the text refuses other spellings of the same change, such as `+1` or a sixth field.
        let is_retire = change.op == Op::Retire;
        if is_retire != change.new.is_none()
            || change.old == change.new
            || change.to_string() != line
        {
            return Err(MalformedLine);
        }
        Ok(change)
    }
}

/// A history line that is not of the form of layout.md section 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not of the form <unix ms> <op> <old> <new> <actor>")]
pub struct MalformedLine;

/// The lines of a history file, oldest first, whether they took effect or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    /// The changes.
    pub(crate) changes: Vec<Change>,
    /// How many bytes they take. What follows is torn: a write that a crash cut short, or damage.
    pub(crate) bytes: u64,
}

/// Returns the lines in the bytes of a history file. What follows the last line feed, and a last
/// line that is malformed, is torn.
///
/// # Errors
///
/// The number, from 1, of a malformed line that is not the last.
pub(crate) fn parse_history(bytes: &[u8]) -> Result<Lines, usize> {
    let mut lines = Lines::default();
    let mut torn = None;
    for (number, line) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        match (torn, parse_line(line)) {
            (Some(number), _) => return Err(number),
            (None, None) => torn = Some(number),
            (None, Some(change)) => {
                lines.changes.push(change);
                lines.bytes += line.len() as u64;
            }
        }
    }
    Ok(lines)
}

/// Returns the change in `line`, which ends with its line feed.
#[must_use]
pub(crate) fn parse_line(line: &[u8]) -> Option<Change> {
    let line = line.strip_suffix(b"\n")?;
    std::str::from_utf8(line).ok()?.parse().ok()
}

/// Returns whether `changes` explain that the ref now points at `current`: one of them led there, or
/// none of them took effect and there is no ref.
pub(crate) fn lead_to(changes: &[Change], current: Option<ObjectId>) -> bool {
    let led_there = changes.iter().any(|change| change.new == current);
    led_there || current.is_none() && changes.iter().all(|change| change.old.is_none())
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
    let mut retired = false;
    for change in committed {
        // An entry that was current without a line of its own (the history was cut or lost).
        if let (Some(old), true) = (change.old, line.is_empty()) {
            line.push(old);
        }
        retired = change.new.is_none();
        if let Some(new) = change.new {
            let known = line.iter().rposition(|id| *id == new);
            match (change.op, known) {
                (Op::Rollback, Some(at)) => line.truncate(at + 1),
                // What was retired and put again is where it was.
                _ if line.last() == Some(&new) => {}
                _ => line.push(new),
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
    use proptest::prelude::*;

    fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes([n; 32])
    }

    fn change(op: Op, old: u8, new: u8) -> Change {
        let id = |n| (n > 0).then(|| id(n));
        Change {
            at_ms: 7,
            op,
            old: id(old),
            new: id(new),
            actor: Name::new("me@here").unwrap(),
        }
    }

    #[test]
    fn line_has_the_form_of_the_layout() {
        let (old, new) = ("01".repeat(32), "02".repeat(32));
        let line = format!("7 put {old} {new} me%40here");
        assert_eq!(change(Op::Put, 1, 2).to_string(), line);
        assert_eq!(line.parse(), Ok(change(Op::Put, 1, 2)));
        assert_eq!(
            change(Op::Retire, 1, 0).to_string(),
            format!("7 retire {old} - me%40here")
        );
    }

    #[test]
    fn other_spellings_are_malformed() {
        let (a, b) = ("01".repeat(32), "02".repeat(32));
        for line in [
            String::new(),
            format!("+7 put {a} {b} me"),
            format!("07 put {a} {b} me"),
            format!("7 PUT {a} {b} me"),
            format!("7 put {a} {b} me "),
            format!("7 put {a} {b} me@here"),
            format!("7  put {a} {b} me"),
            format!("7 put {a} {b}"),
            format!("7 put {a} - me"),
            format!("7 retire {a} {b} me"),
            format!("7 put {a} {a} me"),
            "7 retire - - me".to_owned(),
            format!("7 put {a} {b} "),
            format!("7 put {a} {b} me\0"),
        ] {
            assert_eq!(line.parse::<Change>(), Err(MalformedLine), "{line:?}");
        }
    }

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
        assert!(lead_to(&[], None));
        assert!(!lead_to(&[], Some(id(1))));
    }

    fn arbitrary_change() -> impl Strategy<Value = Change> {
        (any::<i64>(), 0..5usize, 0..4u8, 1..4u8, "[^\\pC]{1,20}").prop_filter_map(
            "a change changes something",
            |(at_ms, op, old, new, actor)| {
                let op = Op::ALL[op];
                let new = if op == Op::Retire { 0 } else { new };
                let actor = Name::new(&actor).ok()?;
                (old != new).then(|| Change {
                    at_ms,
                    actor,
                    ..change(op, old, new)
                })
            },
        )
    }

    proptest! {
        #[test]
        fn every_change_survives_its_line(change in arbitrary_change()) {
            prop_assert_eq!(change.to_string().parse(), Ok(change));
        }

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
