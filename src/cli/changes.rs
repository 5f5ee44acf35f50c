//! What became of entries, as `diff`, `snapshot diff` and `list --watch` show it.

use engine_catalog::{
    Catalog, EngineEntry, EntryChange, ErrorKind, FieldDiff, ObjectId, Record, RefName,
};
use serde::Serialize;

use super::diff::show_field;
use super::failure::{Failure, say};
use super::output::Output;
use super::text::{printable, short};
use super::{Context, Status};

/// Shows what differs between two sets, with the files that do, and returns how the command ends;
/// `damaged` things could not be read before.
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
        let change = ShownChange::of(&change)?;
        if context.out.is_json() {
            change.json(&mut context.out, Entry::LeftOut)?;
            continue;
        }
        context.out.line(&change.line())?;
        let mut fields = change.fields.iter();
        fields.try_for_each(|field| show_field(&mut context.out, field, "    "))?;
    }
    finish(damaged, are_equal)
}

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

/// Returns how a command ends that compared two sides.
pub(super) fn finish(damaged: usize, are_equal: bool) -> Result<Status, Failure> {
    match damaged {
        0 if are_equal => Ok(Status::Done),
        0 => Ok(Status::Found),
        damaged => Err(Failure::Damaged(damaged)),
    }
}

/// A change, and the words for it.
pub(super) struct ShownChange<'a> {
    name: RefName,
    word: &'static str,
    sign: char,
    from: Option<&'a Record>,
    to: Option<&'a Record>,
    fields: &'a [FieldDiff],
}

/// Whether the entry that there is now is shown with its change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Shown,
    LeftOut,
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
    /// The inner is `null` where there is no entry now.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<Option<&'a EngineEntry>>,
}

impl<'a> ShownChange<'a> {
    pub(super) fn of(change: &'a EntryChange) -> Result<Self, Failure> {
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
        let name = change.name();
        Ok(Self {
            name,
            word,
            sign,
            from,
            to,
            fields,
        })
    }

    /// Returns a line for a person.
    pub(super) fn line(&self) -> String {
        let records = [self.from, self.to].into_iter().flatten();
        let objects: Vec<_> = records.clone().map(|it| short(it.object)).collect();
        let mut names: Vec<_> = records.map(|it| it.name().to_string()).collect();
        names.dedup();
        let (names, objects) = (printable(&names.join(" -> ")), objects.join(" -> "));
        format!("{} {names}  {objects}", self.sign)
    }

    /// Writes a line for a program.
    pub(super) fn json(&self, out: &mut Output, entry: Entry) -> Result<(), Failure> {
        let now = self.to.map(|record| &record.entry);
        out.json(&JsonEntryChange {
            change: self.word,
            engine: self.name.engine().as_str(),
            version: self.name.version().as_str(),
            from: self.from.map(|record| record.object),
            to: self.to.map(|record| record.object),
            fields: self.fields,
            entry: (entry == Entry::Shown).then_some(now),
        })
    }
}
