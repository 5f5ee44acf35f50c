//! What differs between two sets of entries, as a person reads it and as JSON.

use engine_catalog::{Catalog, EntryChange, ErrorKind, FieldDiff, ObjectId, Record};
use serde::Serialize;

use super::diff::show_field;
use super::failure::{Failure, say};
use super::text::{printable, short};
use super::{Context, Status};

/// Returns what differs between the files of two entries. What cannot be read is reported, and
/// counted.
pub(super) fn files(
    catalog: &Catalog,
    from: &Record,
    to: &Record,
    damaged: &mut usize,
) -> Result<Option<FieldDiff>, Failure> {
    match catalog.compare_files(from, to) {
        Err(error) if error.kind() == ErrorKind::Damage => {
            *damaged += 1;
            say("error", &error.to_string());
            Ok(None)
        }
        files => Ok(files?),
    }
}

/// Shows changes, with the files that differ, and returns how the command ends; `damaged` things could
/// not be read before.
pub(super) fn show(
    context: &mut Context,
    catalog: &Catalog,
    changes: Vec<EntryChange>,
    mut damaged: usize,
) -> Result<Status, Failure> {
    let are_equal = changes.is_empty();
    for mut change in changes {
        if let EntryChange::Changed { from, to, fields } = &mut change {
            fields.extend(files(catalog, from, to, &mut damaged)?);
        }
        show_change(context, &change)?;
    }
    finish(damaged, are_equal)
}

/// Returns how a command ends that compared two sides.
pub(super) fn finish(damaged: usize, are_equal: bool) -> Result<Status, Failure> {
    match damaged {
        0 if are_equal => Ok(Status::Done),
        0 => Ok(Status::Found),
        damaged => Err(Failure::Damaged(damaged)),
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
        EntryChange::Added(to) => ("added", '+', None, Some(to), &[][..]),
        EntryChange::Removed(from) => ("removed", '-', Some(from), None, &[][..]),
        EntryChange::Changed { from, to, fields } => {
            ("changed", '~', Some(&**from), Some(&**to), &fields[..])
        }
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
            from: from.map(|record| record.object),
            to: to.map(|record| record.object),
            fields,
        });
    }
    let sides = [from, to].into_iter().flatten();
    let objects: Vec<_> = sides.clone().map(|side| short(side.object)).collect();
    let mut names: Vec<_> = sides.map(|side| side.name().to_string()).collect();
    names.dedup();
    let (names, objects) = (printable(&names.join(" -> ")), objects.join(" -> "));
    context.out.line(&format!("{sign} {names}  {objects}"))?;
    let mut fields = fields.iter();
    fields.try_for_each(|field| show_field(&mut context.out, field, "    "))
}
