//! Contents of artifacts: what has the name of one must have its hash. None need be there: that a manifest
//! names one that is not is no finding.

use std::path::Path;

use super::finding::{Finding, settled};
use super::scan::Scan;
use super::slug::Slug;
use super::tree;
use crate::blobs;
use crate::durable::{FileKind, PathError};
use crate::hash::ObjectId;
use crate::layout;

/// Checks all blobs whose hashes start with a byte.
pub(super) fn check_shard(scan: &Scan<'_>, shard: u8) -> Vec<Finding> {
    let shard = format!("{shard:02x}");
    let dir = Path::new(layout::BLOBS).join(&shard);
    let mut found = Vec::new();
    for (name, kind) in tree::list_shard(scan, &dir, &mut found) {
        let path = dir.join(&name);
        match (layout::object_id(&shard, &name), kind) {
            (None, kind) => found.push(tree::foreign(path, kind)),
            (Some(id), FileKind::Regular) => found.extend(settled(|| look(scan, &path, id))),
            (Some(id), kind) => found.push(tree::not_a_file(path, kind).of(id)),
        }
    }
    found
}

fn look(scan: &Scan<'_>, path: &Path, id: ObjectId) -> Vec<Finding> {
    let finding = match hash(scan, &id) {
        Ok(None) => return Vec::new(),
        Ok(Some(found)) if found == id => return Vec::new(),
        Ok(Some(found)) => Finding::new(
            Slug::BlobHash,
            path,
            format!("its content hashes to {found}"),
        ),
        Err(error) => Finding::by_cause(path, &error.cause, Slug::BlobHash),
    };
    vec![finding.of(id)]
}

/// Returns the hash of the file of a blob; `None` where there is no such file.
fn hash(scan: &Scan<'_>, id: &ObjectId) -> Result<Option<ObjectId>, PathError> {
    let Some(opened) = blobs::open(scan.root, id)? else {
        return Ok(None);
    };
    let found = opened.read_through(u64::MAX, &mut |chunk| {
        scan.count_bytes(chunk.len() as u64);
        Ok::<_, PathError>(())
    })?;
    Ok(Some(found.hash))
}
