//! `engine-catalog pull`

mod args;
mod child;
mod gather;
mod rsync;
mod source;

use clap::Args;
use engine_catalog::{Catalog, ImportOptions};

use super::failure::Failure;
use super::import::{self, Destination, Told};
use super::prefer::PreferArgs;
use super::required::RequiredArgs;
use super::{Context, Status, open_source};

pub(super) use self::args::TransferArgs;
pub(super) use self::child::end_child;
pub(super) use self::gather::{gather, open};
pub(super) use self::rsync::{By, Names};
pub(super) use self::source::Source;

/// Bring in what another catalog has, here or on another machine
///
/// SOURCE is the directory of a catalog or of a proof bundle; or one elsewhere, in the words of rsync:
/// `[USER@]HOST:PATH` by ssh, `rsync://HOST/MODULE/PATH` or `HOST::MODULE/PATH` from a daemon of rsync.
/// A path that contains a colon is written `./a:b`. Only what is not here is transferred, into `tmp/`;
/// every byte is checked there before anything of it is stored. One that is interrupted leaves nothing
/// else, and the next one of the same SOURCE goes on with it.
///
/// Refs only move forward, as `import --help` says, and the history names SOURCE. Those that were written
/// at the same time, in nanoseconds, on both sides are taken for the same, because a ref that comes keeps
/// its time; `--checksum` compares what they hold.
///
/// Columns and exit status are those of `import`; 3 also where rsync could not read all of it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  engine-catalog pull build-7:/var/lib/engine-catalog
  engine-catalog pull --rsh 'ssh -p 2222 -i key' ci@build-7:engines
  engine-catalog pull rsync://mirror/engines
  engine-catalog pull --blobs build-7:engines && engine-catalog materialize llamacpp/b4321 --to /opt/llamacpp
  engine-catalog pull /mnt/usb/engines")]
pub(super) struct Pull {
    /// Where the other catalog is
    #[arg(value_name = "SOURCE")]
    source: String,

    #[command(flatten)]
    transfer: TransferArgs,

    /// Transfer what is needed, show what would become of refs, and store nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    prefer: PreferArgs,

    #[command(flatten)]
    required: RequiredArgs,

    /// Compare what refs hold and not when they were written: reads each, here and there
    #[arg(long)]
    checksum: bool,

    /// Bring the files of the engines too, as far as the source keeps them; looks at what both have too
    #[arg(long)]
    blobs: bool,
}

impl Pull {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        // Before anything is transferred.
        let options = ImportOptions {
            prefer: self.prefer.prefer()?,
            blobs: import::wanted_blobs(self.blobs),
        };
        match Source::parse(&self.source)? {
            Source::Here(path) => {
                let theirs = open_source(&path)?;
                let into = context.importing(self.dry_run, &self.required)?;
                self.bring_in(context, &into, &theirs, &options)
            }
            Source::Elsewhere(spec) => self.pull_elsewhere(&spec, &options, context),
        }
    }

    fn pull_elsewhere(
        &self,
        spec: &str,
        options: &ImportOptions,
        context: &mut Context,
    ) -> Result<Status, Failure> {
        let (catalog, stamp) = context.write()?;
        // Also what is only shown has to come first.
        let into = Destination {
            required: self.required.read(&catalog)?,
            catalog,
            stamp: (!self.dry_run).then_some(stamp),
        };
        let mut staging = into.catalog.stage(spec)?;
        staging.set_blobs(options.blobs);
        let names = match self.blobs {
            true => Names::All,
            false => Names::Different,
        };
        let by = match self.checksum {
            true => By::Contents,
            false => By::Times,
        };
        let mut rsync = self.transfer.rsync(spec);
        let theirs = match gather(&mut rsync, &mut staging, (names, by)) {
            Ok(theirs) => theirs,
            Err(failure) => {
                // What came is for the next time; where nothing did, nothing is left.
                let _ = staging.leave();
                return Err(failure);
            }
        };
        let ended = self.bring_in(context, &into, &theirs, options);
        drop(theirs);
        // What came stays where it was only looked at, or could not be taken.
        match &ended {
            Ok(_) | Err(Failure::Damaged(_)) if !self.dry_run => staging.finish()?,
            _ => {}
        }
        rsync.finish("pull", ended)
    }

    /// Brings in what theirs has, or only shows what would come, and returns how the command ends.
    fn bring_in(
        &self,
        context: &mut Context,
        into: &Destination,
        theirs: &Catalog,
        options: &ImportOptions,
    ) -> Result<Status, Failure> {
        let imported = import::bring_in(context, into, theirs, options, &self.source)?;
        if self.blobs && !self.dry_run {
            import::tell_blobs(&imported);
        }
        let told = Told {
            what: if self.dry_run { "would pull" } else { "pull" },
            source: &self.source,
            is_dry: self.dry_run,
            may_choose: true,
        };
        import::report(&imported, &[], &told)
    }
}
