//! The recipe as it stands in layout.md, to be run and to be killed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::skip;

/// A copy from one catalog to another.
pub(crate) struct Recipe {
    script: String,
    from: PathBuf,
    to: PathBuf,
    names: PathBuf,
    engines: String,
    /// Where programs are looked for first.
    bin: Option<PathBuf>,
}

/// In the place of a program: does as that, but waits before it does so for the nth time. What it waits for is
/// that there is a file.
const HALTING: &str = r#"#!/bin/sh
bin=${0%/*} program=${0##*/}
PATH=${PATH#*:}
echo >>"$bin/calls"
if test "$(wc -l <"$bin/calls")" = "$HALT_AT"; then
    : >"$bin/halted"
    while test ! -e "$bin/go"; do sleep 0.01; done
fi
exec "$program" "$@"
"#;

impl Recipe {
    /// The recipe for these roots and engines; none where what it needs is not installed.
    pub(crate) fn new(from: &Path, to: &Path, engines: &str) -> Option<Self> {
        skip::program("rsync")?;
        skip::program("flock")?;
        Some(Self {
            script: script(),
            from: from.to_owned(),
            to: to.to_owned(),
            names: to.with_extension("names"),
            engines: engines.to_owned(),
            bin: None,
        })
    }

    /// The recipe with something left out.
    pub(crate) fn without(mut self, what: &str) -> Self {
        assert!(self.script.contains(what), "the recipe has {what}");
        self.script = self.script.replacen(what, "", 1);
        self
    }

    /// Runs it, stops before it runs a program for the nth time to do something else, and goes on.
    pub(crate) fn run_with_halt(
        mut self,
        program: &str,
        nth: u32,
        meanwhile: impl FnOnce(),
    ) -> Result<(), String> {
        let bin = self.names.with_extension("bin");
        fs::create_dir_all(&bin).expect("there is room");
        let halting = bin.join(program);
        let text = HALTING.replace("$HALT_AT", &nth.to_string());
        fs::write(&halting, text).expect("there is room");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(halting, mode).expect("it is ours");
        self.bin = Some(bin.clone());
        let mut shell = self.start();
        while !bin.join("halted").exists() {
            assert!(shell.try_wait().expect("it was started").is_none());
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        meanwhile();
        fs::write(bin.join("go"), "").expect("there is room");
        Self::end(shell)
    }

    /// Starts it, as the first of a group of processes.
    pub(crate) fn start(&self) -> Child {
        let mut shell = Command::new("sh");
        if let Some(bin) = &self.bin {
            let system = std::env::var("PATH").expect("there is one");
            shell.env("PATH", format!("{}:{system}", bin.display()));
        }
        shell
            .args(["-c", &self.script])
            .env("SRC", &self.from)
            .env("DST", &self.to)
            .env("NAMES", &self.names)
            .env("ENGINES", &self.engines)
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        shell.spawn().expect("there is a shell")
    }

    /// Runs it, and returns what it complains of; nothing if it succeeds.
    pub(crate) fn run(&self) -> Result<(), String> {
        Self::end(self.start())
    }

    fn end(shell: Child) -> Result<(), String> {
        let output = shell.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            Ok(())
        } else {
            Err(said)
        }
    }
}

/// The only block of layout.md that is a recipe for rsync.
fn script() -> String {
    let layout = include_str!("../../layout.md");
    let mut blocks = layout.split("\n```sh rsync\n").skip(1);
    let block = blocks.next().expect("layout.md has a recipe");
    assert!(blocks.next().is_none(), "layout.md has one recipe");
    let end = block.find("\n```\n").expect("it ends");
    block[..=end].to_owned()
}
