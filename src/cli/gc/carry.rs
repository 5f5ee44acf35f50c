//! What `gc` and `prune` have in common: making a plan, showing it, saving it, and carrying it out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine_catalog::{
    ArtifactFile, ArtifactLeft, ArtifactRoom, Catalog, Collected, GcOptions, GcPlan, ObjectId,
};
use indicatif::HumanBytes;
use serde::{Deserialize, Serialize};

use super::rows::rows;
use crate::cli::failure::{Failure, say};
use crate::cli::input::{read, refuse};
use crate::cli::verify::counted;
use crate::cli::{Context, Status};

/// How a plan is made, shown and carried out.
pub(in crate::cli) struct Carry {
    pub(in crate::cli) command: &'static str,
    pub(in crate::cli) builds: Builds,
    /// Whether to carry it out; and a plan that was saved.
    pub(in crate::cli) apply: Option<Option<PathBuf>>,
}

/// Whether it is shown what is kept of which versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Builds {
    Shown,
    Hidden,
}

/// Where the rules of a plan are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Rules {
    /// From `retention.toml`, or there are none.
    File,
    /// From the command line.
    Options,
}

/// The JSON form of a plan, which can be saved.
#[derive(Serialize)]
struct JsonPlan<'a> {
    plan: ObjectId,
    rules: Rules,
    applied: bool,
    #[serde(flatten)]
    of: &'a GcPlan,
    #[serde(flatten)]
    done: &'a Done,
}

/// What else is to be said of a plan that was carried out.
#[derive(Default, Serialize)]
struct Done {
    artifacts_removed: Vec<ArtifactFile>,
    artifacts_not_removed: Vec<ArtifactLeft>,
    undone: Vec<String>,
}

impl Carry {
    /// Refuses an option that says what is planned, where the plan is given.
    pub(in crate::cli) fn refuse_others(
        &self,
        option: &str,
        is_given: bool,
    ) -> Result<(), Failure> {
        match &self.apply {
            Some(Some(plan)) if is_given => Err(Failure::Usage(format!(
                "{option} is for a new plan: {} says all of it",
                plan.display()
            ))),
            _ => Ok(()),
        }
    }

    pub(in crate::cli) fn run(
        self,
        context: &mut Context,
        options: impl FnOnce(&Catalog) -> Result<(GcOptions, Rules), Failure>,
    ) -> Result<Status, Failure> {
        match &self.apply {
            None => {
                let catalog = context.read()?;
                let (options, rules) = options(&catalog)?;
                let plan = catalog.plan_gc(&options)?;
                // Who sees that something goes may take it for certain.
                if plan.unknown.is_empty() || context.out.is_json() {
                    self.show(context, (plan.id(), &plan), rules, None)?;
                    context.out.flush()?;
                }
                if let [first, rest @ ..] = &plan.unknown[..] {
                    let more = match rest.len() {
                        0 => String::new(),
                        count => format!("; and {count} more"),
                    };
                    let reason = &first.reason;
                    return Err(Failure::Unclear(format!(
                        "nothing can go, because it cannot be told what is kept: {reason}{more}"
                    )));
                }
                let files = (plan.artifacts.len(), plan.artifact_bytes);
                self.summarise(&plan, files, "would go");
                if !plan.is_empty() {
                    say(self.command, "nothing was changed: --apply does it");
                }
                Ok(Status::Done)
            }
            Some(saved) => {
                let (catalog, stamp) = context.write()?;
                let (collected, rules) = match saved {
                    Some(file) => {
                        let saved = parse(file)?;
                        self.refuse_plan_of_another(file, &saved.of)?;
                        Self::refuse_other_rules(&catalog, &saved)?;
                        (catalog.carry_out(&saved.of, &stamp)?, saved.rules)
                    }
                    None => {
                        let (options, rules) = options(&catalog)?;
                        (catalog.collect_garbage(&options, &stamp)?, rules)
                    }
                };
                self.report(context, collected, rules)
            }
        }
    }

    /// Refuses a plan that does more than this command is to do.
    fn refuse_plan_of_another(&self, file: &Path, plan: &GcPlan) -> Result<(), Failure> {
        let retires = plan.retired().next().is_some();
        let is_more = retires || plan.options.artifacts.is_some();
        match self.builds {
            Builds::Hidden if is_more => Err(refuse(
                file,
                "it retires refs, or removes files of engines: `prune --apply` carries it out",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses a plan by the rules of `retention.toml` where that says something else by now. One that is wrong
    /// lets nothing go, whoever made the plan.
    fn refuse_other_rules(catalog: &Catalog, saved: &SavedPlan) -> Result<(), Failure> {
        let retention = catalog.retention()?.unwrap_or_default();
        let planned = &saved.of.options.keep.retention;
        // Those of prune, or of gc.
        let is_same = retention == *planned || retention.keeping_all_versions() == *planned;
        match saved.rules == Rules::File && !is_same {
            true => Err(Failure::Input(
                "retention.toml has changed since the plan was made: make a new one".to_owned(),
            )),
            false => Ok(()),
        }
    }

    /// Shows what was done, and what could not be.
    fn report(
        &self,
        context: &mut Context,
        collected: Collected,
        rules: Rules,
    ) -> Result<Status, Failure> {
        let (id, plan) = (collected.id, collected.plan);
        let done = Done {
            artifacts_removed: collected.artifacts,
            artifacts_not_removed: collected.artifacts_left,
            undone: collected.undone.iter().map(ToString::to_string).collect(),
        };
        self.show(context, (id, &plan), rules, Some(&done))?;
        context.out.flush()?;
        let files = (done.artifacts_removed.len(), collected.artifact_bytes);
        self.summarise(&plan, files, "went");
        if !plan.is_empty() && !context.out.is_json() {
            say(self.command, &format!("that was plan {id}"));
        }
        for left in &done.artifacts_not_removed {
            let message = format!("{} was not removed: {}", left.path.display(), left.reason);
            say("warning", &message);
        }
        for error in &done.undone {
            say("warning", error);
        }
        let fits = plan
            .artifact_room
            .is_none_or(|room| room.excess_bytes() == 0);
        let is_done = done.artifacts_not_removed.is_empty() && done.undone.is_empty();
        Ok(match is_done && fits {
            true => Status::Done,
            false => Status::Found,
        })
    }

    /// Shows a plan; and what was done, where it was carried out.
    fn show(
        &self,
        context: &mut Context,
        (id, plan): (ObjectId, &GcPlan),
        rules: Rules,
        done: Option<&Done>,
    ) -> Result<(), Failure> {
        if context.out.is_json() {
            return context.out.json(&JsonPlan {
                plan: id,
                rules,
                applied: done.is_some(),
                of: plan,
                done: done.unwrap_or(&Done::default()),
            });
        }
        let header = ["WHAT", "KIND", "NAME", "BYTES", "WHY"];
        let files = done.map_or(&plan.artifacts, |done| &done.artifacts_removed);
        context.out.table(header, rows(plan, files, self.builds))
    }

    /// Says how much went, or would go. `files` are those of engines, and their bytes.
    fn summarise(&self, plan: &GcPlan, files: (usize, u64), goes: &str) {
        let sum = |files: &[engine_catalog::Garbage]| files.iter().map(|it| it.bytes).sum();
        let counts = [
            (plan.objects.len(), "object", sum(&plan.objects)),
            (plan.blobs.len(), "blob", sum(&plan.blobs)),
            (files.0, "artifact file", files.1),
            (
                plan.leftovers.len(),
                "leftover in tmp/",
                plan.leftovers.iter().map(|it| it.bytes).sum::<u64>(),
            ),
        ];
        let shown = counts.iter().filter(|(count, ..)| *count > 0);
        let shown = shown.map(|(count, what, bytes)| {
            let what = match (*what, *count) {
                ("leftover in tmp/", 2..) => format!("{count} leftovers in tmp/"),
                (what, count) => counted(count, what),
            };
            format!("{what} ({})", HumanBytes(*bytes))
        });
        let mut parts: Vec<_> = shown.collect();
        if !plan.links.is_empty() {
            parts.push(counted(plan.links.len(), "link"));
        }
        if !plan.histories.is_empty() {
            let lines = plan.histories.iter().map(|it| it.changes).sum();
            let bytes = plan.histories.iter();
            let bytes = bytes.map(|it| it.bytes.saturating_sub(it.kept_bytes)).sum();
            let lines = counted(lines, "line");
            parts.push(format!("{lines} of long histories ({})", HumanBytes(bytes)));
        }
        let retired = plan.retired().count();
        if retired > 0 {
            parts.insert(0, counted(retired, "ref"));
        }
        match parts.is_empty() {
            true => say(self.command, "nothing is garbage"),
            false => say(self.command, &format!("{} {goes}", parts.join(", "))),
        }
        if let Some(room) = &plan.artifact_room {
            self.tell_room(plan, room);
        }
        if plan.young > 0 {
            let grace = plan.options.keep.grace_ms / 1000;
            let grace = humanised(grace);
            let young = counted(plan.young, "file");
            let is = if plan.young == 1 { "is" } else { "are" };
            let message = format!("{young} that nothing else keeps {is} younger than {grace}");
            say(self.command, &message);
        }
        if plan.historic > 0 && self.builds == Builds::Hidden {
            let objects = counted(plan.historic, "object");
            let is = if plan.historic == 1 { "is" } else { "are" };
            let message =
                format!("{objects} {is} kept by histories alone: `prune` has rules for them");
            say(self.command, &message);
        }
    }
}

impl Carry {
    /// Says whether the files of engines fit.
    fn tell_room(&self, plan: &GcPlan, room: &ArtifactRoom) {
        let wanted = plan.options.artifacts.as_ref().map(|it| it.order);
        if wanted.is_some_and(|wanted| wanted != room.order) {
            let message =
                "the file system does not keep when files are read: the order is that of changes";
            say("warning", message);
        }
        let shown = |bytes| HumanBytes(bytes).to_string();
        let (before, after) = (shown(room.bytes_before), shown(room.bytes_after));
        say(
            self.command,
            &format!("artifact files: {before} before, {after} after"),
        );
        if room.excess_bytes() > 0 {
            let (excess, max) = (shown(room.excess_bytes()), shown(room.max_bytes));
            let message = format!("that is {excess} over {max}: what is left does not give way");
            say("warning", &message);
        }
    }
}

/// Seconds as they are given to `--grace`.
fn humanised(seconds: i64) -> String {
    for (unit, size) in [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60)] {
        if seconds > size && seconds % size == 0 {
            return format!("{}{unit}", seconds / size);
        }
    }
    format!("{seconds}s")
}

pub(in crate::cli) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// What is read of a plan that was saved.
#[derive(Deserialize)]
struct SavedPlan {
    rules: Rules,
    #[serde(flatten)]
    of: GcPlan,
}

/// Reads a plan that was saved.
fn parse(file: &Path) -> Result<SavedPlan, Failure> {
    let text = read(file)?;
    serde_json::from_slice(&text).map_err(|error| {
        refuse(
            file,
            format!("it is no plan that `gc --json` or `prune --json` printed: {error}"),
        )
    })
}
