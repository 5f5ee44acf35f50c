//! Skipping what this machine cannot test, loudly.
//!
//! A test that needs more than a compiler asks for it here, and ends where it is missing:
//!
//! ```ignore
//! let Some(strace) = skip::program("strace") else { return };
//! let Some(()) = skip::root() else { return };
//! return skip::because("there is no loop device");
//! ```
//!
//! The reason goes to stderr past the capture of the test harness, so it shows although the test
//! passes. With `CI=true` everything is there, and a skip is a failure.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fmt::Display;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Says that the running test is skipped, and why.
///
/// # Panics
///
/// With `CI=true`.
pub(crate) fn because(why: impl Display) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    assert!(!is_ci(), "{test} must not be skipped in CI: {why}");
    // Not by `eprintln!`, which the harness captures.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// Whether everything is to be there, and to be tried.
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// Says that the running test is skipped because the kernel was built without something. That is no
/// failure with `CI=true` either: no package brings it.
pub(crate) fn for_want_in_the_kernel(what: impl Display) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED {test}: this kernel has no {what}"
    );
}

/// Returns where the program `name` is; where it is not installed, the test is skipped.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Where mkfs is, which the PATH of an ordinary user leaves out.
    let system = ["/usr/sbin", "/sbin"].map(Into::into);
    let found = std::env::split_paths(&path)
        .chain(system)
        .map(|dir: PathBuf| dir.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        because(format_args!("{name} is not installed"));
    }
    found
}

/// Returns whether this process is root's.
pub(crate) fn is_root() -> bool {
    let me = Path::new("/proc/self").metadata();
    me.is_ok_and(|me| me.uid() == 0)
}

/// Skips the test unless it runs as root.
pub(crate) fn root() -> Option<()> {
    let is_root = is_root();
    if !is_root {
        because("it needs root");
    }
    is_root.then_some(())
}
