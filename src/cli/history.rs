//! `engine-catalog history`

use clap::Args;
use engine_catalog::{ObjectId, RefName};
use serde_json::json;

use super::failure::Failure;
use super::text::{short, time};
use super::{Context, Status};

/// Show how the current entry of an engine and version changed, newest first
///
/// Columns: when, what, the entry before, the entry after, who. A dash stands for no entry.
#[derive(Debug, Args)]
pub(super) struct History {
    /// The engine and version
    #[arg(value_name = "ENGINE/VERSION")]
    name: RefName,
}

impl History {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let changes = context.read()?.history(&self.name)?;
        if changes.is_empty() {
            return Err(Failure::NotFound(format!(
                "there is no history of {}",
                self.name
            )));
        }
        let shown = |id: Option<ObjectId>| id.map_or_else(|| "-".to_owned(), short);
        let changes = changes.iter().rev();
        if !context.out.is_json() {
            let rows = changes.map(|change| {
                [
                    time(change.at_ms),
                    change.op.to_string(),
                    shown(change.old),
                    shown(change.new),
                    change.actor.to_string(),
                ]
            });
            let header = ["WHEN", "WHAT", "BEFORE", "AFTER", "WHO"];
            context.out.table(header, rows)?;
            return Ok(Status::Done);
        }
        for change in changes {
            context.out.json(&json!({
                "at_ms": change.at_ms,
                "op": change.op.as_str(),
                "old": change.old,
                "new": change.new,
                "actor": change.actor.as_str(),
            }))?;
        }
        Ok(Status::Done)
    }
}
