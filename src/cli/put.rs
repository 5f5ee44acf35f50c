//! `engine-catalog put`

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use engine_catalog::EngineEntry;
use serde_json::value::RawValue;

use super::failure::{Failure, say};
use super::output::JsonChange;
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

impl Put {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let entries = read(&self.file)?;
        let (catalog, stamp) = context.write()?;
        let puts = catalog.put_all(&entries, &stamp)?;
        for (entry, put) in entries.iter().zip(&puts) {
            if context.out.is_json() {
                context
                    .out
                    .json(&JsonChange::new(&entry.engine, &entry.version, put))?;
            } else {
                context.out.line(&put.object.to_string())?;
            }
        }
        let unchanged = puts.iter().filter(|put| put.is_unchanged()).count();
        say(
            "put",
            &format!("{} stored, {unchanged} unchanged", puts.len() - unchanged),
        );
        Ok(Status::Done)
    }
}

/// Reads all entries of a file.
fn read(path: &Path) -> Result<Vec<EngineEntry>, Failure> {
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(|error| Failure::Read(path.to_owned(), error))?)
    };
    let name = match path.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => path.display().to_string(),
    };
    let refuse = |what: String| Failure::Input(format!("{name}: {what}"));
    let not_json = |error: serde_json::Error| refuse(format!("not JSON: {error}"));
    let mut entries = Vec::new();
    let values = serde_json::Deserializer::from_reader(BufReader::new(input));
    for value in values.into_iter::<Box<RawValue>>() {
        let value = value.map_err(|error| match error.is_io() {
            true => Failure::Read(path.to_owned(), error.into()),
            false => not_json(error),
        })?;
        let values: Vec<Box<RawValue>> = match value.get().starts_with('[') {
            true => serde_json::from_str(value.get()).map_err(not_json)?,
            false => vec![value],
        };
        for value in values {
            // Here, and not only where it is stored: to say which of many it is.
            let number = entries.len() + 1;
            let entry: EngineEntry = serde_json::from_str(value.get())
                .map_err(|error| refuse(format!("entry {number}: {error}")))?;
            entry
                .validate()
                .map_err(|error| refuse(format!("entry {number}: {error}")))?;
            entries.push(entry);
        }
    }
    if entries.is_empty() {
        return Err(refuse("there is no entry in it".to_owned()));
    }
    Ok(entries)
}
