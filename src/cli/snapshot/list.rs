//! `engine-catalog snapshot list`

use clap::Args;

use super::{JsonSnapshot, finish};
use crate::cli::failure::{Failure, say};
use crate::cli::text::short;
use crate::cli::{Context, Status};

/// List the named snapshots
///
/// Columns: name, first digits of the snapshot id, number of entries.
#[derive(Debug, Args)]
pub(super) struct List {}

impl List {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        let (mut rows, mut damaged) = (Vec::new(), 0);
        for named in catalog.snapshots()? {
            let found = named.and_then(|named| {
                let found = catalog.find_snapshot(named.name.as_str())?;
                Ok(found.map(|(object, snapshot)| (named.name, object, snapshot.objects.len())))
            });
            match found {
                Ok(Some((name, snapshot, entries))) if context.out.is_json() => {
                    let name = Some(name.as_str());
                    context.out.json(&JsonSnapshot {
                        name,
                        snapshot,
                        entries,
                    })?;
                }
                Ok(Some((name, snapshot, entries))) => {
                    rows.push([name.to_string(), short(snapshot), entries.to_string()]);
                }
                // Its name was taken away meanwhile.
                Ok(None) => {}
                Err(error) => {
                    damaged += 1;
                    say("error", &error.to_string());
                }
            }
        }
        if !rows.is_empty() {
            context.out.table(["NAME", "SNAPSHOT", "ENTRIES"], rows)?;
        }
        finish(damaged)
    }
}
