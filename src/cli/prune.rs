//! `engine-catalog prune`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use engine_catalog::{Catalog, GcOptions, Pattern, Retention, RetentionRule, parse_duration};

use super::failure::Failure;
use super::gc::GraceArgs;
use super::gc::carry::{Builds, Carry, millis};
use super::{Context, Status, now_ms};

/// Retire old versions and remove old builds, by rules
///
/// A version is a ref, a build an entry that it holds or has held. What is kept is said by the options, for the
/// engines that --engine matches, or else by retention.toml in the root of the catalog. Nothing goes without
/// --keep-versions or --keep-builds; the other options keep more. Age and order are those of the history: when
/// a build became current, or ceased to be. What a named snapshot has stays for ever, and so do versions that
/// are pinned.
///
/// Without --apply it prints what would become of each build and why, and changes nothing. With it, the refs of
/// versions that go are removed, which their `history` shows as prune; then what nothing keeps goes, as `gc`
/// has it. Only `rollback` before that brings back what is retired.
#[derive(Debug, Args)]
#[command(
    after_help = r#"Columns: what becomes of it, what it is, its id or name, its bytes, why.

Examples:
  engine-catalog prune --keep-versions 5 --keep-builds 2 --keep-within 30d
  engine-catalog prune --engine llamacpp --keep-versions 3 --pin 'lts-*' --apply
  engine-catalog prune --json > plan.json; engine-catalog prune --apply plan.json

retention.toml; the first rule that fits an engine is that of the engine:
  [[rule]]
  engine = "llamacpp"
  keep-versions = 5
  keep-builds = 2
  keep-within = "30d"
  keep-daily = 7
  keep-weekly = 4
  keep-monthly = 12
  pin = ["b4321", "lts-*"]"#
)]
pub(super) struct Prune {
    #[command(flatten)]
    rule: RuleArgs,

    #[command(flatten)]
    grace: GraceArgs,

    /// Carry it out; of a PLAN that was saved with --json, if the catalog is as it was then
    #[arg(long, value_name = "PLAN", num_args = 0..=1)]
    apply: Option<Option<PathBuf>>,
}

/// What is kept of the engines that a pattern matches.
#[derive(Debug, Args)]
struct RuleArgs {
    /// Only these engines; * stands for any text, ? for one character [default: all]
    #[arg(long, value_name = "PATTERN")]
    engine: Option<Pattern>,

    /// Keep the last N versions of each engine: those that were changed last
    #[arg(long, value_name = "N")]
    keep_versions: Option<usize>,

    /// Keep the last N builds of each version that is kept, the current one among them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    keep_builds: Option<u64>,

    /// Keep what was current within this time, such as 30d
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    keep_within: Option<Duration>,

    /// Keep the last build of each of the last N days in which builds changed
    #[arg(long, value_name = "N")]
    keep_daily: Option<usize>,

    /// Keep the last build of each of the last N weeks in which builds changed
    #[arg(long, value_name = "N")]
    keep_weekly: Option<usize>,

    /// Keep the last build of each of the last N months in which builds changed
    #[arg(long, value_name = "N")]
    keep_monthly: Option<usize>,

    /// Keep the versions that this matches; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pin: Vec<Pattern>,
}

impl RuleArgs {
    /// Returns the rule, if there is one.
    fn rule(&self) -> Option<RetentionRule> {
        let any = || Pattern::from("*");
        let rule = RetentionRule {
            versions: self.keep_versions,
            builds: self.keep_builds.and_then(|it| usize::try_from(it).ok()),
            within_ms: self.keep_within.map(millis),
            daily: self.keep_daily.unwrap_or(0),
            weekly: self.keep_weekly.unwrap_or(0),
            monthly: self.keep_monthly.unwrap_or(0),
            pinned: self.pin.clone(),
            ..RetentionRule::new(self.engine.clone().unwrap_or_else(any))
        };
        (rule != RetentionRule::new(any())).then_some(rule)
    }

    /// Returns what is kept, by these options or by the file of the catalog.
    fn retention(&self, catalog: &Catalog) -> Result<Retention, Failure> {
        if let Some(rule) = self.rule() {
            if !rule.is_limited() {
                return Err(Failure::Usage(
                    "nothing limits what is kept: give --keep-versions, or --keep-builds"
                        .to_owned(),
                ));
            }
            return Ok(Retention { rules: vec![rule] });
        }
        catalog.retention()?.ok_or_else(|| {
            let file = catalog.root().join("retention.toml");
            Failure::Usage(format!(
                "say what is kept, such as --keep-versions 5 --keep-builds 2, or write {}",
                file.display()
            ))
        })
    }
}

impl Prune {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let carry = Carry {
            command: "prune",
            builds: Builds::Shown,
            apply: self.apply,
        };
        carry.refuse_others("--grace", self.grace.is_given())?;
        carry.refuse_others("a rule", self.rule.rule().is_some())?;
        carry.run(context, |catalog| {
            let mut keep = self.grace.keep();
            keep.retention = self.rule.retention(catalog)?;
            Ok(GcOptions {
                keep,
                ..GcOptions::new(now_ms())
            })
        })
    }
}
