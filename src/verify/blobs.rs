//! Contents of artifacts, whose directory is reserved: what has the name of one must have its hash.

use std::io::Read;
use std::path::Path;

use super::finding::{Finding, settled};
use super::scan::Scan;
use super::slug::Slug;
use super::tree;
use crate::durable::{FileKind, PathError};
use crate::hash::ObjectId;
use crate::layout;

/// How much of a blob is read at a time.
const CHUNK: usize = 1 << 20;

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
    let finding = match hash(scan, path) {
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

/// Returns the hash of a file of any size; `None` where there is no such file.
fn hash(scan: &Scan<'_>, path: &Path) -> Result<Option<ObjectId>, PathError> {
    let Some(mut file) = scan.root.open_file(path)? else {
        return Ok(None);
    };
    let (mut hasher, mut chunk) = (blake3::Hasher::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(Some(ObjectId::from_bytes(*hasher.finalize().as_bytes()))),
            Ok(length) => {
                hasher.update(&chunk[..length]);
                scan.count_bytes(length as u64);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(scan.root.error("read", path, error)),
        }
    }
}
