//! Importing what enough keys have signed.

use super::{ImportOptions, Imported};
use crate::catalog::{Catalog, told};
use crate::change::Stamp;
use crate::error::Error;
use crate::policy::RequiredSignatures;

impl Catalog {
    /// As [`import_with`](Self::import_with), and moves refs only to entries that enough keys have signed, or
    /// a snapshot that they are members of, here or in `source`. Any other entry is stored, with the
    /// signatures that it has, and its ref stays ([`Unsigned`](crate::ImportOutcome::Unsigned)). What the
    /// [`policy`](Self::policy) of this catalog requires is required besides.
    ///
    /// # Locking
    ///
    /// As [`import`](Self::import).
    ///
    /// # Errors
    ///
    /// Those of [`import`](Self::import).
    pub fn import_signed(
        &self,
        source: &Self,
        options: &ImportOptions,
        required: &RequiredSignatures<'_>,
        stamp: &Stamp,
    ) -> Result<Imported, Error> {
        let guard = self.guard(None).map(|it| it.and(required));
        told(
            "import",
            guard.and_then(|it| self.bring_in(source, options, stamp, it)),
        )
    }

    /// As [`plan_import`](Self::plan_import), of [`import_signed`](Self::import_signed).
    ///
    /// # Errors
    ///
    /// Those of [`plan_import`](Self::plan_import).
    pub fn plan_import_signed(
        &self,
        source: &Self,
        options: &ImportOptions,
        required: &RequiredSignatures<'_>,
    ) -> Result<Imported, Error> {
        let guard = self.guard(Some(source))?.and(required);
        self.plan(source, options, &guard)
    }
}
