//! The directory below which files of engines may go, and what a path of an artifact leads to, seen from there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::{ArtifactOptions, LeftReason};
use crate::catalog::Catalog;
use crate::durable::{Cause, FileId, FileKind, Outside, PathError, Root, look_outside};
use crate::error::{Error, UnderError};
use crate::reach::Keep;

/// The directory, open. It neither is the catalog, nor lies in it, nor around it: so no file of the catalog is below
/// it, for nothing leads from it to another mount.
#[derive(Debug)]
pub(in crate::gc) struct Under {
    pub(super) root: Root,
}

/// What a path leads to.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Nothing,
    /// It cannot be told, and why.
    Unknown(String),
    Something(Spot),
}

/// What is there.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) id: FileId,
    pub(super) kind: FileKind,
    /// 0 of what is no regular file.
    pub(super) bytes: u64,
    pub(super) accessed_ms: i64,
    /// The path without symbolic links.
    pub(super) canonical: PathBuf,
    /// The path from the directory by which it can be removed, or why it cannot.
    pub(super) place: Result<PathBuf, LeftReason>,
    /// Whether it is a regular file below the directory, by whatever path.
    pub(super) takes_room: bool,
}

impl Under {
    /// Opens the directory that the options name.
    pub(in crate::gc) fn open(catalog: &Catalog, options: &ArtifactOptions) -> Result<Self, Error> {
        let under = &options.under;
        let refuse = |cause| Error::Under {
            under: under.clone(),
            cause,
        };
        if !under.is_absolute() {
            return Err(refuse(UnderError::NotAbsolute));
        }
        if under.to_str().is_none() {
            return Err(refuse(UnderError::NotUtf8));
        }
        let opened = match open(under) {
            Err(error) if is_no_directory(&error) => None,
            opened => opened?,
        };
        let root = opened.ok_or_else(|| refuse(UnderError::NoDirectory))?;
        if root.lies_in(&parts(catalog.root_dir())?)? {
            return Err(refuse(UnderError::InCatalog));
        }
        if catalog.root_dir().lies_in(&[root.id()?].into())? {
            return Err(refuse(UnderError::AroundCatalog));
        }
        // The records of engines would go whose files are there still.
        if root.list(Path::new("."))?.is_empty() {
            return Err(refuse(UnderError::Empty));
        }
        Ok(Self { root })
    }

    /// Returns the absolute path of the directory, without symbolic links.
    pub(super) fn path(&self) -> &Path {
        self.root.path()
    }

    /// Returns what an absolute path leads to. Opens nothing but directories.
    fn look(&self, path: &Path, keep: &Keep) -> Found {
        let outside = match look_outside(path) {
            Ok(Some(outside)) => outside,
            Ok(None) => return Found::Nothing,
            Err(error) => return Found::Unknown(error.to_string()),
        };
        let place = self.place(path, &outside, keep);
        let is_regular = outside.stat.kind == FileKind::Regular;
        let takes_room = || {
            let below = outside.canonical.strip_prefix(self.path());
            below.is_ok_and(|below| self.is_at(below, outside.stat.mark.id()).is_ok())
        };
        Found::Something(Spot {
            id: outside.stat.mark.id(),
            kind: outside.stat.kind,
            bytes: if is_regular { outside.stat.size } else { 0 },
            accessed_ms: outside.stat.accessed_ms,
            takes_room: is_regular && (place.is_ok() || takes_room()),
            canonical: outside.canonical,
            place,
        })
    }

    fn place(&self, path: &Path, outside: &Outside, keep: &Keep) -> Result<PathBuf, LeftReason> {
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(LeftReason::ParentDir);
        }
        let Ok(below) = path.strip_prefix(self.path()) else {
            return Err(if outside.canonical.starts_with(self.path()) {
                LeftReason::Link
            } else {
                LeftReason::Elsewhere
            });
        };
        self.is_at(below, outside.stat.mark.id())?;
        // As of an object: what names it may still come.
        if keep.is_young(outside.stat.ctime_ms) {
            return Err(LeftReason::Recent);
        }
        Ok(below.to_owned())
    }

    /// Requires that it is a regular file, at that path from the directory, on which is no link and no other mount.
    fn is_at(&self, below: &Path, id: FileId) -> Result<(), LeftReason> {
        if below == Path::new("") {
            return Err(LeftReason::NotAFile);
        }
        match self.root.stat(below) {
            Ok(Some(stat)) if stat.kind == FileKind::Link => Err(LeftReason::Link),
            Ok(Some(stat)) if stat.kind != FileKind::Regular => Err(LeftReason::NotAFile),
            Ok(Some(stat)) if stat.mark.id() == id => Ok(()),
            Ok(_) => Err(LeftReason::Changed),
            Err(error) => Err(LeftReason::of(&error)),
        }
    }
}

/// What paths lead to, each looked up once.
#[derive(Debug)]
pub(super) struct Places<'a> {
    pub(super) under: Under,
    keep: &'a Keep,
    seen: BTreeMap<PathBuf, Found>,
}

impl<'a> Places<'a> {
    pub(super) fn below(under: Under, keep: &'a Keep) -> Self {
        let seen = BTreeMap::new();
        Self { under, keep, seen }
    }

    pub(super) fn look(&mut self, path: &Path) -> &Found {
        let (under, keep) = (&self.under, self.keep);
        let seen = self.seen.entry(path.to_owned());
        seen.or_insert_with(|| under.look(path, keep))
    }

    /// As [`look`](Self::look); `None` also of what cannot be told.
    pub(super) fn spot(&mut self, path: &Path) -> Option<&Spot> {
        match self.look(path) {
            Found::Something(spot) => Some(spot),
            Found::Nothing | Found::Unknown(_) => None,
        }
    }
}

/// Opens a directory under the path that it has without symbolic links.
fn open(path: &Path) -> Result<Option<Root>, PathError> {
    let canonical = path.canonicalize();
    let canonical = canonical.map_err(|error| PathError {
        action: "open",
        path: path.to_owned(),
        cause: error.into(),
    })?;
    Root::open(&canonical)
}

fn is_no_directory(error: &PathError) -> bool {
    match &error.cause {
        Cause::NotADirectory => true,
        Cause::Io(error) => {
            matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
        }
        _ => false,
    }
}

/// Returns the root of a catalog and the directories in it, which may also be mounted elsewhere.
fn parts(root: &Root) -> Result<BTreeSet<FileId>, PathError> {
    let parts = root.list_stats(Path::new("."))?.into_iter();
    let dirs = parts.filter(|(_, stat)| stat.kind == FileKind::Directory);
    let mut parts: BTreeSet<_> = dirs.map(|(_, stat)| stat.mark.id()).collect();
    parts.insert(root.id()?);
    Ok(parts)
}
