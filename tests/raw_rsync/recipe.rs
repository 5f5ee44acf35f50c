//! The recipe as it stands in layout.md, to be run and to be killed.

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
}

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
        })
    }

    /// Starts it, as the first of a group of processes.
    pub(crate) fn start(&self) -> Child {
        let mut shell = Command::new("sh");
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
        let output = self.start().wait_with_output().expect("it ends");
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
