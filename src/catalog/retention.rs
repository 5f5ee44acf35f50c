//! What is kept of which engines of a catalog: its file `retention.toml` (layout.md section 5.8).

use std::path::Path;

use super::Catalog;
use crate::error::Error;
use crate::layout;
use crate::retention::Retention;

impl Catalog {
    /// Returns what is to be kept of which engines, by the file `retention.toml` of this catalog; `None` where
    /// there is none, and all that refs have held is kept.
    ///
    /// # Errors
    ///
    /// [`Error::Retention`] where it is wrong, and [`Error::Path`] where it cannot be read, is too large, or is no
    /// regular file: what is to be kept is not known then.
    pub fn retention(&self) -> Result<Option<Retention>, Error> {
        let path = Path::new(layout::RETENTION);
        let Some(text) = self.root.read(path, layout::MAX_RETENTION_BYTES)? else {
            return Ok(None);
        };
        let retention = Retention::parse(&text).map(Some);
        retention.map_err(|cause| Error::Retention {
            path: self.root.path().join(path),
            cause,
        })
    }
}
