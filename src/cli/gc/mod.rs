//! `engine-catalog gc`

pub(super) mod carry;
mod rows;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use engine_catalog::{Catalog, GcOptions, Keep, parse_duration};

use self::carry::{Carry, millis};
use super::failure::Failure;
use super::{Context, Status, now_ms};

/// Remove what nothing keeps
///
/// Kept is what refs and named snapshots hold, what refs have held, as far as no keep-builds in retention.toml, in
/// the root of the catalog, limits that, what these lead to (members of snapshots, attachments, blobs of files), and
/// what is younger than --grace, with all that it leads to. All else goes: objects, blobs, links of what is
/// gone, old files in tmp/; and of histories over 4 MiB the oldest lines, as far as they tell of nothing that is
/// kept. No ref goes: `prune` retires old versions.
///
/// Without --apply it prints what would go and why, and changes nothing. With it, it waits for those who
/// write or copy, looks again, and removes what goes then. It needs no room. Where something that may keep
/// others cannot be read it removes nothing, and exits with 3. What went, when, by which plan and on whose order
/// `why` can tell.
#[derive(Debug, Args)]
#[command(after_help = "\
Columns: what becomes of it, what it is, its id or name, its bytes, why.

Examples:
  engine-catalog gc
  engine-catalog gc --apply
  engine-catalog gc --json > plan.json; engine-catalog gc --apply plan.json    # exactly what was shown")]
pub(super) struct Gc {
    #[command(flatten)]
    grace: GraceArgs,

    /// Remove it; of a PLAN that was saved with --json, if the catalog is as it was then
    #[arg(long, value_name = "PLAN", num_args = 0..=1)]
    apply: Option<Option<PathBuf>>,
}

/// What is too young to go.
#[derive(Debug, Args)]
pub(super) struct GraceArgs {
    /// Keep what came, or was moved, no longer ago than this: what names it may still come [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    grace: Option<Duration>,
}

impl GraceArgs {
    pub(super) fn is_given(&self) -> bool {
        self.grace.is_some()
    }

    /// What is kept beside what refs and named snapshots hold: all that they have held, and what is young.
    pub(super) fn keep(&self) -> Keep {
        let keep = Keep::new(now_ms());
        match self.grace {
            Some(grace) => Keep {
                grace_ms: millis(grace),
                ..keep
            },
            None => keep,
        }
    }

    /// As [`keep`](Self::keep), and what retention says of the builds of versions: what gc keeps.
    pub(super) fn keep_by_retention(&self, catalog: &Catalog) -> Result<Keep, Failure> {
        let retention = catalog.retention()?.unwrap_or_default();
        Ok(Keep {
            retention: retention.keeping_all_versions(),
            ..self.keep()
        })
    }
}

impl Gc {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let carry = Carry {
            command: "gc",
            builds: carry::Builds::Hidden,
            apply: self.apply,
        };
        carry.refuse_others("--grace", self.grace.is_given())?;
        carry.run(context, |catalog| {
            let keep = self.grace.keep_by_retention(catalog)?;
            let options = GcOptions {
                keep,
                ..GcOptions::new(now_ms())
            };
            Ok((options, carry::Rules::File))
        })
    }
}
