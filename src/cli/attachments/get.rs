//! `engine-catalog attachments get`

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

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
        // A document is what it is.
        if context.out.is_json() {
            let message = "a document is printed as it is: leave --json out; `attachments SPEC --json` describes it";
            return Err(Failure::Usage(message.to_owned()));
        }
        let (_, attachment) = find(&context.read()?, &self.object)?;
        match self.output {
            None => context.out.bytes(&attachment.payload)?,
            Some(path) => write_new(&path, &attachment.payload)?,
        }
        Ok(Status::Done)
    }
}

/// Writes a file that is not there yet: all of it, or nothing stays.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |error| Failure::Unusable(format!("cannot write {}: {error}", path.display()));
    let mut file = match File::create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let message = format!("{} is there already: name another file", path.display());
            return Err(Failure::Input(message));
        }
        file => file.map_err(fail)?,
    };
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _ = std::fs::remove_file(path);
        fail(error)
    })
}
