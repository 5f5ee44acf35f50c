//! What an import did, and what of it could not be done.

use std::collections::BTreeSet;

use crate::catalog::{Record, tell};
use crate::error::Error;
use crate::hash::ObjectId;
use crate::name::RefName;
use crate::store_files::StoredFiles;

/// What [`Catalog::import`](crate::Catalog::import) did, or `Catalog::import_index`.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Imported {
    /// What became of each ref that the source has, or of each entry of an index, sorted by name. One
    /// that could not be brought in is among the problems.
    pub refs: Vec<ImportedRef>,
    /// What could not be brought in, and why.
    pub problems: Vec<ImportProblem>,
    /// The contents of artifacts that were to come along, and are here now or among the problems.
    pub blobs: StoredFiles,
    /// How many contents of artifacts were to come along, and are neither here nor there.
    pub absent_blobs: usize,
}

/// A ref that the source has, and what became of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportedRef {
    /// What theirs holds.
    pub theirs: Record,
    /// What ours held before; `None` where there was no such ref.
    pub ours: Option<ObjectId>,
    /// What became of ours.
    pub outcome: ImportOutcome,
}

impl ImportedRef {
    /// Returns the name of the ref.
    #[must_use]
    pub fn name(&self) -> RefName {
        self.theirs.name()
    }

    /// Returns why a ref was left where it was for want of signatures, if it was.
    #[must_use]
    pub fn refused(&self) -> Option<Error> {
        match self.outcome {
            ImportOutcome::Unsigned { required, found } => Some(Error::RefUnsigned {
                name: self.name(),
                object: self.theirs.object,
                required,
                found,
            }),
            _ => None,
        }
    }
}

/// What became of a ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportOutcome {
    /// It holds the same as theirs already; of an index, also the same build recorded at another time, or
    /// both are retired.
    Same,
    /// There was none, and what theirs holds was never held here: it holds that now.
    Created,
    /// Theirs had moved on from what ours held: it holds what theirs holds now.
    Forward,
    /// Ours has held what theirs holds, and has moved on or was retired: it stays. Of an index, also where
    /// theirs is retired or superseded, and ours has something current.
    Kept,
    /// Each has gone its own way. Ours stays; what theirs holds is in the store.
    Conflict,
    /// Each has gone its own way, and ours is preferred: it stays, and is ahead of theirs by its history.
    /// Where each has been rolled back past the other, no history can say that, and it may conflict again.
    Ours,
    /// Each has gone its own way, and theirs is preferred: ours holds what theirs holds now.
    Theirs,
    /// Of an index: it is in the history, and a newer entry of the index came after it.
    Superseded,
    /// Of an index: it is in the history, and the ref is retired, as it was there.
    Retired,
    /// What theirs holds is stored, and too few keys have signed it for ours to hold it: it stays. Once it
    /// is signed, here or there, importing again moves it.
    Unsigned {
        /// How many distinct keys are required.
        required: usize,
        /// How many have signed the entry, or a snapshot that it is a member of.
        found: usize,
    },
}

impl std::fmt::Display for ImportOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Same => "same",
            Self::Created => "created",
            Self::Forward => "forward",
            Self::Kept => "kept",
            Self::Conflict => "conflict",
            Self::Ours => "ours",
            Self::Theirs => "theirs",
            Self::Superseded => "superseded",
            Self::Retired => "retired",
            Self::Unsigned { .. } => "unsigned",
        })
    }
}

/// Something that could not be brought in.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {cause}")]
#[non_exhaustive]
pub struct ImportProblem {
    /// Which catalog has the problem.
    pub at: ImportSide,
    /// What is wrong.
    pub cause: Error,
}

/// One of the two catalogs of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportSide {
    /// The one that things come from.
    Source,
    /// The one that they come to.
    Here,
}

impl std::fmt::Display for ImportSide {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Source => "source",
            Self::Here => "here",
        })
    }
}

impl Imported {
    pub(super) fn problem(&mut self, at: ImportSide, cause: Error) {
        tell("import", &cause);
        self.problems.push(ImportProblem { at, cause });
    }

    /// Leaves out what was told before: of what several lead to, a fault was found each time.
    pub(super) fn tell_each_problem_once(&mut self) {
        let mut told = BTreeSet::new();
        self.problems.retain(|it| told.insert(it.to_string()));
    }

    /// Takes up what became of refs, or why that cannot be told.
    pub(super) fn tell(&mut self, done: Result<impl IntoIterator<Item = ImportedRef>, Error>) {
        match done {
            Ok(done) => {
                for it in done {
                    if let Some(cause) = it.refused() {
                        tell("import", &cause);
                    }
                    self.refs.push(it);
                }
            }
            Err(cause) => self.problem(ImportSide::Here, cause),
        }
    }
}
