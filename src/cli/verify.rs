//! `engine-catalog verify`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use engine_catalog::{
    Catalog, Error, Finding, Lost, Name, ObjectId, Prefix, RepairReport, Repaired, Report, Scrub,
    Severity, VerifyProgress, VerifyScope, parse_duration,
};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::Serialize;

use super::failure::{Failure, say};
use super::required::{PolicyArgs, RequiredArgs};
use super::{Context, Status, now_ms, open_source};

/// Read and check everything, and repair what can be repaired
///
/// Hashes every byte, and compares all that names something with what is there. Prints a finding a
/// line: severity, kind, path, and what is wrong; advice goes to standard error. Exits with 1 on
/// errors and warnings; a notice is worth knowing, and nothing is wrong. Takes no lock, so writers
/// can be at work; writes nothing, except in cache/ with --budget or --max-age. What the policy of the catalog
/// requires of signatures is looked at of all current entries, but not with --objects.
///
/// With --repair: restores what is damaged or missing from any file with the right hash, refs from
/// their histories, and moves the rest to quarantine/. Removes nothing, and waits for writers to
/// finish. Prints what was done about each finding, and exits with 1 on what remains.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog verify
  engine-catalog verify --budget 60s --max-age 30d    # every night, a part of a large catalog
  engine-catalog verify --repair --from /mnt/backup/engines")]
pub(super) struct Verify {
    /// Only these objects, by their ids or unique first digits of them
    #[arg(long, value_name = "HASH", num_args = 1.., conflicts_with_all = ["budget", "max_age", "repair"])]
    objects: Vec<Prefix>,

    /// Stop after this time, such as 60s; the next time begins with what was not verified for
    /// longest
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with = "repair")]
    budget: Option<Duration>,

    /// Skip what was verified no longer ago than this, such as 30d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with = "repair")]
    max_age: Option<Duration>,

    /// Repair what can be repaired
    #[arg(long)]
    repair: bool,

    /// Another catalog or proof bundle to restore objects from
    #[arg(long = "from", value_name = "ROOT", requires = "repair")]
    from: Vec<PathBuf>,

    #[command(flatten)]
    required: RequiredArgs,

    #[command(flatten)]
    policy: PolicyArgs,
}

impl Verify {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        if self.repair {
            if self.required.is_given() {
                let message = "--require-signatures is for a verify that repairs nothing";
                return Err(Failure::Usage(message.to_owned()));
            }
            return self.repair(context);
        }
        if self.required.is_given() && !self.objects.is_empty() {
            let message = "--require-signatures is for a verify of the whole catalog";
            return Err(Failure::Usage(message.to_owned()));
        }
        let is_scrub = self.budget.is_some() || self.max_age.is_some();
        // Only what remembers when it verified what may write.
        let catalog = if is_scrub {
            context.write()?.0
        } else {
            context.read()?
        };
        let scope = match (is_scrub, self.objects.is_empty()) {
            (true, _) => VerifyScope::Scrub(Scrub {
                budget: self.budget,
                max_age: self.max_age,
                clock: &now_ms,
            }),
            (false, true) => VerifyScope::Everything,
            (false, false) => VerifyScope::Objects(resolve(&catalog, &self.objects)?),
        };
        let required = self.required.read(&catalog)?;
        let mut report = with_bar(|progress| catalog.verify(&scope, progress))?;
        if let Some(required) = &required {
            let unsigned = catalog.verify_signatures(&required.now())?;
            report.findings.extend(unsigned);
        }
        if self.objects.is_empty() && !self.policy.ignores() {
            report.findings.extend(catalog.verify_policy(now_ms())?);
        }
        report.findings.sort_unstable();
        report.findings.dedup();
        show_if_read(context, report.findings.iter().map(Line::found))?;
        advise(&report);
        summarise(&report);
        if is_scrub {
            let parts = report.parts;
            say(
                "verify",
                &format!(
                    "{} parts verified, {} skipped, {} overdue",
                    parts.verified, parts.skipped, parts.overdue
                ),
            );
        }
        if let Some(error) = &report.forgotten {
            say("warning", &format!("the next verify begins anew: {error}"));
        }
        Ok(status(&report))
    }

    fn repair(self, context: &mut Context) -> Result<Status, Failure> {
        let (catalog, _) = context.write()?;
        let from: Vec<_> = self
            .from
            .iter()
            .map(|root| open_source(root))
            .collect::<Result<_, _>>()?;
        let from: Vec<_> = from.iter().collect();
        let report = with_bar(|progress| catalog.repair(&from, progress))?;
        show_repair(context, "repair", &report)?;
        Ok(status(&report.after))
    }
}

/// Shows what a repair did, and what remains.
pub(super) fn show_repair(
    context: &mut Context,
    command: &str,
    report: &RepairReport,
) -> Result<(), Failure> {
    let (repairs, after) = (&report.repairs, &report.after);
    show_if_read(context, repairs.iter().map(Line::repaired))?;
    for lost in &report.lost {
        say("lost", &describe(lost));
    }
    for blob in report.lost_blobs() {
        let advice = "`pull --blobs`, or `blobs add`, may bring it again";
        say("lost", &format!("blob {blob}: {advice}"));
    }
    advise(after);
    let done = repairs.iter().filter(|it| it.action.is_change()).count();
    let done = counted(done, "finding");
    say(command, &format!("{done} repaired; now:"));
    summarise(after);
    Ok(())
}

/// Returns the objects that prefixes stand for. One that has all its digits need not be there.
fn resolve(catalog: &Catalog, prefixes: &[Prefix]) -> Result<BTreeSet<ObjectId>, Failure> {
    let resolve = |prefix: &Prefix| match prefix.as_object_id() {
        Some(id) => Ok(id),
        None => starting_with(catalog, prefix),
    };
    prefixes.iter().map(resolve).collect()
}

/// Returns the only object whose id starts with a prefix.
pub(super) fn starting_with(catalog: &Catalog, prefix: &Prefix) -> Result<ObjectId, Failure> {
    let absent = || Failure::NotFound(format!("no object starts with {prefix}"));
    catalog.resolve(prefix)?.ok_or_else(absent)
}

/// Runs with a progress bar, where standard error is a terminal.
pub(super) fn with_bar<T>(
    run: impl FnOnce(&(dyn Fn(VerifyProgress) + Sync)) -> Result<T, Error>,
) -> Result<T, Error> {
    let style = "verifying {wide_bar} {percent}% {msg}";
    let style = ProgressStyle::with_template(style).expect("the template is well-formed");
    let bar = ProgressBar::new(0).with_style(style);
    let result = run(&|progress| {
        if !bar.is_hidden() {
            bar.set_length(progress.parts as u64);
            bar.set_position(progress.parts_done as u64);
            let bytes = HumanBytes(progress.bytes);
            bar.set_message(format!("{} objects, {bytes}", progress.objects));
        }
    });
    bar.finish_and_clear();
    result
}

/// A finding on a line of its own, in the form that does not change.
#[derive(Serialize)]
struct Line<'a> {
    slug: &'static str,
    severity: &'static str,
    path: &'a Path,
    object: Option<ObjectId>,
    #[serde(rename = "ref")]
    name: Option<String>,
    snapshot: Option<&'a str>,
    message: &'a str,
    advice: &'static str,
    #[serde(flatten)]
    repair: Option<Repair>,
}

/// What was done about it.
#[derive(Serialize)]
struct Repair {
    action: &'static str,
    /// That in words, with the paths that matter.
    done: String,
    remains: bool,
}

impl<'a> Line<'a> {
    fn found(finding: &'a Finding) -> Self {
        Self {
            slug: finding.slug.as_str(),
            severity: finding.severity().as_str(),
            path: &finding.path,
            object: finding.object,
            name: finding.name.as_ref().map(ToString::to_string),
            snapshot: finding.snapshot.as_ref().map(Name::as_str),
            message: &finding.message,
            advice: finding.advice(),
            repair: None,
        }
    }

    fn repaired(repaired: &'a Repaired) -> Self {
        Self {
            repair: Some(Repair {
                action: repaired.action.as_str(),
                done: repaired.action.to_string(),
                remains: repaired.remains,
            }),
            ..Self::found(&repaired.finding)
        }
    }
}

/// Shows them, as far as somebody reads it; the exit status is of all.
fn show_if_read<'a>(
    context: &mut Context,
    lines: impl Iterator<Item = Line<'a>>,
) -> Result<(), Failure> {
    match show(context, lines).and_then(|()| context.out.flush()) {
        Err(failure) if failure.is_closed_pipe() => Ok(()),
        shown => shown,
    }
}

fn show<'a>(context: &mut Context, lines: impl Iterator<Item = Line<'a>>) -> Result<(), Failure> {
    if context.out.is_json() {
        return lines
            .into_iter()
            .try_for_each(|line| context.out.json(&line));
    }
    let row = |line: Line<'_>| {
        let what = match line.repair {
            Some(repair) => format!("{}; {}", line.message, repair.done),
            None => line.message.to_owned(),
        };
        let path = line.path.display().to_string();
        [line.severity.to_owned(), line.slug.to_owned(), path, what]
    };
    let rows: Vec<_> = lines.map(row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    context
        .out
        .table(["SEVERITY", "FINDING", "PATH", "WHAT IS WRONG"], rows)
}

/// Says what to do, once for each kind of error and warning.
fn advise(report: &Report) {
    let faults = report.findings.iter().filter(|finding| finding.is_fault());
    let kinds: BTreeSet<_> = faults.map(|finding| finding.slug).collect();
    for kind in kinds {
        say("hint", &format!("{kind}: {}", kind.advice()));
    }
}

pub(super) fn summarise(report: &Report) {
    let counts = Severity::ALL.map(|severity| {
        let count = report.count(severity);
        counted(count, severity.as_str())
    });
    let objects = counted(
        usize::try_from(report.objects).unwrap_or(usize::MAX),
        "object",
    );
    let bytes = HumanBytes(report.bytes);
    say(
        "verify",
        &format!("{objects}, {bytes}: {}", counts.join(", ")),
    );
}

/// Says what an object that remains lost affects.
fn describe(lost: &Lost) -> String {
    let mut affected = Vec::new();
    affected.extend(
        lost.refs
            .iter()
            .map(|name| format!("current entry of {name}")),
    );
    affected.extend(
        lost.histories
            .iter()
            .map(|name| format!("earlier entry of {name}")),
    );
    affected.extend(lost.snapshots.iter().map(|name| format!("snapshot {name}")));
    affected.extend(
        lost.links
            .iter()
            .map(|link| format!("attachment {}", link.display())),
    );
    if affected.is_empty() {
        affected.push("nothing names it".to_owned());
    }
    format!("object {}: {}", lost.object, affected.join(", "))
}

pub(super) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn status(report: &Report) -> Status {
    if report.is_clean() {
        Status::Done
    } else {
        Status::Found
    }
}
