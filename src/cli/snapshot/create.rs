//! `engine-catalog snapshot create`

use std::collections::BTreeSet;

use clap::Args;
use engine_catalog::{Error, Filter, Members, Name, Pattern};

use super::{JsonSnapshot, print_run_config};
use crate::cli::failure::{Failure, say};
use crate::cli::get::find;
use crate::cli::{Context, Status};

/// Make a snapshot of the current entries, or of some
///
/// The current entries are those of one moment, also while writers are at work. Prints the snapshot
/// id. A snapshot without a name stays in the store.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog snapshot create before-upgrade
  engine-catalog snapshot create --print-id        # compare two nodes by one line
  engine-catalog snapshot create run-42 --run-config > engines.json
  engine-catalog snapshot create run-42 --entry llamacpp/b4321 --entry vllm/0.9.2")]
pub(super) struct Create {
    /// Its name, which must not be that of another snapshot
    #[arg(value_name = "NAME")]
    name: Option<Name>,

    /// Only this engine; * stands for any text, ? for one character
    #[arg(long, value_name = "ENGINE")]
    engine: Option<Pattern>,

    /// Only this version; * stands for any text, ? for one character
    #[arg(long, value_name = "VERSION")]
    version: Option<Pattern>,

    /// Only this entry, current or not: engine/version, id, or first digits of an object id; repeat
    /// it for several
    #[arg(long = "entry", value_name = "SPEC", conflicts_with_all = ["engine", "version"])]
    entries: Vec<String>,

    /// Print the snapshot id, and write nothing
    #[arg(long, conflicts_with = "name")]
    print_id: bool,

    /// Print what a run writes in its run_config.json of these engines, instead of the snapshot id
    #[arg(long, conflicts_with = "print_id")]
    run_config: bool,
}

impl Create {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = if self.print_id {
            context.read()?
        } else {
            context.write()?.0
        };
        let members = if self.entries.is_empty() {
            Members::Current(Filter {
                engine: self.engine,
                version: self.version,
            })
        } else {
            let objects = self
                .entries
                .iter()
                .map(|spec| Ok(find(&catalog, spec)?.object));
            Members::Objects(objects.collect::<Result<BTreeSet<_>, Failure>>()?)
        };
        let (object, snapshot) = if self.print_id {
            let snapshot = catalog.snapshot_of(&members)?;
            (snapshot.id().map_err(Error::SnapshotObject)?, snapshot)
        } else {
            let object = catalog.create_snapshot(&members, self.name.as_ref())?;
            (object, catalog.snapshot(&object)?.unwrap_or_default())
        };
        if self.run_config {
            return print_run_config(context, &catalog, &snapshot);
        }
        let entries = snapshot.objects.len();
        let name = self.name.as_ref().map(Name::as_str);
        if context.out.is_json() {
            context.out.json(&JsonSnapshot {
                name,
                snapshot: object,
                entries,
            })?;
            return Ok(Status::Done);
        }
        context.out.line(&object.to_string())?;
        if !self.print_id {
            let noun = if entries == 1 { "entry" } else { "entries" };
            let named =
                name.map_or_else(|| "without a name".to_owned(), |it| format!("named {it}"));
            say("snapshot", &format!("{entries} {noun}, {named}"));
        }
        Ok(Status::Done)
    }
}
