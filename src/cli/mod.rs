//! Arguments, dispatch and exit status. One file for each subcommand, whose documentation comments
//! are its help; everything that it does to a catalog is the library's public API.

mod attach;
mod attachments;
mod bar;
mod blobs;
mod capture;
mod changes;
mod check;
mod compare;
mod completions;
mod diff;
mod doctor;
mod entries_json;
mod export;
mod failure;
mod follow;
mod gc;
mod get;
mod heal;
mod history;
mod import;
mod init;
mod input;
mod key;
mod list;
mod man;
mod materialize;
mod output;
mod policy;
mod prefer;
mod proof_dir;
mod prune;
mod pull;
mod put;
mod recognise;
mod record;
mod required;
mod retire;
mod rollback;
mod sbom;
mod sign;
mod signals;
mod signatures;
mod signers;
mod size;
mod snapshot;
mod text;
mod verify;
mod why;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use engine_catalog::{Catalog, Error, LockWait, Stamp, parse_duration};

use failure::Failure;
use output::Output;

/// Durable, auditable records of prepared LLM inference engines
///
/// A catalog is a directory of plain files: immutable objects named by their BLAKE3 hash, and small
/// refs that say which one is current for each engine and version. Nothing that was acknowledged
/// is lost in a power cut, and every byte that is read is checked.
///
/// Data goes to standard output, one record a line; everything else to standard error. Exit
/// status: 0 done; 1 not found, refused, or something was found; 2 wrong usage; 3 damage, or the
/// catalog cannot be used, or others hold a lock for longer than `--wait`; 4 `check` had nothing to
/// compare with.
#[derive(Debug, Parser)]
#[command(name = "engine-catalog", version, max_term_width = 100)]
#[command(arg_required_else_help = true, subcommand_required = true)]
struct Cli {
    /// The catalog's directory [default: $ENGINE_CATALOG_ROOT, else engine-catalog in the XDG data
    /// directory]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Global options"
    )]
    root: Option<PathBuf>,

    /// Print JSON, one value a line, with keys that do not change
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,

    /// Give up on a lock that others hold after this long, such as 0s, 30s or 10m [default: wait as
    /// long as it takes]
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        value_parser = parse_duration,
        help_heading = "Global options"
    )]
    wait: Option<Duration>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Record(record::Record),
    Put(put::Put),
    Get(get::Get),
    List(list::List),
    History(history::History),
    Diff(diff::Diff),
    Check(check::Check),
    Attach(attach::Attach),
    Attachments(attachments::Attachments),
    Sign(sign::Sign),
    Signatures(signatures::Signatures),
    Policy(policy::PolicyCommand),
    Sbom(sbom::Sbom),
    Blobs(blobs::Blobs),
    Materialize(materialize::Materialize),
    Rollback(rollback::Rollback),
    Retire(retire::Retire),
    Snapshot(snapshot::Snapshot),
    Verify(verify::Verify),
    Heal(heal::Heal),
    Why(why::Why),
    Prune(prune::Prune),
    Gc(gc::Gc),
    Doctor(doctor::Doctor),
    Capture(capture::Capture),
    Import(import::Import),
    Compare(compare::Compare),
    Pull(pull::Pull),
    Export(export::Export),
    Completions(completions::Completions),
    Man(man::Man),
}

/// How long a lock is waited for before that is said.
const SAID_AFTER: Duration = Duration::from_secs(1);

/// What every subcommand gets.
struct Context {
    root: Option<PathBuf>,
    /// How long to wait for a lock, at most.
    wait: Option<Duration>,
    out: Output,
}

/// How a command that did what it was asked ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// Exit status 0.
    Done,
    /// Exit status 1: it found something that a script may want to know.
    Found,
    /// Exit status 4: it could not tell, for want of something to compare with.
    NothingToCompare,
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut context = Context {
        root: cli.root,
        wait: cli.wait,
        out: Output::new(cli.json),
    };
    let result = match cli.command {
        Command::Init(command) => command.run(&mut context),
        Command::Record(command) => command.run(&mut context),
        Command::Put(command) => command.run(&mut context),
        Command::Get(command) => command.run(&mut context),
        Command::List(command) => command.run(&mut context),
        Command::History(command) => command.run(&mut context),
        Command::Diff(command) => command.run(&mut context),
        Command::Check(command) => command.run(&mut context),
        Command::Attach(command) => command.run(&mut context),
        Command::Attachments(command) => command.run(&mut context),
        Command::Sign(command) => command.run(&mut context),
        Command::Signatures(command) => command.run(&mut context),
        Command::Policy(command) => command.run(&mut context),
        Command::Sbom(command) => command.run(&mut context),
        Command::Blobs(command) => command.run(&mut context),
        Command::Materialize(command) => command.run(&mut context),
        Command::Rollback(command) => command.run(&mut context),
        Command::Retire(command) => command.run(&mut context),
        Command::Snapshot(command) => command.run(&mut context),
        Command::Verify(command) => command.run(&mut context),
        Command::Heal(command) => command.run(&mut context),
        Command::Why(command) => command.run(&mut context),
        Command::Prune(command) => command.run(&mut context),
        Command::Gc(command) => command.run(&mut context),
        Command::Doctor(command) => command.run(&mut context),
        Command::Capture(command) => command.run(&mut context),
        Command::Import(command) => command.run(&mut context),
        Command::Compare(command) => command.run(&mut context),
        Command::Pull(command) => command.run(&mut context),
        Command::Export(command) => command.run(&mut context),
        Command::Completions(command) => command.run(&mut context),
        Command::Man(command) => command.run(&mut context),
    };
    let status = match result {
        Ok(Status::Done) => ExitCode::SUCCESS,
        Ok(Status::Found) => ExitCode::from(1),
        Ok(Status::NothingToCompare) => ExitCode::from(4),
        Err(failure) => {
            signals::end_if_one_came();
            return failure.report();
        }
    };
    match context.out.flush() {
        // Whoever reads our output has seen enough; what was found is still so.
        Err(failure) if !failure.is_closed_pipe() => failure.report(),
        _ => status,
    }
}

impl Context {
    /// Returns the directory of the catalog.
    fn root(&self) -> Result<PathBuf, Failure> {
        let variable = std::env::var_os("ENGINE_CATALOG_ROOT").filter(|root| !root.is_empty());
        if let Some(root) = self.root.clone().or(variable.map(PathBuf::from)) {
            return Ok(root);
        }
        // XDG Base Directory Specification: a relative path is to be ignored.
        let absolute = |variable: &str| {
            let path = PathBuf::from(std::env::var_os(variable)?);
            path.is_absolute().then_some(path)
        };
        let data =
            absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
        data.map(|data| data.join("engine-catalog")).ok_or_else(|| {
            Failure::Usage("name the catalog's directory with --root: HOME is not set".to_owned())
        })
    }

    /// Opens the catalog, to write where that is possible.
    fn open(&self) -> Result<Catalog, Failure> {
        signals::leave_nothing_behind();
        Ok(Catalog::open(self.root()?)?.with_lock_wait(self.lock_wait()))
    }

    /// Opens the catalog to look things up.
    fn read(&self) -> Result<Catalog, Failure> {
        Ok(Catalog::open_read_only(self.root()?)?.with_lock_wait(self.lock_wait()))
    }

    /// Opens the catalog to change it, and says who does and when.
    fn write(&self) -> Result<(Catalog, Stamp), Failure> {
        Ok((self.open()?, stamp()))
    }

    /// Says what is waited for, so that nobody takes it for a hang.
    fn lock_wait(&self) -> LockWait {
        let waits = LockWait::default().telling(SAID_AFTER, |lock| {
            failure::say("wait", &format!("others hold the lock {}", lock.display()));
        });
        match self.wait {
            Some(limit) => waits.at_most(limit),
            None => waits,
        }
    }
}

/// Opens another catalog, or a proof bundle, to read from.
fn open_source(path: &Path) -> Result<Catalog, Failure> {
    match Catalog::open_read_only(path) {
        Err(Error::NotACatalog { root }) => {
            let message = format!("{} is neither a catalog nor a proof bundle", root.display());
            Err(Failure::Unusable(message))
        }
        opened => Ok(opened?),
    }
}

/// Returns the time, in milliseconds since the Unix epoch.
fn now_ms() -> i64 {
    Stamp::now("now").expect("this is a name").at_ms
}

/// Returns `user@host` and the time.
fn stamp() -> Stamp {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = variable("USER")
        .or_else(|| variable("LOGNAME"))
        .unwrap_or_else(|| {
            // As in a container or a service: then the number of the user says who.
            let process = std::fs::metadata("/proc/self");
            process.map_or_else(
                |_| "unknown".to_owned(),
                |process| format!("uid{}", process.uid()),
            )
        });
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Stamp::now(&format!("{user}@{}", host.trim()))
        .unwrap_or_else(|_| Stamp::now("unknown").expect("this is a name"))
}
