//! Names, and all other text that becomes a file name or a line.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use engine_catalog::{Change, Name, ObjectId, Prefix, RefName};

use super::readable;

/// What is accepted has one text form,
/// which is accepted and stands for the same thing.
pub fn names(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Some(name) = parsed::<Name>(text) {
        let file_name = name.to_file_name();
        assert_safe(&file_name);
        assert_eq!(Name::from_file_name(&file_name), Some(name));
    }
    if let Some(name) = Name::from_file_name(text) {
        assert_safe(text);
        assert_eq!(name.to_file_name(), text);
        assert_eq!(parsed(name.as_str()), Some(name));
    }
    if let Some(name) = parsed::<RefName>(text) {
        let (engine, version) = (name.engine(), name.version());
        assert_eq!(
            RefName::from_file_names(&engine.to_file_name(), &version.to_file_name()),
            Some(name)
        );
    }
    if let Some((engine, version)) = text.split_once('/')
        && let Some(name) = RefName::from_file_names(engine, version)
    {
        assert_eq!(name.engine().to_file_name(), engine);
        assert_eq!(name.version().to_file_name(), version);
        assert_eq!(parsed(&name.to_string()), Some(name));
    }
    parsed::<Change>(text);
    let id = parsed::<ObjectId>(text);
    if let Some(prefix) = parsed::<Prefix>(text) {
        assert_eq!(prefix.as_object_id(), id);
        assert!(id.is_none_or(|id| prefix.matches(&id)));
    } else {
        assert_eq!(id, None, "an object id is a prefix of itself");
    }
}

/// What `text` stands for, where it is accepted; then it is the text form of that.
fn parsed<T>(text: &str) -> Option<T>
where
    T: FromStr<Err: Error> + Display + Debug + PartialEq,
{
    let value: T = text.parse().map_err(readable).ok()?;
    assert_eq!(value.to_string(), text);
    Some(value)
}

/// A file name is one component of a path, visible, and of a length that every file system takes.
fn assert_safe(file_name: &str) {
    assert!((1..=255).contains(&file_name.len()), "{file_name:?}");
    assert!(!file_name.starts_with('.'), "{file_name:?}");
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"_-+.%".contains(&b);
    assert!(file_name.bytes().all(is_safe), "{file_name:?}");
}
