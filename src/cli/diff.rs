//! `engine-catalog diff`

use std::path::{Path, PathBuf};

use clap::Args;
use engine_catalog::{
    Catalog, Difference, Error, ErrorKind, FieldDiff, FileChange, Record, RunEngines, RunError,
    compare_engines, diff, find_secret,
};

use super::changes::{self, finish};
use super::failure::Failure;
use super::get;
use super::input;
use super::output::Output;
use super::snapshot::find_members;
use super::text::{printable, short};
use super::{Context, Status};

/// Show what differs between two entries, two snapshots, or the engines of two runs
///
/// Field by field, flag by flag, and file by file as far as the files were recorded. Prints nothing and
/// exits with 0 where they are equal; exits with 1 where they differ, and where one of them is not there
/// or is refused, which standard error tells. An entry comes before a snapshot of the same name.
///
/// Lines with - are of the first, lines with + of the second, lines with ~ of what both have and that
/// is not the same. An engine of another version counts as that engine, where it has no other.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog diff llamacpp/b4321 llamacpp/b4330
  engine-catalog diff before-upgrade after-upgrade      # names of snapshots
  engine-catalog diff --runs run-1/run_config.json run-2/run_config.json")]
pub(super) struct Diff {
    /// The first: engine/version, id, or first digits of an object id; name or id of a snapshot; with
    /// --runs a file
    #[arg(value_name = "FROM")]
    from: String,

    /// The second, of the same kind
    #[arg(value_name = "TO")]
    to: String,

    /// FROM and TO are JSON files with the engines of a run under `engine_catalog`, as `snapshot show
    /// --run-config` prints them
    #[arg(long)]
    runs: bool,
}

impl Diff {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        if self.runs {
            let [from, to] = [&self.from, &self.to].map(PathBuf::from);
            return diff_runs(context, &catalog, &from, &to);
        }
        match [find(&catalog, &self.from)?, find(&catalog, &self.to)?] {
            [Side::Entry(from), Side::Entry(to)] => diff_entries(context, &catalog, &from, &to),
            [Side::Set(from, missing), Side::Set(to, also_missing)] => {
                let differences = compare_engines(&from, &to);
                changes::show(context, &catalog, differences, missing + also_missing)
            }
            sides => {
                let specs = [&self.from, &self.to];
                let said = specs.iter().zip(&sides).map(|(spec, side)| match side {
                    Side::Entry(_) => format!("{spec:?} is an entry"),
                    Side::Set(..) => format!("{spec:?} is a snapshot"),
                });
                Err(Failure::Usage(said.collect::<Vec<_>>().join(" and ")))
            }
        }
    }
}

/// What is compared.
enum Side {
    Entry(Box<Record>),
    /// The entries of a snapshot, and how many could not be read.
    Set(Vec<Record>, usize),
}

/// Looks up what a person named: an entry, else a snapshot.
fn find(catalog: &Catalog, spec: &str) -> Result<Side, Failure> {
    // An object of another kind is refused; it may be a snapshot.
    let entry = match catalog.find(spec) {
        Err(error) if error.kind() == ErrorKind::Refused => Err(error),
        found => Ok(found?),
    };
    if let Ok(Some(record)) = entry {
        return Ok(Side::Entry(Box::new(record)));
    }
    match find_members(catalog, spec)? {
        Some((records, damaged)) => Ok(Side::Set(records, damaged)),
        None => {
            entry?;
            let tried = format!(
                "neither an entry nor a snapshot is found for {spec:?}: tried engine/version, id, \
                 object id, and names and ids of snapshots"
            );
            Err(get::absent(catalog, spec, &tried)?)
        }
    }
}

fn diff_entries(
    context: &mut Context,
    catalog: &Catalog,
    from: &Record,
    to: &Record,
) -> Result<Status, Failure> {
    let (mut differences, mut damaged) = (diff(&from.entry, &to.entry), 0);
    differences.extend(changes::files(catalog, from, to, &mut damaged)?);
    for field in &differences {
        if context.out.is_json() {
            context.out.json(field)?;
        } else {
            show_field(&mut context.out, field, "")?;
        }
    }
    finish(damaged, differences.is_empty())
}

fn diff_runs(
    context: &mut Context,
    catalog: &Catalog,
    from: &Path,
    to: &Path,
) -> Result<Status, Failure> {
    let runs = [read_run(from)?, read_run(to)?];
    let differences = catalog
        .compare_runs(&runs[0], &runs[1])
        .map_err(|error| match error {
            RunError::Catalog(error @ Error::NoSuchEntry { .. }) => Failure::Unusable(format!(
                "{error}: import the proof bundle of the run that used it"
            )),
            RunError::Catalog(error) => error.into(),
            error => Failure::Input(error.to_string()),
        })?;
    changes::show(context, catalog, differences, 0)
}

/// Reads what a run says of its engines.
fn read_run(path: &Path) -> Result<RunEngines, Failure> {
    let refuse = |what: String| input::refuse(path, what);
    let config: serde_json::Value = serde_json::from_slice(&input::read(path)?)
        .map_err(|error| refuse(format!("not JSON: {error}")))?;
    let key = RunEngines::KEY;
    let engines = config.get(key).ok_or_else(|| {
        refuse(format!(
            "it has no key {key:?}: `snapshot show NAME --run-config` prints what belongs there"
        ))
    })?;
    let run: RunEngines =
        serde::Deserialize::deserialize(engines).map_err(|error: serde_json::Error| {
            // It may repeat what stands there.
            let error = error.to_string();
            refuse(match find_secret(&error) {
                Some(kind) => format!("{key}: it looks like it contains {kind}"),
                None => format!("{key}: {error}"),
            })
        })?;
    run.validate().map_err(|error| refuse(error.to_string()))?;
    Ok(run)
}

/// Shows how a field differs, for a person.
pub(super) fn show_field(out: &mut Output, field: &FieldDiff, indent: &str) -> Result<(), Failure> {
    let mut changed = Vec::new();
    let (removed, added) = match &field.difference {
        Difference::Value { from, to } => (from.as_slice(), to.as_slice()),
        Difference::List { removed, added } => (&removed[..], &added[..]),
        Difference::Order { from, to } => (&from[..], &to[..]),
        Difference::Flags {
            changed: flags,
            removed,
            added,
        } => {
            let value = |value: &Option<String>| value.clone().unwrap_or("(no value)".to_owned());
            let shown = flags
                .iter()
                .map(|it| format!("{} {} -> {}", it.flag, value(&it.from), value(&it.to)));
            changed.extend(shown);
            (&removed[..], &added[..])
        }
        Difference::Files {
            changed: files,
            removed,
            added,
        } => {
            changed.extend(files.iter().map(file_change));
            (&removed[..], &added[..])
        }
        _ => (&[][..], &[][..]),
    };
    let is_order = matches!(field.difference, Difference::Order { .. });
    let order = if is_order { " (order)" } else { "" };
    out.line(&format!("{indent}{}{order}", field.field))?;
    for (sign, values) in [('~', &changed[..]), ('-', removed), ('+', added)] {
        for value in values {
            out.line(&format!("{indent}  {sign} {}", printable(value)))?;
        }
    }
    Ok(())
}

/// What is different about a file: its content, size, mode.
fn file_change(file: &FileChange) -> String {
    let (from, to) = (&file.from, &file.to);
    let mut parts = Vec::new();
    if from.blake3 != to.blake3 {
        parts.push(format!(
            "blake3 {} -> {}",
            short(from.blake3),
            short(to.blake3)
        ));
    }
    if from.size != to.size {
        parts.push(format!("{} -> {} bytes", from.size, to.size));
    }
    if from.mode != to.mode {
        parts.push(format!("mode {:o} -> {:o}", from.mode, to.mode));
    }
    let was = file.was.as_ref().map(|was| format!("{was} -> "));
    format!(
        "{}{}  {}",
        was.unwrap_or_default(),
        file.path,
        parts.join(", ")
    )
}
