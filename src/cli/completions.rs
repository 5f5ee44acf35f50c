//! `engine-catalog completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::failure::Failure;
use super::{Cli, Context, Status};

/// Print a script that completes commands in a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  engine-catalog completions bash > ~/.local/share/bash-completion/completions/engine-catalog")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Cli::command(),
            "engine-catalog",
            &mut script,
        );
        context.out.bytes(&script)?;
        Ok(Status::Done)
    }
}
