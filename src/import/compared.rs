//! Two catalogs side by side: for each ref that is not the same in both, what an import would make of it,
//! and what an import says nothing of.

use std::collections::BTreeSet;
use std::fmt;

use super::{Arrival, ImportProblem, ImportSide};
use crate::catalog::{Catalog, Record};
use crate::error::Error;
use crate::filter::Filter;
use crate::forward::{Decision, Side, decide};
use crate::name::RefName;
use crate::refs;
use crate::snapshot::Snapshot;

/// What [`Catalog::compare_with`] found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Comparison {
    /// The refs that are not the same in both, sorted by name.
    pub refs: Vec<ComparedRef>,
    /// What could not be compared, and why.
    pub problems: Vec<ImportProblem>,
    /// What both hold, as a snapshot: the same that [`Catalog::snapshot_of`] gives of either where
    /// [they are equal](Self::is_equal).
    pub common: Snapshot,
}

impl Comparison {
    /// Returns whether every ref is the same in both.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.refs.is_empty() && self.problems.is_empty()
    }
}

/// A ref that is not the same in two catalogs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ComparedRef {
    /// Its name.
    pub name: RefName,
    /// How ours stands to theirs.
    pub standing: Standing,
    /// What ours holds; `None` where there is none.
    pub ours: Option<Record>,
    /// What theirs holds; `None` where there is none.
    pub theirs: Option<Record>,
}

/// How a ref stands to that of another catalog, and so what bringing in theirs would make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It would be created: there is none, and it never held what theirs holds.
    Created,
    /// It would go forward: theirs has moved on from what ours holds.
    Forward,
    /// It would be kept: ours has moved on from what theirs holds.
    Kept,
    /// Each has gone its own way.
    Conflict,
    /// There never was theirs.
    OnlyHere,
    /// It was retired here after it held what theirs holds, and stays so.
    RetiredHere,
    /// It was retired there, and stays here.
    RetiredThere,
}

impl Standing {
    /// All that there are.
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::Forward,
        Self::Kept,
        Self::Conflict,
        Self::OnlyHere,
        Self::RetiredHere,
        Self::RetiredThere,
    ];
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Created => "created",
            Self::Forward => "forward",
            Self::Kept => "kept",
            Self::Conflict => "conflict",
            Self::OnlyHere => "only-here",
            Self::RetiredHere => "retired-here",
            Self::RetiredThere => "retired-there",
        })
    }
}

impl Catalog {
    /// Compares the refs of this catalog with those of another one, each as it is when it is read, and
    /// writes nothing to either. What both hold is not read: [`verify`](Self::verify) does that.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where the refs of either cannot be listed. What cannot be read of a single ref is
    /// among the [problems](Comparison::problems).
    pub fn compare_with(&self, source: &Self) -> Result<Comparison, Error> {
        let mut compared = Comparison::default();
        let mut names = BTreeSet::new();
        for catalog in [self, source] {
            names.extend(refs::list(catalog.root_dir(), &Filter::default())?);
        }
        for name in names {
            if let Err(problem) = self.compare_ref(source, &name, &mut compared) {
                compared.problems.push(*problem);
            }
        }
        Ok(compared)
    }

    fn compare_ref(
        &self,
        source: &Self,
        name: &RefName,
        compared: &mut Comparison,
    ) -> Result<(), Box<ImportProblem>> {
        let problem = |at, cause| Box::new(ImportProblem { at, cause });
        let here = |cause: Error| problem(ImportSide::Here, cause);
        let there = |cause: Error| problem(ImportSide::Source, cause);
        let read = |catalog: &Self| refs::read(catalog.root_dir(), name).map_err(Error::from);
        let (ours, theirs) = (read(self).map_err(here)?, read(source).map_err(there)?);
        if ours == theirs {
            compared.common.objects.extend(ours);
            return Ok(());
        }
        let arrival = Arrival::of_ref(source, name).map_err(there)?;
        let ours = self.current(name).map_err(here)?;
        let (object, changes) = self.settled_ref(name).map_err(here)?;
        let standing = match &arrival {
            None if source.history(name).map_err(there)?.is_empty() => Standing::OnlyHere,
            None => Standing::RetiredThere,
            Some((arrival, _)) => match decide(&Side::new(object, &changes), &arrival.side()) {
                Decision::Create => Standing::Created,
                Decision::Forward => Standing::Forward,
                Decision::Keep if object.is_none() => Standing::RetiredHere,
                Decision::Keep => Standing::Kept,
                Decision::Conflict => Standing::Conflict,
                // It has come to that meanwhile.
                Decision::Same => {
                    compared.common.objects.extend(object);
                    return Ok(());
                }
            },
        };
        compared.refs.push(ComparedRef {
            name: name.clone(),
            standing,
            ours,
            theirs: arrival.map(|(arrival, _)| arrival.record),
        });
        Ok(())
    }
}
