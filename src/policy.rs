//! Which refs may hold only what enough keys have signed: the file `policy` of a catalog (layout.md section
//! 5.7).

use std::cell::Cell;
use std::fmt;

use crate::allowed_signers::{AllowedSigners, AllowedSignersError};
use crate::filter::Pattern;
use crate::name::RefName;

/// What is required of the signatures of an entry.
#[derive(Clone, Copy, Debug)]
pub struct RequiredSignatures<'s> {
    /// How many distinct keys have to have signed it, or a snapshot that it is a member of.
    pub threshold: usize,
    /// Whose signatures count.
    pub signers: &'s AllowedSigners,
    /// The time, in milliseconds since the Unix epoch, at which their keys have to be valid. No signature says
    /// when it was made.
    pub at_ms: i64,
}

/// How many keys have to have signed what a ref holds, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    rules: Vec<PolicyRule>,
    signers: AllowedSigners,
}

/// A line of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyRule {
    /// How many distinct keys have to have signed.
    pub threshold: usize,
    /// Which engines.
    pub engine: Pattern,
    /// Which versions.
    pub version: Pattern,
}

/// Why a policy is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// It is larger than policies are.
    #[error("it has {bytes} bytes, expected at most {}", Policy::MAX_BYTES)]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
    /// A rule is wrong.
    #[error("line {line}: {cause}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        cause: PolicyLineError,
    },
    /// One of the allowed signers is wrong.
    #[error("after [allowed_signers], {0}")]
    Signers(#[from] AllowedSignersError),
    /// A time of validity does not say which time zone it is in, and each program may have its own.
    #[error("after [allowed_signers], line {line}: a time does not end in Z")]
    LocalTime {
        /// Which line after that one, from 1.
        line: usize,
    },
}

/// What is wrong with a line of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyLineError {
    /// It is not UTF-8, or has a control character.
    #[error("it is no text")]
    NotText,
    /// It is not of the form of a rule.
    #[error(
        "expected `require N ENGINE/VERSION`, where * stands for any text and ? for one character"
    )]
    Form,
    /// More keys are required than there are allowed signers.
    #[error("it requires {required} of the {named} keys that [allowed_signers] names")]
    TooFewSigners {
        /// How many keys are required.
        required: usize,
        /// How many there are.
        named: usize,
    },
}

impl Policy {
    /// The most bytes of a policy.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Returns the text of a policy of these rules and these allowed signers, each as they are.
    #[must_use]
    pub fn text(rules: &[u8], allowed_signers: &[u8]) -> Vec<u8> {
        let is_open = rules.last().is_some_and(|it| *it != b'\n');
        let end: &[u8] = if is_open { b"\n" } else { b"" };
        [rules, end, SIGNERS, b"\n", allowed_signers].concat()
    }

    /// Returns the rules of the text of a policy, and what is after the line `[allowed_signers]`, if there is
    /// one.
    #[must_use]
    pub fn parts(text: &[u8]) -> (&[u8], Option<&[u8]>) {
        let mut at = 0;
        for line in text.split_inclusive(|it| *it == b'\n') {
            let (before, after) = (&text[..at], &text[at + line.len()..]);
            let own = line.strip_suffix(b"\n").unwrap_or(line);
            if own.strip_suffix(b"\r").unwrap_or(own) == SIGNERS {
                return (before, Some(after));
            }
            at += line.len();
        }
        (text, None)
    }

    /// Reads a policy: its rules, and after the line `[allowed_signers]` whose signatures count.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] says what is wrong with which line.
    pub fn parse(text: &[u8]) -> Result<Self, PolicyError> {
        if text.len() > Self::MAX_BYTES {
            let bytes = text.len();
            return Err(PolicyError::TooLarge { bytes });
        }
        let (own, allowed_signers) = Self::parts(text);
        let allowed_signers = allowed_signers.unwrap_or_default();
        let has_local = Cell::new(false);
        let signers = AllowedSigners::parse(allowed_signers, |_| {
            has_local.set(true);
            None
        });
        let signers = signers.map_err(|error| match error {
            AllowedSignersError::Line { line, .. } if has_local.get() => {
                PolicyError::LocalTime { line }
            }
            error => error.into(),
        })?;
        let mut rules = Vec::new();
        for (line, bytes) in (1..).zip(own.split(|it| *it == b'\n')) {
            let rule = PolicyRule::parse(bytes, signers.keys());
            rules.extend(rule.map_err(|cause| PolicyError::Line { line, cause })?);
        }
        Ok(Self { rules, signers })
    }

    /// Returns how many distinct keys have to have signed what the ref holds: what the first line says whose
    /// pattern the ref matches, else none.
    #[must_use]
    pub fn threshold(&self, name: &RefName) -> usize {
        let rule = self.rules.iter().find(|rule| rule.matches(name));
        rule.map_or(0, |rule| rule.threshold)
    }

    /// Returns what is required of an entry that the ref is to hold at this time, in milliseconds since the
    /// Unix epoch.
    #[must_use]
    pub fn required(&self, name: &RefName, at_ms: i64) -> RequiredSignatures<'_> {
        RequiredSignatures {
            threshold: self.threshold(name),
            signers: &self.signers,
            at_ms,
        }
    }

    /// Returns whose signatures count.
    #[must_use]
    pub fn signers(&self) -> &AllowedSigners {
        &self.signers
    }

    /// Returns the rules, in their order.
    #[must_use]
    pub fn rules(&self) -> &[PolicyRule] {
        &self.rules
    }
}

/// The line between the rules and the allowed signers.
const SIGNERS: &[u8] = b"[allowed_signers]";

impl fmt::Display for PolicyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "require {} {}/{}",
            self.threshold, self.engine, self.version
        )
    }
}

impl PolicyRule {
    fn matches(&self, name: &RefName) -> bool {
        self.engine.matches(name.engine()) && self.version.matches(name.version())
    }

    /// Reads a line; `None` where it says nothing.
    fn parse(line: &[u8], named: usize) -> Result<Option<Self>, PolicyLineError> {
        let text = std::str::from_utf8(line).map_err(|_| PolicyLineError::NotText)?;
        let text = text.strip_suffix('\r').unwrap_or(text);
        let line = text.trim_matches(is_space);
        if line.contains(|it: char| it.is_control() && !is_space(it)) {
            return Err(PolicyLineError::NotText);
        }
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        let rule = Self::of_words(line).ok_or(PolicyLineError::Form)?;
        let required = rule.threshold;
        match required > named {
            true => Err(PolicyLineError::TooFewSigners { required, named }),
            false => Ok(Some(rule)),
        }
    }

    fn of_words(line: &str) -> Option<Self> {
        let (keys, refs) = line
            .strip_prefix("require")?
            .strip_prefix(is_space)?
            .trim_start_matches(is_space)
            .split_once(is_space)?;
        let (engine, version) = refs.trim_start_matches(is_space).split_once('/')?;
        // Whoever writes one means a comment, and would have a rule that no ref matches.
        if refs.contains(" #") || refs.contains("\t#") {
            return None;
        }
        let is_number = keys.bytes().all(|it| it.is_ascii_digit());
        if !is_number || engine.is_empty() || version.is_empty() {
            return None;
        }
        Some(Self {
            threshold: keys.parse().ok()?,
            engine: engine.into(),
            version: version.into(),
        })
    }
}

/// What is between words.
fn is_space(it: char) -> bool {
    matches!(it, ' ' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[u8] = b"a@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\n";

    fn threshold(policy: &str, name: &str) -> usize {
        let policy = Policy::parse(&Policy::text(policy.as_bytes(), KEYS)).unwrap();
        policy.threshold(&name.parse().unwrap())
    }

    #[test]
    fn first_line_whose_pattern_matches_decides() {
        let policy = "# all but what is built here\r\n\n  require 0 llamacpp/dev-*\r\n\trequire\t 1  llama*/* \n\
                      require 0 */*\nrequire 1 vllm/a b/c";
        for (name, expected) in [
            ("llamacpp/dev-1", 0),
            ("llamacpp/b1", 1),
            ("llamacpp/feature/x", 1),
            ("tgi/1", 0),
            ("vllm/a b/c", 0),
        ] {
            assert_eq!(threshold(policy, name), expected, "{name}");
        }
        assert_eq!(threshold("require 1 vllm/a b/c", "vllm/a b/c"), 1);
        assert_eq!(threshold("", "vllm/1"), 0);
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told() {
        let line = |line, cause| PolicyError::Line { line, cause };
        let too_few = PolicyLineError::TooFewSigners {
            required: 2,
            named: 1,
        };
        for (policy, expected) in [
            (&b"require 1 vllm"[..], line(1, PolicyLineError::Form)),
            (b"\nrequire vllm/1", line(2, PolicyLineError::Form)),
            (b"require -1 vllm/1", line(1, PolicyLineError::Form)),
            (b"require +1 vllm/1", line(1, PolicyLineError::Form)),
            (b"require  vllm/1", line(1, PolicyLineError::Form)),
            (b"require 1 /1", line(1, PolicyLineError::Form)),
            (b"require 1 vllm/", line(1, PolicyLineError::Form)),
            (b"required 1 vllm/1", line(1, PolicyLineError::Form)),
            (
                b"require 99999999999999999999 vllm/1",
                line(1, PolicyLineError::Form),
            ),
            (b"allow vllm/1", line(1, PolicyLineError::Form)),
            (b"require 1 vllm/\xff", line(1, PolicyLineError::NotText)),
            (b"require 1 vllm/\x1b[2J", line(1, PolicyLineError::NotText)),
            (b"require\r1 vllm/1", line(1, PolicyLineError::NotText)),
            (b"require 1 vllm/* # all", line(1, PolicyLineError::Form)),
            (b"require 2 vllm/1", line(1, too_few)),
        ] {
            let parsed = Policy::parse(&Policy::text(policy, KEYS));
            assert_eq!(parsed, Err(expected), "{policy:?}");
        }
        let large = vec![b'\n'; Policy::MAX_BYTES + 1];
        let bytes = large.len();
        assert_eq!(Policy::parse(&large), Err(PolicyError::TooLarge { bytes }));
        assert!(Policy::parse(&large[1..]).is_ok());
    }

    #[test]
    fn signers_have_to_be_whole_and_of_no_time_zone() {
        let refused = Policy::parse(b"[allowed_signers]\nnobody");
        assert!(
            matches!(refused, Err(PolicyError::Signers(_))),
            "{refused:?}"
        );
        for (validity, is_local) in [("20300101Z", false), ("20300101", true)] {
            let keys = std::str::from_utf8(KEYS).unwrap();
            let keys = keys.replace("ssh-", &format!("valid-before=\"{validity}\" ssh-"));
            let parsed = Policy::parse(&Policy::text(b"", keys.as_bytes()));
            assert_eq!(parsed == Err(PolicyError::LocalTime { line: 1 }), is_local);
        }
    }
}
