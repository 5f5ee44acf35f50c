//! `engine-catalog snapshot delete`

use clap::Args;
use engine_catalog::Name;

use super::not_found;
use crate::cli::failure::Failure;
use crate::cli::{Context, Status};

/// Take the name of a snapshot away
///
/// Prints the snapshot id. The snapshot and its entries stay in the store.
#[derive(Debug, Args)]
pub(super) struct Delete {
    /// The name
    #[arg(value_name = "NAME")]
    name: Name,
}

impl Delete {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let (catalog, _) = context.write()?;
        let Some(snapshot) = catalog.remove_snapshot(&self.name)? else {
            return Err(not_found(self.name.as_str()));
        };
        if context.out.is_json() {
            context.out.json(&serde_json::json!({
                "name": self.name.as_str(),
                "snapshot": snapshot,
            }))?;
        } else {
            context.out.line(&snapshot.to_string())?;
        }
        Ok(Status::Done)
    }
}
