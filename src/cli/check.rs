//! `engine-catalog check`

use clap::{ArgGroup, Args};
use engine_catalog::{Check as Outcome, Drift, DriftKind, Filter, Record};
use serde::Serialize;

use super::bar::HashingBar;
use super::failure::{Failure, say};
use super::get::find;
use super::text::printable;
use super::{Context, Status};

/// Compare the files of engines with what was recorded
///
/// Looks at every file of the manifest that `record` made: content, size and mode. An entry without a
/// manifest has its first file compared with its digest. Prints a line for each entry, and one for
/// each file that has drifted.
///
/// Exit status: 0 nothing has drifted; 1 a file has; 3 something could not be read; 4 there was
/// nothing to compare with, as for an image.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("entries").args(["specs", "all"]).required(true)))]
#[command(after_help = "\
Examples:
  engine-catalog check llamacpp/b4321 && start-the-server
  engine-catalog check --all --json")]
pub(super) struct Check {
    /// engine/version, id, or first digits of an object id
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,

    /// Check all current entries
    #[arg(long)]
    all: bool,
}

impl Check {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        let (mut drifted, mut compared, mut failed) = (false, false, 0);
        let mut is_read = true;
        let mut records = Vec::new();
        for spec in &self.specs {
            records.push(find(&catalog, spec)?);
        }
        if self.all {
            for record in catalog.list(&Filter::default())? {
                match record {
                    Ok(record) => records.push(record),
                    Err(error) => {
                        failed += 1;
                        say("error", &error.to_string());
                    }
                }
            }
        }
        for record in &records {
            let mut bar = HashingBar::default();
            let outcome = catalog.check_with_progress(record, &mut |progress| bar.show(progress));
            drop(bar);
            match outcome {
                Ok(outcome) => {
                    failed += count_unreadable(&outcome);
                    drifted |= matches!(outcome, Outcome::Drift(_));
                    compared |= !matches!(outcome, Outcome::NothingToCompare(_));
                    match is_read.then(|| show(context, record, &outcome)) {
                        // Whoever reads this has seen enough; the exit status is of all.
                        Some(Err(failure)) if failure.is_closed_pipe() => is_read = false,
                        shown => shown.unwrap_or(Ok(()))?,
                    }
                }
                Err(error) => {
                    failed += 1;
                    say("error", &error.to_string());
                }
            }
        }
        Ok(match (failed, drifted, compared || records.is_empty()) {
            (1.., ..) => return Err(Failure::Damaged(failed)),
            (_, true, _) => Status::Found,
            (_, _, true) => Status::Done,
            (_, _, false) => Status::NothingToCompare,
        })
    }
}

/// How many files could not be read.
fn count_unreadable(outcome: &Outcome) -> usize {
    let Outcome::Drift(drift) = outcome else {
        return 0;
    };
    let is_unreadable = |drift: &&Drift| matches!(drift.how, DriftKind::Unreadable { .. });
    drift.iter().filter(is_unreadable).count()
}

#[derive(Serialize)]
struct JsonCheck<'a> {
    engine: &'a str,
    version: &'a str,
    object: engine_catalog::ObjectId,
    result: &'static str,
    /// How many files were compared, where all are as recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// Why nothing was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<&'a [Drift]>,
}

fn show(context: &mut Context, record: &Record, outcome: &Outcome) -> Result<(), Failure> {
    let mut json = JsonCheck {
        engine: &record.entry.engine,
        version: &record.entry.version,
        object: record.object,
        result: "pass",
        files: None,
        bytes: None,
        reason: None,
        drift: None,
    };
    let mut lines = Vec::new();
    match outcome {
        Outcome::Pass { files, bytes } => {
            (json.files, json.bytes) = (Some(*files), Some(*bytes));
            let size = indicatif::HumanBytes(*bytes);
            let noun = if *files == 1 { "file" } else { "files" };
            lines.push(format!("pass, {files} {noun}, {size}"));
        }
        Outcome::Drift(drift) => {
            (json.result, json.drift) = ("drift", Some(drift.as_slice()));
            lines.push("drift".to_owned());
            lines.extend(drift.iter().map(describe));
        }
        Outcome::NothingToCompare(why) => {
            (json.result, json.reason) = ("nothing-to-compare", Some(why.to_string()));
            lines.push(format!("nothing to compare with: {why}"));
        }
        other => {
            return Err(Failure::Unusable(format!(
                "this program does not know of {other:?}"
            )));
        }
    }
    if context.out.is_json() {
        return context.out.json(&json);
    }
    lines[0] = format!("{}  {}", record.name(), lines[0]);
    let mut lines = lines.iter();
    lines.try_for_each(|line| context.out.line(&printable(line)))
}

/// A file that has drifted, for a person.
fn describe(drift: &Drift) -> String {
    let how = match &drift.how {
        DriftKind::Missing => "is missing".to_owned(),
        DriftKind::NotAFile => "is not a regular file".to_owned(),
        DriftKind::Unreadable { reason } => format!("cannot be read: {reason}"),
        DriftKind::Size { expected, found } => {
            format!("has {found} bytes, recorded {expected}")
        }
        DriftKind::Content { expected, found } => {
            format!("has other content: {found}, recorded {expected}")
        }
        DriftKind::Mode { expected, found } => {
            format!("has mode {found:04o}, recorded {expected:04o}")
        }
        other => format!("{other:?}"),
    };
    format!("  {} {how}", drift.path.display())
}
