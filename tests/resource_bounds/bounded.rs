//! Runs the real program under the kernel's limits, and measures what it took.
//!
//! The limit on data also counts what is only reserved, and never touched, as a vector for a length
//! that a hostile file claims. The peak is that of `wait4`, as GNU time shows it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::skip;

/// What a run may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Memory that is not shared, in MiB.
    pub(crate) data_mib: u64,
    /// Open files.
    pub(crate) files: u32,
    /// Stack of the first thread, in KiB.
    pub(crate) stack_kib: u64,
    /// CPU time, in seconds: generous, for it only guards against a run that never ends.
    pub(crate) cpu_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            data_mib: 48,
            files: 64,
            stack_kib: 2 << 10,
            cpu_seconds: 60,
        }
    }
}

/// What a run said and took.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) peak_kib: u64,
    /// CPU time, of the program and the system.
    pub(crate) seconds: f64,
}

/// The programs by which the real one is limited and measured.
pub(crate) struct Bounded {
    time: PathBuf,
    prlimit: PathBuf,
    timeout: PathBuf,
}

impl Bounded {
    /// Skips the test where the programs are not installed.
    pub(crate) fn new() -> Option<Self> {
        Some(Self {
            time: skip::program("time")?,
            prlimit: skip::program("prlimit")?,
            timeout: skip::program("timeout")?,
        })
    }

    /// Runs the program on the catalog at `root`, in its own directory.
    pub(crate) fn run(&self, limits: Limits, root: &Path, dir: &Path, args: &[&str]) -> Run {
        let measured = tempfile::NamedTempFile::new().expect("there is room");
        let Limits {
            data_mib,
            files,
            stack_kib,
            cpu_seconds,
        } = limits;
        let output = Command::new(&self.timeout)
            .args(["--signal=KILL", "600"])
            .arg(&self.time)
            .args(["--quiet", "--format=%M %U %S", "--output"])
            .arg(measured.path())
            .arg(&self.prlimit)
            .arg(format!("--data={}", data_mib << 20))
            .arg(format!("--nofile={files}"))
            .arg(format!("--stack={}", stack_kib << 10))
            .arg(format!("--cpu={cpu_seconds}"))
            .arg("--core=0")
            .arg(env!("CARGO_BIN_EXE_engine-catalog"))
            .arg("--root")
            .arg(root)
            .args(args)
            .env_clear()
            .env("USER", "tester")
            .current_dir(dir)
            .stdin(Stdio::null())
            .output()
            .expect("timeout can be started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let measured = std::fs::read_to_string(measured.path()).expect("time wrote it");
        let last = measured.lines().last().unwrap_or_default();
        let numbers: Vec<&str> = last.split(' ').collect();
        let number = |at: usize| numbers.get(at).and_then(|it| it.parse::<f64>().ok());
        Run {
            status: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            peak_kib: numbers[0].parse().unwrap_or(u64::MAX),
            seconds: number(1)
                .zip(number(2))
                .map_or(f64::MAX, |(user, system)| user + system),
        }
    }
}

/// Returns what the program opened, as strace shows it.
pub(crate) fn opened(strace: &Path, root: &Path, dir: &Path, args: &[&str]) -> Vec<PathBuf> {
    let log = tempfile::NamedTempFile::new().expect("there is room");
    let output = Command::new(strace)
        .args(["-f", "-y", "-qq", "-e", "trace=open,openat,openat2,creat"])
        .arg("-o")
        .arg(log.path())
        .arg(env!("CARGO_BIN_EXE_engine-catalog"))
        .arg("--root")
        .arg(root)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output();
    output.expect("strace can be started");
    let log = std::fs::read_to_string(log.path()).expect("strace wrote it");
    // `… = 3</path>`
    let results = log.lines().filter_map(|line| line.rsplit_once(" = "));
    let paths = results.filter_map(|(_, result)| result.split_once('<')?.1.rsplit_once('>'));
    paths.map(|(path, _)| path.into()).collect()
}

impl Run {
    /// Requires that the program ended by itself, with a status that it documents, and that nothing
    /// ran out.
    pub(crate) fn assert_orderly(&self, what: &str) {
        let is_documented = matches!(self.status, Some(0 | 1 | 3 | 4));
        assert!(is_documented, "{what}: {self:?}");
        for bad in ["panicked", "memory allocation", "Too many open files"] {
            assert!(!self.stderr.contains(bad), "{what}: {self:?}");
            assert!(!self.stdout.contains(bad), "{what}: {self:?}");
        }
        assert!(
            self.peak_kib < u64::MAX,
            "{what}: it was not measured: {self:?}"
        );
    }
}

/// How much of what is costly is tried: by default little, or what `ENGINE_CATALOG_TEST_BOUNDS` says.
pub(crate) fn scale(default: usize, full: usize) -> usize {
    match std::env::var_os("ENGINE_CATALOG_TEST_BOUNDS") {
        Some(value) if value == "full" => full,
        _ => default,
    }
}
