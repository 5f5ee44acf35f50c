//! An orchestrator as users write them: reads what pool managers report, and logs each placement with the
//! engine that it is placed on.
//!
//! `cargo run --release --example orchestrator -- --help`

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use engine_catalog::EngineIdentity;
use serde::Deserialize;

/// How often the reports are read.
const INTERVAL: Duration = Duration::from_millis(50);

/// Log where requests are placed
///
/// Prints a line in logfmt for each pool whose engine has become ready or has changed, with all that
/// identifies the engine, and one for each pool that is no longer ready.
#[derive(Debug, Parser)]
struct Arguments {
    /// The reports of pool managers
    #[arg(value_name = "REPORT", required = true)]
    reports: Vec<PathBuf>,
}

/// What a pool manager reports, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Report {
    pool_id: String,
    ready: bool,
    reason: Option<String>,
    #[serde(flatten)]
    engine: Option<EngineIdentity>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut known = BTreeMap::new();
    loop {
        for path in &arguments.reports {
            // It is there as soon as its pool manager has looked for the first time.
            let Ok(text) = fs::read(path) else { continue };
            let report: Report = match serde_json::from_slice(&text) {
                Ok(report) => report,
                Err(error) => {
                    eprintln!("orchestrator: {}: {error}", path.display());
                    return ExitCode::FAILURE;
                }
            };
            if known.get(path) != Some(&report) {
                log(&report);
                known.insert(path, report);
            }
        }
        std::thread::sleep(INTERVAL);
    }
}

fn log(report: &Report) {
    let pool_id = &report.pool_id;
    match (&report.engine, report.ready) {
        (Some(engine), true) => println!("event=placed pool_id={pool_id} {engine}"),
        _ => {
            let reason = report.reason.as_deref().unwrap_or_default();
            println!("event=held pool_id={pool_id} reason={reason:?}");
        }
    }
}
