//! `engine-catalog export`

use clap::Args;
use engine_catalog::{Filter, Pattern, Record};

use super::failure::{Failure, say};
use super::snapshot::{finish, members};
use super::{Context, Status};

/// Write the current entries, or those of a snapshot, as NDJSON
///
/// One entry a line, with its eight fields and nothing else, sorted by engine and version: what `put`
/// and `import` read, and any JSON tool. The current entries that come of it are the same objects, so
/// a snapshot of them has the same id. Histories, attachments and what is retired stay behind: to copy
/// a catalog, copy its directory, or `import` that.
///
/// Entries that cannot be read are reported on standard error, and the exit status is then 3.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog export > engines.ndjson
  engine-catalog export --engine vllm | jq -r .digest
  engine-catalog export --snapshot nightly | engine-catalog --root elsewhere import -")]
pub(super) struct Export {
    /// Only this engine; * stands for any text, ? for one character
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Pattern>,

    /// Only this version; * stands for any text, ? for one character
    #[arg(long, value_name = "VERSION")]
    version: Option<Pattern>,

    /// The entries of this snapshot, by name or first digits of its id, in place of the current ones
    #[arg(long, value_name = "SNAPSHOT")]
    snapshot: Option<String>,
}

impl Export {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        let filter = Filter {
            engine: self.engine,
            version: self.version,
        };
        let mut damaged = 0;
        let mut write = |record: &Record| context.out.json(&record.entry);
        if let Some(snapshot) = &self.snapshot {
            let (mut records, missing) = members(&catalog, snapshot)?;
            damaged += missing;
            // Where several are of one name, the newest becomes current if they are put in this order.
            records.sort_by_cached_key(|it| (it.name(), it.entry.created_ms, it.object));
            for record in records.iter().filter(|it| filter.matches(&it.name())) {
                write(record)?;
            }
        } else {
            for record in catalog.list(&filter)? {
                match record {
                    Ok(record) => write(&record)?,
                    Err(error) => {
                        damaged += 1;
                        say("error", &error.to_string());
                    }
                }
            }
        }
        finish(damaged)
    }
}
