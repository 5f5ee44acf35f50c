//! `engine-catalog blobs list`

use clap::Args;
use serde_json::json;

use crate::cli::failure::Failure;
use crate::cli::get::find;
use crate::cli::{Context, Status};

/// List what is kept of the files of engines
///
/// Of an engine each of its files is listed, with the blob that has its content, and whether that is in
/// the catalog; without SPEC, all blobs that are. Nothing is hashed: `verify` does that.
///
/// Columns: blob, bytes; of an engine also `stored` or `absent`, and the path that was recorded.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    /// engine/version, id, or first digits of an object id
    #[arg(value_name = "SPEC")]
    spec: Option<String>,
}

impl List {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        let Some(spec) = &self.spec else {
            for (blob, bytes) in catalog.blobs()? {
                match context.out.is_json() {
                    true => context.out.json(&json!({ "blob": blob, "bytes": bytes }))?,
                    false => context.out.line(&format!("{blob}  {bytes}"))?,
                }
            }
            return Ok(Status::Done);
        };
        let record = find(&catalog, spec)?;
        let mut rows = Vec::new();
        for file in catalog.stored_files(&record)? {
            let path = file.path.to_string_lossy();
            if context.out.is_json() {
                context.out.json(&json!({
                    "blob": file.blob,
                    "bytes": file.size,
                    "stored": file.is_stored,
                    "path": path,
                }))?;
                continue;
            }
            let state = if file.is_stored { "stored" } else { "absent" };
            rows.push([
                file.blob.to_string(),
                file.size.to_string(),
                state.to_owned(),
                path.into_owned(),
            ]);
        }
        if !rows.is_empty() {
            context
                .out
                .table(["BLOB", "BYTES", "STATE", "PATH"], rows)?;
        }
        Ok(Status::Done)
    }
}
