//! The examples as programs: built when a test first asks for one, so never older than their source.
//!
//! Cargo holds no lock on the target directory while tests run, and has nothing to do where `cargo test`
//! has built the examples already.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Builds the example `name` as this test was built, and returns where it is.
///
/// # Panics
///
/// Where it cannot be built.
pub(crate) fn build(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let target = target.expect("it is below the target directory");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "build",
            "--quiet",
            "--offline",
            "--locked",
            "--features",
            "cli",
        ])
        .args(["--message-format", "json-render-diagnostics"])
        .args(["--example", name, "--profile", profile()])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .arg("--target-dir")
        .arg(target)
        .stderr(Stdio::inherit());
    let output = cargo.output().expect("cargo can be started");
    assert!(output.status.success(), "example {name} is built");
    let messages = String::from_utf8(output.stdout).expect("messages are text");
    let mut messages = messages
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a message is JSON"));
    let built = messages.find(|it| it["target"]["name"] == name && it["executable"].is_string());
    let built = built.expect("cargo tells what it built");
    PathBuf::from(built["executable"].as_str().expect("it is a text"))
}

/// The profile of this test, by the directory that it was built in.
fn profile() -> &'static str {
    let test = std::env::current_exe().expect("the test binary has a path");
    let dir = test.ancestors().nth(2).and_then(Path::file_name);
    match dir.and_then(|name| name.to_str()) {
        Some("release") => "release",
        _ => "dev",
    }
}
