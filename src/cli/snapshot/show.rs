//! `engine-catalog snapshot show`

use clap::Args;

use super::{finish, members};
use crate::cli::failure::Failure;
use crate::cli::list::{HEADER, row};
use crate::cli::output::JsonRecord;
use crate::cli::{Context, Status, now_ms};

/// List the entries of a snapshot
///
/// Columns as those of `list`. Entries that are missing or damaged are reported on standard error,
/// and the exit status is then 3.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Name, or first digits of a snapshot id
    #[arg(value_name = "SNAPSHOT")]
    snapshot: String,
}

impl Show {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        let (records, damaged) = members(&catalog, &self.snapshot)?;
        let (mut rows, now_ms) = (Vec::new(), now_ms());
        for record in records {
            if context.out.is_json() {
                let state = catalog.state(&record)?;
                context.out.json(&JsonRecord::new(&record, state))?;
                continue;
            }
            rows.push(row(record, now_ms));
        }
        if !rows.is_empty() {
            context.out.table(HEADER, rows)?;
        }
        finish(damaged)
    }
}
