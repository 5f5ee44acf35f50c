//! Why rules of retention are refused.

use super::super::Retention;
use crate::duration::DurationError;
use crate::name::NameError;

/// Why rules of retention are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionError {
    /// The text is larger than rules are.
    #[error("it has {bytes} bytes, expected at most {}", Retention::MAX_BYTES)]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
    /// It is not UTF-8.
    #[error("line {line}: it is not UTF-8")]
    NotUtf8 {
        /// The line where that begins, from 1.
        line: usize,
    },
    /// It is not TOML; a key that is there twice is among this.
    #[error("line {line}: {message}")]
    Toml {
        /// Which line, from 1.
        line: usize,
        /// What is wrong, in words of the parser.
        message: String,
    },
    /// Something else than rules is there.
    #[error("line {line}: unknown key {key:?}, expected [[rule]]")]
    UnknownKey {
        /// Which line, from 1.
        line: usize,
        /// Its name, shortened where it is long.
        key: String,
    },
    /// What is called `rule` is no array of tables.
    #[error("line {line}: a rule begins with [[rule]]")]
    NotRules {
        /// Which line, from 1.
        line: usize,
    },
    /// A rule is wrong.
    #[error("line {line}, rule {rule}: {cause}")]
    Rule {
        /// Which line, from 1.
        line: usize,
        /// Which rule, from 1.
        rule: usize,
        /// What is wrong with it.
        cause: RetentionRuleError,
    },
}

/// What is wrong with a rule of retention.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionRuleError {
    /// No rule has such a key.
    #[error("unknown key {key:?}")]
    UnknownKey {
        /// Its name, shortened where it is long.
        key: String,
    },
    /// A key cannot have this value.
    #[error("{key}: {cause}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong with its value.
        cause: RetentionValueError,
    },
    /// It does not say of which engines it is.
    #[error("engine is missing")]
    NoEngine,
    /// Something is to be kept, and everything is already.
    #[error("{key} without keep-versions or keep-builds says nothing: all is kept")]
    Idle {
        /// The key that says it.
        key: String,
    },
    /// It is the rule of no engine, as an earlier one is that of all that it could be of.
    #[error("engine: the pattern of rule {earlier} fits all that this one does")]
    Unreachable {
        /// Which rule, from 1.
        earlier: usize,
    },
}

/// What is wrong with a value in a rule of retention.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionValueError {
    /// It is of another type.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What it has to be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A number is too small or too large.
    #[error("expected a whole number from {least} to {}", u32::MAX)]
    Range {
        /// The least that it may be.
        least: u32,
    },
    /// It is no duration, or does not name its unit.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// It is a pattern that no name matches.
    #[error("the pattern is refused: {0}")]
    Pattern(#[source] NameError),
}

/// Returns a key as an error names it, which its author may have made as long as the file.
pub(super) fn shortened(key: &str) -> String {
    const SHOWN: usize = 40;
    match key.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &key[..end]),
        None => key.to_owned(),
    }
}
