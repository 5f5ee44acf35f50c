//! Changes of refs, and the lines of a history that stand for them (layout.md section 6).

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::hash::ObjectId;
use crate::name::{Name, NameError, is_control};
use crate::secrets::find_secret;

/// What a change of a ref was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Op {
    /// An entry was recorded.
    Put,
    /// The ref was removed.
    Retire,
    /// The ref was removed because retention does not keep its version.
    Prune,
    /// The ref was pointed back at an earlier entry.
    Rollback,
    /// An entry came from another catalog, where its ref has a history.
    Pull,
    /// An entry came from where refs have no history: a proof bundle, or an index of another kind.
    Import,
}

impl Op {
    const ALL: [Self; 6] = [
        Self::Put,
        Self::Retire,
        Self::Prune,
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
            Self::Prune => "prune",
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

/// Returns the time, in milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> i64 {
    let ms = |elapsed: std::time::Duration| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => ms(since),
        Err(before) => -ms(before.duration()),
    }
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
        Self::new(actor, now_ms())
    }

    /// Returns the same, whose actor also says where things come from: `<actor> from <source>`. Where that
    /// is too long for a name it is cut, and ends in `…`; a control becomes `?`, and a source that looks
    /// as if it contained a credential `…`.
    #[must_use]
    pub fn from_source(&self, source: &str) -> Self {
        let source = find_secret(source).map_or(source, |_| "…");
        let shown = |c| if is_control(c) { '?' } else { c };
        let whole: String = format!("{} from {source}", self.actor)
            .chars()
            .map(shown)
            .collect();
        // Nothing fits where the actor alone is as long as a name may be.
        let ends = whole.char_indices().rev().map(|(at, _)| at);
        let cut = ends.take_while(|at| *at > self.actor.as_str().len());
        let mut fitting = [Name::new(&whole)]
            .into_iter()
            .chain(cut.map(|at| Name::new(&format!("{}…", &whole[..at]))));
        let actor = fitting
            .find_map(Result::ok)
            .unwrap_or_else(|| self.actor.clone());
        Self {
            actor,
            ..self.clone()
        }
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
        // Retiring and pruning, and nothing else, leave no entry; and a change changes something. Comparing
        // the text refuses other spellings of the same change, such as `+1` or a sixth field.
        let removes = matches!(change.op, Op::Retire | Op::Prune);
        if removes != change.new.is_none() || change.old == change.new || change.to_string() != line
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

/// Changes to test with: objects are numbers, and 0 is none.
#[cfg(test)]
pub(crate) mod sample {
    use super::*;

    pub(crate) fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes([n; 32])
    }

    pub(crate) fn change(op: Op, old: u8, new: u8) -> Change {
        let id = |n| (n > 0).then(|| id(n));
        Change {
            at_ms: 7,
            op,
            old: id(old),
            new: id(new),
            actor: Name::new("me@here").unwrap(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sample::change;
    use super::*;
    use proptest::prelude::*;

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
        assert_eq!(
            change(Op::Prune, 1, 0).to_string(),
            format!("7 prune {old} - me%40here")
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
            format!("7 prune {a} {b} me"),
            format!("7 put {a} {a} me"),
            "7 retire - - me".to_owned(),
            format!("7 put {a} {b} "),
            format!("7 put {a} {b} me\0"),
        ] {
            assert_eq!(line.parse::<Change>(), Err(MalformedLine), "{line:?}");
        }
    }

    fn arbitrary_change() -> impl Strategy<Value = Change> {
        (
            any::<i64>(),
            0..Op::ALL.len(),
            0..4u8,
            1..4u8,
            "[^\\pC]{1,20}",
        )
            .prop_filter_map(
                "a change changes something",
                |(at_ms, op, old, new, actor)| {
                    let op = Op::ALL[op];
                    let removes = matches!(op, Op::Retire | Op::Prune);
                    let new = if removes { 0 } else { new };
                    let actor = Name::new(&actor).ok()?;
                    (old != new).then(|| Change {
                        at_ms,
                        actor,
                        ..change(op, old, new)
                    })
                },
            )
    }

    fn actor_from(actor: &str, source: &str) -> String {
        let stamp = Stamp::new(actor, 7).unwrap().from_source(source);
        assert_eq!(stamp.at_ms, 7);
        stamp.actor.to_string()
    }

    #[test]
    fn actor_says_where_things_come_from_as_far_as_it_fits() {
        for (source, said) in [
            ("node1:/srv/engines", "me@here from node1:/srv/engines"),
            ("a\n\u{202e}b", "me@here from a??b"),
            ("rsync://me:hunter2@node1/x", "me@here from …"),
        ] {
            assert_eq!(actor_from("me@here", source), said);
        }
        // Each of these letters takes six bytes of the 255, what is before them 19, and the mark nine.
        let long = actor_from("me@here", &"ü".repeat(200));
        assert_eq!(long, format!("me@here from {}…", "ü".repeat(37)));
        let full = "a".repeat(255);
        assert_eq!(actor_from(&full, "node1:/srv"), full);
    }

    proptest! {
        #[test]
        fn any_source_gives_a_name_that_begins_with_the_actor(
            actor in "[^\\pC]{1,80}", source in ".{0,300}",
        ) {
            if let Ok(actor) = Name::new(&actor) {
                prop_assert!(actor_from(actor.as_str(), &source).starts_with(actor.as_str()));
            }
        }

        #[test]
        fn every_change_survives_its_line(change in arbitrary_change()) {
            prop_assert_eq!(change.to_string().parse(), Ok(change));
        }
    }
}
