//! `engine-catalog put`

use std::path::PathBuf;

use clap::Args;
use engine_catalog::EngineEntry;

use super::entries_json::parse;
use super::failure::{Failure, say};
use super::input::{read, refuse};
use super::output::{JsonChange, Output};
use super::{Context, Status};

/// Store entries given as JSON, exactly as they are
///
/// Reads one entry, several one after another, or an array of them, in the form that `get --json`
/// shows as `entry`. Each becomes current for its engine and version. All are checked before any is
/// stored. Prints the object id of each, a line each, in the order of the input.
///
/// Provisioners want `record`, which looks at the files, fills in the digest and recognises a build
/// that is recorded already.
#[derive(Debug, Args)]
#[command(after_help = r#"Example:
  echo '{"id": "llamacpp:b4321", "engine": "llamacpp", "version": "b4321",
         "artifacts": ["/opt/llamacpp/b4321/llama-server"], "created_ms": 1758240000000}' |
    engine-catalog put"#)]
pub(super) struct Put {
    /// A file with the entries; `-` for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// How many entries are stored before their object ids are printed.
const BATCH: usize = 64;

impl Put {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let entries = parse(&read(&self.file)?).map_err(|error| refuse(&self.file, error))?;
        let (catalog, stamp) = context.write()?;
        let mut unchanged = 0;
        let mut is_read = true;
        for batch in entries.chunks(BATCH) {
            let puts = catalog.put_all(batch, &stamp)?;
            unchanged += puts.iter().filter(|put| put.is_unchanged()).count();
            if !is_read {
                continue;
            }
            match print(&mut context.out, batch, &puts) {
                // Whoever read the object ids has seen enough; the entries are to be stored still.
                Err(failure) if failure.is_closed_pipe() => is_read = false,
                printed => printed?,
            }
        }
        say(
            "put",
            &format!(
                "{} stored, {unchanged} unchanged",
                entries.len() - unchanged
            ),
        );
        Ok(Status::Done)
    }
}

/// Prints what became of a batch. What is printed is stored, also if the next batch fails.
fn print(
    out: &mut Output,
    batch: &[EngineEntry],
    puts: &[engine_catalog::Put],
) -> Result<(), Failure> {
    for (entry, put) in batch.iter().zip(puts) {
        if out.is_json() {
            out.json(&JsonChange::new(&entry.engine, &entry.version, put))?;
        } else {
            out.line(&put.object.to_string())?;
        }
    }
    out.flush()
}
