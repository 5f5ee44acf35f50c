//! Collecting garbage: removing the objects, blobs and links that nothing keeps, and retiring what retention
//! lets go (layout.md section 7.9); and, where that is wanted, the files of engines that only they name.
//!
//! First it is found out what goes, which reads and changes nothing: a [`GcPlan`], which says why. Then that is
//! removed, under the store lock from before the first look until after the last removal.

mod artifacts;
mod histories;
mod plan;
mod scratch;
mod sweep;

use serde::{Deserialize, Serialize};

pub use artifacts::{
    ArtifactFile, ArtifactLeft, ArtifactOptions, ArtifactRoom, EvictionOrder, LeftReason,
};
pub use histories::LongHistory;
pub use plan::{Garbage, GcPlan};
pub use scratch::Leftover;
pub use sweep::Collected;

use crate::reach::Keep;

/// What is garbage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GcOptions {
    /// What is kept beside what refs and named snapshots hold.
    pub keep: Keep,
    /// A history of more bytes than this loses its oldest lines, as far as they tell of nothing that is
    /// kept, until it has a quarter of them.
    pub history_bytes: u64,
    /// Which files of engines go, outside of the catalog; `None` where none does.
    pub artifacts: Option<ArtifactOptions>,
}

impl GcOptions {
    /// How many bytes a history has at most, by default: 4 MiB, which is some 20,000 changes.
    pub const HISTORY_BYTES: u64 = 4 << 20;

    /// Keeps all that refs have held, and what is younger than a day.
    #[must_use]
    pub fn new(now_ms: i64) -> Self {
        Self {
            keep: Keep::new(now_ms),
            history_bytes: Self::HISTORY_BYTES,
            artifacts: None,
        }
    }
}
