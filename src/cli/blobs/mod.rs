//! `engine-catalog blobs`: one file for each of its commands.

mod add;
mod list;

use clap::{Args, Subcommand};
use engine_catalog::StoredFiles;
use indicatif::HumanBytes;

use super::failure::Failure;
use super::{Context, Status};

/// Keep the files of engines in the catalog
///
/// A blob is the content of a file, named by its BLAKE3 hash: the same content is kept once over all
/// engines and versions, and `b3sum` can check it. `materialize` writes the files of an engine from its
/// blobs; `import --blobs` brings them from another catalog.
#[derive(Debug, Args)]
pub(super) struct Blobs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(add::Add),
    List(list::List),
}

impl Blobs {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        match self.command {
            Command::Add(command) => command.run(context),
            Command::List(command) => command.run(context),
        }
    }
}

/// What was stored, for a person.
pub(super) fn stored(stored: &StoredFiles) -> String {
    let noun = if stored.files == 1 { "file" } else { "files" };
    let shared = match stored.shared_bytes {
        0 => String::new(),
        bytes => format!(", {} of them shared with the files", HumanBytes(bytes)),
    };
    format!(
        "{} {noun}, {}; new: {} blobs, {}{shared}",
        stored.files,
        HumanBytes(stored.bytes),
        stored.new_blobs,
        HumanBytes(stored.new_bytes),
    )
}
