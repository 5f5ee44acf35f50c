//! What is reachable, and by what (layout.md section 7.9): the base of [`Catalog::why`], and of
//! whatever removes the rest.
//!
//! [`roots`] are the refs and the named snapshots; [`mark`] follows them to the members of snapshots
//! and to attachments. Nothing that cannot be read is passed over silently: it is [`Unknown`], and as
//! long as there is any, nobody can say of an object that nothing keeps it.
//!
//! [`Catalog::why`]: crate::Catalog::why

mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use why::{Above, Kept, Mention, Stored, Why};

use crate::durable::{FileKind, PathError, Root};
use crate::filter::Filter;
use crate::hash::ObjectId;
use crate::name::{Name, RefName};
use crate::object::Object;
use crate::objects::ReadObjectError;
use crate::schema::ObjectError;
use crate::{attachments, layout, objects, refs, snapshots};

/// Something that keeps an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "by", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Reason {
    /// A ref holds it: it is the current entry.
    Ref {
        /// The ref.
        #[serde(with = "crate::as_text")]
        name: RefName,
    },
    /// A named snapshot is it.
    Snapshot {
        /// The name.
        #[serde(with = "crate::as_text")]
        name: Name,
    },
    /// It is a member of a snapshot that is kept.
    Member {
        /// The snapshot.
        snapshot: ObjectId,
    },
    /// It is attached to an object that is kept.
    Attachment {
        /// That object.
        subject: ObjectId,
    },
    /// A ref held it, and its history is kept so far.
    History {
        /// The ref.
        #[serde(with = "crate::as_text")]
        name: RefName,
    },
    /// It came not long ago: what names it may be still to come.
    Young,
    /// It is the blob of a file that a manifest names which is kept.
    File {
        /// The manifest.
        manifest: ObjectId,
    },
}

impl Reason {
    /// Returns the object by whose being kept this keeps another; `None` where it is a name.
    #[must_use]
    pub fn through(&self) -> Option<ObjectId> {
        match self {
            Self::Ref { .. } | Self::Snapshot { .. } | Self::History { .. } | Self::Young => None,
            Self::Member { snapshot: above }
            | Self::Attachment { subject: above }
            | Self::File { manifest: above } => Some(*above),
        }
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ref { name } => write!(f, "ref {name}"),
            Self::Snapshot { name } => write!(f, "named snapshot {name}"),
            Self::History { name } => write!(f, "history of {name}"),
            Self::Young => f.write_str("its age"),
            Self::Member { snapshot } => write!(f, "snapshot {snapshot}, as a member"),
            Self::Attachment { subject } => write!(f, "object {subject}, as an attachment"),
            Self::File { manifest } => write!(f, "manifest {manifest}, as the content of a file"),
        }
    }
}

/// What could not be found out because of damage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unknown {
    /// What may be hidden there.
    pub hides: Hides,
    /// What is damaged, and how.
    pub reason: String,
}

/// What damage may hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Hides {
    /// What keeps objects.
    Reasons,
    /// Changes of a ref that took effect.
    History,
}

impl Unknown {
    pub(crate) fn of_reasons(reason: impl Display) -> Self {
        let (hides, reason) = (Hides::Reasons, reason.to_string());
        Self { hides, reason }
    }
}

/// The objects from which everything else is reached.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    pub(crate) objects: Vec<(ObjectId, Reason)>,
    pub(crate) unknown: Vec<Unknown>,
}

/// What is reachable.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Each object that is, and what keeps it.
    pub(crate) objects: BTreeMap<ObjectId, BTreeSet<Reason>>,
    /// Each blob that a manifest names which is reachable, and those manifests. It need not be there.
    pub(crate) blobs: BTreeMap<ObjectId, BTreeSet<ObjectId>>,
    /// The links of all attachments, also of what nothing keeps.
    pub(crate) links: BTreeMap<ObjectId, Vec<ObjectId>>,
    /// Where more may be hidden.
    pub(crate) unknown: BTreeSet<Unknown>,
}

/// Returns what the refs and the named snapshots hold.
///
/// # Locking
///
/// Takes none. Whoever removes something holds the store lock, exclusively; without it the refs are
/// not those of one moment.
pub(crate) fn roots(root: &Root) -> Roots {
    let mut roots = Roots {
        objects: Vec::new(),
        unknown: not_directories(root, layout::REFS),
    };
    roots.add(
        refs::list(root, &Filter::default()),
        |name| refs::read(root, name),
        |name| Reason::Ref { name },
    );
    roots.add(
        snapshots::list(root),
        |name| snapshots::read(root, name),
        |name| Reason::Snapshot { name },
    );
    roots
}

impl Roots {
    /// Adds what each of `names` holds.
    fn add<N, E: Display>(
        &mut self,
        names: Result<Vec<N>, PathError>,
        read: impl Fn(&N) -> Result<Option<ObjectId>, E>,
        reason: impl Fn(N) -> Reason,
    ) {
        let names = names.unwrap_or_else(|error| {
            self.unknown.push(Unknown::of_reasons(error));
            Vec::new()
        });
        for name in names {
            match read(&name) {
                Ok(Some(object)) => self.objects.push((object, reason(name))),
                // Removed since it was listed.
                Ok(None) => {}
                Err(error) => self.unknown.push(Unknown::of_reasons(error)),
            }
        }
    }
}

/// Returns everything that is reachable from `roots`, and by what.
///
/// Every reachable object is read and checked: one that cannot be is unknown, for it might be a
/// snapshot, whose members it keeps. A missing member of a snapshot, and a schema that is unknown,
/// are as the format allows them.
///
/// # Locking
///
/// As [`roots`].
pub(crate) fn mark(root: &Root, roots: Roots) -> Reach {
    // After the refs: whatever one of them holds had its links before.
    let links = attachments::list_all(root);
    let mut reach = Reach {
        links: links.by_subject,
        unknown: roots.unknown.into_iter().collect(),
        ..Reach::default()
    };
    let damage = links.damage.iter().map(Unknown::of_reasons);
    reach.unknown.extend(damage);
    let (mut todo, mut odd) = (roots.objects, Vec::new());
    while let Some((object, reason)) = todo.pop() {
        let is_known = reach.objects.contains_key(&object);
        reach.objects.entry(object).or_default().insert(reason);
        if is_known {
            continue;
        }
        let attached = reach.links.get(&object).into_iter().flatten();
        let attached =
            attached.map(|attachment| (*attachment, Reason::Attachment { subject: object }));
        todo.extend(attached);
        match objects::read_any(root, &object) {
            Ok(Some((Object::Snapshot(snapshot), _))) => {
                let members = snapshot.objects.into_iter();
                todo.extend(members.map(|member| (member, Reason::Member { snapshot: object })));
            }
            Ok(Some((Object::Manifest(manifest), _))) => {
                for file in manifest.files.values() {
                    reach.blobs.entry(file.blake3).or_default().insert(object);
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => odd.push((object, None)),
            Err(error) => odd.push((object, Some(error))),
        }
    }
    // Only now all reasons are known.
    for (object, error) in odd {
        let reasons = &reach.objects[&object];
        if let Some(unknown) = judge(object, error, reasons) {
            reach.unknown.insert(unknown);
        }
    }
    reach
}

/// Returns what it hides that a reachable object is missing, or is refused with `error`.
fn judge(
    object: ObjectId,
    error: Option<ReadObjectError>,
    reasons: &BTreeSet<Reason>,
) -> Option<Unknown> {
    let is_named = |reason: &&Reason| matches!(reason, Reason::Snapshot { .. });
    let needs_it = |reason: &&Reason| {
        !matches!(
            reason,
            Reason::Member { .. } | Reason::History { .. } | Reason::Young
        )
    };
    let (holder, what) = match error {
        // A snapshot may have members, and a history objects, that are not in the store.
        None => (reasons.iter().find(needs_it)?, "it is missing".to_owned()),
        Some(ReadObjectError::Refused { cause, .. }) => {
            let holder = match cause {
                // A schema that keeps other objects needs a feature (section 13). But where a
                // snapshot belongs, there is no telling.
                ObjectError::UnknownSchema { .. } => reasons.iter().find(is_named)?,
                _ => reasons.first()?,
            };
            (holder, cause.to_string())
        }
        Some(ReadObjectError::Path(error)) => (reasons.first()?, error.to_string()),
    };
    let shown = format_args!("object {object}, kept by {holder}: {what}");
    Some(Unknown::of_reasons(shown))
}

/// Returns what has the name of an engine below `top` and is no directory: refs, or histories, may be
/// behind it.
fn not_directories(root: &Root, top: &str) -> Vec<Unknown> {
    // An error is reported by whoever lists it all.
    let engines = root.list(Path::new(top)).unwrap_or_default().into_iter();
    let odd = engines.filter(|(engine, kind)| {
        *kind != FileKind::Directory && Name::from_file_name(engine).is_some()
    });
    odd.map(|(engine, kind)| {
        let path = root.path().join(top).join(engine);
        Unknown::of_reasons(format_args!(
            "{} is {kind}, not a directory",
            path.display()
        ))
    })
    .collect()
}

#[cfg(test)]
mod tests;
