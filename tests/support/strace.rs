//! Runs a helper process under `strace`, and parses the system calls that it made between
//! [`begin`] and [`end`].
//!
//! The same run can be repeated with one of those calls failing, or the process killed as it
//! enters it: [`Call::at`] names the call for strace's `--inject`.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::child;

/// All that a library may reasonably call on files: the traced calls, so that one that nobody
/// thought of does not go unseen.
const TRACED: &str = "open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,\
    symlinkat,rename,renameat,renameat2,unlink,unlinkat,rmdir,truncate,ftruncate,fallocate,write,\
    writev,pwrite64,pwritev,pwritev2,copy_file_range,sendfile,fsync,fdatasync,sync,syncfs,\
    sync_file_range,flock,chmod,fchmod,fchmodat,chown,fchown,fchownat,utimensat,setxattr,\
    fsetxattr,read,pread64,getdents64,statx,fstat,newfstatat,fcntl,getrandom";

/// More calls of any name than the test harness makes.
const AHEAD: usize = 24;

const BEGIN: &str = "/nowhere/begin";
const END: &str = "/nowhere/end";

/// Marks the first call of interest; for the helper process.
pub(crate) fn begin() {
    // strace counts the calls of each thread, and fails the nth of whichever comes there first. The
    // main thread, which only waits for this one, must be behind it in every count.
    let null = File::options().read(true).write(true).open("/dev/null");
    let null = null.expect("there is /dev/null");
    for _ in 0..AHEAD {
        let _ = (&null).write(&[0]).is_ok() && (&null).read(&mut [0]).is_ok();
        let _ = null.read_at(&mut [0], 0).is_ok() && null.metadata().is_ok();
        let _ = rustix::fs::fstat(&null).is_ok();
        let flags = rustix::rand::GetRandomFlags::empty();
        let _ = rustix::rand::getrandom(&mut [0_u8; 8], flags).is_ok();
    }
    assert!(File::open(BEGIN).is_err());
}

/// Marks the end of what is of interest; for the helper process.
pub(crate) fn end() {
    assert!(File::open(END).is_err());
}

/// A system call that returned.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// As strace shows them, descriptors with their paths: `3</path>`.
    pub(crate) args: Vec<String>,
    /// As strace shows it: `0`, `3</path>`, `-1 ENOENT (No such file or directory)`.
    pub(crate) result: String,
    /// How many calls of this name the thread had made when this returned.
    nth: usize,
}

impl Call {
    pub(crate) fn failed(&self) -> bool {
        self.result.starts_with('-')
    }

    /// Names this very call in an `--inject` of the next run, to be followed by `error=` or
    /// `signal=`.
    pub(crate) fn at(&self, fault: &str) -> String {
        format!("{}:{fault}:when={}", self.name, self.nth)
    }

    /// Returns the path of the descriptor that is the argument `at`.
    pub(crate) fn descriptor(&self, at: usize) -> PathBuf {
        descriptor_path(&self.args[at])
    }

    /// Returns the path of the descriptor that was returned.
    pub(crate) fn returned(&self) -> PathBuf {
        descriptor_path(&self.result)
    }

    /// Returns the text that is the argument `at`.
    pub(crate) fn text(&self, at: usize) -> &str {
        let quoted = self.args[at].trim_end_matches("...");
        let text = quoted
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        text.expect("this argument is a text")
    }

    /// Returns the path that the arguments `at`, a directory, and `at + 1` stand for.
    pub(crate) fn path(&self, at: usize) -> PathBuf {
        self.descriptor(at).join(self.text(at + 1))
    }
}

/// `3</path>`, also `3</path/#inode>(deleted)` of an unnamed file.
fn descriptor_path(shown: &str) -> PathBuf {
    let path = shown
        .split_once('<')
        .and_then(|(_, rest)| rest.rsplit_once('>'));
    path.expect("strace -y shows a descriptor with its path")
        .0
        .into()
}

/// What a traced helper process did.
pub(crate) struct Run {
    pub(crate) output: Output,
    /// The calls between the marks.
    pub(crate) calls: Vec<Call>,
}

/// Runs the helper process that plays `role`, with the faults of `inject`.
pub(crate) fn run(strace: &Path, inject: &[String], role: &str, root: &Path) -> Run {
    run_with(strace, inject, role, root, |_| {})
}

/// As [`run`], of a command that is prepared further.
pub(crate) fn run_with(
    strace: &Path,
    inject: &[String],
    role: &str,
    root: &Path,
    prepare: impl FnOnce(&mut Command),
) -> Run {
    let log = tempfile::NamedTempFile::new().expect("there is room for a log");
    let mut wrapper = vec![strace.display().to_string()];
    let options = ["-f", "-y", "-s", "4096", "-e", "signal=none", "-o"];
    wrapper.extend(options.map(str::to_owned));
    wrapper.push(log.path().display().to_string());
    wrapper.extend(["-e".to_owned(), format!("trace={TRACED}")]);
    for fault in inject {
        wrapper.extend(["-e".to_owned(), format!("inject={fault}")]);
    }
    let mut command = child::command(&wrapper, role, root);
    prepare(&mut command);
    let output = command.output().expect("strace can be started");
    let trace = std::fs::read_to_string(log.path()).expect("strace wrote its log");
    let calls = between_marks(&trace);
    Run { output, calls }
}

/// Returns the calls between the marks, of the thread that made those.
fn between_marks(trace: &str) -> Vec<Call> {
    let is_mark = |line: &str, mark| line.contains(&format!("\"{mark}\""));
    let Some(thread) = trace.lines().find(|line| is_mark(line, BEGIN)).map(pid) else {
        return Vec::new();
    };
    let mut counts = std::collections::HashMap::new();
    let (mut calls, mut started, mut cut) = (Vec::new(), false, None);
    for line in trace.lines().filter(|line| pid(line) == thread) {
        if let Some((start, _)) = line.split_once(" <unfinished ...>") {
            cut = Some(start.to_owned());
            continue;
        }
        let line = match (cut.take(), line.split_once(" resumed>")) {
            (Some(start), Some((_, rest))) => start + rest,
            _ => line.to_owned(),
        };
        let Some(mut call) = parse(&line) else {
            continue;
        };
        call.nth = *counts
            .entry(call.name.clone())
            .and_modify(|n| *n += 1)
            .or_insert(1);
        if is_mark(&line, END) {
            break;
        }
        if started {
            calls.push(call);
        }
        started |= is_mark(&line, BEGIN);
    }
    calls
}

fn pid(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

/// `PID name(args) = result`; `None` for a line about something else.
fn parse(line: &str) -> Option<Call> {
    let (_, call) = line.split_once(' ')?;
    let (name, rest) = call.trim_start().split_once('(')?;
    let (args, result) = rest.rsplit_once(" = ")?;
    let args = args.trim_end().strip_suffix(')')?;
    Some(Call {
        name: name.to_owned(),
        args: split(args),
        result: result.to_owned(),
        nth: 0,
    })
}

/// Splits at the commas that are not within quotes, brackets or braces.
fn split(args: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quoted, mut escaped) = (vec![String::new()], 0, false, false);
    for byte in args.chars() {
        match byte {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '{' | '[' | '<' if !quoted => depth += 1,
            '}' | ']' | '>' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(byte);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}
