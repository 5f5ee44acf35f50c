//! The file `peers`: where other catalogs are that have what this one may lose (layout.md section 5.5).

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::catalog::Catalog;
use crate::durable::{Cause, PathError};
use crate::error::Error;
use crate::layout;

impl Catalog {
    /// Returns the peers of this catalog, in the order in which they are to be asked: the lines of its file
    /// `peers` that are not blank and do not begin with `#`, less white space around them. What they say
    /// is for whoever asks them to understand. There are none where there is no such file.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where the file is too large, not UTF-8, or cannot be read.
    pub fn peers(&self) -> Result<Vec<String>, Error> {
        let path = Path::new(layout::PEERS);
        let bytes = self.root_dir().read(path, layout::MAX_PEERS_BYTES)?;
        let text = String::from_utf8(bytes.unwrap_or_default()).map_err(|_| PathError {
            action: "read",
            path: self.root().join(path),
            cause: Cause::Io(io::Error::new(ErrorKind::InvalidData, "it is not UTF-8")),
        })?;
        let lines = text.lines().map(str::trim);
        let peers = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(peers.map(ToOwned::to_owned).collect())
    }
}
