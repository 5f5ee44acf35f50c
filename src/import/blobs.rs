//! Bringing the contents of artifacts along: those that the manifests here say the entries have, as far as
//! the source has them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{ImportSide, Imported};
use crate::blobs::{Blob, BlobError, Origin, Proof};
use crate::catalog::Catalog;
use crate::durable::files_together;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::layout;

impl Catalog {
    /// Brings in the blobs of entries that have come in. One that is here with the right size already is
    /// not read: what this costs is up to what is new.
    ///
    /// # Locking
    ///
    /// Takes the store lock, shared, for some blobs at a time.
    pub(super) fn import_blobs(
        &self,
        source: &Self,
        entries: &BTreeSet<ObjectId>,
        imported: &mut Imported,
    ) -> Result<(), Error> {
        let (mut wanted, mut absent) = (BTreeSet::new(), BTreeSet::new());
        for entry in entries {
            // A damaged manifest of ours says nothing, and is not the business of an import.
            for manifest in self.manifests(entry).unwrap_or_default() {
                for blob in manifest.blobs().into_keys() {
                    match blob.open(source.root_dir()) {
                        Ok(Some(_)) => drop(wanted.insert(blob)),
                        Ok(None) if blob.has_size(self.root_dir())? == Some(true) => {}
                        Ok(None) => drop(absent.insert(blob)),
                        Err(cause) => imported.problem(ImportSide::Source, cause.into()),
                    }
                }
            }
        }
        imported.absent_blobs = absent.len();
        imported.blobs.files = wanted.len();
        imported.blobs.bytes = wanted.iter().map(|blob| blob.size).sum();
        let with_path = |blob: Blob| (blob, layout::blob(&blob.id).path());
        let wanted: Vec<_> = wanted.into_iter().map(with_path).collect();
        let mut some = wanted.chunks(files_together());
        some.try_for_each(|some| self.bring(source, some, imported))
    }

    /// One that is damaged in the source does not stop the others.
    fn bring(
        &self,
        source: &Self,
        some: &[(Blob, PathBuf)],
        imported: &mut Imported,
    ) -> Result<(), Error> {
        let root = source.root_dir();
        let wanted = some.iter();
        let wanted: Vec<_> = wanted
            .map(|(blob, path)| (*blob, Origin::Catalog(root, path)))
            .collect();
        let is_of_source = |error: &Error| match error {
            Error::Blob(BlobError::Damaged { .. }) => true,
            Error::Blob(BlobError::Path(error)) => error.path.starts_with(root.path()),
            _ => false,
        };
        match self.store_blobs(&wanted, Proof::Size, &mut |_| {}) {
            Ok(stored) => imported.blobs.add(&stored),
            Err(error) if !is_of_source(&error) => return Err(error),
            Err(cause) if some.len() == 1 => imported.problem(ImportSide::Source, cause),
            Err(_) => {
                let mut each = some.chunks(1);
                return each.try_for_each(|one| self.bring(source, one, imported));
            }
        }
        Ok(())
    }
}
