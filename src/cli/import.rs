//! `engine-catalog import`

use std::path::PathBuf;

use clap::Args;
use engine_catalog::{
    Catalog, ErrorKind, FieldDiff, ImportOutcome, ImportSide, Imported, ImportedRef, ObjectId, diff,
};
use serde::Serialize;

use super::failure::{Failure, say};
use super::text::short;
use super::{Context, Status, open_source};

/// Bring in the entries of a proof bundle, or of another catalog
///
/// Every byte is checked. Objects come first, then refs, which only move forward: one that is not
/// here is made; one that the source has moved on from, by its history, follows; one that was
/// replaced or retired here after it held the same stays. Where each has gone its own way, ours stays
/// and the conflict is shown.
///
/// Columns: what became of it, engine, version, what it held here, what it holds in the source, and
/// for a conflict the fields that differ. Refs that stay as they are for good reason are not shown.
/// Exit status: 1 where there are conflicts, or an entry was refused; 3 where something could not be
/// read.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  engine-catalog import .proof_bundle/determinism/20250919-000000-0123abcd

What the source holds is in the store also after a conflict. To look at it, and to take it:
  engine-catalog diff OURS THEIRS
  engine-catalog get THEIRS --json | jq .entry | engine-catalog put")]
pub(super) struct Import {
    /// The directory of the bundle, or the root of a catalog
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
}

impl Import {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let source = open_source(&self.bundle)?;
        let (catalog, stamp) = context.write()?;
        let imported = catalog.import(&source, &stamp)?;
        let mut rows = Vec::new();
        for changed in imported.refs.iter().filter(|it| is_shown(it.outcome)) {
            let differences = differences(&catalog, changed)?;
            if context.out.is_json() {
                context.out.json(&JsonImport::new(changed, differences))?;
                continue;
            }
            let fields: Vec<_> = differences.iter().flatten().map(|it| it.field).collect();
            rows.push([
                changed.outcome.to_string(),
                changed.theirs.entry.engine.clone(),
                changed.theirs.entry.version.clone(),
                changed.ours.map_or_else(|| "-".to_owned(), short),
                short(changed.theirs.object),
                fields.join(","),
            ]);
        }
        if !rows.is_empty() {
            context.out.table(
                [
                    "OUTCOME",
                    "ENGINE",
                    "VERSION",
                    "OURS",
                    "THEIRS",
                    "DIFFERENT",
                ],
                rows,
            )?;
        }
        context.out.flush()?;
        report(&imported)
    }
}

fn is_shown(outcome: ImportOutcome) -> bool {
    !matches!(outcome, ImportOutcome::Same | ImportOutcome::Kept)
}

/// Says what was done, and what was not, and returns how the command ends.
fn report(imported: &Imported) -> Result<Status, Failure> {
    let (mut damaged, mut refused) = (0, 0);
    for problem in &imported.problems {
        match problem.cause.kind() {
            ErrorKind::Refused => refused += 1,
            _ => damaged += 1,
        }
        let whose = match problem.at {
            ImportSide::Here => "in this catalog: ",
            _ => "in the source: ",
        };
        say("error", &format!("{whose}{}", problem.cause));
    }
    use ImportOutcome::{Conflict, Created, Forward, Kept, Same};
    let count = |outcome| {
        imported
            .refs
            .iter()
            .filter(|it| it.outcome == outcome)
            .count()
    };
    let outcomes = [Created, Forward, Same, Kept, Conflict];
    let counts = outcomes.map(|outcome| format!("{} {outcome}", count(outcome)));
    say("import", &counts.join(", "));
    if damaged > 0 {
        return Err(Failure::Damaged(damaged));
    }
    if count(Conflict) > 0 {
        say("hint", "`diff OURS THEIRS` shows how they differ");
    }
    Ok(if count(Conflict) + refused > 0 {
        Status::Found
    } else {
        Status::Done
    })
}

/// Returns how the two sides of a conflict differ; `None` where there is none, or ours cannot be
/// read.
fn differences(
    catalog: &Catalog,
    changed: &ImportedRef,
) -> Result<Option<Vec<FieldDiff>>, Failure> {
    let (ImportOutcome::Conflict, Some(ours)) = (changed.outcome, changed.ours) else {
        return Ok(None);
    };
    match catalog.entry(&ours) {
        Ok(ours) => Ok(ours.map(|ours| diff(&ours, &changed.theirs.entry))),
        Err(error) if error.kind() == ErrorKind::Damage => {
            say("error", &format!("in this catalog: {error}"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The JSON form of what became of a ref.
#[derive(Serialize)]
struct JsonImport<'a> {
    outcome: String,
    engine: &'a str,
    version: &'a str,
    /// What it held here before; `null` where there was none.
    ours: Option<ObjectId>,
    /// What it holds in the source.
    theirs: ObjectId,
    /// Of a conflict, as `diff` shows them; else `null`.
    differences: Option<Vec<FieldDiff>>,
}

impl<'a> JsonImport<'a> {
    fn new(changed: &'a ImportedRef, differences: Option<Vec<FieldDiff>>) -> Self {
        Self {
            outcome: changed.outcome.to_string(),
            engine: &changed.theirs.entry.engine,
            version: &changed.theirs.entry.version,
            ours: changed.ours,
            theirs: changed.theirs.object,
            differences,
        }
    }
}
