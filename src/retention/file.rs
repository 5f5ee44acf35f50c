//! The file `retention.toml`: what is kept of which engines, as a person writes it (layout.md section 5.8).
//!
//! Whatever has no meaning is refused, and not passed over: who mistypes a key has more removed than was to be,
//! or less.

mod error;
mod value;

pub use error::{RetentionError, RetentionRuleError, RetentionValueError};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::{Retention, RetentionRule};
use crate::filter::glob;

/// What keeps only something of what else would go.
const EXCEPTIONS: [&str; 4] = ["keep-within", "keep-daily", "keep-weekly", "keep-monthly"];

/// Where in the file something is wrong, in bytes from its start, and what.
type Wrong = (usize, RetentionRuleError);

impl Retention {
    /// The most bytes of the text of rules.
    pub const MAX_BYTES: usize = 64 << 10;

    /// Reads rules: the content of a file `retention.toml`, as layout.md section 5.8 specifies it.
    ///
    /// ```
    /// use engine_catalog::Retention;
    ///
    /// let retention = Retention::parse(
    ///     br#"
    ///     [[rule]]
    ///     engine = "llama*"
    ///     keep-versions = 5
    ///     keep-within = "30d"
    ///     pin = ["*-lts"]
    ///     "#,
    /// )?;
    /// assert_eq!(retention.rules[0].versions, Some(5));
    /// assert_eq!(retention.rules[0].builds, None);
    /// # Ok::<(), engine_catalog::RetentionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RetentionError`] says what is wrong with which line, or with which rule.
    pub fn parse(text: &[u8]) -> Result<Self, RetentionError> {
        if text.len() > Self::MAX_BYTES {
            let bytes = text.len();
            return Err(RetentionError::TooLarge { bytes });
        }
        let line_of = |at: usize| {
            let before = &text[..at.min(text.len())];
            1 + before.iter().filter(|it| **it == b'\n').count()
        };
        let utf8 = std::str::from_utf8(text).map_err(|error| {
            let line = line_of(error.valid_up_to());
            RetentionError::NotUtf8 { line }
        })?;
        let table = DeTable::parse(utf8).map_err(|error| RetentionError::Toml {
            line: line_of(error.span().map_or(0, |it| it.start)),
            message: error.message().to_owned(),
        })?;
        let not_rules = |value: &Spanned<DeValue<'_>>| RetentionError::NotRules {
            line: line_of(value.span().start),
        };
        let mut read = Self::default();
        for (key, value) in in_order(table.get_ref()) {
            if key.get_ref() != "rule" {
                let line = line_of(key.span().start);
                let key = error::shortened(key.get_ref());
                return Err(RetentionError::UnknownKey { line, key });
            }
            let rules = value.get_ref().as_array().ok_or_else(|| not_rules(value))?;
            for value in rules.iter() {
                let table = value.get_ref().as_table().ok_or_else(|| not_rules(value))?;
                let rule = rule_of(table, value.span().start, &read.rules);
                let rule = rule.map_err(|(at, cause)| RetentionError::Rule {
                    line: line_of(at),
                    rule: read.rules.len() + 1,
                    cause,
                })?;
                read.rules.push(rule);
            }
        }
        Ok(read)
    }
}

/// What is in a table, in the order of the file.
fn in_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(&'t Spanned<DeString<'i>>, &'t Spanned<DeValue<'i>>)> {
    let mut all: Vec<_> = table.iter().collect();
    all.sort_by_key(|(key, _)| key.span().start);
    all
}

/// Reads the rule that begins at `begin`, after others.
fn rule_of(
    table: &DeTable<'_>,
    begin: usize,
    earlier: &[RetentionRule],
) -> Result<RetentionRule, Wrong> {
    let (mut rule, mut engine, mut exception) = (RetentionRule::new("".into()), None, None);
    for (key, value) in in_order(table) {
        let (key_at, value_at) = (key.span().start, value.span().start);
        let key = key.get_ref().as_ref();
        let Some(read) = value::set(&mut rule, key, value.get_ref()) else {
            let key = error::shortened(key);
            return Err((key_at, RetentionRuleError::UnknownKey { key }));
        };
        let key = key.to_owned();
        if key == "engine" {
            engine = Some(value_at);
        } else if EXCEPTIONS.contains(&&*key) {
            exception.get_or_insert_with(|| (key_at, key.clone()));
        }
        read.map_err(|cause| (value_at, RetentionRuleError::Value { key, cause }))?;
    }
    let engine = engine.ok_or((begin, RetentionRuleError::NoEngine))?;
    if let (false, Some((at, key))) = (rule.is_limited(), exception) {
        return Err((at, RetentionRuleError::Idle { key }));
    }
    let own = rule.engine.to_string();
    let has_all = |other: &RetentionRule| covers(&other.engine.to_string(), &own);
    match earlier.iter().position(has_all) {
        Some(at) => Err((engine, RetentionRuleError::Unreachable { earlier: at + 1 })),
        None => Ok(rule),
    }
}

/// Returns whether a pattern is seen to match whatever another does: it is the same, or the other, taken for a
/// name, matches it. A `*` of the other is text of any length then, for which no `?` stands.
fn covers(pattern: &str, other: &str) -> bool {
    let is_exact = !(pattern.contains('?') && other.contains('*'));
    pattern == other || (is_exact && glob(pattern, other))
}

#[cfg(test)]
mod tests;
