//! Which refs a listing shows: patterns over engines and versions.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::{Name, RefName};

/// A name, or a glob over names: `*` stands for any text and `?` for one character.
///
/// Text without either character matches only itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// Returns whether `name` matches.
    #[must_use]
    pub fn matches(&self, name: &Name) -> bool {
        glob(&self.0, name.as_str())
    }
}

impl FromStr for Pattern {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Matches in O(pattern × text) at worst: only the last `*` is ever tried again, because text that
/// an earlier one could give up, a later one can take.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut retry = None;
    loop {
        let (mut ahead, mut rest) = (pattern.clone(), text.clone());
        match (ahead.next(), rest.next()) {
            (Some('*'), _) => {
                retry = Some((ahead.clone(), text.clone()));
                pattern = ahead;
                continue;
            }
            (Some('?'), Some(_)) => {}
            (Some(expected), Some(found)) if expected == found => {}
            (None, None) => return true,
            _ => {
                // The last star takes one character more, if there is one.
                let Some((after_star, from)) = &mut retry else {
                    return false;
                };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (after_star.clone(), from.clone());
                continue;
            }
        }
        (pattern, text) = (ahead, rest);
    }
}

/// Restricts a listing to some engines and versions; the default shows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Which engines; `None` for all.
    pub engine: Option<Pattern>,
    /// Which versions; `None` for all.
    pub version: Option<Pattern>,
}

impl Filter {
    /// Returns whether the listing shows `name`.
    #[must_use]
    pub fn matches(&self, name: &RefName) -> bool {
        self.matches_engine(name.engine())
            && self
                .version
                .as_ref()
                .is_none_or(|pattern| pattern.matches(name.version()))
    }

    /// Returns whether the listing shows any version of `engine`.
    #[must_use]
    pub fn matches_engine(&self, engine: &Name) -> bool {
        self.engine
            .as_ref()
            .is_none_or(|pattern| pattern.matches(engine))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wildcards_stand_for_any_text_and_for_one_character() {
        for (pattern, text, expected) in [
            ("llamacpp", "llamacpp", true),
            ("llamacpp", "llamacpp2", false),
            ("llama*", "llamacpp", true),
            ("*", "", true),
            ("*cpp", "llamacpp", true),
            ("l*c*p", "llamacpp", true),
            ("l*x*p", "llamacpp", false),
            ("b432?", "b4321", true),
            ("b432?", "b432", false),
            ("?", "ü", true),
            ("", "a", false),
            ("a*b", "ab", true),
            ("*ab", "aab", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    /// The definition, in exponential time.
    fn slow_glob(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => (0..=text.len()).any(|taken| slow_glob(rest, &text[taken..])),
            (Some(('?', rest)), Some((_, text))) => slow_glob(rest, text),
            (Some((p, rest)), Some((t, text))) => p == t && slow_glob(rest, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn glob_agrees_with_its_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let chars = |s: &str| s.chars().collect::<Vec<_>>();
            prop_assert_eq!(glob(&pattern, &text), slow_glob(&chars(&pattern), &chars(&text)));
        }
    }
}
