//! Removing what goes: links first, then objects and blobs, then the directories that are empty. A cut at any
//! moment leaves a catalog from which less was removed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{GcOptions, GcPlan};
use crate::catalog::{Catalog, told};
use crate::durable::{Dir, Hold, PathError, Root};
use crate::error::Error;
use crate::layout::{self, Place};

/// What a collection did.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Collected {
    /// What it found, and has removed.
    pub plan: GcPlan,
}

impl Catalog {
    /// Removes what nothing keeps.
    ///
    /// When this returns, what was removed stays away, also through a power cut. One that comes before, or an
    /// error, leaves some of it, which the next collection removes. It needs no room.
    ///
    /// # Locking
    ///
    /// Takes the store lock, exclusively, and waits for all who write, capture or copy.
    ///
    /// # Errors
    ///
    /// [`Error::Unsure`] where damage may hide what keeps objects: then nothing is removed.
    pub fn collect_garbage(&self, options: &GcOptions) -> Result<Collected, Error> {
        told("gc", self.remove_garbage(options))
    }

    fn remove_garbage(&self, options: &GcOptions) -> Result<Collected, Error> {
        let _lock = self.begin_write(Hold::Exclusive)?;
        let found = self.find_garbage(options)?;
        if let Some(first) = found.plan.unknown.first() {
            return Err(Error::Unsure {
                reason: first.reason.clone(),
                more: found.plan.unknown.len() - 1,
            });
        }
        let root = self.root_dir();
        let link = |(subject, object)| layout::attachment(&subject, &object);
        let links: Vec<_> = found.links.into_iter().map(link).collect();
        // A link must not outlive what it leads to.
        remove_all(root, &links)?;
        let (objects, blobs) = (&found.plan.objects, &found.plan.blobs);
        let objects = objects.iter().map(|it| layout::object(&it.id));
        let blobs = blobs.iter().map(|it| layout::blob(&it.id));
        let files: Vec<_> = objects.chain(blobs).collect();
        remove_all(root, &files)?;
        remove_empty(root, links.iter().chain(&files))?;
        Ok(Collected { plan: found.plan })
    }
}

/// Removes files, so that they stay away.
fn remove_all(root: &Root, places: &[Place]) -> Result<(), PathError> {
    let mut dirs = Vec::<Dir<'_>>::new();
    for place in places {
        if dirs.last().is_none_or(|dir| dir.path() != place.dir) {
            // Not more descriptors than a process may have.
            if dirs.len() >= MOST_DIRS {
                root.sync([], &dirs)?;
                dirs.clear();
            }
            dirs.push(root.dir(&place.dir)?);
        }
        if let Some(dir) = dirs.last() {
            dir.remove(&place.name)?;
        }
    }
    root.sync([], &dirs)
}

/// How many directories are open at once.
const MOST_DIRS: usize = 256;

/// Removes the directories that these were the last files of, and those above that are empty then.
fn remove_empty<'p>(root: &Root, places: impl Iterator<Item = &'p Place>) -> Result<(), PathError> {
    let mut dirs: BTreeSet<&Path> = places.map(|place| place.dir.as_path()).collect();
    let mut changed = BTreeSet::<PathBuf>::new();
    while !dirs.is_empty() {
        let mut above = BTreeSet::new();
        for dir in dirs {
            let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
                continue;
            };
            // The directories of the format itself stay.
            if parent.as_os_str().is_empty() {
                continue;
            }
            if root.dir(parent)?.remove_dir(&name.to_string_lossy())? {
                changed.insert(parent.to_owned());
                above.insert(parent);
            }
        }
        dirs = above;
    }
    for dir in changed {
        // One that was removed since needs none.
        if root.has(&dir) {
            root.dir(&dir)?.sync()?;
        }
    }
    Ok(())
}
