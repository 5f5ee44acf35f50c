//! Which builds of an engine are kept, and why: a pure function of rules, histories and the time.
//!
//! Nothing goes unless a rule limits how much is kept, or the files of engines are to take less room than they do.
//! What else a rule says only keeps more, and so do snapshots. Order and age come from the histories of refs, not
//! from what entries say of themselves.

mod calendar;
mod decide;
mod decision;
#[cfg(feature = "retention")]
mod file;
mod room;

use serde::{Deserialize, Serialize};

pub(crate) use decide::{RefHistory, decide};
pub use decision::{Decision, GoesBy, KeptBy};
#[cfg(feature = "retention")]
pub use file::{RetentionError, RetentionRuleError, RetentionValueError};
pub(crate) use room::{Fate, Holding, Room};

use crate::filter::Pattern;

/// What is kept of which engines. The first rule whose pattern an engine matches is that of the engine; of an
/// engine that matches none, everything is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// The rules, in their order.
    pub rules: Vec<RetentionRule>,
}

impl Retention {
    /// Returns the same without limits of versions, so that no ref goes.
    #[must_use]
    pub fn keeping_all_versions(mut self) -> Self {
        for rule in &mut self.rules {
            rule.versions = None;
        }
        self
    }
}

/// What is kept of some engines.
///
/// A *build* is an entry that a ref held, and a *version* a ref that holds one now. Without a limit of
/// `versions` no ref goes; without one of `builds` no earlier build of a ref that stays. Of a ref that is
/// retired, builds go where there is a limit of either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionRule {
    /// Which engines.
    pub engine: Pattern,
    /// How many versions of the engine are kept: those that were changed last. Retired refs are none.
    pub versions: Option<usize>,
    /// How many builds of each version that is kept: those that it held last, the current one among them.
    pub builds: Option<usize>,
    /// Builds are kept, and the versions that hold one, for so many milliseconds after they became current,
    /// and after they ceased to be, unless retention has let them go.
    pub within_ms: Option<i64>,
    /// Of each of so many days in which builds of the engine became or ceased to be current (UTC), the last
    /// days of that kind, the last of these builds.
    pub daily: usize,
    /// As `daily`, of weeks, which begin on Monday.
    pub weekly: usize,
    /// As `daily`, of months.
    pub monthly: usize,
    /// Versions that are never removed.
    pub pinned: Vec<Pattern>,
}

impl RetentionRule {
    /// A rule by which everything is kept of these engines.
    #[must_use]
    pub fn new(engine: Pattern) -> Self {
        Self {
            engine,
            versions: None,
            builds: None,
            within_ms: None,
            daily: 0,
            weekly: 0,
            monthly: 0,
            pinned: Vec::new(),
        }
    }

    /// Returns whether it lets anything go.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.versions.is_some() || self.builds.is_some()
    }
}

#[cfg(test)]
mod tests;
