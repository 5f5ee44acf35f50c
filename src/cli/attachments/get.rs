//! `engine-catalog attachments get`

use std::path::PathBuf;

use clap::Args;

use super::find;
use crate::cli::failure::Failure;
use crate::cli::{Context, Status};

/// Print a document that is attached to something, byte for byte
#[derive(Debug, Args)]
pub(in crate::cli) struct Get {
    /// The object of the attachment, or the first digits of its id
    #[arg(value_name = "OBJECT")]
    object: String,

    /// Write to this file, which must not exist, and not to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Get {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let (_, attachment) = find(&context.read()?, &self.object)?;
        match self.output {
            None => context.out.bytes(&attachment.payload)?,
            Some(path) => std::fs::File::create_new(&path)
                .and_then(|mut file| std::io::Write::write_all(&mut file, &attachment.payload))
                .map_err(|error| Failure::Unusable(format!("{}: {error}", path.display())))?,
        }
        Ok(Status::Done)
    }
}
