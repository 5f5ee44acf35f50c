//! Running the tools that a provisioner needs: git, cmake, and what they built.
//!
//! Standard output of this program is data, so what a tool says goes to standard error. A tool that is
//! not there, or fails, is an error that names its command line.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::AsFd as _;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::Result;

/// Runs a tool that shows how far it is.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let stderr = io::stderr().as_fd().try_clone_to_owned()?;
    command.stdin(Stdio::null()).stdout(stderr);
    let status = command.status();
    let status = status.map_err(|error| not_started(command, &error))?;
    require_success(command, status, "")
}

/// Runs a tool that answers, and returns what it wrote to standard output.
pub(crate) fn answer(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| not_started(command, &error))?;
    let said = String::from_utf8_lossy(&output.stderr);
    require_success(command, output.status, said.trim_end())?;
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs a program that may answer, may fail, or may never end, and returns all that it said within
/// `limit`; `None` unless it succeeded.
pub(crate) fn said_within(command: &mut Command, limit: Duration) -> Result<Option<String>> {
    // A file, as a pipe that nobody reads may keep it from ending.
    let mut said = tempfile::tempfile()?;
    let to = |file: &File| io::Result::Ok(Stdio::from(file.try_clone()?));
    command.stdin(Stdio::null()).stdout(to(&said)?);
    let child = command.stderr(to(&said)?).spawn();
    let mut child = child.map_err(|error| not_started(command, &error))?;
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begin.elapsed() > limit {
            child.kill()?;
            break child.wait()?;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut bytes = Vec::new();
    said.rewind()?;
    said.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(status.success().then_some(text))
}

fn require_success(command: &Command, status: ExitStatus, said: &str) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    let mut message = format!("{} ended with {status}", shown(command));
    if !said.is_empty() {
        write!(message, ": {said}")?;
    }
    Err(message.into())
}

fn not_started(command: &Command, error: &io::Error) -> String {
    let program = command.get_program().display();
    match error.kind() {
        io::ErrorKind::NotFound => format!("{program} is needed, and is not installed"),
        _ => format!("cannot start {program}: {error}"),
    }
}

/// The command line, for a person.
pub(crate) fn shown(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
