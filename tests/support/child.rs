//! Helper processes: a test binary that runs itself again.
//!
//! Each test binary that uses this has one test named `child`, which asks for its [`role`] and does
//! nothing without one.

#![allow(dead_code, reason = "each test file uses its part")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ROLE: &str = "ENGINE_CATALOG_TEST_ROLE";
const ROOT: &str = "ENGINE_CATALOG_TEST_ROOT";

/// Returns what this process is to do, and where, if it was started by [`command`].
pub(crate) fn role() -> Option<(String, PathBuf)> {
    Some((std::env::var(ROLE).ok()?, std::env::var_os(ROOT)?.into()))
}

/// Returns the command that plays `role` on the catalog at `root`, under the program and arguments
/// of `wrapper`, if any.
pub(crate) fn command(
    wrapper: impl IntoIterator<Item = impl AsRef<OsStr>>,
    role: &str,
    root: &Path,
) -> Command {
    let binary = std::env::current_exe().expect("the test binary has a path");
    command_of(&binary, wrapper, role, root)
}

/// As [`command`], with a copy of the test binary.
pub(crate) fn command_of(
    binary: &Path,
    wrapper: impl IntoIterator<Item = impl AsRef<OsStr>>,
    role: &str,
    root: &Path,
) -> Command {
    let words = wrapper.into_iter().map(|word| word.as_ref().to_owned());
    let line: Vec<_> = words.chain([binary.as_os_str().to_owned()]).collect();
    let mut command = Command::new(&line[0]);
    command
        .args(&line[1..])
        .args(["child", "--exact", "--nocapture"])
        .env(ROLE, role)
        .env(ROOT, root);
    command
}

/// Runs `command` and requires that it succeeds.
pub(crate) fn run(mut command: Command) {
    let output = command.output().expect("the program can be started");
    assert!(output.status.success(), "{}", shown(&output));
}

/// Everything that a process said.
pub(crate) fn shown(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    format!("{}\n{out}\n{err}", output.status)
}
