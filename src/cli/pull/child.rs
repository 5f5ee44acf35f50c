//! Running rsync: what it says is counted, and it ends where the source shows or sends too much.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use engine_catalog::Staging;

use crate::cli::failure::{Failure, say};

/// How rsync tells of a file: what it does with it, its bytes, its name.
pub(super) const OUT_FORMAT: &str = "--out-format=@%i %l %n";

/// Runs rsync so that no file of its gets larger than the source may have said, and so that its lists of
/// names do not take all the memory there is.
const UNDER_LIMITS: &str = r#"ulimit -f "$1" && ulimit -v "$2" && shift 2 && exec rsync "$@""#;

/// What rsync needs, in KiB, before it knows of a file; and then for so many files.
const MEMORY: u64 = 1 << 20;
const FILES_IN_A_KIBIBYTE: u64 = 2;

/// More of a line is not kept.
const MOST_OF_A_LINE: u64 = 8 << 10;

/// So many lines of what rsync complains of are passed on.
const MOST_COMPLAINTS: usize = 100;

/// So long what rsync, or what it started, has complained of is waited for when it has ended; and so long
/// the end of all of it, when it was told to end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The rsync that is running.
static RUNNING: Mutex<Option<Child>> = Mutex::new(None);

/// What a source may do at most.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Files and directories that are not as they are here. Lines about all others would take rsync longer
    /// than comparing them does.
    pub(super) files: u64,
    /// Bytes of what is transferred.
    pub(super) bytes: u64,
}

/// A file or directory that rsync tells of.
pub(super) struct Told<'l> {
    /// That of a directory ends with a slash.
    pub(super) name: &'l str,
    /// Bytes.
    pub(super) size: u64,
}

/// What was seen of a source so far.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) objects: u64,
    pub(super) passed_over: usize,
    pub(super) is_partial: bool,
}

/// Ends the rsync that is running, because this process ends.
pub(crate) fn end_child() {
    if let Some(child) = running().as_mut() {
        let _ = child.kill();
    }
}

fn running() -> MutexGuard<'static, Option<Child>> {
    // A child is there or not, whoever panicked.
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs rsync in the staging, counts what it says, and shows each file that comes, or would.
pub(super) fn run(
    spec: &str,
    staging: &Staging,
    args: Vec<OsString>,
    max_size: u64,
    limits: &Limits,
    seen: &mut Seen,
    show: &mut dyn FnMut(&mut Seen, &Told<'_>),
) -> Result<(), Failure> {
    let blocks = max_size.div_ceil(512).to_string();
    let memory = (MEMORY + limits.files / FILES_IN_A_KIBIBYTE).to_string();
    let mut command = Command::new("sh");
    command
        .args(["-c", UNDER_LIMITS, "sh", &blocks, &memory])
        .args(args)
        // An empty file. As long as rsync has it, nobody else uses the directory, also when this
        // process was killed.
        .stdin(staging.hold()?)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let fail = |what: String| Failure::Unusable(format!("{spec}: {what}"));
    let cannot = |error| fail(format!("cannot run rsync: {error}"));
    let mut child = command.spawn().map_err(cannot)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    *running() = Some(child);
    let (mut stdout, stderr) = (stdout.expect("it is piped"), stderr.expect("it is piped"));
    let (done, complaints) = mpsc::channel::<()>();
    thread::spawn({
        let spec = spec.to_owned();
        move || {
            pass_on(&spec, stderr);
            drop(done);
        }
    });
    let counted = count(spec, &mut stdout, limits, seen, show);
    if counted.is_err() {
        end_child();
        // The part of it that writes files is a process of its own, and has this open.
        let (done, ended) = mpsc::channel::<()>();
        thread::spawn(move || {
            let _ = std::io::copy(&mut stdout, &mut std::io::sink());
            drop(done);
        });
        let _ = ended.recv_timeout(LAST_WORDS);
    }
    let status = wait().map_err(cannot)?;
    // What was said is passed on; but whoever rsync has started may have it open for ever.
    if counted.is_ok() {
        let _ = complaints.recv_timeout(LAST_WORDS);
    }
    counted?;
    judge(status, seen).map_err(fail)
}

/// Waits for the end of the child. A signal may end it meanwhile.
fn wait() -> std::io::Result<ExitStatus> {
    loop {
        let mut running = running();
        let child = running.as_mut().expect("only this takes it away");
        if let Some(status) = child.try_wait()? {
            *running = None;
            return Ok(status);
        }
        drop(running);
        thread::sleep(Duration::from_millis(2));
    }
}

/// Counts what rsync tells of.
fn count(
    spec: &str,
    stdout: impl Read,
    limits: &Limits,
    seen: &mut Seen,
    show: &mut dyn FnMut(&mut Seen, &Told<'_>),
) -> Result<(), Failure> {
    let mut lines = BufReader::new(stdout);
    while let Some(line) = next_line(&mut lines) {
        seen.files += 1;
        let name = match parse(&line) {
            Some((what, size, name)) => {
                // A file that is transferred, a directory that is made.
                if what.starts_with(">f") || what.starts_with("cd") {
                    show(seen, &Told { name, size });
                }
                name
            }
            // It passes over what it was told not to take: links, devices, what is too large.
            None => {
                if seen.passed_over < MOST_COMPLAINTS {
                    say("error", &format!("in {spec}: {line}"));
                }
                seen.passed_over += 1;
                &line
            }
        };
        let (files, bytes) = (limits.files, limits.bytes);
        let too_much = match () {
            () if seen.files > files => format!("sends more than {files} files (--max-files)"),
            () if seen.bytes > bytes => format!("sends more than {bytes} bytes (--max-bytes)"),
            () => continue,
        };
        let message = format!("{spec} {too_much}, at {name}; nothing of it was stored");
        return Err(Failure::Unusable(message));
    }
    Ok(())
}

/// Takes a line of [`OUT_FORMAT`] apart.
fn parse(line: &str) -> Option<(&str, u64, &str)> {
    let mut parts = line.strip_prefix('@')?.splitn(2, ' ');
    let what = parts.next()?;
    // The size is set to the right.
    let (size, name) = parts.next()?.trim_start().split_once(' ')?;
    Some((what, size.parse().ok()?, name))
}

/// Passes on what rsync, or what it runs, complains of.
fn pass_on(spec: &str, stderr: impl Read) {
    let mut lines = BufReader::new(stderr);
    let mut told = 0;
    while let Some(line) = next_line(&mut lines) {
        if !line.trim().is_empty() && told < MOST_COMPLAINTS {
            say(spec, &line);
            told += 1;
        }
    }
}

/// Returns the next line, or as much of it as is kept; `None` at the end.
fn next_line(lines: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    loop {
        match lines
            .by_ref()
            .take(MOST_OF_A_LINE)
            .read_until(b'\n', &mut line)
        {
            Ok(0) if line.is_empty() => return None,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return None,
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        return Some(String::from_utf8_lossy(line).into_owned());
    }
}

/// Says how rsync ended, by its manual.
fn judge(status: ExitStatus, seen: &mut Seen) -> Result<(), String> {
    let Some(code) = status.code() else {
        let signal = status.signal().unwrap_or(0);
        return Err(format!("rsync was ended by signal {signal}"));
    };
    let why = match code {
        // Files that vanished: refs were retired meanwhile.
        0 | 24 => return Ok(()),
        23 | 25 => {
            seen.is_partial = true;
            return Ok(());
        }
        127 => return Err("rsync is not installed; the package is called rsync".into()),
        2 | 4 => {
            "this rsync, or the other one, is too old or does not fit (3.1.3 or newer is needed)"
        }
        5 | 10 | 12 | 255 => "the connection, or what is at its other end, failed",
        11 => "it could not write what came, or more of a file came than such a file may have",
        22 => "the source has more than fits into memory",
        30 | 35 => "the source said nothing for too long",
        _ => "see EXIT VALUES in rsync(1)",
    };
    Err(format!("rsync ended with status {code}: {why}"))
}
