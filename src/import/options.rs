//! What an import brings, and how it decides.

use crate::prefer::Prefer;

/// How [`Catalog::import_with`](crate::Catalog::import_with) imports.
///
/// ```
/// use engine_catalog::{Blobs, Choice, ImportOptions, Prefer};
///
/// let options = ImportOptions {
///     prefer: Prefer { otherwise: Choice::Theirs, ..Prefer::default() },
///     blobs: Blobs::Bring,
/// };
/// # assert_ne!(options, ImportOptions::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// What is preferred where each side has gone its own way; by default nothing.
    pub prefer: Prefer,
    /// Whether the contents of artifacts come along; by default they do not.
    pub blobs: Blobs,
}

/// Whether the contents of artifacts come along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blobs {
    /// They stay where they are.
    #[default]
    LeaveBehind,
    /// Those that the source has, and that a manifest names, come along.
    Bring,
}
