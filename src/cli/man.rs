//! `engine-catalog man`

use clap::{Args, CommandFactory};

use super::failure::Failure;
use super::{Cli, Context, Status};

/// Print a manual page (roff)
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  engine-catalog man record | man -l -")]
pub(super) struct Man {
    /// The page of this command instead of the overview
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

impl Man {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let mut command = Cli::command();
        command.build();
        if let Some(name) = self.command {
            let found = command.find_subcommand(&name).cloned();
            let not_found = || Failure::Usage(format!("there is no command {name:?}"));
            // The page is titled like the file that `man engine-catalog-record` looks for.
            command = found
                .ok_or_else(not_found)?
                .name(format!("engine-catalog-{name}"));
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        context.out.bytes(&page)?;
        Ok(Status::Done)
    }
}
