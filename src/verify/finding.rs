//! What a checker finds, as data.

use std::path::{Path, PathBuf};

use super::slug::{Severity, Slug};
use crate::durable::Cause;
use crate::hash::ObjectId;
use crate::name::{Name, RefName};

/// Something that is wrong in a catalog, or worth knowing.
///
/// Findings are ordered by path, and then by kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Finding {
    /// Where it is, relative to the root.
    pub path: PathBuf,
    /// Its kind.
    pub slug: Slug,
    /// The object that is concerned.
    pub object: Option<ObjectId>,
    /// The ref that is concerned.
    pub name: Option<RefName>,
    /// The named snapshot that is concerned.
    pub snapshot: Option<Name>,
    /// What is wrong, in words that may change.
    pub message: String,
}

impl Finding {
    pub(super) fn new(slug: Slug, path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            slug,
            object: None,
            name: None,
            snapshot: None,
            message: message.into(),
        }
    }

    pub(super) fn of(self, object: ObjectId) -> Self {
        Self {
            object: Some(object),
            ..self
        }
    }

    pub(super) fn at(self, name: &RefName) -> Self {
        Self {
            name: Some(name.clone()),
            ..self
        }
    }

    pub(super) fn in_snapshot(self, snapshot: &Name) -> Self {
        Self {
            snapshot: Some(snapshot.clone()),
            ..self
        }
    }

    /// What is found where a file or directory belongs that cannot be read. One that is too large is
    /// malformed, in the way that `too_large` says.
    pub(super) fn by_cause(path: impl Into<PathBuf>, cause: &Cause, too_large: Slug) -> Self {
        let slug = match cause {
            Cause::TooLarge { .. } => too_large,
            cause if cause.is_damage() => Slug::FileType,
            _ => Slug::Unreadable,
        };
        Self::new(slug, path, cause.to_string())
    }

    /// Returns how bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.slug.severity()
    }

    /// Returns what to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        self.slug.advice()
    }

    /// Returns whether it is an error or a warning.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        self.severity() != Severity::Notice
    }

    /// Returns whether both say the same of the same thing, in whatever words.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        let of = |finding: &Self| {
            let Self {
                path,
                slug,
                object,
                name,
                snapshot,
                message: _,
            } = finding.clone();
            (path, slug, object, name, snapshot)
        };
        of(self) == of(other)
    }

    /// Returns whether it lies in the directory `top` of the root.
    pub(crate) fn is_below(&self, top: &str) -> bool {
        self.path.starts_with(Path::new(top))
    }
}

/// How often something that changes meanwhile is looked at.
const MOST_LOOKS: u32 = 10;

/// Returns the findings of `look` once it finds the same twice in a row, or nothing.
///
/// A writer at work can make a look see two states of which neither is damage, as the ref before a
/// change and the history after it. What is damaged stays as it is.
pub(super) fn settled(look: impl Fn() -> Vec<Finding>) -> Vec<Finding> {
    let mut found = look();
    for _ in 1..MOST_LOOKS {
        if found.is_empty() {
            break;
        }
        let again = look();
        if again == found {
            break;
        }
        found = again;
    }
    found
}
