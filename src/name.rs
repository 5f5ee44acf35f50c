//! Names of engines, versions and snapshots, and the file names that stand for them (layout.md
//! section 3).
//!
//! A [`Name`] is proof that the text was checked: it is not empty, has no control characters and
//! its encoding is one safe path component of at most 255 bytes. Encoding is a bijection between
//! names and the file names of our grammar, so nothing a caller passes can leave its directory
//! and two names never share a file.

use std::fmt;
use std::str::FromStr;

/// Longest file name in bytes, the limit of every local Linux file system.
const MAX_FILE_NAME: usize = 255;

/// A checked engine, version, snapshot or actor name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// Checks `text` and returns it as a name.
    ///
    /// # Errors
    ///
    /// [`NameError`] where the text is empty, has control characters, or encodes to more than 255
    /// bytes.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if let Some(found) = text.chars().find(|c| is_control(*c)) {
            return Err(NameError::Control(found));
        }
        let length = encode(text).len();
        if length > MAX_FILE_NAME {
            return Err(NameError::TooLong { length });
        }
        Ok(Self(text.into()))
    }

    /// Returns the name that `file_name` stands for, or `None` where encoding cannot have produced
    /// it; such a file is foreign.
    #[must_use]
    pub fn from_file_name(file_name: &str) -> Option<Self> {
        let name = Self::new(&decode(file_name)?).ok()?;
        (name.to_file_name() == file_name).then_some(name)
    }

    /// Returns the file name that stands for this name.
    #[must_use]
    pub fn to_file_name(&self) -> String {
        encode(&self.0)
    }

    /// Returns the name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character controls how others are shown: a control character (Cc), a line or paragraph
/// separator, or one that changes the direction of text.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Percent-encodes every byte that may not stand for itself in a file name.
fn encode(text: &str) -> String {
    use fmt::Write as _;
    let mut file_name = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'+' => {
                file_name.push(char::from(byte));
            }
            b'.' if at > 0 => file_name.push('.'),
            _ => write!(file_name, "%{byte:02X}").expect("writing to a String cannot fail"),
        }
    }
    file_name
}

/// Undoes [`encode`]; also accepts escapes that `encode` does not produce, which the caller rejects
/// by encoding again.
fn decode(file_name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(file_name.len());
    let mut rest = file_name.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({:?})", self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

/// The name of a ref: an engine and one of its versions.
///
/// Its text form is `engine/version`. An engine holds no `/`, so the first one separates the two,
/// whatever the version holds (`llamacpp/feature/x`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName {
    engine: Name,
    version: Name,
}

impl RefName {
    /// Checks an engine and a version and returns the name of their ref.
    ///
    /// # Errors
    ///
    /// [`RefNameError`], which says which of the two was refused and why.
    pub fn new(engine: &str, version: &str) -> Result<Self, RefNameError> {
        let checked_engine = match Name::new(engine) {
            Ok(_) if engine.contains('/') => Err(NameError::Slash),
            checked => checked,
        };
        Ok(Self {
            engine: checked_engine.map_err(|cause| RefNameError::Engine {
                text: engine.to_owned(),
                cause,
            })?,
            version: Name::new(version).map_err(|cause| RefNameError::Version {
                text: version.to_owned(),
                cause,
            })?,
        })
    }

    /// Returns the ref name that the path `<engine>/<version>` below `refs/` stands for, or `None`
    /// where either part is foreign.
    #[must_use]
    pub fn from_file_names(engine: &str, version: &str) -> Option<Self> {
        let engine = Name::from_file_name(engine)?;
        let version = Name::from_file_name(version)?;
        Self::new(engine.as_str(), version.as_str()).ok()
    }

    /// Returns the engine, such as `llamacpp`.
    #[must_use]
    pub fn engine(&self) -> &Name {
        &self.engine
    }

    /// Returns the version, such as `b4321`.
    #[must_use]
    pub fn version(&self) -> &Name {
        &self.version
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.engine, self.version)
    }
}

impl fmt::Debug for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefName({:?})", self.to_string())
    }
}

impl FromStr for RefName {
    type Err = RefNameError;

    fn from_str(text: &str) -> Result<Self, RefNameError> {
        let (engine, version) = text
            .split_once('/')
            .ok_or_else(|| RefNameError::NoVersion(text.to_owned()))?;
        Self::new(engine, version)
    }
}

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing was given.
    #[error("it is empty")]
    Empty,
    /// A character that controls how others are shown, or that ends a line: it would confuse
    /// terminals, logs and people.
    #[error("it contains the control character {0:?}")]
    Control(char),
    /// An engine with a slash, which would make `engine/version` ambiguous.
    #[error("it contains '/', which separates engine and version")]
    Slash,
    /// The file name that stands for it would be too long.
    #[error("it takes {length} bytes as a file name, of at most 255")]
    TooLong {
        /// Length of the encoded name in bytes.
        length: usize,
    },
}

/// Why a text, or a pair of texts, is not the name of a ref.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefNameError {
    /// The engine was refused.
    #[error("engine {text:?} is no name: {cause}")]
    Engine {
        /// What was given.
        text: String,
        /// Why it is no engine name.
        cause: NameError,
    },
    /// The version was refused.
    #[error("version {text:?} is no name: {cause}")]
    Version {
        /// What was given.
        text: String,
        /// Why it is no version name.
        cause: NameError,
    },
    /// There is no slash between engine and version.
    #[error("{0:?} is not of the form engine/version")]
    NoVersion(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn file_names_of_the_specification() {
        for (name, file_name) in [
            ("llamacpp", "llamacpp"),
            ("b4321-grün", "b4321-gr%C3%BCn"),
            (
                "llamacpp-source:master-cuda",
                "llamacpp-source%3Amaster-cuda",
            ),
            ("..", "%2E."),
            (".hidden", "%2Ehidden"),
            ("feature/x", "feature%2Fx"),
            ("%2F", "%252F"),
            ("0.9.2+cu128", "0.9.2+cu128"),
        ] {
            let checked = Name::new(name).unwrap();
            assert_eq!(checked.to_file_name(), file_name);
            assert_eq!(Name::from_file_name(file_name), Some(checked));
        }
    }

    #[test]
    fn foreign_file_names_stand_for_nothing() {
        for file_name in [
            "",
            ".",
            "..",
            ".latest",
            ".b1.Xa91bc",
            "%",
            "%4",
            "%zz",
            "%c3%bc",
            "%41",
            "a b",
            "gr\u{fc}n",
            "%FF",
            "%00",
            "%2F%0A",
            "a/b",
            "%2e",
        ] {
            assert_eq!(Name::from_file_name(file_name), None, "{file_name:?}");
        }
    }

    #[test]
    fn refused_names_say_why() {
        assert_eq!(Name::new(""), Err(NameError::Empty));
        assert_eq!(Name::new("a\nb"), Err(NameError::Control('\n')));
        assert_eq!(Name::new("a\0"), Err(NameError::Control('\0')));
        for c in ['\u{85}', '\u{61c}', '\u{2028}', '\u{202e}', '\u{2069}'] {
            assert_eq!(Name::new(&format!("a{c}b")), Err(NameError::Control(c)));
        }
        assert!(Name::new(&"a".repeat(255)).is_ok());
        assert_eq!(
            Name::new(&"a".repeat(256)),
            Err(NameError::TooLong { length: 256 })
        );
        assert_eq!(
            Name::new(&"/".repeat(86)),
            Err(NameError::TooLong { length: 258 })
        );
    }

    #[test]
    fn first_slash_separates_engine_and_version() {
        let name: RefName = "llamacpp/feature/x".parse().unwrap();
        assert_eq!(name.engine().as_str(), "llamacpp");
        assert_eq!(name.version().as_str(), "feature/x");
        assert!(matches!(
            RefName::new("a/b", "1"),
            Err(RefNameError::Engine {
                cause: NameError::Slash,
                ..
            })
        ));
        assert!(matches!(
            "llamacpp".parse::<RefName>(),
            Err(RefNameError::NoVersion(_))
        ));
    }

    proptest! {
        #[test]
        fn every_accepted_name_survives_its_file_name(text in "\\PC{0,80}") {
            if let Ok(name) = Name::new(&text) {
                let file_name = name.to_file_name();
                prop_assert!(!file_name.starts_with('.') && !file_name.contains('/'));
                prop_assert!(file_name.len() <= 255 && file_name.is_ascii());
                prop_assert_eq!(Name::from_file_name(&file_name), Some(name));
            }
        }

        #[test]
        fn every_decoded_file_name_is_the_only_one(file_name in "[%0-9A-Fa-f.+_x/-]{0,12}") {
            if let Some(name) = Name::from_file_name(&file_name) {
                prop_assert_eq!(name.to_file_name(), file_name);
            }
        }

        #[test]
        fn ref_names_survive_their_text(engine in "[^/\\pC\\p{Zl}\\p{Zp}]{1,20}", version in "[^\\pC\\p{Zl}\\p{Zp}]{1,20}") {
            let name = RefName::new(&engine, &version).unwrap();
            prop_assert_eq!(name.to_string().parse::<RefName>().unwrap(), name);
        }
    }
}
