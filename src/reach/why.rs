//! Why an object is kept: what leads to it from refs and named snapshots, and which histories mention
//! it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Keep, Reach, Reason, Unknown, mark, young};
use crate::attachment::MediaType;
use crate::catalog::Catalog;
use crate::change::Op;
use crate::error::{Error, ErrorKind};
use crate::hash::ObjectId;
use crate::marker::FeatureClass;
use crate::name::{Name, RefName};
use crate::object::Object;
use crate::objects::ReadObjectError;
use crate::removed::Removal;
use crate::schema::ObjectError;
use crate::{hashed, layout, objects, refs, removed};

/// How often a catalog is looked at in which something seems to be damaged: a writer or a collector
/// at work can look like that for a moment.
const MOST_LOOKS: u32 = 10;

/// What keeps an object, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Why {
    /// The object.
    pub object: ObjectId,
    /// What is stored under its name.
    pub stored: Stored,
    /// Whether anything keeps it.
    pub kept: Kept,
    /// What keeps it, sorted.
    pub reasons: Vec<Reason>,
    /// What keeps the objects through which it is kept, sorted by object.
    pub above: Vec<Above>,
    /// The objects that it is attached to, sorted, whether they are kept or not.
    pub attached_to: Vec<ObjectId>,
    /// The histories that mention it, sorted by ref, whether retention keeps it for their sake or not.
    pub history: Vec<Mention>,
    /// When it was removed last, where it is not there and that is still known.
    pub removed: Option<Removal>,
    /// What could not be found out because of damage, sorted.
    pub unknown: Vec<Unknown>,
}

/// Whether anything keeps an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kept {
    /// Something does.
    Yes,
    /// Nothing does.
    No,
    /// Nothing that is known does, and damage may hide something that does.
    Unknown,
}

/// An object through which another one is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Above {
    /// The object: a snapshot, or the subject of an attachment.
    pub object: ObjectId,
    /// What keeps it, sorted.
    pub reasons: Vec<Reason>,
}

/// What is stored under the name of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stored {
    /// Nothing.
    Missing,
    /// An entry.
    Entry {
        /// The name of the ref under which it is, or was, current.
        #[serde(serialize_with = "crate::as_text::serialize")]
        name: RefName,
    },
    /// A snapshot.
    Snapshot {
        /// How many members it has.
        members: usize,
    },
    /// A manifest of artifacts.
    Manifest {
        /// The entry that it describes.
        subject: ObjectId,
        /// How many files it lists.
        files: usize,
    },
    /// A document about another object.
    Attachment {
        /// The object that it is about.
        subject: ObjectId,
        /// What kind of document it is.
        media_type: MediaType,
        /// The size of the document in bytes.
        bytes: usize,
    },
    /// The content of an artifact: a blob.
    Blob {
        /// Its size in bytes.
        bytes: u64,
    },
    /// An object that a newer version can read.
    UnknownSchema {
        /// The value of its `schema` key.
        schema: String,
    },
    /// Something that is not this object, or no object at all.
    Damaged {
        /// What is wrong with it.
        reason: String,
    },
    /// Something that cannot be read.
    Unreadable {
        /// Why.
        reason: String,
    },
}

/// A history that mentions an object in lines that took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Mention {
    /// The ref.
    #[serde(rename = "ref", serialize_with = "crate::as_text::serialize")]
    pub name: RefName,
    /// How many lines mention it.
    pub times: usize,
    /// When the last of them was written: milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What that change was.
    #[serde(serialize_with = "crate::as_text::serialize")]
    pub op: Op,
    /// What the ref held before it.
    pub old: Option<ObjectId>,
    /// What the ref held after it.
    pub new: Option<ObjectId>,
    /// Who made it.
    #[serde(serialize_with = "crate::as_text::serialize")]
    pub actor: Name,
}

impl Why {
    /// Returns whether something is known to keep the object. Where it is not, [`kept`](Self::kept)
    /// tells whether that is certain.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.kept == Kept::Yes
    }

    /// Returns whether the object is stored, named or mentioned anywhere.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.stored != Stored::Missing
            || self.is_kept()
            || !self.attached_to.is_empty()
            || !self.history.is_empty()
            || self.removed.is_some()
    }
}

impl Catalog {
    /// Returns what keeps an object (layout.md section 7.9): what a [collection](Self::collect_garbage) finds that
    /// keeps the same; and which histories mention it. The object need not be in the store.
    ///
    /// Damage on the way hides what may keep the object; it is part of the result. Every reachable
    /// object is read.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where the store cannot be listed, and [`Error::Format`].
    pub fn why(&self, object: &ObjectId, keep: &Keep) -> Result<Why, Error> {
        let mut why = self.look_why(object, keep)?;
        for _ in 1..MOST_LOOKS {
            if why.unknown.is_empty() {
                break;
            }
            let before = why.unknown;
            why = self.look_why(object, keep)?;
            if why.unknown == before {
                break;
            }
        }
        Ok(why)
    }

    fn look_why(&self, object: &ObjectId, keep: &Keep) -> Result<Why, Error> {
        let root = self.root_dir();
        let files = hashed::list(root, layout::OBJECTS)?;
        let standing = self.standing(keep);
        let mut reach: Reach<BTreeSet<Reason>> =
            mark(root, standing.roots().chain(young(&files, keep)));
        reach.unknown.extend(standing.unknown);
        for feature in self.features()? {
            // Whatever else keeps objects in a newer format comes with such a feature.
            if feature.class == FeatureClass::RoCompat && !feature.is_known() {
                let name = feature.name;
                reach.unknown.insert(Unknown::because_of(format_args!(
                    "the catalog has the feature {name:?}, which this program does not know"
                )));
            }
        }
        // As a blob it is kept by manifests; the same bytes may be an object too.
        let manifests = reach.blobs.remove(object).unwrap_or_default().into_iter();
        let mut reasons = lasting(reach.objects.get(object));
        reasons.extend(manifests.map(|manifest| Reason::File { manifest }));
        let links = reach.links.iter();
        let subjects = links.filter(|(_, attached)| attached.binary_search(object).is_ok());
        let stored = self.stored(object);
        let removed = match stored {
            // Nothing that is kept depends on it.
            Stored::Missing => removed::find(root, object).unwrap_or_default(),
            _ => None,
        };
        let history = self.mentions(object);
        // What was put again since, and is not there, was lost.
        let is_older = |it: &Mention| {
            removed
                .as_ref()
                .is_some_and(|removed| it.at_ms <= removed.at_ms)
        };
        let is_gone = |it: &Mention| it.op == Op::Prune || is_older(it);
        if removed.is_some() && history.iter().all(is_gone) {
            // A history keeps what is there, and may name what is not.
            reasons.retain(|reason| !matches!(reason, Reason::History { .. }));
        }
        let kept = match reasons.len() {
            0 if reach.unknown.is_empty() => Kept::No,
            0 => Kept::Unknown,
            _ => Kept::Yes,
        };
        Ok(Why {
            object: *object,
            stored,
            removed,
            kept,
            above: above(&reach, &reasons),
            reasons: reasons.into_iter().collect(),
            attached_to: subjects.map(|(subject, _)| *subject).collect(),
            history,
            unknown: reach.unknown.into_iter().collect(),
        })
    }

    fn stored(&self, object: &ObjectId) -> Stored {
        match objects::read_any(&self.root, object) {
            Ok(None) => self.stored_blob(object),
            Ok(Some((Object::Entry(entry), _))) => Stored::Entry {
                name: entry
                    .ref_name()
                    .expect("an entry is read only if its names are valid"),
            },
            Ok(Some((Object::Snapshot(snapshot), _))) => Stored::Snapshot {
                members: snapshot.objects.len(),
            },
            Ok(Some((Object::Manifest(manifest), _))) => Stored::Manifest {
                subject: manifest.subject,
                files: manifest.files.len(),
            },
            Ok(Some((Object::Attachment(attachment), _))) => Stored::Attachment {
                subject: attachment.subject,
                media_type: attachment.media_type,
                bytes: attachment.payload.len(),
            },
            Err(ReadObjectError::Refused { cause, .. }) => match cause {
                ObjectError::UnknownSchema { found } => Stored::UnknownSchema { schema: found },
                cause => Stored::Damaged {
                    reason: cause.to_string(),
                },
            },
            Err(ReadObjectError::Path(error)) if error.cause.is_damage() => Stored::Damaged {
                reason: error.cause.to_string(),
            },
            Err(error) => Stored::Unreadable {
                reason: error.to_string(),
            },
        }
    }

    fn stored_blob(&self, blob: &ObjectId) -> Stored {
        match self.read_blob(blob, &mut std::io::sink()) {
            Ok(None) => Stored::Missing,
            Ok(Some(bytes)) => Stored::Blob { bytes },
            Err(error) if error.kind() == ErrorKind::Damage => Stored::Damaged {
                reason: error.to_string(),
            },
            Err(error) => Stored::Unreadable {
                reason: error.to_string(),
            },
        }
    }

    /// Returns the histories that mention an object. Damage that may hide others is found with what keeps it.
    fn mentions(&self, object: &ObjectId) -> Vec<Mention> {
        let mut mentions = Vec::new();
        for name in refs::list_histories(&self.root).unwrap_or_default() {
            let changes = self.history(&name).unwrap_or_default().into_iter();
            let mut lines =
                changes.filter(|change| change.old == Some(*object) || change.new == Some(*object));
            if let Some(first) = lines.next() {
                let (times, last) = lines.fold((1, first), |(times, _), next| (times + 1, next));
                mentions.push(Mention {
                    name,
                    times,
                    at_ms: last.at_ms,
                    op: last.op,
                    old: last.old,
                    new: last.new,
                    actor: last.actor,
                });
            }
        }
        mentions
    }
}

/// Returns what keeps an object: its age only where nothing else does.
fn lasting(reasons: Option<&BTreeSet<Reason>>) -> BTreeSet<Reason> {
    let mut reasons = reasons.cloned().unwrap_or_default();
    if reasons.len() > 1 {
        reasons.remove(&Reason::Young);
    }
    reasons
}

/// Returns what keeps the objects through which something is kept for `reasons`, and those through which
/// they are.
fn above(reach: &Reach<BTreeSet<Reason>>, reasons: &BTreeSet<Reason>) -> Vec<Above> {
    let reasons_of = |object: &ObjectId| lasting(reach.objects.get(object));
    let mut found = BTreeMap::new();
    let mut todo: Vec<_> = reasons.iter().filter_map(Reason::through).collect();
    while let Some(above) = todo.pop() {
        if found.contains_key(&above) {
            continue;
        }
        let reasons = reasons_of(&above);
        todo.extend(reasons.iter().filter_map(Reason::through));
        found.insert(above, reasons.into_iter().collect());
    }
    let found = found.into_iter();
    found
        .map(|(object, reasons)| Above { object, reasons })
        .collect()
}
