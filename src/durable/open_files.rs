//! How many files this process may have open at once.

use rustix::process::{Resource, getrlimit};

/// Returns how many things that hold `each` descriptors may go to the disk together: `most`, or as
/// many as half of the descriptors that this process may have allow for. The other half is for
/// what else it does. At least one: then opening fails, and says why.
pub(crate) fn open_together(each: u64, most: usize) -> usize {
    // `None`: there is no limit.
    let Some(limit) = getrlimit(Resource::Nofile).current else {
        return most;
    };
    let together = usize::try_from(limit / 2 / each).unwrap_or(most);
    together.clamp(1, most)
}

/// Returns how many files are staged, synced and published together.
pub(crate) fn files_together() -> usize {
    // The objects of a batch of entries, with a few attachments each.
    const MOST: usize = 128;
    // Of each the file, its directory, and that of a temporary.
    open_together(3, MOST)
}
