//! What becomes of a build, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash::ObjectId;
use crate::name::{Name, RefName};

/// What becomes of a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Decision {
    /// The ref that holds it, or held it.
    #[serde(rename = "ref", with = "crate::as_text")]
    pub name: RefName,
    /// The entry.
    pub object: ObjectId,
    /// Whether the ref holds it now.
    pub is_current: bool,
    /// When it became current, or ceased to be, last: milliseconds since the Unix epoch. That retention let it go
    /// does not count, where anything else is known. `None` where no history tells.
    pub changed_ms: Option<i64>,
    /// What keeps it, sorted; it goes where nothing does.
    pub kept_by: Vec<KeptBy>,
    /// Why the rule does not keep it. A snapshot may all the same: then it stays, and of a current one the
    /// ref goes.
    pub goes_by: Option<GoesBy>,
}

impl Decision {
    /// Returns whether the build is kept.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        !self.kept_by.is_empty()
    }

    /// Returns whether the ref that holds it goes.
    #[must_use]
    pub fn retires(&self) -> bool {
        self.is_current && self.goes_by.is_some()
    }

    /// Returns whether it is kept only as long as there is room.
    pub(crate) fn may_give_way(&self) -> bool {
        self.is_kept() && self.kept_by.iter().all(KeptBy::gives_way)
    }

    /// Takes from it all that gives way to want of room.
    pub(crate) fn give_up(&mut self, goes_by: GoesBy) {
        self.kept_by
            .retain(|it| matches!(it, KeptBy::Snapshot { .. }));
        self.goes_by = Some(goes_by);
    }
}

/// What keeps a build.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeptBy {
    /// No rule is of its engine.
    NoRule,
    /// No rule limits what it is.
    NoLimit,
    /// Its version is pinned.
    Pin,
    /// No history tells when it was changed, or a time that is yet to come.
    NoTime,
    /// Its version is among the last of the engine.
    LastVersions,
    /// It is among the last builds of its version.
    LastBuilds,
    /// It became current, or ceased to be, not long ago.
    Within,
    /// It is the last of a day.
    Daily,
    /// It is the last of a week.
    Weekly,
    /// It is the last of a month.
    Monthly,
    /// A named snapshot has it.
    Snapshot {
        /// The name of one.
        #[serde(with = "crate::as_text")]
        name: Name,
    },
}

impl KeptBy {
    /// Returns whether it keeps a build only as long as there is room.
    pub(crate) fn gives_way(&self) -> bool {
        matches!(
            self,
            Self::NoLimit
                | Self::NoTime
                | Self::Within
                | Self::Daily
                | Self::Weekly
                | Self::Monthly
        )
    }
}

impl fmt::Display for KeptBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRule => f.write_str("no rule"),
            Self::NoLimit => f.write_str("no limit"),
            Self::Pin => f.write_str("pinned"),
            Self::NoTime => f.write_str("its time is not known"),
            Self::LastVersions => f.write_str("last versions"),
            Self::LastBuilds => f.write_str("last builds"),
            Self::Within => f.write_str("recent"),
            Self::Daily => f.write_str("daily"),
            Self::Weekly => f.write_str("weekly"),
            Self::Monthly => f.write_str("monthly"),
            Self::Snapshot { name } => write!(f, "snapshot {name}"),
        }
    }
}

/// Why a rule does not keep a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum GoesBy {
    /// As many versions of the engine were changed later as are kept.
    Versions {
        /// How many are.
        limit: usize,
    },
    /// Its version has held as many builds since as are kept.
    Builds {
        /// How many are.
        limit: usize,
    },
    /// Its version is retired, or goes.
    Retired,
    /// The files of engines would take more room than they may.
    Room,
}

impl fmt::Display for GoesBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Versions { limit: 0 } => f.write_str("no version is kept"),
            Self::Versions { limit: 1 } => f.write_str("not the last version"),
            Self::Versions { limit } => write!(f, "not one of the last {limit} versions"),
            Self::Builds { limit: 0 | 1 } => f.write_str("not the last build"),
            Self::Builds { limit } => write!(f, "not one of the last {limit} builds"),
            Self::Retired => f.write_str("its version is retired"),
            Self::Room => f.write_str("no room for its files"),
        }
    }
}
