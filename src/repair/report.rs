//! What a repair did, and what remains.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use crate::hash::ObjectId;
use crate::layout;
use crate::name::{Name, RefName};
use crate::verify::{Finding, Report, Slug};

/// What was done about a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// The object was restored.
    Restored {
        /// The copy, relative to the root, or to the directory of the process where it is in another
        /// catalog.
        from: PathBuf,
    },
    /// It was moved aside; nothing took its place.
    MovedAside {
        /// Where it is now, relative to the root.
        to: PathBuf,
    },
    /// A ref, history or link was written anew, from what else is known.
    Rewritten {
        /// Where what was there before is now, relative to the root; `None` where nothing was there.
        kept: Option<PathBuf>,
    },
    /// The mode was set.
    ModeSet,
    /// It is found no more since something else was repaired, or moved aside.
    Gone,
    /// Nothing: nothing needs to be done, or nothing can be.
    Nothing,
    /// It was tried, and failed.
    Failed {
        /// Why.
        message: String,
    },
}

impl Action {
    /// Returns the word for it, which does not change.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Restored { .. } => "restored",
            Self::MovedAside { .. } => "moved-aside",
            Self::Rewritten { .. } => "rewritten",
            Self::ModeSet => "mode-set",
            Self::Gone => "gone",
            Self::Nothing => "nothing",
            Self::Failed { .. } => "failed",
        }
    }

    /// Returns whether it changed the catalog.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        matches!(
            self,
            Self::Restored { .. }
                | Self::MovedAside { .. }
                | Self::Rewritten { .. }
                | Self::ModeSet
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restored { from } => write!(f, "restored from {}", from.display()),
            Self::MovedAside { to } => write!(f, "moved to {}", to.display()),
            Self::Rewritten { kept: Some(kept) } => {
                write!(f, "written anew; what was there is {}", kept.display())
            }
            Self::Rewritten { kept: None } => f.write_str("written anew"),
            Self::ModeSet => f.write_str("mode set"),
            Self::Gone => f.write_str("found no more"),
            Self::Nothing => f.write_str("nothing done"),
            Self::Failed { message } => write!(f, "failed: {message}"),
        }
    }
}

/// A finding, and what was done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repaired {
    /// What was found.
    pub finding: Finding,
    /// What was done about it.
    pub action: Action,
    /// Whether it is still so.
    pub remains: bool,
}

/// An object of which there is no right copy, and what that affects.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// The object.
    pub object: ObjectId,
    /// The refs that hold it.
    pub refs: BTreeSet<RefName>,
    /// The refs whose history names it, and which cannot be rolled back to it.
    pub histories: BTreeSet<RefName>,
    /// The named snapshots that it is, or is a member of.
    pub snapshots: BTreeSet<Name>,
    /// The links of attachments that lead to it.
    pub links: BTreeSet<PathBuf>,
}

/// What a repair found and did.
#[derive(Debug)]
#[non_exhaustive]
pub struct RepairReport {
    /// Every finding before, and those that came up as others were repaired, sorted by path.
    pub repairs: Vec<Repaired>,
    /// The objects that remain lost, sorted.
    pub lost: Vec<Lost>,
    /// What is found now. It counts the objects and bytes of the first look.
    pub after: Report,
}

impl RepairReport {
    pub(super) fn new(
        all: BTreeSet<Finding>,
        mut actions: BTreeMap<Finding, Action>,
        after: Report,
    ) -> Self {
        let mut lost = lost(&after.findings);
        // There may be very many.
        let found_now: BTreeSet<_> = after.findings.iter().collect();
        let repair = |finding: Finding| {
            let remains = found_now.contains(&finding);
            let action = match actions.remove(&finding) {
                // What failed at first was not tried in vain.
                Some(Action::Failed { .. }) if !remains => Action::Gone,
                Some(action) => action,
                None if remains => Action::Nothing,
                None => Action::Gone,
            };
            if let (Action::MovedAside { .. }, Some(object)) = (&action, finding.object)
                && finding.path == layout::object(&object).path()
                && is_content(finding.slug)
            {
                lost.entry(object).or_insert_with(|| Lost::new(object));
            }
            Repaired {
                finding,
                action,
                remains,
            }
        };
        let repairs = all.into_iter().map(repair).collect();
        for finding in &after.findings {
            if finding.slug == Slug::HistoryObjectMissing
                && let (Some(object), Some(name)) = (finding.object, &finding.name)
                && let Some(lost) = lost.get_mut(&object)
            {
                lost.histories.insert(name.clone());
            }
        }
        Self {
            repairs,
            lost: lost.into_values().collect(),
            after,
        }
    }

    /// Returns the blobs that were damaged, and of which there is no right copy: they were moved aside, and
    /// an import that brings blobs may bring them again.
    pub fn lost_blobs(&self) -> impl Iterator<Item = ObjectId> {
        let moved = self.repairs.iter().filter(|it| {
            matches!(it.action, Action::MovedAside { .. }) && it.finding.is_below(layout::BLOBS)
        });
        moved.filter_map(|it| it.finding.object)
    }

    /// Returns whether there are no errors and no warnings now.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.after.is_clean()
    }
}

impl Lost {
    fn new(object: ObjectId) -> Self {
        Self {
            object,
            refs: BTreeSet::new(),
            histories: BTreeSet::new(),
            snapshots: BTreeSet::new(),
            links: BTreeSet::new(),
        }
    }
}

/// Whether the content of an object was lost with its file: not where it never was an object.
fn is_content(slug: Slug) -> bool {
    matches!(
        slug,
        Slug::ObjectHash | Slug::ObjectTooLarge | Slug::FileType
    )
}

/// The objects that something names and that are not there, or cannot be read.
fn lost(findings: &[Finding]) -> BTreeMap<ObjectId, Lost> {
    let mut lost = BTreeMap::<ObjectId, Lost>::new();
    for finding in findings {
        let is_lost = matches!(
            finding.slug,
            Slug::RefDangling
                | Slug::RefObjectDamaged
                | Slug::SnapshotDangling
                | Slug::SnapshotObjectDamaged
                | Slug::MemberMissing
                | Slug::MemberDamaged
                | Slug::LinkDangling
                | Slug::LinkObjectDamaged
        );
        let Some(object) = finding.object.filter(|_| is_lost) else {
            continue;
        };
        let lost = lost.entry(object).or_insert_with(|| Lost::new(object));
        lost.refs.extend(finding.name.clone());
        lost.snapshots.extend(finding.snapshot.clone());
        if matches!(finding.slug, Slug::LinkDangling | Slug::LinkObjectDamaged) {
            lost.links.insert(finding.path.clone());
        }
    }
    lost
}
