//! `engine-catalog init`

use clap::Args;
use engine_catalog::{Catalog, Error};
use serde_json::json;

use super::failure::{Failure, say};
use super::{Context, Status, signals};

/// Make a catalog
///
/// Makes the directory and those above it where they are missing. A directory that is a catalog
/// already stays as it is; one that holds anything else is refused.
#[derive(Debug, Args)]
pub(super) struct Init {}

impl Init {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let root = context.root()?;
        signals::leave_nothing_behind();
        let created = match Catalog::create(&root) {
            Ok(_) => true,
            // Only if this program can use it.
            Err(Error::AlreadyACatalog { .. }) => Catalog::open(&root).map(|_| false)?,
            Err(error) => return Err(error.into()),
        };
        if context.out.is_json() {
            context
                .out
                .json(&json!({ "root": root.to_string_lossy(), "created": created }))?;
        } else {
            let what = if created {
                "made a catalog"
            } else {
                "there is a catalog already"
            };
            say("init", &format!("{what} at {}", root.display()));
        }
        Ok(Status::Done)
    }
}
