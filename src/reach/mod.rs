//! What is reachable, and by what (layout.md section 7.9): the base of [`Catalog::why`], and of
//! whatever removes the rest.
//!
//! The roots are what refs and named snapshots hold, what retention keeps of histories, and what is young;
//! [`mark`] follows them to the members of snapshots and to attachments. Nothing that cannot be read is passed
//! over silently: it is [`Unknown`], and as long as there is any, nobody can say of an object that nothing
//! keeps it.
//!
//! [`Catalog::why`]: crate::Catalog::why

mod reason;
mod roots;
mod voucher;
mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use serde::{Deserialize, Serialize};

pub use reason::Reason;
pub(crate) use reason::{Kind, Kinds, Reasons};
pub use roots::Keep;
pub(crate) use roots::young;
pub use why::{Above, Kept, Mention, Stored, Why};

use crate::durable::Root;
use crate::hash::ObjectId;
use crate::object::Object;
use crate::objects::ReadObjectError;
use crate::schema::ObjectError;
use crate::{attachments, objects};
use voucher::Voucher;

/// What could not be found out because of damage, which may hide what keeps objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unknown {
    /// What is damaged, and how.
    pub reason: String,
}

impl Unknown {
    pub(crate) fn because_of(reason: impl Display) -> Self {
        let reason = reason.to_string();
        Self { reason }
    }
}

/// What is reachable, and as much as `R` remembers of why.
#[derive(Debug, Default)]
pub(crate) struct Reach<R> {
    /// Each object that is, and what keeps it.
    pub(crate) objects: BTreeMap<ObjectId, R>,
    /// Each blob that a manifest names which is reachable, and those manifests. It need not be there.
    pub(crate) blobs: BTreeMap<ObjectId, BTreeSet<ObjectId>>,
    /// The links of all attachments, also of what nothing keeps.
    pub(crate) links: BTreeMap<ObjectId, Vec<ObjectId>>,
    /// The reachable objects of which this version does not know the schema.
    pub(crate) foreign: BTreeSet<ObjectId>,
    /// Where more may be hidden.
    pub(crate) unknown: BTreeSet<Unknown>,
}

/// Returns everything that is reachable from `roots`, and by what.
///
/// Every reachable object is read and checked: one that cannot be is unknown, for it might be a
/// snapshot, whose members it keeps. What is missing of a snapshot or a history, and a schema that is
/// unknown, are as the format allows them.
///
/// # Locking
///
/// Takes none. Whoever removes something holds the store lock, exclusively, since before it looked for the
/// roots.
pub(crate) fn mark<R: Reasons>(
    root: &Root,
    roots: impl IntoIterator<Item = (ObjectId, Reason)>,
) -> Reach<R> {
    mark_and_see(root, roots, &mut |_, _| {})
}

/// As [`mark`], and shows each object that is reachable and can be read, once.
pub(crate) fn mark_and_see<R: Reasons>(
    root: &Root,
    roots: impl IntoIterator<Item = (ObjectId, Reason)>,
    see: &mut dyn FnMut(ObjectId, &Object),
) -> Reach<R> {
    // After the refs: whatever one of them holds had its links before.
    let links = attachments::list_all(root);
    let mut reach = Reach {
        links: links.by_subject,
        unknown: links.damage.iter().map(Unknown::because_of).collect(),
        objects: BTreeMap::<_, R>::new(),
        blobs: BTreeMap::new(),
        foreign: BTreeSet::new(),
    };
    let mut odd = Vec::new();
    reach.follow(root, roots, &mut odd, see);
    // What was signed may vouch for something, and lead to more.
    let (mut vouchers, unknown) = voucher::find(root, &reach);
    reach.unknown.extend(unknown);
    loop {
        let is_found = |it: &mut Voucher| it.member(&reach).is_some();
        let found: Vec<_> = vouchers.extract_if(.., is_found).collect();
        if found.is_empty() {
            break;
        }
        let mut roots = Vec::new();
        for voucher in found {
            let member = voucher.member(&reach);
            match voucher.doubt {
                Some(unknown) => drop(reach.unknown.insert(unknown)),
                None => roots.extend(member.map(|it| (voucher.id, Reason::Voucher { member: it }))),
            }
        }
        reach.follow(root, roots, &mut odd, see);
    }
    // Only now all reasons are known.
    for (object, error) in odd {
        if let Some(ReadObjectError::Refused { cause, .. }) = &error
            && matches!(cause, ObjectError::UnknownSchema { .. })
        {
            reach.foreign.insert(object);
        }
        let reasons = &reach.objects[&object];
        if let Some(unknown) = judge(object, error, reasons) {
            reach.unknown.insert(unknown);
        }
    }
    reach
}

/// Objects that are missing, or cannot be read.
type Odd = Vec<(ObjectId, Option<ReadObjectError>)>;

impl<R: Reasons> Reach<R> {
    /// Comes by everything that is reachable from `roots`.
    fn follow(
        &mut self,
        root: &Root,
        roots: impl IntoIterator<Item = (ObjectId, Reason)>,
        odd: &mut Odd,
        see: &mut dyn FnMut(ObjectId, &Object),
    ) {
        let (mut roots, mut todo) = (roots.into_iter(), Vec::new());
        while let Some((object, reason)) = todo.pop().or_else(|| roots.next()) {
            // For its signatures a snapshot is kept without its members, unless it is kept for more.
            let leads_on = !matches!(reason, Reason::Voucher { .. });
            let before = self.objects.get(&object);
            let was_there = before.is_some();
            let led_on = before.is_some_and(|it| !it.is_only(Kind::Voucher));
            self.objects.entry(object).or_default().add(reason);
            if led_on || (was_there && !leads_on) {
                continue;
            }
            let attached = self.links.get(&object).into_iter().flatten();
            let attached =
                attached.map(|attachment| (*attachment, Reason::Attachment { subject: object }));
            todo.extend(attached);
            let read = objects::read_any(root, &object);
            if let Ok(Some((read, _))) = &read {
                see(object, read);
            }
            match read {
                Ok(Some((Object::Snapshot(_), _))) if !leads_on => {}
                Ok(Some((Object::Snapshot(snapshot), _))) => {
                    let members = snapshot.objects.into_iter();
                    todo.extend(
                        members.map(|member| (member, Reason::Member { snapshot: object })),
                    );
                }
                Ok(Some((Object::Manifest(manifest), _))) => {
                    for file in manifest.files.values() {
                        self.blobs.entry(file.blake3).or_default().insert(object);
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => odd.push((object, None)),
                Err(error) => odd.push((object, Some(error))),
            }
        }
    }
}

/// Returns what it hides that a reachable object is missing, or is refused with `error`.
fn judge(
    object: ObjectId,
    error: Option<ReadObjectError>,
    reasons: &impl Reasons,
) -> Option<Unknown> {
    let any = |_| true;
    let (holder, what) = match error {
        // A snapshot may have members, and a history objects, that are not in the store.
        None => {
            let may_lack = [Kind::Member, Kind::History, Kind::MovedAside, Kind::Young];
            let needs_it = |kind| !may_lack.contains(&kind);
            (reasons.find(needs_it)?, "it is missing".to_owned())
        }
        Some(ReadObjectError::Refused { cause, .. }) => {
            let holder = match cause {
                // A schema that keeps other objects needs a feature (section 13). But where a
                // snapshot belongs, there is no telling.
                ObjectError::UnknownSchema { .. } => reasons.find(|kind| kind == Kind::Snapshot)?,
                _ => reasons.find(any)?,
            };
            (holder, cause.to_string())
        }
        Some(ReadObjectError::Path(error)) => (reasons.find(any)?, error.to_string()),
    };
    let shown = format_args!("object {object}, kept by {holder}: {what}");
    Some(Unknown::because_of(shown))
}

#[cfg(test)]
mod tests;
