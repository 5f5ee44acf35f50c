//! Collecting garbage: removing the objects, blobs and links that nothing keeps (layout.md section 7.9).
//!
//! First it is found out what goes, which reads and changes nothing; then that is removed, under the store
//! lock from before the first look until after the last removal.

mod plan;
mod sweep;

use serde::Serialize;

pub use sweep::Collected;

use crate::hash::ObjectId;
use crate::reach::Unknown;
use crate::retention::{Decision, Retention};

/// What is garbage.
#[derive(Clone, Debug)]
pub struct GcOptions {
    /// What changed less than so many milliseconds ago stays, with all that it leads to: what names it may
    /// still come, by a copy.
    pub grace_ms: i64,
    /// What is kept of what refs have held.
    pub retention: Retention,
    /// The time, in milliseconds since the Unix epoch.
    pub now_ms: i64,
}

impl GcOptions {
    /// The grace that there is by default: a day.
    pub const GRACE_MS: i64 = 24 * 60 * 60 * 1000;

    /// Keeps all that refs have held, and what is younger than a day.
    #[must_use]
    pub fn new(now_ms: i64) -> Self {
        Self {
            grace_ms: Self::GRACE_MS,
            retention: Retention::default(),
            now_ms,
        }
    }
}

/// What a collection removes, as things are.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GcPlan {
    /// The objects that go, sorted.
    pub objects: Vec<Garbage>,
    /// The blobs that go, sorted.
    pub blobs: Vec<Garbage>,
    /// How many links go, of attachments whose subjects go or are gone.
    pub links: usize,
    /// How many objects and blobs nothing keeps but their age.
    pub young: usize,
    /// What is decided of what refs hold, and have held.
    pub decisions: Vec<Decision>,
    /// Damage that may hide what keeps objects: while there is any, nothing goes.
    pub unknown: Vec<Unknown>,
}

impl GcPlan {
    /// Returns how many bytes the files have that go.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let files = self.objects.iter().chain(&self.blobs);
        files.map(|it| it.bytes).sum()
    }
}

/// A file that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Garbage {
    /// The object, or the blob.
    pub id: ObjectId,
    /// Its size in bytes.
    pub bytes: u64,
    /// When its file was last changed or moved: milliseconds since the Unix epoch.
    pub changed_ms: i64,
}
