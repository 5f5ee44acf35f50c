//! Attachments: each link is empty, and leads from what its object describes to that object
//! (layout.md section 5.3).

use std::path::Path;

use super::finding::{Finding, settled};
use super::judge::{Judgement, damaged, judge, missing};
use super::scan::{Scan, spread};
use super::slug::Slug;
use super::tree;
use crate::drift::describes;
use crate::durable::{Cause, FileKind};
use crate::hash::ObjectId;
use crate::layout;
use crate::object::Object;
use crate::objects;

pub(super) fn check_all(scan: &Scan<'_>, found: &mut Vec<Finding>) {
    let shards = tree::shards(scan, Path::new(layout::ATTACHMENTS), found);
    let in_shards = spread(&shards, |shard| check_shard(scan, shard));
    found.extend(in_shards.into_iter().flatten());
}

fn check_shard(scan: &Scan<'_>, shard: &str) -> Vec<Finding> {
    let dir = Path::new(layout::ATTACHMENTS).join(shard);
    let mut found = Vec::new();
    for (name, kind) in tree::list(scan, &dir, &mut found) {
        let links = dir.join(&name);
        let Some(subject) = layout::object_id(shard, &name) else {
            found.push(tree::foreign(links, kind));
            continue;
        };
        if kind != FileKind::Directory {
            let message = format!("it is {kind}, not a directory");
            found.push(Finding::new(Slug::FileType, links, message));
            continue;
        }
        for (name, kind) in tree::list(scan, &links, &mut found) {
            match name.parse() {
                Ok(object) => found.extend(settled(|| look(scan, &subject, &object))),
                Err(_) => found.push(tree::foreign(links.join(name), kind)),
            }
        }
    }
    found
}

fn look(scan: &Scan<'_>, subject: &ObjectId, object: &ObjectId) -> Vec<Finding> {
    let path = layout::attachment(subject, object).path();
    let finding = |slug, message: String| Finding::new(slug, &path, message).of(*object);
    let mut found = Vec::new();
    match scan.root.read(&path, 0) {
        // Its subject was collected since it was listed.
        Ok(None) => return found,
        Ok(Some(_)) => {}
        Err(error) => {
            if let Cause::TooLarge { size, .. } = error.cause {
                found.push(finding(
                    Slug::LinkNotEmpty,
                    format!("it has {size} bytes, of none"),
                ));
            } else {
                let other = Finding::by_cause(&path, &error.cause, Slug::LinkNotEmpty);
                return vec![other.of(*object)];
            }
        }
    }
    match judge(scan.root, object) {
        Judgement::Good(described) if described.subject() == Some(*subject) => {
            if let Some(message) = foreign_manifest(scan, subject, &described) {
                found.push(finding(Slug::ManifestForeign, message));
            }
        }
        Judgement::Good(_) => found.push(finding(
            Slug::LinkMisplaced,
            format!("object {object} does not describe {subject}"),
        )),
        Judgement::Missing => found.push(finding(Slug::LinkDangling, missing(object))),
        Judgement::Damaged(why) => {
            found.push(finding(Slug::LinkObjectDamaged, damaged(object, &why)));
        }
        Judgement::Unknown => {}
    }
    if !scan.root.has(&layout::object(subject).path()) {
        let message = format!("what it describes, object {subject}, is missing");
        found.push(Finding::new(Slug::LinkSubjectMissing, &path, message).of(*subject));
    }
    found
}

/// What is wrong with a manifest that is not of the files of its entry.
fn foreign_manifest(scan: &Scan<'_>, subject: &ObjectId, described: &Object) -> Option<String> {
    let Object::Manifest(manifest) = described else {
        return None;
    };
    let entry = objects::read_entry(scan.root, subject).ok()??;
    let is_foreign = !describes(manifest, &entry);
    is_foreign.then(|| format!("it is not of the files that entry {subject} names"))
}
