//! `engine-catalog rollback`

use clap::Args;
use engine_catalog::{Error, ObjectId, Prefix, RefName};

use super::failure::{Failure, say};
use super::output::JsonChange;
use super::text::short;
use super::{Context, Status};

/// Make an earlier entry current again
///
/// Without --to: the entry before the current, or for a retired engine and version the one that it
/// last had. Rolling back again leads further back. Prints the object id that is current now.
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// The engine and version
    #[arg(value_name = "ENGINE/VERSION")]
    name: RefName,

    /// The entry to go back to, by the first digits of its object id; `history` shows them
    #[arg(long, value_name = "OBJECT")]
    to: Option<Prefix>,
}

impl Rollback {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let (catalog, stamp) = context.write()?;
        let to = self
            .to
            .map(|prefix| in_history(&catalog.history(&self.name)?, prefix))
            .transpose()?;
        let put = catalog.rollback(&self.name, to, &stamp)?;
        if context.out.is_json() {
            let (engine, version) = (self.name.engine(), self.name.version());
            let change = JsonChange::new(engine.as_str(), version.as_str(), &put);
            context.out.json(&change)?;
        } else {
            context.out.line(&put.object.to_string())?;
            let from = put.previous.map_or_else(|| "retired".to_owned(), short);
            say(
                "rollback",
                &format!("{}: {from} -> {}", self.name, short(put.object)),
            );
        }
        Ok(Status::Done)
    }
}

/// The entry of a history whose object id starts with `prefix`.
fn in_history(changes: &[engine_catalog::Change], prefix: Prefix) -> Result<ObjectId, Failure> {
    let known = changes
        .iter()
        .flat_map(|change| [change.old, change.new])
        .flatten();
    let mut candidates: Vec<_> = known.filter(|id| prefix.matches(id)).collect();
    candidates.sort_unstable();
    candidates.dedup();
    match candidates[..] {
        [id] => Ok(id),
        [] => Err(Failure::NotFound(format!(
            "no entry of the history starts with {prefix}"
        ))),
        _ => Err(Error::AmbiguousPrefix { prefix, candidates }.into()),
    }
}
