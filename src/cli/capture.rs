//! `engine-catalog capture`

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use engine_catalog::{Catalog, Filter, Members, Pattern, Snapshot};
use serde_json::json;

use super::failure::{Failure, say};
use super::heal::HealFrom;
use super::proof_dir::proof_dir;
use super::required::{Check, PolicyArgs, RequiredArgs};
use super::{Context, Status};

/// Make a proof bundle: a directory that anyone can check years later
///
/// The bundle is a catalog of its own: a snapshot, its entries, and what is attached to them. In the
/// same directory are engine_catalog.ndjson, .json and .md, which say the same to programs and
/// people, and B3SUMS, with the hash of every file. Bundles of one snapshot are the same byte for
/// byte, wherever and whenever they are made.
///
/// Prints the id of the snapshot. The directory must not exist yet, or be empty; it gets its name
/// when all of the bundle is on the disk.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --out, the directory is BASE/TYPE/RUN: BASE is $LLORCH_PROOF_DIR, else .proof_bundle; RUN is
$LLORCH_RUN_ID, else the time and the Git commit of the current directory, else the time alone.

Check a bundle, and read it as any catalog:
  (cd BUNDLE && b3sum -c B3SUMS)
  engine-catalog --root BUNDLE list
  engine-catalog --root BUNDLE get llamacpp/b4321

Bring its entries into a catalog:
  engine-catalog import BUNDLE")]
pub(super) struct Capture {
    /// Where the bundle is to be
    #[arg(long, value_name = "DIR", conflicts_with = "kind")]
    out: Option<PathBuf>,

    /// What is captured: the name of a snapshot, its id, or the first digits of that [default: the
    /// current entries]
    #[arg(long, value_name = "SPEC")]
    snapshot: Option<String>,

    /// Only entries of this engine; * stands for any text, ? for one character; may be repeated
    #[arg(long, value_name = "ENGINE")]
    engine: Vec<Pattern>,

    /// What the bundle is to prove, which names its directory
    #[arg(long = "type", value_name = "TYPE", value_enum, default_value_t = Kind::Determinism)]
    kind: Kind,

    #[command(flatten)]
    required: RequiredArgs,

    #[command(flatten)]
    policy: PolicyArgs,

    #[command(flatten)]
    heal: HealFrom,
}

/// The types of proof bundles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Unit,
    Integration,
    Contract,
    Bdd,
    Determinism,
    HomeProfileSmoke,
    #[value(name = "e2e-haiku")]
    E2eHaiku,
}

impl Capture {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        // Not read only: with the lock of a store that can be locked, nothing is collected meanwhile.
        let catalog = context.open()?;
        let check = Check::new(&self.required, &self.policy, &catalog)?;
        let snapshot = self.heal.healing(&catalog, || self.members(&catalog))?;
        self.heal.heal_all(&catalog, &snapshot.objects)?;
        if check.requires_some() {
            check.require(&catalog, &catalog.members(&snapshot)?)?;
        }
        let out = match self.out {
            Some(out) => out,
            None => {
                let kind = self.kind.to_possible_value();
                let kind = kind.expect("no type is hidden");
                proof_dir(kind.get_name())?
            }
        };
        let bundle = catalog.capture(&out, &snapshot)?;
        let entries = bundle.entries.len();
        if context.out.is_json() {
            context.out.json(&json!({
                "bundle": bundle.path.to_string_lossy(),
                "snapshot": bundle.snapshot,
                "entries": entries,
            }))?;
            return Ok(Status::Done);
        }
        context.out.line(&bundle.snapshot.to_string())?;
        let count = match entries {
            1 => "1 entry".to_owned(),
            count => format!("{count} entries"),
        };
        say("capture", &format!("{count} in {}", bundle.path.display()));
        for name in &bundle.without_ref {
            say(
                "capture",
                &format!("several entries are of {name}: the bundle has no ref for it"),
            );
        }
        Ok(Status::Done)
    }

    /// Returns what is to be captured.
    fn members(&self, catalog: &Catalog) -> Result<Snapshot, Failure> {
        let Some(spec) = &self.snapshot else {
            let filters = self.engine.iter().map(|engine| Filter {
                engine: Some(engine.clone()),
                ..Filter::default()
            });
            let members = if self.engine.is_empty() {
                Members::Current(Filter::default())
            } else {
                Members::CurrentOfAny(filters.collect())
            };
            let snapshot = catalog.snapshot_of(&members)?;
            return self.require_some(snapshot);
        };
        let found = catalog.find_snapshot(spec)?;
        let (_, snapshot) =
            found.ok_or_else(|| Failure::NotFound(format!("there is no snapshot {spec:?}")))?;
        if self.engine.is_empty() {
            return Ok(snapshot);
        }
        let members = catalog.members(&snapshot)?.into_iter();
        let wanted = members.filter(|record| {
            let name = record.name();
            self.engine
                .iter()
                .any(|engine| engine.matches(name.engine()))
        });
        let objects: BTreeSet<_> = wanted.map(|record| record.object).collect();
        self.require_some(Snapshot { objects })
    }

    /// A pattern that matches nothing is a mistake; an empty catalog is none.
    fn require_some(&self, snapshot: Snapshot) -> Result<Snapshot, Failure> {
        if snapshot.objects.is_empty() && !self.engine.is_empty() {
            let message = "no entry is of such an engine".to_owned();
            return Err(Failure::NotFound(message));
        }
        Ok(snapshot)
    }
}
