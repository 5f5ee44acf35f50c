//! Without signatures there is nothing to judge by: a catalog with a policy is not written to (layout.md
//! section 5.7).

use std::path::Path;

use super::Catalog;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::layout;
use crate::marker::POLICY;
use crate::name::RefName;

/// What refs may come to hold: anything.
pub(crate) struct Guard<'a>(&'a Catalog);

impl Catalog {
    /// Returns what refs of this catalog may come to hold.
    pub(crate) fn guard<'a>(&'a self, _source: Option<&Self>) -> Result<Guard<'a>, Error> {
        let mut guard = Guard(self);
        guard.renew()?;
        Ok(guard)
    }
}

impl Guard<'_> {
    /// Looks again whether there is a policy.
    pub(crate) fn renew(&mut self) -> Result<(), Error> {
        match self.0.root.has(Path::new(layout::POLICY)) {
            true => Err(Error::ReadOnlyFeature {
                root: self.0.root.path().to_owned(),
                feature: POLICY.to_owned(),
            }),
            false => Ok(()),
        }
    }

    /// Returns whether something may be required: nothing is.
    #[allow(
        clippy::unused_self,
        reason = "there is another one, which looks for signatures"
    )]
    pub(crate) fn requires_some(&self) -> bool {
        false
    }

    /// Requires that a ref may come to hold an entry.
    #[allow(
        clippy::unused_self,
        reason = "there is another one, which looks for signatures"
    )]
    pub(crate) fn admit(&self, _name: &RefName, _object: &ObjectId) -> Result<(), Error> {
        Ok(())
    }
}
