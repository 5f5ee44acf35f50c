//! A pool manager as users write them: learns from a handoff which engine its pool has, looks it up in the
//! catalog, and reports the pool ready, or why it is not.
//!
//! `cargo run --release --example pool_manager -- --help`

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use engine_catalog::{Catalog, Check, EngineIdentity, Incomparable, Record, State, Wake};
use serde::{Deserialize, Serialize};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How often the handoff is read, which is no part of the catalog.
const HANDOFF_INTERVAL: Duration = Duration::from_millis(100);

/// Report whether the engine of a pool is ready
///
/// Prints a line of JSON each time that changes, and keeps the last one in a file, which others read
/// at any time. The fields of the engine are all of one record: never some of one build and some of
/// another.
#[derive(Debug, Parser)]
struct Arguments {
    /// The catalog
    #[arg(long, value_name = "DIR")]
    catalog: PathBuf,

    /// The handoff of the provisioner, a JSON file with an `engine_catalog_id`
    #[arg(long, value_name = "FILE")]
    handoff: PathBuf,

    /// Where the report is kept
    #[arg(long, value_name = "FILE")]
    report: PathBuf,

    /// The pool
    #[arg(long, value_name = "ID", default_value = "pool-0")]
    pool_id: String,

    /// Compare the engine's files with their record again after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    recheck: u64,
}

/// What is reported of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Report {
    pool_id: String,
    ready: bool,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The engine, as far as it is known.
    #[serde(flatten)]
    engine: Option<EngineIdentity>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the lines has seen enough.
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pool_manager: {error}");
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

fn run(arguments: &Arguments) -> Result<()> {
    let catalog = Catalog::open_read_only(&arguments.catalog)?;
    let recheck = Duration::from_secs(arguments.recheck);
    // Before the first look, so that no change falls between the two.
    let mut watch = catalog.watch()?;
    let (mut handoff, mut reported) = (read_handoff(&arguments.handoff)?, None);
    loop {
        let looked_at = Instant::now();
        let (ready, reason, engine) = match look(&catalog, handoff.as_deref()) {
            (engine, None) => (true, None, engine),
            (engine, reason) => (false, reason, engine),
        };
        let pool_id = arguments.pool_id.clone();
        let report = Report {
            pool_id,
            ready,
            reason,
            engine,
        };
        if reported.as_ref() != Some(&report) {
            publish(&arguments.report, &report)?;
            writeln!(io::stdout(), "{}", serde_json::to_string(&report)?)?;
            reported = Some(report);
        }
        // Hashing gigabytes is for when something has changed.
        loop {
            let woken = watch.wait(Some(HANDOFF_INTERVAL)).unwrap_or_else(|_| {
                // Whoever reads the last report must not believe it still: looking again tells why.
                std::thread::sleep(HANDOFF_INTERVAL);
                Wake::Changed
            });
            let handed_off = read_handoff(&arguments.handoff)?;
            let is_new = handed_off != handoff;
            handoff = handed_off;
            if woken == Wake::Changed || is_new || looked_at.elapsed() >= recheck {
                break;
            }
        }
    }
}

/// Reads the handoff; `None` as long as there is none.
fn read_handoff(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read {}: {error}", path.display()).into()),
    }
}

/// Returns the engine that is handed off, and why it cannot be used; `None` where it can.
fn look(catalog: &Catalog, handoff: Option<&[u8]>) -> (Option<EngineIdentity>, Option<String>) {
    #[derive(Deserialize)]
    struct Handoff {
        engine_catalog_id: String,
    }
    let no = |reason: String| (None, Some(reason));
    let Some(handoff) = handoff else {
        return no("no engine is handed off".to_owned());
    };
    let id = match serde_json::from_slice::<Handoff>(handoff) {
        Ok(handoff) => handoff.engine_catalog_id,
        Err(error) => return no(format!("the handoff names no engine: {error}")),
    };
    let record = match catalog.get(&id) {
        Ok(Some(record)) => record,
        Ok(None) => return no(format!("{id:?} is not in the catalog")),
        Err(error) => return no(error.to_string()),
    };
    // All that is reported comes from this one record, whatever else the handoff says.
    let identity = Some(record.identity());
    let reason = match catalog.state(&record) {
        Ok(State::Current) => match catalog.check(&record) {
            Ok(Check::Drift(drift)) => {
                let paths = drift.iter().map(|drift| drift.path.display().to_string());
                Some(format!(
                    "not as recorded: {}",
                    paths.collect::<Vec<_>>().join(", ")
                ))
            }
            // Nothing tells what they are to be like, so to be there is all that can be asked of them.
            Ok(Check::NothingToCompare(Incomparable::NoDigest)) => missing(&record),
            // Of an image there are no files here.
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        },
        Ok(state) => Some(format!("its record is {state}")),
        Err(error) => Some(error.to_string()),
    };
    (identity, reason)
}

/// Returns which file of an engine is not there.
fn missing(record: &Record) -> Option<String> {
    let mut files = record.entry.artifacts.iter();
    let missing = files.find(|path| path.is_absolute() && !path.exists())?;
    Some(format!("not there: {}", missing.display()))
}

/// Keeps the report for others, who find the one before or this one, whole.
fn publish(path: &Path, report: &Report) -> Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(dir.unwrap_or(Path::new(".")))?;
    serde_json::to_writer(&mut file, report)?;
    file.write_all(b"\n")?;
    file.persist(path)?;
    Ok(())
}
