//! Bringing a catalog from elsewhere into a staging, round by round, until nothing that is wanted is
//! missing.

use engine_catalog::{Catalog, Error, Staging};

use super::rsync::{By, Names, Rsync};
use crate::cli::failure::Failure;

/// Has rsync bring what is missing, until nothing is, and returns it as a catalog.
pub(in crate::cli) fn gather(
    rsync: &mut Rsync<'_>,
    staging: &mut Staging,
    (names, by): (Names, By),
) -> Result<Catalog, Failure> {
    rsync.bring_names(staging, names, by)?;
    rsync.find_links(staging)?;
    let mut theirs = None;
    loop {
        let wanted = staging.wanted()?;
        if wanted.is_empty() {
            return Ok(theirs.expect("the format marker is wanted first"));
        }
        rsync.bring_texts(staging, &wanted)?;
        // Nothing of it is taken before it is known to be a catalog.
        if theirs.is_none() {
            theirs = Some(open(staging, rsync.spec)?);
        }
        rsync.bring(staging, &wanted)?;
    }
}

/// Opens what came.
pub(in crate::cli) fn open(staging: &Staging, spec: &str) -> Result<Catalog, Failure> {
    match staging.catalog() {
        Err(Error::NotACatalog { .. }) => {
            let message = format!("{spec} is neither a catalog nor a proof bundle");
            Err(Failure::Unusable(message))
        }
        Err(Error::Format { cause, .. }) => {
            let message = format!("{spec} cannot be read: {cause}");
            Err(Failure::Unusable(message))
        }
        opened => Ok(opened?),
    }
}
