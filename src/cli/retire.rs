//! `engine-catalog retire`

use clap::Args;
use engine_catalog::{Expect, RefName};

use super::failure::{Failure, say};
use super::output::JsonChange;
use super::{Context, Status};

/// Take an engine and version out of the listing
///
/// Its entries and its history stay, and `rollback` brings it back. Prints the object id that was
/// current.
#[derive(Debug, Args)]
pub(super) struct Retire {
    /// The engine and version
    #[arg(value_name = "ENGINE/VERSION")]
    name: RefName,
}

impl Retire {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let (catalog, stamp) = context.write()?;
        let name = self.name;
        let Some(object) = catalog.retire(&name, Expect::Any, &stamp)? else {
            return Err(Failure::NotFound(format!("there is no ref {name}")));
        };
        if context.out.is_json() {
            context.out.json(&JsonChange::retired(&name, object))?;
        } else {
            context.out.line(&object.to_string())?;
            say(
                "retire",
                &format!("{name}; `engine-catalog rollback '{name}'` brings it back"),
            );
        }
        Ok(Status::Done)
    }
}
