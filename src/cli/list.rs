//! `engine-catalog list`

use clap::Args;
use engine_catalog::{Filter, Pattern, Record, State};

use super::failure::{Failure, say};
use super::follow::follow;
use super::output::JsonRecord;
use super::text::{age, short};
use super::{Context, Status};

/// List the current entries, by engine and version
///
/// Columns: engine, version, first digits of the object id, build ref, age. Entries that cannot be
/// read are reported on standard error, and the exit status is then 3.
///
/// With `--watch` it goes on with a line for each change: when it was seen, + for an entry that came, - for
/// one that was retired, ~ for one that took the place of another, engine and version, and the object ids
/// before and after. With `--json` all of it is changes, also what is there at the start. Several changes
/// of one engine and version may be shown as one. It ends when nobody reads its output, or by a signal. A catalog that is moved is followed; another
/// one that takes its place is not.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only this engine; * stands for any text, ? for one character
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Pattern>,

    /// Only this version; * stands for any text, ? for one character
    #[arg(long, value_name = "VERSION")]
    version: Option<Pattern>,

    /// Go on with what changes
    #[arg(long)]
    watch: bool,
}

impl List {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let filter = Filter {
            engine: self.engine,
            version: self.version,
        };
        if self.watch {
            return follow(context, &filter);
        }
        let catalog = context.read()?;
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
