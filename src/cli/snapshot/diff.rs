//! `engine-catalog snapshot diff`

use clap::Args;
use engine_catalog::{Filter, Members, compare};

use super::members;
use crate::cli::failure::Failure;
use crate::cli::{Context, Status, changes};

/// Show what differs between two snapshots
///
/// Prints nothing and exits with 0 where they are equal; exits with 1 where they differ. + marks an
/// entry that came, - one that went, ~ one that became another, with the fields that differ.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The first snapshot: name, or first digits of its id
    #[arg(value_name = "FROM")]
    from: String,

    /// The second snapshot [default: the current entries]
    #[arg(value_name = "TO")]
    to: Option<String>,
}

impl Diff {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        let (from, mut damaged) = members(&catalog, &self.from)?;
        let to = match &self.to {
            Some(spec) => {
                let (to, missing) = members(&catalog, spec)?;
                damaged += missing;
                to
            }
            None => {
                let now = catalog.snapshot_of(&Members::Current(Filter::default()))?;
                catalog.members(&now)?
            }
        };
        changes::show(context, &catalog, compare(&from, &to), damaged)
    }
}
