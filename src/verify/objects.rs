//! Objects: every byte of every one is read and checked (layout.md section 4).

use std::path::Path;

use super::finding::{Finding, settled};
use super::scan::Scan;
use super::slug::Slug;
use super::tree;
use crate::durable::{FileKind, Permissions};
use crate::hash::ObjectId;
use crate::layout;
use crate::objects::{Inspected, inspect};
use crate::schema::ObjectError;

/// Checks all objects whose ids start with a byte.
pub(super) fn check_shard(scan: &Scan<'_>, shard: u8) -> Vec<Finding> {
    let shard = format!("{shard:02x}");
    let dir = Path::new(layout::OBJECTS).join(&shard);
    let mut found = Vec::new();
    for (name, kind) in tree::list_shard(scan, &dir, &mut found) {
        match (layout::object_id(&shard, &name), kind) {
            (None, kind) => found.push(tree::foreign(dir.join(name), kind)),
            (Some(id), FileKind::Regular) => found.extend(check(scan, &id, Absent::IsFine)),
            (Some(id), kind) => {
                found.push(tree::not_a_file(dir.join(name), kind).of(id));
            }
        }
    }
    found
}

/// What it means that an object is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// It was removed since it was listed.
    IsFine,
    /// It was asked for.
    IsFound,
}

/// Checks an object.
pub(super) fn check(scan: &Scan<'_>, id: &ObjectId, absent: Absent) -> Vec<Finding> {
    scan.count_object();
    settled(|| look(scan, id, absent))
}

fn look(scan: &Scan<'_>, id: &ObjectId, absent: Absent) -> Vec<Finding> {
    let path = layout::object(id).path();
    let found = |slug, message: String| Finding::new(slug, &path, message).of(*id);
    match inspect(scan.root, id) {
        Ok(None) if absent == Absent::IsFine => Vec::new(),
        Ok(None) => vec![found(
            Slug::ObjectMissing,
            "it is not in the store".to_owned(),
        )],
        Ok(Some(Inspected { bytes, mode, fault })) => {
            scan.count_bytes(bytes);
            let fault = fault.map(|fault| found(slug_of(&fault), fault.to_string()));
            let expected = Permissions::OBJECT_BITS;
            let other_mode = (mode != expected).then(|| {
                found(
                    Slug::ObjectMode,
                    format!("its mode is {mode:04o}, not {expected:04o}"),
                )
            });
            fault.into_iter().chain(other_mode).collect()
        }
        Err(error) => {
            vec![Finding::by_cause(&path, &error.cause, Slug::ObjectTooLarge).of(*id)]
        }
    }
}

fn slug_of(fault: &ObjectError) -> Slug {
    match fault {
        ObjectError::Hash { .. } => Slug::ObjectHash,
        ObjectError::UnknownSchema { .. } => Slug::UnknownSchema,
        ObjectError::TooLarge { .. } => Slug::ObjectTooLarge,
        _ => Slug::ObjectForm,
    }
}
