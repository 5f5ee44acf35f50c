//! The values of the keys of a rule.

use toml::de::DeValue;

use super::super::RetentionRule;
use super::error::RetentionValueError;
use crate::duration::{DurationError, parse_duration};
use crate::filter::Pattern;
use crate::name::{NameError, is_control};

/// Gives a rule what a key says; `None` where the key is unknown.
pub(super) fn set(
    rule: &mut RetentionRule,
    key: &str,
    value: &DeValue<'_>,
) -> Option<Result<(), RetentionValueError>> {
    Some(match key {
        "engine" => engine(value).map(|it| rule.engine = it),
        "keep-versions" => number(value, 0).map(|it| rule.versions = Some(it)),
        "keep-builds" => number(value, 1).map(|it| rule.builds = Some(it)),
        "keep-within" => milliseconds(value).map(|it| rule.within_ms = Some(it)),
        "keep-daily" => number(value, 0).map(|it| rule.daily = it),
        "keep-weekly" => number(value, 0).map(|it| rule.weekly = it),
        "keep-monthly" => number(value, 0).map(|it| rule.monthly = it),
        "pin" => versions(value).map(|it| rule.pinned = it),
        _ => return None,
    })
}

fn engine(value: &DeValue<'_>) -> Result<Pattern, RetentionValueError> {
    let text = value.as_str().ok_or_else(|| not("a string", value))?;
    match text.contains('/') {
        true => Err(RetentionValueError::Pattern(NameError::Slash)),
        false => pattern(text),
    }
}

fn versions(value: &DeValue<'_>) -> Result<Vec<Pattern>, RetentionValueError> {
    let list = value.as_array().ok_or_else(|| not("an array", value))?;
    let one = |value: &DeValue<'_>| {
        let text = value.as_str().ok_or_else(|| not("strings", value))?;
        pattern(text)
    };
    list.iter().map(|it| one(it.get_ref())).collect()
}

/// What no name can match is no pattern.
fn pattern(text: &str) -> Result<Pattern, RetentionValueError> {
    if text.is_empty() {
        return Err(RetentionValueError::Pattern(NameError::Empty));
    }
    match text.chars().find(|it| is_control(*it)) {
        Some(found) => Err(RetentionValueError::Pattern(NameError::Control(found))),
        None => Ok(text.into()),
    }
}

fn number(value: &DeValue<'_>, least: u32) -> Result<usize, RetentionValueError> {
    let number = value.as_integer();
    let number = number.ok_or_else(|| not("a whole number", value))?;
    // What is too small or too large for the type is for the range too.
    let number = u32::from_str_radix(number.as_str(), number.radix()).ok();
    let number = number.filter(|it| *it >= least);
    let number = number.and_then(|it| usize::try_from(it).ok());
    number.ok_or(RetentionValueError::Range { least })
}

fn milliseconds(value: &DeValue<'_>) -> Result<i64, RetentionValueError> {
    let text = value.as_str().ok_or_else(|| not("a string", value))?;
    // Seconds where days are meant would let go what was to be kept: here a unit is not left out.
    if text.ends_with(|it: char| it.is_ascii_digit()) {
        return Err(DurationError::Form.into());
    }
    let milliseconds = i64::try_from(parse_duration(text)?.as_millis());
    milliseconds.map_err(|_| DurationError::TooLong.into())
}

/// The error where something else is expected.
fn not(expected: &'static str, value: &DeValue<'_>) -> RetentionValueError {
    let found = match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    RetentionValueError::Type { expected, found }
}
