//! What names something in the source: refs, names of snapshots, and links. They are told from ours before
//! anything is read.

use std::path::{Path, PathBuf};

use super::{Staging, held};
use crate::error::Error;
use crate::hash::ObjectId;
use crate::{layout, ref_time, refs};

impl Staging {
    /// Returns the refs and names of snapshots here that cannot be told from others by the time of their
    /// files: those of the source are wanted, whatever times they have. Of any other, one of the source that
    /// has the same time in nanoseconds holds the same (`layout.md` section 5.1). It looks at each ref, and
    /// reads none.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where they cannot be listed.
    pub fn doubtful(&self) -> Result<Vec<PathBuf>, Error> {
        Ok(ref_time::doubtful(&self.here)?)
    }

    /// Has the times of these files that came tell nothing: what they hold may be newer.
    ///
    /// # Errors
    ///
    /// [`Error::Path`].
    pub fn forget_times(&self, paths: &[PathBuf]) -> Result<(), Error> {
        paths
            .iter()
            .try_for_each(|path| Ok(self.scratch.forget_time(path)?))
    }

    /// Takes away the refs that came and hold what ours hold, which is in the store.
    ///
    /// # Errors
    ///
    /// [`Error::Path`].
    pub fn pass_over_same(&self) -> Result<(), Error> {
        for name in refs::list(self.scratch.root(), &Default::default())? {
            let ours = held(&self.here, &name);
            let is_told = ref_time::read(&self.here, &name)?.is_some();
            if is_told
                && ours.is_some_and(|object| self.is_here(&object))
                && held(self.scratch.root(), &name) == ours
            {
                self.scratch.clear(&layout::ref_file(&name).path())?;
            }
        }
        Ok(())
    }

    /// Takes up which links the source has, by their paths. Those are wanted whose subjects are here, or come;
    /// a link is read by its name alone, so none need be transferred. Other files are passed over.
    pub fn offer_links(&mut self, paths: &[PathBuf]) {
        for (subject, object) in paths.iter().filter_map(|path| link(path)) {
            self.offered.entry(subject).or_default().push(object);
        }
    }
}

/// Takes the path of a link apart.
fn link(path: &Path) -> Option<(ObjectId, ObjectId)> {
    let path = path.strip_prefix(layout::ATTACHMENTS).ok()?.to_str()?;
    let (shard, rest) = path.split_once('/')?;
    let (subject, object) = rest.split_once('/')?;
    Some((layout::object_id(shard, subject)?, object.parse().ok()?))
}
