//! One line of the file: `principals [options] kind base64 [comment]`.

use super::time::{self, CivilTime};
use crate::sshsig::{KeyError, PublicKey};

/// What a line says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signer {
    pub(super) principals: String,
    pub(super) key: PublicKey,
    pub(super) options: Options,
}

/// When, and for what, a key is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Patterns with commas between; `None` for every namespace.
    pub(super) namespaces: Option<String>,
    /// Seconds since the Unix epoch, of which this is the first.
    pub(super) valid_after: Option<i64>,
    /// Seconds since the Unix epoch, of which this is the last.
    pub(super) valid_before: Option<i64>,
}

/// What is wrong with a line of an `allowed_signers` file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerLineError {
    /// It is not UTF-8, or has a control character.
    #[error("it is no text")]
    NotText,
    /// A quote is open at its end.
    #[error("a quote is not closed")]
    OpenQuote,
    /// No key follows after the principals.
    #[error("it has no key: expected principals, options if any, kind of key and key")]
    NoKey,
    /// The principals are empty.
    #[error("it names no principal")]
    NoPrincipal,
    /// A pattern of the principals is empty, or is not to match.
    #[error(
        "the principals {principals:?} have a pattern that is empty or begins with `!`: take the line out for a \
         key that is not to sign"
    )]
    Principals {
        /// The principals.
        principals: String,
    },
    /// A pattern of namespaces is longer than OpenSSH takes.
    #[error("a pattern of namespaces has {bytes} bytes, expected at most {LONGEST}")]
    LongPattern {
        /// Its size in bytes.
        bytes: usize,
    },
    /// There is a quote inside of the principals.
    #[error("a quote is inside of the principals: expected none, or quotes around all of them")]
    QuoteInside,
    /// An option is not known.
    #[error("option {option:?} is not known: expected namespaces, valid-after or valid-before")]
    UnknownOption {
        /// The option.
        option: String,
    },
    /// The line is about an authority for certificates.
    #[error("cert-authority is not supported: name each key that signs")]
    CertAuthority,
    /// An option is given twice.
    #[error("option {option} is given twice")]
    Repeated {
        /// The option.
        option: &'static str,
    },
    /// The value of an option is not in quotes.
    #[error("the value of {option} is not in double quotes")]
    Unquoted {
        /// The option.
        option: &'static str,
    },
    /// A time is none.
    #[error("the time {text:?} of {option} is none: expected YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z]")]
    Time {
        /// The option.
        option: &'static str,
        /// Its value.
        text: String,
    },
    /// The key is valid at no time.
    #[error("valid-before is not later than valid-after")]
    NeverValid,
    /// The key is refused.
    #[error("{0}")]
    Key(#[from] KeyError),
}

/// Reads a line; `None` where it is blank or a comment.
pub(super) fn parse(
    line: &str,
    local: &dyn Fn(CivilTime) -> Option<i64>,
) -> Result<Option<Signer>, SignerLineError> {
    let line = line.trim_matches(BLANKS);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (principals, rest) = principals(line)?;
    if principals.is_empty() {
        return Err(SignerLineError::NoPrincipal);
    }
    // Stock OpenSSH takes nobody for them, and whoever wrote it may have meant that.
    if principals
        .split(',')
        .any(|it| it.is_empty() || it.starts_with(['!', '\u{feff}']))
    {
        return Err(SignerLineError::Principals {
            principals: principals.to_owned(),
        });
    }
    let (first, after) = field(rest)?;
    let (options, rest) = match is_kind_of_key(first) {
        true => (Options::default(), rest),
        false => (Options::parse(first, local)?, after),
    };
    let (kind, rest) = field(rest)?;
    // What follows is a comment, and may have quotes.
    let base64 = rest.split(BLANKS).next().unwrap_or_default();
    if kind.is_empty() || base64.is_empty() {
        return Err(SignerLineError::NoKey);
    }
    Ok(Some(Signer {
        principals: principals.to_owned(),
        key: PublicKey::from_text(&format!("{kind} {base64}"))?,
        options,
    }))
}

const BLANKS: [char; 3] = [' ', '\t', '\r'];

/// Options are called otherwise.
fn is_kind_of_key(field: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-", "rsa-"]
        .iter()
        .any(|it| field.starts_with(it))
}

/// Takes the principals, which quotes may be around as a whole.
fn principals(line: &str) -> Result<(&str, &str), SignerLineError> {
    let (field, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or(SignerLineError::OpenQuote)?,
        None => line.split_once(BLANKS).ok_or(SignerLineError::NoKey)?,
    };
    match field.contains('"') {
        true => Err(SignerLineError::QuoteInside),
        false => Ok((field, rest.trim_start_matches(BLANKS))),
    }
}

/// Takes what comes before a blank that is not inside of quotes.
fn field(line: &str) -> Result<(&str, &str), SignerLineError> {
    let (mut is_quoted, mut is_escape) = (false, false);
    for (at, it) in line.char_indices() {
        match it {
            '"' if !is_escape => is_quoted = !is_quoted,
            _ if BLANKS.contains(&it) && !is_quoted => {
                return Ok((&line[..at], line[at..].trim_start_matches(BLANKS)));
            }
            _ => {}
        }
        is_escape = it == '\\' && !is_escape;
    }
    match is_quoted {
        true => Err(SignerLineError::OpenQuote),
        false => Ok((line, "")),
    }
}

impl Options {
    fn parse(
        field: &str,
        local: &dyn Fn(CivilTime) -> Option<i64>,
    ) -> Result<Self, SignerLineError> {
        let mut options = Self::default();
        let mut rest = field;
        loop {
            let end = rest.find(['=', ',']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let known = KNOWN.into_iter().find(|it| it.eq_ignore_ascii_case(name));
            if name.eq_ignore_ascii_case("cert-authority") {
                return Err(SignerLineError::CertAuthority);
            }
            let (Some(option), Some(after)) = (known, after.strip_prefix('=')) else {
                let option = name.to_owned();
                return Err(SignerLineError::UnknownOption { option });
            };
            let (value, after) = quoted(option, after)?;
            options.set(option, value, local)?;
            rest = match after.strip_prefix(',') {
                Some(rest) => rest,
                None if after.is_empty() => break,
                None => {
                    let option = after.to_owned();
                    return Err(SignerLineError::UnknownOption { option });
                }
            };
        }
        match (options.valid_after, options.valid_before) {
            (Some(after), Some(before)) if before <= after => Err(SignerLineError::NeverValid),
            _ => Ok(options),
        }
    }

    fn set(
        &mut self,
        option: &'static str,
        value: String,
        local: &dyn Fn(CivilTime) -> Option<i64>,
    ) -> Result<(), SignerLineError> {
        let was_set = match option {
            NAMESPACES => {
                let longest = value.split(',').map(str::len).max().unwrap_or_default();
                if longest > LONGEST {
                    return Err(SignerLineError::LongPattern { bytes: longest });
                }
                self.namespaces.replace(value).is_some()
            }
            _ => {
                let time = time::parse(&value, local);
                let text = value;
                let time = time.ok_or(SignerLineError::Time { option, text })?;
                let end = if option == VALID_AFTER {
                    &mut self.valid_after
                } else {
                    &mut self.valid_before
                };
                end.replace(time).is_some()
            }
        };
        match was_set {
            true => Err(SignerLineError::Repeated { option }),
            false => Ok(()),
        }
    }
}

/// The longest pattern that OpenSSH compares; of a longer one it takes none.
const LONGEST: usize = 1022;

const NAMESPACES: &str = "namespaces";
const VALID_AFTER: &str = "valid-after";
const KNOWN: [&str; 3] = [NAMESPACES, VALID_AFTER, "valid-before"];

/// Takes a value off its quotes, in which `\"` stands for a quote.
fn quoted<'a>(option: &'static str, text: &'a str) -> Result<(String, &'a str), SignerLineError> {
    let inner = text.strip_prefix('"');
    let inner = inner.ok_or(SignerLineError::Unquoted { option })?;
    let (mut value, mut is_escape) = (String::new(), false);
    for (at, it) in inner.char_indices() {
        match it {
            '"' if is_escape => {
                value.pop();
                value.push('"');
            }
            '"' => return Ok((value, &inner[at + 1..])),
            _ => value.push(it),
        }
        is_escape = it == '\\' && !is_escape;
    }
    Err(SignerLineError::OpenQuote)
}
