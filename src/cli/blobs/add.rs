//! `engine-catalog blobs add`

use clap::Args;
use serde_json::json;

use super::stored;
use crate::cli::bar::HashingBar;
use crate::cli::failure::{Failure, say};
use crate::cli::get::find;
use crate::cli::{Context, Status};

/// Keep the files of recorded engines in the catalog
///
/// What was recorded is what is kept: every byte is hashed when it is in the catalog, and a file that has
/// drifted is refused. Where the file system can (btrfs, XFS), a blob shares its blocks with the file and
/// takes no room; else it is a copy. Adding again changes nothing.
///
/// Columns: engine and version, files, their bytes, new blobs, their bytes.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  engine-catalog blobs add llamacpp/b4321")]
pub(in crate::cli) struct Add {
    /// engine/version, id, or first digits of an object id
    #[arg(value_name = "SPEC", required = true)]
    specs: Vec<String>,
}

impl Add {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.open()?;
        let records = self.specs.iter().map(|spec| find(&catalog, spec));
        for record in records.collect::<Result<Vec<_>, _>>()? {
            let mut bar = HashingBar::default();
            let added = catalog.store_files(&record, &mut |progress| bar.show(progress));
            drop(bar);
            let added = added?;
            if context.out.is_json() {
                context.out.json(&json!({
                    "engine": record.entry.engine,
                    "version": record.entry.version,
                    "object": record.object,
                    "files": added.files,
                    "bytes": added.bytes,
                    "new_blobs": added.new_blobs,
                    "new_bytes": added.new_bytes,
                    "shared_bytes": added.shared_bytes,
                }))?;
                continue;
            }
            let name = record.name();
            let counts = [added.files, added.new_blobs].map(|count| count.to_string());
            let [files, new_blobs] = counts;
            let (bytes, new_bytes) = (added.bytes, added.new_bytes);
            context.out.line(&format!(
                "{name}  {files}  {bytes}  {new_blobs}  {new_bytes}"
            ))?;
            say("blobs", &format!("{name}: {}", stored(&added)));
        }
        Ok(Status::Done)
    }
}
