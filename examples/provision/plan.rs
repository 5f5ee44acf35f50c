//! What is to be done for a request, decided before anything is done.

use std::fs::File;

use engine_catalog::Catalog;

use crate::Result;
use crate::ensure::{Standing, consult};
use crate::request::{Prepared, Request};

/// One of the ways to provide an engine.
pub(crate) trait Way {
    /// Returns what is asked for.
    fn request(&self) -> &Request;

    /// Returns what [`prepare`](Self::prepare) does, and the recording after it.
    fn steps(&self) -> Vec<Step>;

    /// Waits for others that prepare the same in the same place.
    ///
    /// # Locking
    ///
    /// The file that is returned holds the lock, until it is dropped.
    fn lock(&self) -> Result<Option<File>> {
        Ok(None)
    }

    /// Makes the engine; `afresh` where nothing that is left of an earlier time can be trusted.
    fn prepare(&self, afresh: bool) -> Result<Prepared>;
}

/// Something to be done.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) kind: &'static str,
    pub(crate) detail: String,
}

impl Step {
    pub(crate) fn new(kind: &'static str, detail: String) -> Self {
        Self { kind, detail }
    }
}

/// Returns what [`ensure`](crate::ensure::ensure) would do now. `catalog` is `None` where there is none
/// yet.
pub(crate) fn plan(catalog: Option<&Catalog>, way: &dyn Way) -> Result<Vec<Step>> {
    let request = way.request();
    request.refuse_early()?;
    let standing = catalog
        .map(|catalog| consult(catalog, request))
        .transpose()?;
    Ok(match standing {
        Some(Standing::Ready(record)) => vec![Step::new("use", record.object.to_string())],
        Some(Standing::Earlier(record)) => vec![Step::new("restore", record.object.to_string())],
        Some(Standing::Drifted { why, .. }) => {
            let because = [Step::new("because", why)];
            because.into_iter().chain(way.steps()).collect()
        }
        Some(Standing::Absent) | None => way.steps(),
    })
}
