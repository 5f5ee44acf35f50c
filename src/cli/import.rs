//! `engine-catalog import`

use std::path::{Path, PathBuf};

use clap::Args;
use engine_catalog::{
    Blobs, Catalog, EngineIndex, ErrorKind, FieldDiff, ImportOptions, ImportOutcome, ImportProblem,
    ImportSide, Imported, ImportedRef, ObjectId, RefusedEntry, Stamp, diff,
};
use serde::Serialize;

use super::blobs::stored;
use super::failure::{Failure, say};
use super::input::{read, refuse};
use super::prefer::PreferArgs;
use super::required::{Required, RequiredArgs};
use super::text::short;
use super::{Context, Status, open_source};

/// Bring in the entries of a proof bundle, of another catalog, or of a JSON index
///
/// Every byte is checked. Objects come first, then refs, which only move forward: one that is not
/// here is made; one that the source has moved on from, by its history, follows; one that was
/// replaced or retired here after it held the same stays. Where each has gone its own way, ours stays
/// and the conflict is shown, unless `--prefer` says what is to become of it. The history says where a
/// change came from.
///
/// A directory is a bundle or a catalog. A file, or `-`, is an index: a map from id to entry, or a
/// list of entries, alone or as `entries` beside a `version` (1); or NDJSON, as `export` writes it. An
/// entry may say by `lifecycle` or `state` that it is Active or Retired: one that is retired comes in
/// retired. Of several of one engine and version all come into the history, and the one that was
/// created last is current. An entry that cannot be taken is refused, and the others are taken; an index
/// of an unknown version is refused as a whole.
///
/// Columns: what became of it, engine, version, what it held here, what it holds in the source, and
/// for a conflict the fields that differ, also where it was settled (ours, theirs). Of an index each entry is shown, and why it was refused; of
/// other sources, refs that stay as they are for good reason are not. Exit status: 1 where there are
/// conflicts, or an entry was refused or is not signed; 3 where something could not be read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog import .proof_bundle/determinism/20250919-000000-0123abcd
  engine-catalog import --dry-run index.json
  engine-catalog import index.json
  engine-catalog --root elsewhere export | engine-catalog import -

  engine-catalog import /mnt/node1/engines --prefer newest --prefer llamacpp/b4321=ours

What the source holds is in the store also after a conflict. To look at it, and to take it:
  engine-catalog diff OURS THEIRS
  engine-catalog import SOURCE --prefer ENGINE/VERSION=theirs")]
pub(super) struct Import {
    /// The directory of a bundle, or the root of a catalog; or a file with an index, `-` for standard
    /// input
    #[arg(value_name = "SOURCE")]
    source: PathBuf,

    /// Show what would become of each ref, or entry of an index, and write nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    prefer: PreferArgs,

    /// Bring the files of the engines along too, as far as the source keeps them
    #[arg(long)]
    blobs: bool,

    #[command(flatten)]
    required: RequiredArgs,
}

impl Import {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        if is_index(&self.source) {
            if self.required.is_given() {
                let message = "--require-signatures is for a catalog or a bundle; this is an index";
                return Err(Failure::Usage(message.to_owned()));
            }
            if self.blobs {
                let message = "--blobs is for a catalog or a bundle; this is an index";
                return Err(Failure::Usage(message.to_owned()));
            }
            return self.run_index(context);
        }
        let options = ImportOptions {
            prefer: self.prefer.prefer()?,
            blobs: wanted_blobs(self.blobs),
        };
        let source = open_source(&self.source)?;
        let into = context.importing(self.dry_run, &self.required)?;
        let imported = bring_in(context, &into, &source, &options, &shown(&self.source))?;
        if self.blobs {
            tell_blobs(&imported);
        }
        report(&imported, &[], &Told::of_import(self.dry_run, true))
    }

    fn run_index(self, context: &mut Context) -> Result<Status, Failure> {
        if self.prefer.is_given() {
            let message = "--prefer is for a bundle or a catalog; this is an index";
            return Err(Failure::Usage(message.to_owned()));
        }
        let index = EngineIndex::parse(&read(&self.source)?);
        let index = index.map_err(|error| refuse(&self.source, error))?;
        let into = context.importing(self.dry_run, &self.required)?;
        let imported = match &into.stamp {
            None => into.catalog.plan_index(&index)?,
            Some(stamp) => {
                let stamp = stamp.from_source(&shown(&self.source));
                into.catalog.import_index(&index, &stamp)?
            }
        };
        show(context, &into.catalog, &imported, |_| true)?;
        show_refused(context, index.refused())?;
        report(
            &imported,
            index.refused(),
            &Told::of_import(self.dry_run, false),
        )
    }
}

/// Whether a source is to be read as a file; one that is not there is looked for as a catalog.
fn is_index(source: &Path) -> bool {
    let is_file = |path: &Path| path.metadata().is_ok_and(|found| !found.is_dir());
    source == Path::new("-") || is_file(source)
}

/// Where something is brought in.
pub(super) struct Destination {
    pub(super) catalog: Catalog,
    /// Who does it and when; `None` where it is only shown.
    pub(super) stamp: Option<Stamp>,
    /// Who has to have signed what refs move to.
    pub(super) required: Option<Required>,
}

impl Context {
    /// Opens the catalog to bring something in, or only to show what that would do.
    pub(super) fn importing(
        &self,
        is_dry: bool,
        required: &RequiredArgs,
    ) -> Result<Destination, Failure> {
        let (catalog, stamp) = match is_dry {
            true => (self.read()?, None),
            false => self
                .write()
                .map(|(catalog, stamp)| (catalog, Some(stamp)))?,
        };
        Ok(Destination {
            required: required.read(&catalog)?,
            catalog,
            stamp,
        })
    }
}

/// Brings in what another catalog has, which histories call `name`, or only plans to; and shows what
/// became of refs, or would.
pub(super) fn bring_in(
    context: &mut Context,
    into: &Destination,
    source: &Catalog,
    options: &ImportOptions,
    name: &str,
) -> Result<Imported, Failure> {
    let Destination {
        catalog,
        stamp,
        required,
    } = into;
    let stamp = stamp.as_ref().map(|stamp| stamp.from_source(name));
    let imported = match (&stamp, required.as_ref().map(Required::now)) {
        (None, None) => catalog.plan_import(source, options)?,
        (Some(stamp), None) => catalog.import_with(source, options, stamp)?,
        (None, Some(required)) => catalog.plan_import_signed(source, options, &required)?,
        (Some(stamp), Some(required)) => {
            catalog.import_signed(source, options, &required, stamp)?
        }
    };
    show(context, catalog, &imported, is_shown)?;
    Ok(imported)
}

/// Whether the contents of artifacts come along.
pub(super) fn wanted_blobs(are_wanted: bool) -> Blobs {
    match are_wanted {
        true => Blobs::Bring,
        false => Blobs::LeaveBehind,
    }
}

/// Says which contents of artifacts came along.
pub(super) fn tell_blobs(imported: &Imported) {
    let absent = match imported.absent_blobs {
        0 => String::new(),
        count => format!("; the source has no content for {count} others"),
    };
    say("blobs", &format!("{}{absent}", stored(&imported.blobs)));
}

/// Returns what histories call a source: wherever they are read, it says which one that was.
fn shown(source: &Path) -> String {
    if source == Path::new("-") {
        return "standard input".to_owned();
    }
    let whole = source.canonicalize();
    let whole = whole.unwrap_or_else(|_| source.to_owned());
    whole.display().to_string()
}

/// How it is told what was done, and where something is that could not be brought in.
pub(super) struct Told<'a> {
    pub(super) what: &'a str,
    pub(super) source: &'a str,
    /// Nothing was written.
    pub(super) is_dry: bool,
    /// A conflict can be settled by `--prefer`.
    pub(super) may_choose: bool,
}

impl Told<'_> {
    fn of_import(is_dry: bool, may_choose: bool) -> Self {
        Self {
            what: if is_dry { "would import" } else { "import" },
            source: "the source",
            is_dry,
            may_choose,
        }
    }
}

/// Shows what became of refs.
fn show(
    context: &mut Context,
    catalog: &Catalog,
    imported: &Imported,
    is_shown: fn(ImportOutcome) -> bool,
) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for changed in imported.refs.iter().filter(|it| is_shown(it.outcome)) {
        let differences = differences(catalog, changed)?;
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
    context.out.flush()
}

/// Shows what of an index was refused.
fn show_refused(context: &mut Context, refused: &[RefusedEntry]) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for refused in refused {
        if context.out.is_json() {
            context.out.json(&JsonRefused::new(refused))?;
            continue;
        }
        let id = refused.id.clone().unwrap_or_else(|| "-".to_owned());
        let position = format!("entry {}", refused.position);
        rows.push([
            "refused".to_owned(),
            position,
            id,
            refused.cause.to_string(),
        ]);
    }
    if !rows.is_empty() {
        let header = ["OUTCOME", "POSITION", "ID", "REASON"];
        context.out.table(header, rows)?;
    }
    context.out.flush()
}

fn is_shown(outcome: ImportOutcome) -> bool {
    !matches!(outcome, ImportOutcome::Same | ImportOutcome::Kept)
}

/// Says what could not be taken, and returns how much of it was damaged, and how much refused.
pub(super) fn tell_problems(problems: &[ImportProblem], source: &str) -> (usize, usize) {
    for problem in problems {
        let whose = match problem.at {
            ImportSide::Here => "this catalog",
            _ => source,
        };
        say("error", &format!("in {whose}: {}", problem.cause));
    }
    let is_refused = |problem: &&ImportProblem| problem.cause.kind() == ErrorKind::Refused;
    let refused = problems.iter().filter(is_refused).count();
    (problems.len() - refused, refused)
}

/// Says what was done, and what was not, and returns how the command ends.
pub(super) fn report(
    imported: &Imported,
    refused_entries: &[RefusedEntry],
    told: &Told<'_>,
) -> Result<Status, Failure> {
    let (damaged, refused) = tell_problems(&imported.problems, told.source);
    let refused = refused + refused_entries.len();
    use ImportOutcome::{
        Conflict, Created, Forward, Kept, Ours, Retired, Same, Superseded, Theirs,
    };
    let unsigned: Vec<_> = imported
        .refs
        .iter()
        .filter_map(ImportedRef::refused)
        .collect();
    for error in &unsigned {
        say("unsigned", &error.to_string());
    }
    let count = |outcome| {
        imported
            .refs
            .iter()
            .filter(|it| it.outcome == outcome)
            .count()
    };
    let always = [Created, Forward, Same, Kept, Conflict];
    let mut counts = always.map(|it| format!("{} {it}", count(it))).to_vec();
    let at_times = [Ours, Theirs, Superseded, Retired].map(|it| (count(it), it.to_string()));
    let refused_there = (refused_entries.len(), "refused".to_owned());
    let left = (unsigned.len(), "unsigned".to_owned());
    let further = at_times.into_iter().chain([left, refused_there]);
    let further = further.filter(|(count, _)| *count > 0);
    counts.extend(further.map(|(count, outcome)| format!("{count} {outcome}")));
    say(told.what, &counts.join(", "));
    if damaged > 0 {
        return Err(Failure::Damaged(damaged));
    }
    // Without an import theirs is not in the store.
    if count(Conflict) > 0 && !told.is_dry {
        say("hint", "`diff OURS THEIRS` shows how they differ");
    }
    if count(Conflict) > 0 && told.may_choose {
        let chooses = "`--prefer ENGINE/VERSION=theirs`, or =ours, chooses";
        say("hint", chooses);
    }
    if !unsigned.is_empty() && !told.is_dry {
        let advice = "once they are signed, here by `sign` or there, do this again";
        say("hint", advice);
    }
    Ok(if count(Conflict) + unsigned.len() + refused > 0 {
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
    use ImportOutcome::{Conflict, Ours, Theirs};
    let (Conflict | Ours | Theirs, Some(ours)) = (changed.outcome, changed.ours) else {
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
    /// Of a conflict, also one that was settled, as `diff` shows them; else `null`.
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

/// The JSON form of an entry of an index that was refused.
#[derive(Serialize)]
struct JsonRefused<'a> {
    outcome: &'static str,
    /// Where it stands in the index, from 1.
    position: usize,
    id: Option<&'a str>,
    reason: String,
}

impl<'a> JsonRefused<'a> {
    fn new(refused: &'a RefusedEntry) -> Self {
        Self {
            outcome: "refused",
            position: refused.position,
            id: refused.id.as_deref(),
            reason: refused.cause.to_string(),
        }
    }
}
