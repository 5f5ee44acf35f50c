//! Runs the real program on a catalog of its own, and shows what a person would see.

#![allow(dead_code, reason = "each test file uses its part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A directory with a catalog in it, and the program to use it with.
pub(crate) struct Program {
    dir: TempDir,
}

impl Program {
    /// A directory where no catalog is yet.
    pub(crate) fn without_catalog() -> Self {
        Self::at(tempfile::tempdir().expect("a temporary directory can be made"))
    }

    /// As [`without_catalog`](Self::without_catalog), in a directory that was made elsewhere.
    pub(crate) fn at(dir: TempDir) -> Self {
        Self { dir }
    }

    /// A new catalog.
    pub(crate) fn with_catalog() -> Self {
        let program = Self::without_catalog();
        assert!(program.output(&["init"], b"").status.success());
        program
    }

    /// The directory in which the catalog and other files of the test are.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The root of the catalog.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir().join("catalog")
    }

    /// The program, with an environment in which nothing of the caller's shows.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engine-catalog"));
        command
            .env_clear()
            .env("ENGINE_CATALOG_ROOT", self.root())
            .env("USER", "tester")
            .current_dir(self.dir());
        command
    }

    /// Runs the program with standard input.
    pub(crate) fn output(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = self
            .command()
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        // A program that refuses its arguments does not read its input.
        let _ = child.stdin.take().expect("it is piped").write_all(input);
        child.wait_with_output().expect("the program ends")
    }

    /// Runs the program and returns standard output, which must be text, and the exit status.
    pub(crate) fn stdout(&self, args: &[&str]) -> (String, i32) {
        let output = self.output(args, b"");
        let stdout = String::from_utf8(output.stdout).expect("output is text");
        (stdout, output.status.code().expect("it was not killed"))
    }

    /// Runs the program with the words of a line, which it must take, and returns the JSON values that it
    /// prints, one a line.
    pub(crate) fn json(&self, line: &str) -> Vec<serde_json::Value> {
        let (stdout, status) = self.stdout(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(status, 0, "{line}");
        let values = stdout.lines().map(serde_json::from_str);
        let values: Result<_, _> = values.collect();
        values.expect("each line is a value")
    }

    /// Runs the program and returns what it shows: standard output, standard error with a bar before
    /// each line, and an exit status other than 0.
    pub(crate) fn shows(&self, args: &[&str]) -> String {
        self.shows_with_input(args, "")
    }

    /// As [`shows`](Self::shows), with standard input.
    pub(crate) fn shows_with_input(&self, args: &[&str], input: &str) -> String {
        let output = self.output(args, input.as_bytes());
        let mut shown = String::from_utf8(output.stdout).expect("output is text");
        for line in String::from_utf8(output.stderr)
            .expect("messages are text")
            .lines()
        {
            shown += &format!("| {line}\n");
        }
        match output.status.code() {
            Some(0) => {}
            status => shown += &format!("[exit status {}]\n", status.expect("it was not killed")),
        }
        shown
    }
}
