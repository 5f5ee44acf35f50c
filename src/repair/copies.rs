//! Copies of objects that are damaged or missing: any file with the right hash will do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::durable::{FileKind, Root};
use crate::hash::ObjectId;
use crate::layout;
use crate::object::Object;
use crate::schema::{MAX_OBJECT_BYTES, ObjectError};
use crate::verify::{Finding, Slug};

/// How deep directories are looked into that the format knows nothing of.
const MOST_LEVELS: u32 = 8;

/// Where copies of objects are.
pub(super) struct Copies<'r> {
    own: &'r Root,
    found: BTreeMap<ObjectId, (&'r Root, PathBuf)>,
}

impl<'r> Copies<'r> {
    /// Looks for copies of what is wanted, in other catalogs, and in files of this one that are not
    /// in the place of an object.
    pub(super) fn find(
        own: &'r Root,
        from: &[&'r Root],
        wanted: BTreeSet<ObjectId>,
        findings: &[Finding],
    ) -> Self {
        let mut copies = Self {
            own,
            found: BTreeMap::new(),
        };
        let mut wanted = wanted;
        for root in from {
            for id in wanted.clone() {
                copies.look(root, layout::object(&id).path(), &mut wanted);
            }
        }
        let odd = findings.iter().filter(|finding| {
            let is_odd = matches!(
                finding.slug,
                Slug::ObjectHash | Slug::ForeignFile | Slug::Leftover | Slug::Quarantined
            );
            // What lies elsewhere belongs to somebody else.
            let tops = [layout::OBJECTS, layout::TMP, layout::QUARANTINE];
            is_odd && tops.iter().any(|top| finding.is_below(top))
        });
        for finding in odd {
            copies.walk(own, &finding.path, &mut wanted, MOST_LEVELS);
        }
        for root in from {
            for top in [layout::TMP, layout::QUARANTINE, layout::OBJECTS] {
                copies.walk(root, Path::new(top), &mut wanted, MOST_LEVELS);
            }
        }
        copies
    }

    /// Returns whether there was a copy of an object.
    pub(super) fn has(&self, id: &ObjectId) -> bool {
        self.found.contains_key(id)
    }

    /// Returns the bytes of an object, and where they are, relative to the root in this catalog.
    pub(super) fn read(&self, id: &ObjectId) -> Option<(Vec<u8>, PathBuf)> {
        let (root, path) = self.found.get(id)?;
        let bytes = root.read(path, MAX_OBJECT_BYTES).ok()??;
        let place = if std::ptr::eq(*root, self.own) {
            path.clone()
        } else {
            root.path().join(path)
        };
        (ObjectId::of(&bytes) == *id).then_some((bytes, place))
    }

    /// Looks at a file, or at all files of a directory.
    fn walk(&mut self, root: &'r Root, path: &Path, wanted: &mut BTreeSet<ObjectId>, levels: u32) {
        if wanted.is_empty() {
            return;
        }
        let Ok(files) = root.list(path) else {
            return self.look(root, path.to_owned(), wanted);
        };
        for (name, kind) in files {
            let path = path.join(name);
            match kind {
                FileKind::Regular => self.look(root, path, wanted),
                FileKind::Directory if levels > 0 => self.walk(root, &path, wanted, levels - 1),
                _ => {}
            }
        }
    }

    fn look(&mut self, root: &'r Root, path: PathBuf, wanted: &mut BTreeSet<ObjectId>) {
        // What cannot be read is no copy.
        let Ok(Some(bytes)) = root.read(&path, MAX_OBJECT_BYTES) else {
            return;
        };
        let id = ObjectId::of(&bytes);
        if wanted.contains(&id) && may_be_object(&bytes) {
            wanted.remove(&id);
            self.found.insert(id, (root, path));
        }
    }
}

/// Whether the bytes are those of an object, of whatever kind: what only has the right hash never was
/// one, and was moved aside for that.
fn may_be_object(bytes: &[u8]) -> bool {
    matches!(
        Object::decode(bytes),
        Ok(_) | Err(ObjectError::UnknownSchema { .. })
    )
}
