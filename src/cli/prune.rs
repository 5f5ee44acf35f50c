//! `engine-catalog prune`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use engine_catalog::{
    ArtifactOptions, Catalog, EvictionOrder, GcOptions, Pattern, Retention, RetentionRule,
    parse_duration,
};

use super::failure::{Failure, say};
use super::gc::GraceArgs;
use super::gc::carry::{Builds, Carry, Rules, millis};
use super::{Context, Status, now_ms, size};

/// Retire old versions and remove old builds, by rules
///
/// A version is a ref, a build an entry that it holds or has held. What is kept is said by the options, for the
/// engines that --engine matches, or else by retention.toml in the root of the catalog. Nothing goes without
/// --keep-versions, --keep-builds or --max-artifact-bytes; the other options keep more. Age and order are those of the
/// history: when a build became current, or ceased to be. What a named snapshot has stays for ever, and so do
/// versions that are pinned.
///
/// Without --apply it prints what would become of each build and why, and changes nothing. With it, the refs of
/// versions that go are removed, which their `history` shows as prune; then what nothing keeps goes, as `gc`
/// has it: what is younger than --grace stays. `rollback` brings back what is retired as long as its entry is there.
///
/// With --artifacts-under the files of engines that go are removed too. A file stays that an entry names which
/// stays, that is no regular file below that directory, or not what was recorded; that is told. Where it may go another
/// time, as it changed not long ago or cannot be removed now, its record stays. Only this catalog is
/// asked: two catalogs must not both remove files below one directory.
#[derive(Debug, Args)]
#[command(
    after_help = r#"Columns: what becomes of it, what it is, its id or name, its bytes, why.

Examples:
  engine-catalog prune --keep-versions 5 --keep-builds 2 --keep-within 30d
  engine-catalog prune --engine llamacpp --keep-versions 3 --pin 'lts-*' --apply
  engine-catalog prune --artifacts-under /opt/engines --max-artifact-bytes 200GiB
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
    files: FileArgs,

    #[command(flatten)]
    grace: GraceArgs,

    /// Carry it out; of a PLAN that was saved with --json, if the catalog is as it was then
    #[arg(long, value_name = "PLAN", num_args = 0..=1)]
    apply: Option<Option<PathBuf>>,
}

/// Which files of engines go.
#[derive(Debug, Args)]
struct FileArgs {
    /// Remove the files of engines too that lie below DIR, are still what was recorded, and that only entries name
    /// which go
    #[arg(long, value_name = "DIR")]
    artifacts_under: Option<PathBuf>,

    /// Where the files that are left have more bytes than this, such as 200GiB, let more builds go, the oldest
    /// first, until they fit: what only a time keeps, or no rule limits. The last version of each engine stays
    #[arg(long, value_name = "SIZE", value_parser = size::parse, requires = "artifacts_under")]
    max_artifact_bytes: Option<u64>,

    /// The oldest are those whose files were not read for longest, where the file system keeps track of that
    #[arg(long, requires = "max_artifact_bytes")]
    last_used: bool,
}

impl FileArgs {
    fn options(&self) -> Result<Option<ArtifactOptions>, Failure> {
        let Some(under) = &self.artifacts_under else {
            return Ok(None);
        };
        let absolute = std::path::absolute(under);
        Ok(Some(ArtifactOptions {
            under: absolute.map_err(|error| Failure::Read(under.clone(), error))?,
            max_bytes: self.max_artifact_bytes,
            order: match self.last_used {
                true => EvictionOrder::LastUsed,
                false => EvictionOrder::LastChanged,
            },
        }))
    }
}

/// What is kept of the engines that a pattern matches.
#[derive(Debug, Args)]
struct RuleArgs {
    /// Only these engines; * stands for any text, ? for one character [default: all]
    #[arg(long, value_name = "PATTERN", value_parser = engine)]
    engine: Option<Pattern>,

    /// Keep the last N versions of each engine: those that were changed last
    #[arg(long, value_name = "N")]
    keep_versions: Option<usize>,

    /// Keep the last N builds of each version that is kept, the current one among them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    keep_builds: Option<u64>,

    /// Keep what became current, or ceased to be, within this time, such as 30d
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

    /// Keep the versions that this matches, such as b4321 or 'lts-*'; may be given several times
    #[arg(long, value_name = "PATTERN", value_parser = version)]
    pin: Vec<Pattern>,
}

/// Parses a pattern of engines.
fn engine(text: &str) -> Result<Pattern, String> {
    match text.contains('/') {
        true => Err("the name of an engine has no /".to_owned()),
        false => version(text),
    }
}

/// Parses a pattern of versions.
fn version(text: &str) -> Result<Pattern, String> {
    match text.is_empty() {
        true => Err("no name is empty: * stands for any".to_owned()),
        false => Ok(text.into()),
    }
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
        let is_given = self.engine.is_some() || rule != RetentionRule::new(any());
        is_given.then_some(rule)
    }

    /// Returns what is kept, by these options or by the file of the catalog. That files have to fit is a limit
    /// too.
    fn retention(
        &self,
        catalog: &Catalog,
        files: &FileArgs,
    ) -> Result<(Retention, Rules), Failure> {
        let has_limit = files.max_artifact_bytes.is_some();
        let of_file = catalog.retention()?;
        if let Some(rule) = self.rule() {
            if of_file.is_some() {
                if rule == RetentionRule::new(rule.engine.clone()) {
                    return Err(Failure::Usage(
                        "--engine says of which engines the other options are, and there are none: \
                         retention.toml has patterns of its own"
                            .to_owned(),
                    ));
                }
                say(
                    "prune",
                    "the rules are those of the options, not of retention.toml",
                );
            }
            if !rule.is_limited() && !has_limit {
                return Err(Failure::Usage(
                    "nothing limits what is kept: give --keep-versions, or --keep-builds"
                        .to_owned(),
                ));
            }
            return Ok((Retention { rules: vec![rule] }, Rules::Options));
        }
        let any = || RetentionRule::new(Pattern::from("*"));
        let any = || has_limit.then(|| (Retention { rules: vec![any()] }, Rules::Options));
        let retention = of_file.map(|it| (it, Rules::File));
        retention.or_else(any).ok_or_else(|| {
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
        carry.refuse_others("--artifacts-under", self.files.artifacts_under.is_some())?;
        carry.run(context, |catalog| {
            let mut keep = self.grace.keep();
            let (retention, rules) = self.rule.retention(catalog, &self.files)?;
            keep.retention = retention;
            let options = GcOptions {
                keep,
                artifacts: self.files.options()?,
                ..GcOptions::new(now_ms())
            };
            Ok((options, rules))
        })
    }
}
