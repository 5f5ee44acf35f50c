//! `engine-catalog list`

use clap::Args;
use engine_catalog::{Filter, Pattern, Record, State};

use super::failure::{Failure, say};
use super::output::JsonRecord;
use super::text::{age, short};
use super::{Context, Status};

/// List the current entries, by engine and version
///
/// Columns: engine, version, first digits of the object id, build ref, age. Entries that cannot be
/// read are reported on standard error, and the exit status is then 3.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only this engine; * stands for any text, ? for one character
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Pattern>,

    /// Only this version; * stands for any text, ? for one character
    #[arg(long, value_name = "VERSION")]
    version: Option<Pattern>,
}

impl List {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        let filter = Filter {
            engine: self.engine,
            version: self.version,
        };
        let now_ms = super::now_ms();
        let (mut rows, mut damaged) = (Vec::new(), 0);
        for record in catalog.list(&filter)? {
            match record {
                Ok(record) if context.out.is_json() => {
                    context
                        .out
                        .json(&JsonRecord::new(&record, State::Current))?;
                }
                Ok(record) => rows.push(row(record, now_ms)),
                Err(error) => {
                    damaged += 1;
                    say("error", &error.to_string());
                }
            }
        }
        if !rows.is_empty() {
            context.out.table(HEADER, rows)?;
        }
        if damaged > 0 {
            Err(Failure::Damaged(damaged))
        } else {
            Ok(Status::Done)
        }
    }
}

/// The columns of a table of entries.
pub(super) const HEADER: [&str; 5] = ["ENGINE", "VERSION", "OBJECT", "BUILD REF", "CREATED"];

/// An entry as a row of such a table.
pub(super) fn row(record: Record, now_ms: i64) -> [String; 5] {
    [
        record.entry.engine,
        record.entry.version,
        short(record.object),
        record.entry.build_ref.unwrap_or_else(|| "-".to_owned()),
        age(record.entry.created_ms, now_ms),
    ]
}
