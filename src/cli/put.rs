//! `engine-catalog put`

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use engine_catalog::{EngineEntry, encode_entry, find_secret};
use serde_json::value::RawValue;

use super::failure::{Failure, say};
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

/// The most bytes of input: more than ten thousand entries of ordinary size, and no more than a
/// machine has to spare.
const MAX_INPUT: u64 = 256 << 20;

/// How many entries are stored before their object ids are printed.
const BATCH: usize = 64;

impl Put {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let entries = parse(&self.file, &read(&self.file)?)?;
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

/// Reads all of a file.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let fail = |error| Failure::Read(path.to_owned(), error);
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(fail)?)
    };
    let mut bytes = Vec::new();
    input
        .take(MAX_INPUT + 1)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes.len() as u64 > MAX_INPUT {
        let limit = "more than 256 MiB: put the entries in several parts";
        return Err(refuse(path, limit));
    }
    Ok(bytes)
}

fn refuse(path: &Path, what: impl std::fmt::Display) -> Failure {
    let name = match path.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => path.display().to_string(),
    };
    Failure::Input(format!("{name}: {what}"))
}

/// Returns the entries of the input, all of them checked.
fn parse(path: &Path, input: &[u8]) -> Result<Vec<EngineEntry>, Failure> {
    let not_json = |error: serde_json::Error| refuse(path, format!("not JSON: {error}"));
    let mut entries = Vec::new();
    for value in serde_json::Deserializer::from_slice(input).into_iter::<&RawValue>() {
        let value = value.map_err(not_json)?.get();
        let values = if value.starts_with('[') {
            serde_json::from_str::<Vec<&RawValue>>(value).map_err(not_json)?
        } else {
            vec![serde_json::from_str(value).map_err(not_json)?]
        };
        for value in values {
            let number = entries.len() + 1;
            let entry = parse_entry(value.get());
            entries.push(entry.map_err(|error| refuse(path, format!("entry {number}: {error}")))?);
        }
    }
    if entries.is_empty() {
        return Err(refuse(path, "there is no entry in it"));
    }
    Ok(entries)
}

/// Parses and checks an entry. What is wrong with it is not repeated where it may be a secret.
fn parse_entry(json: &str) -> Result<EngineEntry, String> {
    if !json.starts_with('{') {
        return Err("it is not an object".to_owned());
    }
    let entry: EngineEntry = serde_json::from_str(json).map_err(|error| {
        // The message may repeat a text whose escapes are undone.
        let error = error.to_string();
        match find_secret(json).or_else(|| find_secret(&error)) {
            Some(kind) => format!("it is not an entry, and looks like it contains {kind}"),
            None => error,
        }
    })?;
    entry.refuse_secrets().map_err(|error| {
        format!("{error}: leave it out, or refer to it by a variable such as ${{HF_TOKEN}}")
    })?;
    encode_entry(&entry).map_err(|error| error.to_string())?;
    Ok(entry)
}
