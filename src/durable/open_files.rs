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
