//! Names of credentials that are given a value.

use super::placeholder::{Digits, is_placeholder};

/// Ends of names that hold credentials, in upper case with `_` between words: each is the whole
/// name, or its last words.
const SECRET_NAMES: [(&str, Digits); 16] = [
    ("TOKEN", Digits::AreSettings), // `--max-token=4096`
    ("SECRET", Digits::AreSettings),
    ("PASSWORD", Digits::AreSecret),
    ("PASSWD", Digits::AreSecret),
    ("PASSPHRASE", Digits::AreSecret),
    ("PASS", Digits::AreSettings), // of a compiler
    ("MYSQL_PWD", Digits::AreSecret),
    ("API_KEY", Digits::AreSecret),
    ("APIKEY", Digits::AreSecret),
    ("OPENAI_KEY", Digits::AreSecret),
    ("ACCESS_KEY", Digits::AreSecret),
    ("SECRET_KEY", Digits::AreSecret),
    ("STORAGE_KEY", Digits::AreSecret),
    ("ACCOUNT_KEY", Digits::AreSecret),
    ("ACCOUNTKEY", Digits::AreSecret),
    ("AUTHORIZATION", Digits::AreSettings),
];

/// Ends of names that only look like it: settings of tokenizers.
const SETTINGS: [&str; 9] = [
    "PER_TOKEN",
    "BOS_TOKEN",
    "EOS_TOKEN",
    "PAD_TOKEN",
    "MASK_TOKEN",
    "UNK_TOKEN",
    "CLS_TOKEN",
    "SEP_TOKEN",
    "SPECIAL_TOKEN",
];

/// More of a name than its last characters is not looked at.
const NAME: usize = 64;

/// The end of `text` from behind the last character that `begins` it, and at most [`NAME`]
/// characters.
fn end(text: &str, begins: impl Fn(char) -> bool) -> &str {
    let from = text
        .char_indices()
        .rev()
        .take(NAME)
        .take_while(|&(_, c)| !begins(c));
    &text[from.last().map_or(text.len(), |(at, _)| at)..]
}

/// Whether a name like that of a credential is given a value: `HF_TOKEN=…`, `HF_TOKEN: …`,
/// `-DPROXY_PASSWORD:STRING=…`, `"api_key":"…"`, `--password …`.
pub(super) fn has_assignment(text: &str) -> bool {
    let is_quote = |c: char| matches!(c, '"' | '\'');
    let separates = move |c: char| {
        c.is_whitespace() || is_quote(c) || matches!(c, '=' | ',' | ';' | '&' | '?' | '{' | '(')
    };
    text.char_indices().any(|(at, c)| {
        let (before, after) = (&text[..at], &text[at + c.len_utf8()..]);
        let name = match c {
            '=' if is_signature(before) => return !after.is_empty(),
            '=' => {
                let name = end(before.trim_end_matches([' ', '"', '\'']), separates);
                // CMake writes the type of a cache variable behind its name.
                name.split(':').next().unwrap_or_default()
            }
            // Of a header, in YAML or in JSON; in a path, a URL or an image reference nothing of
            // the kind follows.
            ':' if after.starts_with([' ', '"', '\'']) => {
                end(before.trim_end_matches(['"', '\'']), separates)
            }
            ' ' if !after.starts_with('-') => {
                let option = end(before, separates);
                if option.starts_with("--") { option } else { "" }
            }
            _ => "",
        };
        let Some(digits) = secret_name(name) else {
            return false;
        };
        let value = after.trim_start_matches([' ', '"', '\'']);
        let value = ["Bearer ", "Basic ", "bearer ", "basic "]
            .iter()
            .find_map(|scheme| value.strip_prefix(scheme))
            .unwrap_or(value);
        !is_placeholder(value, digits)
    })
}

/// Whether `before` ends in the name under which a URL carries a shared-access signature.
fn is_signature(before: &str) -> bool {
    before.ends_with("?sig") || before.ends_with("&sig")
}

/// What a number would mean as the value of `name`; `None` where no value of it is a credential.
fn secret_name(name: &str) -> Option<Digits> {
    let name = name.trim_start_matches('-');
    // `-DHF_TOKEN` is the variable HF_TOKEN.
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    let ends_in = |end: &str| {
        let words = name.strip_suffix(end);
        words.is_some_and(|words| words.is_empty() || words == "D" || words.ends_with('_'))
    };
    if SETTINGS.iter().any(|end| ends_in(end)) {
        return None;
    }
    let found = SECRET_NAMES.iter().find(|(end, _)| ends_in(end));
    found.map(|(_, digits)| *digits)
}
