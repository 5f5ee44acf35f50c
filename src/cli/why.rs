//! `engine-catalog why`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use engine_catalog::{Kept, Mention, Prefix, Reason, Removal, RemovedKind, Stored};

use super::failure::Failure;
use super::gc::GraceArgs;
use super::text::{printable, short, time};
use super::{Context, Status};

/// Show what keeps an object, or that nothing does
///
/// An object is kept by refs that hold it or have held it, by named snapshots, by being a member of a
/// snapshot that is kept, by being attached to an object that is kept, and for a while by its age: by what
/// `gc` would find. Histories that mention it are shown too, and when it was removed.
///
/// Exit status: 0 where something keeps it; 1 where nothing does, or there is no trace of it; 3 where
/// damage leaves open whether something does.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  engine-catalog why 6cdceb1b")]
pub(super) struct Why {
    /// Object id; or first digits of one that is in the store, four or more
    #[arg(value_name = "HASH")]
    hash: Prefix,

    #[command(flatten)]
    grace: GraceArgs,
}

impl Why {
    pub(super) fn run(self, context: &mut Context) -> Result<Status, Failure> {
        let catalog = context.read()?;
        let object = match self.hash.as_object_id() {
            Some(object) => Some(object),
            None => catalog.resolve(&self.hash)?,
        };
        let object = object.ok_or_else(|| {
            Failure::NotFound(format!(
                "no object in the store starts with {}; give all 64 digits to look elsewhere",
                self.hash
            ))
        })?;
        let why = catalog.why(&object, &self.grace.keep_by_retention(&catalog)?)?;
        if context.out.is_json() {
            context.out.json(&why)?;
        } else if why.is_found() || why.kept == Kept::Unknown {
            for line in page(&why) {
                context.out.line(&line)?;
            }
        }
        match why.kept {
            Kept::Yes => Ok(Status::Done),
            Kept::No if why.is_found() => Ok(Status::Found),
            Kept::No => Err(Failure::NotFound(format!(
                "there is no trace of object {object}"
            ))),
            _ => Err(Failure::Unclear(format!(
                "damage leaves open whether anything keeps {object}"
            ))),
        }
    }
}

/// The report for a person: what it is, what keeps it, who mentions it.
fn page(why: &engine_catalog::Why) -> Vec<String> {
    let mut kept_by = chain(why);
    if why.kept == Kept::No {
        kept_by.push("nothing".to_owned());
    }
    let live: BTreeSet<_> = why.above.iter().map(|above| above.object).collect();
    let dead = (why.attached_to.iter()).filter(|subject| !live.contains(subject));
    let nothing = match why.kept {
        Kept::Unknown => "nothing that is known",
        _ => "nothing",
    };
    let unknown = why.unknown.iter();
    let unknown = unknown.map(|unknown| unknown.reason.clone()).collect();
    let fields = [
        ("object", vec![why.object.to_string()]),
        ("stored", vec![stored(&why.stored)]),
        ("kept by", kept_by),
        (
            "attached to",
            dead.map(|subject| format!("{}, which {nothing} keeps", short(*subject)))
                .collect(),
        ),
        ("mentioned", why.history.iter().map(mention).collect()),
        ("removed", why.removed.iter().map(removed).collect()),
        ("unclear", unknown),
    ];
    let mut lines = Vec::new();
    for (field, values) in fields {
        for (at, value) in values.iter().enumerate() {
            let label = if at == 0 { field } else { "" };
            lines.push(format!("{label:<13}{}", printable(value)));
        }
    }
    lines
}

fn stored(stored: &Stored) -> String {
    match stored {
        Stored::Missing => "no, it is missing".to_owned(),
        Stored::Entry { name } => format!("entry of {name}"),
        Stored::Snapshot { members: 1 } => "snapshot with one member".to_owned(),
        Stored::Snapshot { members } => format!("snapshot with {members} members"),
        Stored::Manifest { subject, files } => {
            let files = if *files == 1 { "file" } else { "files" };
            format!("manifest of the {files} of {}", short(*subject))
        }
        Stored::Attachment {
            subject,
            media_type,
            bytes,
        } => format!("{media_type} of {bytes} bytes about {}", short(*subject)),
        Stored::Blob { bytes } => format!("blob of {bytes} bytes"),
        Stored::UnknownSchema { schema } => format!("object of the unknown schema {schema:?}"),
        Stored::Damaged { reason } => format!("damaged: {reason}"),
        Stored::Unreadable { reason } => format!("unreadable: {reason}"),
        other => format!("{other:?}"),
    }
}

fn mention(mention: &Mention) -> String {
    let times = match mention.times {
        1 => "once".to_owned(),
        times => format!("{times} times, last"),
    };
    format!(
        "in the history of {}, {times}: {} at {} by {}, from {} to {}",
        mention.name,
        mention.op,
        time(mention.at_ms),
        mention.actor,
        mention.old.map_or_else(|| "-".to_owned(), short),
        mention.new.map_or_else(|| "-".to_owned(), short),
    )
}

fn removed(removal: &Removal) -> String {
    let kind = match removal.kind {
        RemovedKind::Blob => ", as a blob,",
        _ => "",
    };
    format!(
        "at {}{kind} by {}, as plan {} had it",
        time(removal.at_ms),
        removal.actor,
        short(removal.plan),
    )
}

/// After how many objects a way goes no further in: it may lead through very many.
const DEEPEST_SHOWN: usize = 16;

/// Returns the ways from an object up to the names that keep it, one step further in for each object.
fn chain(why: &engine_catalog::Why) -> Vec<String> {
    let above = why.above.iter();
    let above: BTreeMap<_, _> = above.map(|above| (above.object, &above.reasons)).collect();
    let mut explained = BTreeSet::new();
    let mut lines = Vec::new();
    let mut todo: Vec<_> = why.reasons.iter().rev().map(|reason| (0, reason)).collect();
    while let Some((depth, reason)) = todo.pop() {
        let line = match reason {
            Reason::Member { snapshot } => {
                format!("snapshot {}, of which it is a member", short(*snapshot))
            }
            Reason::Attachment { subject } => {
                format!("object {}, to which it is attached", short(*subject))
            }
            Reason::Voucher { member } => {
                format!("object {}, for which its signatures vouch", short(*member))
            }
            Reason::File { manifest } => {
                format!(
                    "manifest {}, which names it as the content of a file",
                    short(*manifest)
                )
            }
            named => named.to_string(),
        };
        let width = 2 * DEEPEST_SHOWN.min(depth);
        lines.push(format!("{:width$}{line}", ""));
        // Objects may be attached to each other: each is explained once.
        if let Some(through) = reason.through()
            && explained.insert(through)
            && let Some(reasons) = above.get(&through)
        {
            todo.extend(reasons.iter().rev().map(|reason| (depth + 1, reason)));
        }
    }
    lines
}
