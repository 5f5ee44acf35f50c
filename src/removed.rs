//! The file `removed`: which objects and blobs were removed, when, by which plan, on whose order (layout.md
//! section 5.9). It has a limit, and then tells of the last ones.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::durable::{PathError, Permissions, Root};
use crate::hash::ObjectId;
use crate::layout;
use crate::name::Name;

/// That something was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Removal {
    /// When: milliseconds since the Unix epoch, by the clock of whoever removed it.
    pub at_ms: i64,
    /// What.
    pub kind: RemovedKind,
    /// Which.
    pub id: ObjectId,
    /// The [plan](crate::GcPlan::id) that it was part of.
    pub plan: ObjectId,
    /// Who.
    #[serde(serialize_with = "crate::as_text::serialize")]
    pub actor: Name,
}

/// What was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RemovedKind {
    /// An object.
    Object,
    /// The content of an artifact.
    Blob,
}

impl RemovedKind {
    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Blob => "blob",
        }
    }
}

/// The line that stands for it, without its line feed.
impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, actor) = (self.kind.as_str(), self.actor.to_file_name());
        write!(f, "{} {kind} {} {} {actor}", self.at_ms, self.id, self.plan)
    }
}

impl Removal {
    /// Returns what a line stands for; `None` where it is malformed.
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(' ');
        let removal = Self {
            at_ms: fields.next()?.parse().ok()?,
            kind: match fields.next()? {
                "object" => RemovedKind::Object,
                "blob" => RemovedKind::Blob,
                _ => return None,
            },
            id: fields.next()?.parse().ok()?,
            plan: fields.next()?.parse().ok()?,
            actor: Name::from_file_name(fields.next()?)?,
        };
        // Comparing the text refuses other spellings.
        (removal.to_string() == line).then_some(removal)
    }
}

fn read(root: &Root) -> Result<Vec<u8>, PathError> {
    let text = root.read(Path::new(layout::REMOVED), layout::MAX_REMOVED_BYTES)?;
    Ok(text.unwrap_or_default())
}

/// Returns what the file tells, the last first. Lines that are malformed are passed over: what they said is lost,
/// and nothing depends on it.
fn removals(text: &[u8]) -> impl Iterator<Item = Removal> {
    let lines = text.split(|byte| *byte == b'\n').rev();
    lines.filter_map(|line| Removal::parse(std::str::from_utf8(line).ok()?))
}

/// Returns the last time that something of this name was removed, as far as is known.
pub(crate) fn find(root: &Root, id: &ObjectId) -> Result<Option<Removal>, PathError> {
    let text = read(root)?;
    Ok(removals(&text).find(|removal| removal.id == *id))
}

/// Returns the objects that were removed, and when each was last, as far as is known.
pub(crate) fn objects(root: &Root) -> Result<BTreeMap<ObjectId, i64>, PathError> {
    let text = read(root)?;
    let mut objects = BTreeMap::new();
    for removal in removals(&text).filter(|it| it.kind == RemovedKind::Object) {
        let last = objects.entry(removal.id).or_insert(removal.at_ms);
        *last = removal.at_ms.max(*last);
    }
    Ok(objects)
}

/// Adds to the file what is removed, so that it survives, and takes away the oldest lines where it would be too
/// large. What cannot be read of it is lost: it holds nothing up.
///
/// # Locking
///
/// The caller holds the store lock, exclusively.
pub(crate) fn add(root: &Root, removals: impl Iterator<Item = Removal>) -> Result<(), PathError> {
    let before = read(root).unwrap_or_default();
    let added: String = removals.map(|it| format!("{it}\n")).collect();
    if added.is_empty() {
        return Ok(());
    }
    let is_whole = before.is_empty() || before.ends_with(b"\n");
    let between: &[u8] = if is_whole { b"" } else { b"\n" };
    let text = [&before[..], between, added.as_bytes()].concat();
    let text = last_lines(&text, layout::MAX_REMOVED_BYTES);
    let staged = root.stage_named(text, Permissions::ByUmask)?;
    root.sync([staged.file()], [])?;
    let top = root.own_dir()?;
    top.replace(staged, layout::REMOVED)?;
    top.sync()
}

/// Returns the last whole lines that have no more bytes than that.
fn last_lines(text: &[u8], most: u64) -> &[u8] {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let Some(cut) = text.len().checked_sub(most).filter(|cut| *cut > 0) else {
        return text;
    };
    let begins = text[cut - 1..].iter().position(|byte| *byte == b'\n');
    begins.map_or(&[], |at| &text[cut + at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_has_the_form_of_the_layout() {
        let (id, plan) = ("ab".repeat(32), "cd".repeat(32));
        let line = format!("7 blob {id} {plan} me%40here");
        let removal = Removal::parse(&line).unwrap();
        assert_eq!(removal.to_string(), line);
        assert_eq!((removal.at_ms, removal.kind), (7, RemovedKind::Blob));
        assert_eq!(removal.actor.to_string(), "me@here");
        for line in [
            String::new(),
            format!("07 blob {id} {plan} me"),
            format!("7 link {id} {plan} me"),
            format!("7 blob {id} - me"),
            format!("7 blob {id} {plan} me "),
            format!("7 blob {id} {plan}"),
        ] {
            assert!(Removal::parse(&line).is_none(), "{line:?}");
        }
    }

    #[test]
    fn last_whole_lines_stay() {
        let text = b"one\ntwo\nthree\n";
        for (most, kept) in [
            (14, &text[..]),
            (13, b"two\nthree\n"),
            (10, b"two\nthree\n"),
            (9, b"three\n"),
            (6, b"three\n"),
            (5, b""),
            (0, b""),
        ] {
            assert_eq!(last_lines(text, most), kept, "{most}");
        }
    }
}
