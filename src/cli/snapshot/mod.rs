//! `engine-catalog snapshot`: one file for each of its commands.

mod create;
mod delete;
mod diff;
mod list;
mod show;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use engine_catalog::{Catalog, ObjectId, Record, RunEngines};
use serde::Serialize;

use super::failure::{Failure, say};
use super::{Context, Status};

/// Name and compare sets of entries
///
/// A snapshot is the set of the object ids of its entries, stored as an object. The same set has the
/// same snapshot id on every node and at every time.
#[derive(Debug, Args)]
pub(super) struct Snapshot {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(create::Create),
    List(list::List),
    Show(show::Show),
    Diff(diff::Diff),
    Delete(delete::Delete),
}

impl Snapshot {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        match self.command {
            Command::Create(command) => command.run(context),
            Command::List(command) => command.run(context),
            Command::Show(command) => command.run(context),
            Command::Diff(command) => command.run(context),
            Command::Delete(command) => command.run(context),
        }
    }
}

/// The JSON form of a snapshot, by name or without.
#[derive(Serialize)]
struct JsonSnapshot<'a> {
    name: Option<&'a str>,
    snapshot: ObjectId,
    entries: usize,
}

/// Returns the entries of the snapshot that a person named, and how many could not be read, each of
/// which is reported.
pub(super) fn members(catalog: &Catalog, spec: &str) -> Result<(Vec<Record>, usize), Failure> {
    find_members(catalog, spec)?.ok_or_else(|| not_found(spec))
}

/// As [`members`]; `None` where there is no such snapshot.
pub(super) fn find_members(
    catalog: &Catalog,
    spec: &str,
) -> Result<Option<(Vec<Record>, usize)>, Failure> {
    let Some((_, snapshot)) = catalog.find_snapshot(spec)? else {
        return Ok(None);
    };
    let (mut records, mut damaged) = (Vec::new(), 0);
    for object in snapshot.objects {
        match catalog.entry(&object) {
            Ok(Some(entry)) => records.push(Record { object, entry }),
            Ok(None) => {
                damaged += 1;
                say(
                    "error",
                    &format!("entry {object} of the snapshot is missing"),
                );
            }
            Err(error) => {
                damaged += 1;
                say("error", &error.to_string());
            }
        }
    }
    records.sort_by_cached_key(|record| (record.name(), record.object));
    Ok(Some((records, damaged)))
}

fn not_found(spec: &str) -> Failure {
    Failure::NotFound(format!(
        "no snapshot is found for {spec:?}: `snapshot list` shows the names"
    ))
}

/// Prints what a run writes in its configuration of its engines, the entries of a snapshot.
fn print_run_config(
    context: &mut Context,
    catalog: &Catalog,
    snapshot: &engine_catalog::Snapshot,
) -> Result<Status, Failure> {
    let engines = catalog.run_engines(snapshot)?;
    let config = BTreeMap::from([(RunEngines::KEY, engines)]);
    context.out.json(&config)?;
    Ok(Status::Done)
}

/// How a command ends that could not read some things, each of which was reported.
pub(super) fn finish(damaged: usize) -> Result<Status, Failure> {
    match damaged {
        0 => Ok(Status::Done),
        damaged => Err(Failure::Damaged(damaged)),
    }
}
