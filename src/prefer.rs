//! What a person prefers where each side has gone its own way (layout.md section 10.2).
//!
//! Pure, and the same seen from either side: where both prefer the newest, both choose the same.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::change::Change;
use crate::hash::ObjectId;
use crate::name::RefName;

/// What is to become of a ref of which each side has gone its own way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Choice {
    /// Ours stays, and the conflict is reported.
    #[default]
    None,
    /// Ours stays. Its history says that theirs was taken up and put back, so that the conflict does not
    /// come again, and theirs follows when it takes from here.
    Ours,
    /// Ours comes to hold what theirs holds. What it held stays in its history.
    Theirs,
    /// The one that was changed last, by the last line of each history: the clocks of both writers
    /// decide. Where one side has no history, the entry that was created last. Of the same time, the
    /// greater object id.
    Newest,
}

impl Choice {
    const ALL: [Self; 4] = [Self::None, Self::Ours, Self::Theirs, Self::Newest];

    /// Returns the word for this choice.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ours => "ours",
            Self::Theirs => "theirs",
            Self::Newest => "newest",
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Choice {
    type Err = UnknownChoice;

    fn from_str(word: &str) -> Result<Self, UnknownChoice> {
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.as_str() == word).ok_or(UnknownChoice)
    }
}

/// A word that is no [`Choice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is none of ours, theirs, newest and none")]
pub struct UnknownChoice;

/// What is preferred of which ref.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefer {
    /// Of these refs.
    pub refs: BTreeMap<RefName, Choice>,
    /// Of all others.
    pub otherwise: Choice,
}

impl Prefer {
    /// Returns what is preferred of `name`.
    #[must_use]
    pub fn of(&self, name: &RefName) -> Choice {
        self.refs.get(name).copied().unwrap_or(self.otherwise)
    }
}

impl From<Choice> for Prefer {
    fn from(otherwise: Choice) -> Self {
        Self {
            otherwise,
            ..Self::default()
        }
    }
}

/// When a ref came to be what it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Age {
    pub(crate) object: ObjectId,
    /// When the ref was changed last; `None` where it has no history.
    pub(crate) changed_ms: Option<i64>,
    /// When the entry that it holds was created.
    pub(crate) created_ms: i64,
}

impl Age {
    pub(crate) fn new(object: ObjectId, created_ms: i64, changes: &[Change]) -> Self {
        Self {
            object,
            changed_ms: changes.last().map(|change| change.at_ms),
            created_ms,
        }
    }

    /// Whether this is the newer one of two that hold different entries; the other then is not.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        // Times of a kind only: an entry is created before any ref comes to hold it.
        let times = match (self.changed_ms, other.changed_ms) {
            (Some(here), Some(there)) => (here, there),
            _ => (self.created_ms, other.created_ms),
        };
        (times.0, self.object) > (times.1, other.object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::sample::id;
    use proptest::prelude::*;

    fn age(object: u8, changed_ms: Option<i64>, created_ms: i64) -> Age {
        Age {
            object: id(object),
            changed_ms,
            created_ms,
        }
    }

    #[test]
    fn newest_is_by_the_last_change_or_by_creation_where_one_has_no_history() {
        for (newer, older) in [
            (age(1, Some(8), 1), age(2, Some(7), 9)),
            (age(1, None, 5), age(2, Some(9), 4)),
            (age(1, None, 5), age(2, None, 4)),
            (age(2, Some(7), 1), age(1, Some(7), 9)),
            (age(2, None, 5), age(1, Some(9), 5)),
        ] {
            assert!(newer.is_newer_than(&older), "{newer:?} {older:?}");
            assert!(!older.is_newer_than(&newer), "{newer:?} {older:?}");
        }
    }

    #[test]
    fn general_choice_is_of_refs_that_have_none_of_their_own() {
        let name = |text: &str| text.parse::<RefName>().expect("it is a name");
        let prefer = Prefer {
            refs: [(name("vllm/1"), Choice::None)].into(),
            otherwise: Choice::Theirs,
        };
        assert_eq!(prefer.of(&name("vllm/1")), Choice::None);
        assert_eq!(prefer.of(&name("vllm/2")), Choice::Theirs);
        assert_eq!(Prefer::default().of(&name("vllm/2")), Choice::None);
    }

    proptest! {
        #[test]
        fn exactly_one_side_is_the_newest(
            a in (proptest::option::of(0..3i64), 0..3i64),
            b in (proptest::option::of(0..3i64), 0..3i64),
            objects in (1..4u8, 1..4u8),
        ) {
            prop_assume!(objects.0 != objects.1);
            let (a, b) = (age(objects.0, a.0, a.1), age(objects.1, b.0, b.1));
            prop_assert_ne!(a.is_newer_than(&b), b.is_newer_than(&a));
        }
    }

    #[test]
    fn every_choice_is_read_from_its_word() {
        for choice in Choice::ALL {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        assert_eq!("mine".parse::<Choice>(), Err(UnknownChoice));
    }
}
