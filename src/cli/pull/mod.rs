//! `engine-catalog pull`

mod args;
mod child;
mod rsync;
mod source;

use std::time::Instant;

use clap::Args;
use engine_catalog::{Catalog, Error, ImportOptions, Staging};

use self::rsync::{Names, Rsync, Transferred};
use super::failure::{Failure, say};
use super::import::{self, Destination, Told};
use super::prefer::PreferArgs;
use super::{Context, Status, open_source};

pub(super) use self::args::TransferArgs;
pub(super) use self::child::end_child;
pub(super) use self::source::Source;

/// Bring in what another catalog has, here or on another machine
///
/// SOURCE is the directory of a catalog or of a proof bundle; or one elsewhere, in the words of rsync:
/// `[USER@]HOST:PATH` by ssh, `rsync://HOST/MODULE/PATH` or `HOST::MODULE/PATH` from a daemon of rsync.
/// A path that contains a colon is written `./a:b`. Only what is not here is transferred, into `tmp/`;
/// every byte is checked there before anything of it is stored. One that is interrupted leaves nothing
/// else, and the next one of the same SOURCE goes on with it.
///
/// Refs only move forward, as `import --help` says, and the history names SOURCE. From elsewhere, what was
/// attached to an entry since both have it comes along with `--all`.
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

    /// Look at what both have too: what was attached to it since comes along
    #[arg(long)]
    all: bool,

    /// Bring the files of the engines too, as far as the source keeps them; looks at everything, as --all
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
                let into = context.importing(self.dry_run)?;
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
            catalog,
            stamp: (!self.dry_run).then_some(stamp),
        };
        let began = Instant::now();
        let mut staging = into.catalog.stage(spec)?;
        staging.set_blobs(options.blobs);
        let names = match self.all || self.blobs {
            true => Names::All,
            false => Names::Different,
        };
        let mut rsync = self.transfer.rsync(spec);
        let theirs = match gather(&mut rsync, &mut staging, spec, names) {
            Ok(theirs) => theirs,
            Err(failure) => {
                // What came is for the next time; where nothing did, nothing is left.
                let _ = staging.leave();
                return Err(failure);
            }
        };
        let done = rsync.finish();
        let ended = self.bring_in(context, &into, &theirs, options);
        drop(theirs);
        // What came stays where it was only looked at, or could not be taken.
        match &ended {
            Ok(_) | Err(Failure::Damaged(_)) if !self.dry_run => staging.finish()?,
            _ => {}
        }
        done.tell(spec, began, ended)
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

/// Has rsync bring what is missing, until nothing is, and returns it as a catalog.
fn gather(
    rsync: &mut Rsync<'_>,
    staging: &mut Staging,
    spec: &str,
    names: Names,
) -> Result<Catalog, Failure> {
    rsync.bring_names(staging, names)?;
    let mut theirs = None;
    loop {
        let wanted = staging.wanted()?;
        if wanted.is_empty() {
            return Ok(theirs.expect("the format marker is wanted first"));
        }
        rsync.bring_texts(staging, &wanted)?;
        // Nothing of it is taken before it is known to be a catalog.
        if theirs.is_none() {
            theirs = Some(open(staging, spec)?);
        }
        rsync.bring(staging, &wanted)?;
    }
}

/// Opens what came.
pub(super) fn open(staging: &Staging, spec: &str) -> Result<Catalog, Failure> {
    match staging.catalog() {
        Err(Error::NotACatalog { .. }) => {
            let message = format!("{spec} is neither a catalog nor a proof bundle");
            Err(Failure::Unusable(message))
        }
        Err(Error::Format { cause, .. }) => {
            let message = format!("{spec} cannot be read: {cause}");
            Err(Failure::Unusable(message))
        }
        opened => Ok(opened?),
    }
}

impl Transferred {
    /// Says what came.
    pub(super) fn say(&self, command: &str, spec: &str, began: Instant) {
        let (objects, bytes) = (self.objects, self.bytes);
        let seconds = began.elapsed().as_secs_f64();
        let message =
            format!("{objects} objects came from {spec}, {bytes} bytes in all, in {seconds:.1} s");
        say(command, &message);
    }

    /// Says what came, and how the command ends that has come so far.
    fn tell(
        self,
        spec: &str,
        began: Instant,
        ended: Result<Status, Failure>,
    ) -> Result<Status, Failure> {
        self.say("pull", spec, began);
        let status = ended?;
        if self.is_partial {
            let message = format!("rsync could not read all of {spec}");
            return Err(Failure::Unusable(message));
        }
        match self.passed_over {
            0 => Ok(status),
            count => Err(Failure::Damaged(count)),
        }
    }
}
