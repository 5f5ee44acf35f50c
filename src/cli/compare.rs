//! `engine-catalog compare`

use clap::Args;
use engine_catalog::{Catalog, ComparedRef, FieldDiff, ObjectId, Record, Standing, diff};
use serde::Serialize;

use super::failure::{Failure, say};
use super::import::tell_problems;
use super::pull::{By, Names, Source, TransferArgs, gather};
use super::text::short;
use super::{Context, Status, open_source};

/// Show what differs between this catalog and another one, here or on another machine
///
/// SOURCE is what `pull` takes: the directory of a catalog or of a proof bundle, or one that rsync reaches.
///
/// Prints a line for each engine and version that is not the same in both: what bringing in theirs would
/// make of ours (created, forward, kept, conflict), or else only-here, retired-here or retired-there;
/// engine, version, what ours holds, what theirs holds, and the fields that differ. Where all are the
/// same, prints `equal` and the id of the snapshot of both.
///
/// Changes nothing, here or there. From another machine what differs is transferred into `tmp/`, which must
/// be writable, and stays there for a pull. Entries are
/// compared, not what is attached to them; those that are the same are not read: `verify` does that. Exit
/// status: 0 where they are equal, 1 where they differ, 3 where something could not be read.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog compare /mnt/node1/engines
  engine-catalog compare build-7:/var/lib/engine-catalog
  engine-catalog compare bundle --json | jq -r 'select(.standing == \"conflict\") | .version'")]
pub(super) struct Compare {
    /// Where the other catalog is
    #[arg(value_name = "SOURCE")]
    source: String,

    #[command(flatten)]
    transfer: TransferArgs,
}

impl Compare {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        match Source::parse(&self.source)? {
            Source::Here(path) => {
                let source = open_source(&path)?;
                let catalog = context.read()?;
                show(context, &catalog, &source)
            }
            Source::Elsewhere(spec) => self.compare_elsewhere(&spec, context),
        }
    }

    fn compare_elsewhere(&self, spec: &str, context: &mut Context) -> Result<Status, Failure> {
        let (catalog, _) = context.write()?;
        let mut staging = catalog.stage(spec)?;
        staging.want_histories_of_ours();
        let mut rsync = self.transfer.rsync(spec);
        let theirs = gather(&mut rsync, &mut staging, (Names::All, By::Contents));
        let ended = theirs.and_then(|theirs| show(context, &catalog, &theirs));
        staging.leave()?;
        rsync.finish("compare", ended)
    }
}

/// Compares two catalogs, and shows what differs.
fn show(context: &mut Context, catalog: &Catalog, source: &Catalog) -> Result<Status, Failure> {
    let compared = catalog.compare_with(source)?;
    let mut rows = Vec::new();
    for it in &compared.refs {
        let json = JsonCompared::new(it);
        if context.out.is_json() {
            context.out.json(&json)?;
            continue;
        }
        let fields: Vec<_> = json
            .differences
            .iter()
            .flatten()
            .map(|it| it.field)
            .collect();
        let object = |id: Option<ObjectId>| id.map_or_else(|| "-".to_owned(), short);
        rows.push([
            json.standing,
            json.engine.to_owned(),
            json.version.to_owned(),
            object(json.ours),
            object(json.theirs),
            fields.join(","),
        ]);
    }
    if !rows.is_empty() {
        let header = [
            "STANDING",
            "ENGINE",
            "VERSION",
            "OURS",
            "THEIRS",
            "DIFFERENT",
        ];
        context.out.table(header, rows)?;
    }
    if compared.is_equal() {
        let snapshot = compared
            .common
            .id()
            .map_err(engine_catalog::Error::SnapshotObject)?;
        if context.out.is_json() {
            let standing = "equal";
            context.out.json(&JsonEqual { standing, snapshot })?;
        } else {
            context.out.line(&format!("equal  {snapshot}"))?;
        }
        return Ok(Status::Done);
    }
    context.out.flush()?;
    let (damaged, _) = tell_problems(&compared.problems, "the source");
    say(
        "compare",
        &summary(&compared.refs, compared.common.objects.len()),
    );
    match damaged {
        0 => Ok(Status::Found),
        damaged => Err(Failure::Damaged(damaged)),
    }
}

/// How many refs stand in which way.
fn summary(refs: &[ComparedRef], same: usize) -> String {
    let mut counts = vec![format!("{same} same")];
    for standing in Standing::ALL {
        let count = refs.iter().filter(|it| it.standing == standing).count();
        if count > 0 {
            counts.push(format!("{count} {standing}"));
        }
    }
    counts.join(", ")
}

/// The JSON form of a ref that differs.
#[derive(Serialize)]
struct JsonCompared<'a> {
    standing: String,
    engine: &'a str,
    version: &'a str,
    ours: Option<ObjectId>,
    theirs: Option<ObjectId>,
    /// As `diff` shows them, from ours to theirs; `null` where there are not both.
    differences: Option<Vec<FieldDiff>>,
}

impl<'a> JsonCompared<'a> {
    fn new(compared: &'a ComparedRef) -> Self {
        let (ours, theirs) = (compared.ours.as_ref(), compared.theirs.as_ref());
        let object = |record: &Record| record.object;
        Self {
            standing: compared.standing.to_string(),
            engine: compared.name.engine().as_str(),
            version: compared.name.version().as_str(),
            ours: ours.map(object),
            theirs: theirs.map(object),
            differences: ours
                .zip(theirs)
                .map(|(ours, theirs)| diff(&ours.entry, &theirs.entry)),
        }
    }
}

/// The JSON form of two catalogs that are equal.
#[derive(Serialize)]
struct JsonEqual {
    standing: &'static str,
    snapshot: ObjectId,
}
