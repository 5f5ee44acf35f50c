//! Asking whether refs have changed. Nothing here writes, takes a lock or reads a ref.

use std::path::Path;

use super::Catalog;
use crate::error::Error;
use crate::generation::Generation;
use crate::layout;

impl Catalog {
    /// Returns what the directories of refs look like now, to be compared later with what they look like
    /// then. Costs a system call for each engine, however many versions there are.
    ///
    /// Take it before reading: what changes in between is then noticed.
    ///
    /// ```
    /// use engine_catalog::{Catalog, EngineEntry, Filter, Stamp};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let root = dir.path().join("engines");
    /// let catalog = Catalog::create(&root)?;
    /// let mut seen = catalog.generation()?;
    /// let mut engines = catalog.list(&Filter::default())?.collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(engines.len(), 0);
    ///
    /// // Somebody records an engine.
    /// let entry = EngineEntry::new("llamacpp", "b4321", 1_758_240_000_000);
    /// Catalog::open(&root)?.put(&entry, &Stamp::now("engine-provisioner")?)?;
    ///
    /// // Before each use:
    /// if catalog.has_changed_since(&seen)? {
    ///     seen = catalog.generation()?;
    ///     engines = catalog.list(&Filter::default())?.collect::<Result<Vec<_>, _>>()?;
    /// }
    /// assert_eq!(engines.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotACatalog`] where the catalog has been removed, and [`Error::Path`].
    pub fn generation(&self) -> Result<Generation, Error> {
        if !self.root.has(Path::new(layout::FORMAT)) {
            return Err(Error::NotACatalog {
                root: self.root.path().to_owned(),
            });
        }
        Ok(Generation::look(&self.root)?)
    }

    /// Returns whether refs may have changed since `seen` was taken.
    ///
    /// `false` is a promise: no ref was made, changed or removed. `true` may be a false alarm: for some
    /// hundredths of a second after a change, or two seconds where a file system keeps whole seconds, it
    /// cannot be told whether another one followed; and for as long as the clock is behind the last
    /// change, where it was set back. After `true`, take another generation, and read again.
    ///
    /// It is about the directory that this handle has opened, wherever it is moved, and about refs: which
    /// entries are current. Objects do not change; named snapshots and attachments are not looked at. The
    /// promise holds on a local file system, for writers that keep to `layout.md` section 7.5.
    ///
    /// # Errors
    ///
    /// Those of [`generation`](Self::generation).
    pub fn has_changed_since(&self, seen: &Generation) -> Result<bool, Error> {
        let now = self.generation()?;
        Ok(!seen.is_settled() || seen.differs(&now))
    }
}
