//! What the directories of refs look like at one moment: enough to tell later, without reading a ref,
//! that none has changed since.
//!
//! A ref changes only when a file is renamed over it or it is removed (layout.md section 7, I3), which
//! gives its directory a new ctime. The mtime would not do: tools that copy set it. A directory whose
//! ctime is the same may have changed all the same where its ctime is recent: the clock of files stands
//! still between two ticks, some file systems keep whole seconds, and the clock may be set back. So a
//! mark proves something only once it is [settled](Mark::is_settled).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::durable::{Clocks, FileKind, Mark, PathError, Root, clocks};
use crate::layout;
use crate::name::Name;

const MILLISECOND: i128 = 1_000_000;
const SECOND: i128 = 1000 * MILLISECOND;

/// The longest time for which the clock of files stands still (CONFIG_HZ=100), and what exFAT keeps.
const TICK: i128 = 10 * MILLISECOND;

/// The coarsest times of files, as on FAT. On ext4 with inodes of 128 bytes it is one second.
const COARSEST: i128 = 2 * SECOND;

/// By how much a clock may be set back unseen. More than it lags behind by standing still.
const UNSEEN: i128 = 20 * MILLISECOND;

/// What the refs of a catalog looked like at one moment.
///
/// It holds no names and no contents of refs, and means nothing to another handle, or after a restart.
#[derive(Clone, Debug)]
pub struct Generation {
    looked_at: Clocks,
    /// The directory of all refs, if there is one.
    top: Option<Mark>,
    /// The directories of engines, by their file names.
    engines: BTreeMap<String, Mark>,
}

impl Mark {
    /// Returns whether every change that comes after the look has another ctime than this.
    fn is_settled(&self, looked_at: &Clocks) -> bool {
        self.settles_at() < looked_at.wall
    }

    /// Returns the time, by the wall clock, after which it is settled.
    fn settles_at(&self) -> i128 {
        let precision = if self.ctime_ns % SECOND == 0 {
            COARSEST
        } else {
            TICK
        };
        // Also where it is in the future: then the clock was set back.
        self.ctime_ns + precision + UNSEEN
    }
}

impl Clocks {
    /// Returns whether the wall clock was set back since `before`, as far as it matters.
    fn are_set_back_since(&self, before: &Self) -> bool {
        self.wall - before.wall + UNSEEN < self.steady - before.steady
    }
}

impl Generation {
    /// Looks at the directories of refs.
    pub(crate) fn look(root: &Root) -> Result<Self, PathError> {
        // In this order: what changes after the look is no older than the clock, and what is made
        // after the look at the directory of all changes that.
        let looked_at = clocks();
        let top = Path::new(layout::REFS);
        let found = root.stat(top)?;
        let engines = root.list_stats(top)?.into_iter();
        let engines = engines.filter(|(file_name, stat)| {
            stat.kind == FileKind::Directory && Name::from_file_name(file_name).is_some()
        });
        Ok(Self {
            looked_at,
            top: found.map(|stat| stat.mark),
            engines: engines.map(|(name, stat)| (name, stat.mark)).collect(),
        })
    }

    /// Returns whether this can prove that nothing has changed later.
    pub(crate) fn is_settled(&self) -> bool {
        self.marks().all(|mark| mark.is_settled(&self.looked_at))
    }

    /// Returns for how many nanoseconds more, after the look, none of this can prove anything.
    pub(crate) fn settles_in(&self) -> i128 {
        let times = self.marks().map(Mark::settles_at);
        times.max().map_or(0, |at| at - self.looked_at.wall)
    }

    /// Returns whether `later` looks different. Only where this is settled is the same look proof.
    pub(crate) fn differs(&self, later: &Self) -> bool {
        self.top != later.top
            || self.engines != later.engines
            || later.looked_at.are_set_back_since(&self.looked_at)
    }

    /// Returns the paths of the directories in which something can happen to refs, and which each is.
    pub(crate) fn directories(&self) -> impl Iterator<Item = (PathBuf, (u64, u64))> {
        let top = Path::new(layout::REFS);
        let identity = |mark: &Mark| (mark.device, mark.inode);
        let engines = self.engines.iter();
        let engines = engines.map(move |(name, mark)| (top.join(name), identity(mark)));
        // That of all refs may be made, or removed, in the root, which is always the same.
        let root = (PathBuf::from("."), (0, 0));
        let refs = self.top.iter();
        let refs = refs.map(move |mark| (top.to_owned(), identity(mark)));
        [root].into_iter().chain(refs).chain(engines)
    }

    fn marks(&self) -> impl Iterator<Item = &Mark> {
        self.top.iter().chain(self.engines.values())
    }
}

#[cfg(test)]
mod tests;
