//! Values that stand for no secret.

use super::token::is_mixed;

/// What a number means as the value of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    AreSecret,
    AreSettings,
}

/// More of a value than this is not looked at.
const VALUE: usize = 256;

/// What a reference to a value, or a name in the place of one, starts and ends with.
const BRACKETS: [(&str, &str); 7] = [
    ("${", "}"),
    ("$ENV{", "}"),
    ("$(", ")"),
    ("{{", "}}"),
    ("<", ">"),
    ("[", "]"),
    ("%", "%"),
];

const WORDS: [&str; 18] = [
    "on", "off", "yes", "no", "true", "false", "auto", "enabled", "disabled", "none", "null",
    "empty", "default", "dummy", "required", "optional", "redacted", "changeme",
];

/// Whether `text` starts with a value that stands for no secret: nothing, a word that says so, a
/// mask, a reference to a variable or a file, a typed setting, or a number where that is one.
pub(super) fn is_placeholder(text: &str, digits: Digits) -> bool {
    let cut = text.char_indices().nth(VALUE);
    let text = &text[..cut.map_or(text.len(), |(at, _)| at)];
    let references = std::iter::successors(behind_reference(text, digits), |rest| {
        behind_reference(rest, digits)
    });
    if let Some(rest) = references.last() {
        return rest.chars().next().is_none_or(ends_value);
    }
    let value = &text[..text.find(ends_value).unwrap_or(text.len())];
    let is_word = WORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    let is_masked = value
        .chars()
        .all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '…'));
    is_word
        || is_masked
        || is_variable(value)
        || is_file(value)
        || is_typed(value)
        || (digits == Digits::AreSettings && is_number(value))
}

/// Whether a value, as far as it can be told, is over with this character.
fn ends_value(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '&' | ',' | ';' | '}' | ')' | ']')
}

/// What follows the reference that `text` starts with; `None` where it starts with none, or with one
/// that contains the value itself, as a default.
fn behind_reference(text: &str, digits: Digits) -> Option<&str> {
    let (open, close) = BRACKETS.iter().find(|(open, _)| text.starts_with(open))?;
    let inner = &text[open.len()..];
    let end = closing(inner, open, close)?;
    let (inner, rest) = (&inner[..end], &inner[end + close.len()..]);
    let is_harmless =
        *open != "${" || default(inner).is_none_or(|text| is_placeholder(text, digits));
    is_harmless.then_some(rest)
}

/// The default in the braces of a reference: of `HF_TOKEN:-x`, `x`.
fn default(inner: &str) -> Option<&str> {
    let rest = inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    rest.strip_prefix(['-', '=', '+'])
}

/// Where the bracket closes that was opened right before `text`.
fn closing(text: &str, open: &str, close: &str) -> Option<usize> {
    let opens = open.chars().next_back().filter(|c| !close.contains(*c));
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        if depth == 0 && text[at..].starts_with(close) {
            return Some(at);
        } else if Some(c) == opens {
            depth += 1;
        } else if close.contains(c) {
            depth = depth.saturating_sub(1);
        }
    }
    None
}

/// `$HF_TOKEN`
fn is_variable(value: &str) -> bool {
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    value
        .strip_prefix('$')
        .is_some_and(|name| name.chars().all(is_name))
}

/// The path of a file, which is not a key of AWS: those have 40 characters, of which `/` is one.
fn is_file(value: &str) -> bool {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '+');
    let is_key = value.len() == 40 && value.chars().all(is_base64) && is_mixed(value);
    (value.starts_with('/') && !is_key) || value.starts_with("./")
}

/// `bool:false`, as a model's metadata is overridden; `id=hf_token`, as a build refers to a secret.
fn is_typed(value: &str) -> bool {
    const TYPES: [&str; 5] = ["id=", "bool:", "int:", "float:", "str:"];
    TYPES.iter().any(|start| value.starts_with(start))
}

/// `4096`, `-1`, `3.5`, `32k`
fn is_number(value: &str) -> bool {
    let value = value.strip_prefix('-').unwrap_or(value);
    let is_digit = |c: char| c.is_ascii_digit() || c == '.';
    let unit = value.trim_start_matches(is_digit);
    let digits = value.len() - unit.len();
    (1..=16).contains(&digits)
        && unit.len() <= 2
        && unit.chars().all(|c| c.is_ascii_alphabetic() || c == '%')
}
