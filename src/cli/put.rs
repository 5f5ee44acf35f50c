//! `engine-catalog put`

use std::path::PathBuf;

use clap::Args;
use engine_catalog::{EngineEntry, Error, Expect, Prefix};

use super::entries_json::parse;
use super::failure::{Failure, say};
use super::input::{read, refuse};
use super::key::{Key, KeyArg};
use super::output::{JsonChange, Output};
use super::verify::starting_with;
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

    /// Make an entry current that is in the store, by its object id or the first digits of that: one that
    /// had to be signed first
    #[arg(long, value_name = "HASH", conflicts_with = "file")]
    object: Option<Prefix>,

    #[command(flatten)]
    key: KeyArg,
}

/// How many entries are stored before their object ids are printed.
const BATCH: usize = 64;

impl Put {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        if let Some(prefix) = &self.object {
            return put_object(prefix, self.key.read()?.as_ref(), context);
        }
        let key = self.key.read()?;
        let entries = parse(&read(&self.file)?).map_err(|error| refuse(&self.file, error))?;
        let (catalog, stamp) = context.write()?;
        let mut unchanged = 0;
        let mut is_read = true;
        for batch in entries.chunks(BATCH) {
            if let Some(key) = &key {
                let stored = catalog.store(batch)?;
                (stored.iter()).try_for_each(|object| key.endorse(&catalog, object))?;
            }
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
        tell(entries.len() - unchanged, unchanged);
        Ok(Status::Done)
    }
}

/// Makes an entry of the store current.
fn put_object(
    prefix: &Prefix,
    key: Option<&Key>,
    context: &mut Context,
) -> Result<Status, Failure> {
    let (catalog, stamp) = context.write()?;
    let object = starting_with(&catalog, prefix)?;
    if let Some(key) = key {
        // Nothing else is signed on the way.
        let entry = catalog.entry(&object)?;
        entry.ok_or(Error::NoSuchEntry { object })?;
        key.endorse(&catalog, &object)?;
    }
    let done = catalog.put_object(&object, Expect::Any, &stamp)?;
    let put = done.put;
    print(&mut context.out, &[done.entry], &[put])?;
    let unchanged = usize::from(put.is_unchanged());
    tell(1 - unchanged, unchanged);
    Ok(Status::Done)
}

fn tell(stored: usize, unchanged: usize) {
    say("put", &format!("{stored} stored, {unchanged} unchanged"));
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
