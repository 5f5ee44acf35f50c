//! `engine-catalog materialize`

use std::path::PathBuf;

use clap::Args;
use engine_catalog::{
    Artifacts, MaterializeOptions, Materialized, ObjectId, Placing, PreparedEngine, Progress,
    SpecialBits,
};
use indicatif::HumanBytes;

use super::bar::HashingBar;
use super::failure::{Failure, say};
use super::get::find;
use super::key::KeyArg;
use super::record::show_recorded;
use super::required::{Check, PolicyArgs, RequiredArgs};
use super::{Context, Status};

/// Write the files of an engine from the catalog to a directory
///
/// The files come from blobs (`record --store`, `blobs add`, `import --blobs`), each hashed as it is
/// written, with the modes that were recorded. They lie below DIR as they lay below the directory that all
/// of them had in common. DIR appears whole, when all of it survives a power cut, or not at all.
///
/// Prints the entry with the paths that its files have there, as JSON: what `put` takes. With --record it
/// is recorded on this node instead, and printed as `record` does.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog materialize llamacpp/b4321 --to /opt/llamacpp/b4321 --record
  engine-catalog materialize llamacpp/b4321 --to /opt/llamacpp/b4321 | jq -r '.artifacts[]' |
      xargs -d '\\n' engine-catalog record --from llamacpp/b4321 --artifact")]
pub(super) struct Materialize {
    /// engine/version, id, or first digits of an object id
    #[arg(value_name = "SPEC")]
    spec: String,

    /// The directory; it must not exist, or be empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,

    /// Make what lies there the current entry of this engine and version
    #[arg(long)]
    record: bool,

    /// Make files with mode 0444 further names of their blobs, where that can be: they take no room, and
    /// whoever writes to one damages the blob
    #[arg(long)]
    link: bool,

    /// Keep set-user-id, set-group-id and the sticky bit, which are left out otherwise
    #[arg(long)]
    special_bits: bool,

    /// Which manifest says what the files are, where the entry has several
    #[arg(long, value_name = "HASH")]
    manifest: Option<ObjectId>,

    #[command(flatten)]
    key: KeyArg,

    #[command(flatten)]
    required: RequiredArgs,

    #[command(flatten)]
    policy: PolicyArgs,
}

impl Materialize {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        // Not read only: with the lock of a store that can be locked, nothing is collected meanwhile.
        let catalog = context.open()?;
        if self.key.is_given() && !self.record {
            let message = "--key signs what --record records: give both";
            return Err(Failure::Usage(message.to_owned()));
        }
        let key = self.key.read()?;
        let record = find(&catalog, &self.spec)?;
        let check = Check::new(&self.required, &self.policy, &catalog)?;
        check.require(&catalog, [&record])?;
        let options = MaterializeOptions {
            placing: match self.link {
                true => Placing::Link,
                false => Placing::Copy,
            },
            special_bits: match self.special_bits {
                true => SpecialBits::Keep,
                false => SpecialBits::LeaveOut,
            },
            manifest: self.manifest,
        };
        let mut bar = HashingBar::default();
        let written = catalog.materialize(&record, &self.to, &options, &mut |it| bar.show(it))?;
        for path in &written.without_special_bits {
            let message = format!("{} lacks the special bits of its mode", path.display());
            say("warning", &message);
        }
        say("materialize", &summary(&written));
        if !self.record {
            context.out.json(&written.entry)?;
            return Ok(Status::Done);
        }
        let files = Artifacts::Files(written.entry.artifacts.clone());
        let prepared = PreparedEngine::of_entry(&written.entry, files);
        let mut progress = |progress: Progress<'_>| bar.show(progress);
        let (key, stamp) = (key.as_ref(), super::stamp());
        let recorded = super::record::record(&catalog, &prepared, key, &stamp, &mut progress)?;
        show_recorded(context, &recorded)?;
        Ok(Status::Done)
    }
}

fn summary(written: &Materialized) -> String {
    let noun = if written.files == 1 { "file" } else { "files" };
    let shared = match written.shared_bytes {
        0 => String::new(),
        bytes => format!(", {} of them shared with the blobs", HumanBytes(bytes)),
    };
    let (files, bytes) = (written.files, HumanBytes(written.bytes));
    format!(
        "{files} {noun}, {bytes}{shared} in {}",
        written.dir.display()
    )
}
