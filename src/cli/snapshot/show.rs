//! `engine-catalog snapshot show`

use clap::Args;

use super::{finish, members, not_found, print_run_config};
use crate::cli::failure::Failure;
use crate::cli::list::{HEADER, row};
use crate::cli::output::JsonRecord;
use crate::cli::{Context, Status, now_ms};

/// List the entries of a snapshot
///
/// Columns as those of `list`. Entries that are missing or damaged are reported on standard error,
/// and the exit status is then 3.
#[derive(Debug, Args)]
#[command(after_help = "\
Example, with jq:
  engine-catalog snapshot show run-42 --run-config |
    jq -s '.[0] * .[1]' run_config.json - > run_config.new && mv run_config.new run_config.json")]
pub(super) struct Show {
    /// Name, or first digits of a snapshot id
    #[arg(value_name = "SNAPSHOT")]
    snapshot: String,

    /// Print what a run writes in its run_config.json of these engines: snapshot id and identities
    #[arg(long)]
    run_config: bool,
}

impl Show {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        if self.run_config {
            let found = catalog.find_snapshot(&self.snapshot)?;
            let (_, snapshot) = found.ok_or_else(|| not_found(&self.snapshot))?;
            return print_run_config(context, &catalog, &snapshot);
        }
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
