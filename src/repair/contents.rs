//! Blobs that are damaged: a right copy is in another catalog, or is still the file that was recorded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::blobs::{self, Blob, Incoming, Origin, Proof};
use crate::durable::{Opened, PathError, Root};
use crate::hash::ObjectId;
use crate::object::Object;
use crate::{attachments, layout, objects};

/// Where copies of blobs may be. Each is hashed before it is taken for one.
pub(super) struct Contents<'r> {
    own: &'r Root,
    from: &'r [&'r Root],
    /// The files that had this content when they were recorded, by the manifests of all catalogs.
    recorded: BTreeMap<ObjectId, Vec<(PathBuf, u64)>>,
}

impl<'r> Contents<'r> {
    /// Looks for where copies of what is wanted may be.
    pub(super) fn find(own: &'r Root, from: &'r [&'r Root], wanted: &[ObjectId]) -> Self {
        let mut recorded = BTreeMap::<_, Vec<_>>::new();
        // Manifests are read only where something is wanted.
        let roots = [own].into_iter().chain(from.iter().copied());
        for root in roots.filter(|_| !wanted.is_empty()) {
            let links = attachments::list_all(root).by_subject;
            for object in links.into_values().flatten() {
                let Ok(Some((Object::Manifest(manifest), _))) = objects::read_any(root, &object)
                else {
                    continue;
                };
                for (path, file) in manifest.files {
                    if wanted.contains(&file.blake3) {
                        let files = recorded.entry(file.blake3).or_default();
                        files.push((path.into(), file.size));
                    }
                }
            }
        }
        Self {
            own,
            from,
            recorded,
        }
    }

    /// Returns those whose content no file that was recorded has now, with their sizes.
    pub(super) fn needed(&self) -> BTreeMap<ObjectId, u64> {
        let mut needed = BTreeMap::new();
        for (&id, files) in &self.recorded {
            let is_copy = |(path, size): &(PathBuf, u64)| {
                let blob = Blob { id, size: *size };
                Opened::outside(path).is_ok_and(|opened| blob.require_in(&opened).is_ok())
            };
            if !files.iter().any(is_copy) {
                needed.extend(files.iter().map(|(_, size)| (id, *size)).max());
            }
        }
        needed
    }

    /// Restores a blob, and returns from where; `None` where there is no right copy.
    pub(super) fn restore(&self, id: &ObjectId) -> Result<Option<PathBuf>, PathError> {
        let path = layout::blob(id).path();
        for root in self.from {
            if let Ok(Some(opened)) = Opened::inside(root, &path)
                && self.write(id, &opened, Origin::Catalog(root, &path))?
            {
                return Ok(Some(root.path().join(path)));
            }
        }
        for (path, _) in self.recorded.get(id).into_iter().flatten() {
            if let Ok(opened) = Opened::outside(path)
                && self.write(id, &opened, Origin::File(path))?
            {
                return Ok(Some(path.clone()));
            }
        }
        Ok(None)
    }

    /// Writes a blob, if the copy is right; returns whether it was.
    fn write(&self, id: &ObjectId, copy: &Opened, origin: Origin<'_>) -> Result<bool, PathError> {
        let (id, size) = (*id, copy.size()?);
        let blob = Blob { id, size };
        let mut one = [Incoming::new(blob, origin, Proof::Hash, &|_| {})];
        match blobs::write_all(self.own, &mut one) {
            Ok(()) => Ok(true),
            Err(blobs::BlobError::Path(error)) if is_below(self.own, &error.path) => Err(error),
            // The copy is none, or cannot be read.
            Err(_) => Ok(false),
        }
    }
}

fn is_below(root: &Root, path: &Path) -> bool {
    path.starts_with(root.path())
}
