//! An orchestrator as users write them: reads what pool managers report, and logs each placement with the
//! engine that it is placed on.
//!
//! `cargo run --release --example orchestrator -- --help`

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
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
/// identifies the engine, and one for each pool that is no longer ready. A report that cannot be read is
/// told of on standard error, and keeps no other pool.
#[derive(Debug, Parser)]
struct Arguments {
    /// The reports of pool managers
    #[arg(value_name = "REPORT", required = true)]
    reports: Vec<PathBuf>,
}

/// What a pool manager reports, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Report {
    pool_id: String,
    ready: bool,
    reason: Option<String>,
    #[serde(flatten)]
    engine: Option<EngineIdentity>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        // Whoever reads the log has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("orchestrator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<Infallible> {
    let mut known = BTreeMap::new();
    loop {
        for path in &arguments.reports {
            // It is there as soon as its pool manager has looked for the first time.
            let Ok(text) = fs::read(path) else { continue };
            if known.get(path) == Some(&text) {
                continue;
            }
            match serde_json::from_slice(&text) {
                Ok(report) => log(&report)?,
                Err(error) => eprintln!("orchestrator: {}: {error}", path.display()),
            }
            known.insert(path, text);
        }
        std::thread::sleep(INTERVAL);
    }
}

fn log(report: &Report) -> io::Result<()> {
    let pool_id = value(&report.pool_id);
    let mut out = io::stdout().lock();
    match (&report.engine, report.ready) {
        (Some(engine), true) => writeln!(out, "event=placed pool_id={pool_id} {engine}"),
        _ => {
            let reason = report.reason.as_deref().unwrap_or_default();
            writeln!(out, "event=held pool_id={pool_id} reason={reason:?}")
        }
    }
}

/// A value of logfmt, of which nothing can be taken for another field or line.
fn value(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'=' | b'\\');
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("{text:?}")
    }
}
