//! `engine-catalog snapshot diff`

use clap::Args;
use engine_catalog::{EntryChange, FieldDiff, Filter, Members, ObjectId, compare};
use serde::Serialize;

use super::{finish, members};
use crate::cli::diff::show_field;
use crate::cli::failure::Failure;
use crate::cli::text::{printable, short};
use crate::cli::{Context, Status};

/// Show what differs between two snapshots
///
/// Prints nothing and exits with 0 where they are equal; exits with 1 where they differ. + marks an
/// entry that came, - one that went, ~ one that became another, with the fields that differ.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The first snapshot: name, or first digits of its id
    #[arg(value_name = "FROM")]
    from: String,

    /// The second snapshot [default: the current entries]
    #[arg(value_name = "TO")]
    to: Option<String>,
}

impl Diff {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        let (from, mut damaged) = members(&catalog, &self.from)?;
        let to = match &self.to {
            Some(spec) => {
                let (to, missing) = members(&catalog, spec)?;
                damaged += missing;
                to
            }
            None => {
                let now = catalog.snapshot_of(&Members::Current(Filter::default()))?;
                catalog.members(&now)?
            }
        };
        let changes = compare(&from, &to);
        for change in &changes {
            show_change(context, change)?;
        }
        match finish(damaged)? {
            Status::Done if !changes.is_empty() => Ok(Status::Found),
            status => Ok(status),
        }
    }
}

#[derive(Serialize)]
struct JsonEntryChange<'a> {
    change: &'static str,
    engine: &'a str,
    version: &'a str,
    from: Option<ObjectId>,
    to: Option<ObjectId>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fields: &'a [FieldDiff],
}

fn show_change(context: &mut Context, change: &EntryChange) -> Result<(), Failure> {
    let name = change.name();
    let (word, sign, from, to, fields) = match change {
        EntryChange::Added(to) => ("added", '+', None, Some(to.object), &[][..]),
        EntryChange::Removed(from) => ("removed", '-', Some(from.object), None, &[][..]),
        EntryChange::Changed { from, to, fields } => (
            "changed",
            '~',
            Some(from.object),
            Some(to.object),
            &fields[..],
        ),
        other => {
            return Err(Failure::Unusable(format!(
                "this program does not know of {other:?}"
            )));
        }
    };
    if context.out.is_json() {
        return context.out.json(&JsonEntryChange {
            change: word,
            engine: name.engine().as_str(),
            version: name.version().as_str(),
            from,
            to,
            fields,
        });
    }
    let objects: Vec<_> = [from, to].into_iter().flatten().map(short).collect();
    let name = printable(&name.to_string());
    context
        .out
        .line(&format!("{sign} {name}  {}", objects.join(" -> ")))?;
    fields
        .iter()
        .try_for_each(|field| show_field(&mut context.out, field, "    "))
}
