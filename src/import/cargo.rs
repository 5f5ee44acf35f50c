//! Objects on their way from one catalog to another, not too many of them in memory.

use std::collections::{BTreeMap, BTreeSet};

use super::{ImportSide, Imported};
use crate::attachments::{self, Link};
use crate::catalog::Catalog;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::manifest::Manifest;
use crate::object::Object;
use crate::objects::{self, Carried};

/// More than this is not held in memory before it is written, less one object.
const MOST_BYTES: usize = 64 << 20;

/// Objects that were read and checked, and links that lead to them. Objects may be written at any
/// time, links at the end only: until then nothing leads to the objects.
pub(super) struct Cargo<'c> {
    to: &'c Catalog,
    objects: BTreeMap<ObjectId, Vec<u8>>,
    /// Of the objects that are held.
    bytes: usize,
    links: BTreeSet<Link>,
}

/// What failed, on one side or the other.
enum Failed {
    Source(Error),
    Here(Error),
}

impl From<Error> for Failed {
    fn from(cause: Error) -> Self {
        Self::Source(cause)
    }
}

impl<'c> Cargo<'c> {
    pub(super) fn new(to: &'c Catalog) -> Self {
        Self {
            to,
            objects: BTreeMap::new(),
            bytes: 0,
            links: BTreeSet::new(),
        }
    }

    /// Takes up an object with everything that is attached to it in the source, and to that. Returns
    /// whether all of it could be read; where not, it is among the problems, and nothing leads to
    /// what was written of it.
    ///
    /// # Locking
    ///
    /// The caller holds the store lock, in either way, until what names the object survives.
    pub(super) fn add(
        &mut self,
        source: &Catalog,
        (object, bytes): (ObjectId, Vec<u8>),
        imported: &mut Imported,
    ) -> Result<bool, Error> {
        let is_whole = self.add_attached(source, object, imported)?;
        if is_whole {
            self.hold(object, bytes)?;
        }
        Ok(is_whole)
    }

    /// As [`add`](Self::add), of an object that is here.
    pub(super) fn add_attached(
        &mut self,
        source: &Catalog,
        object: ObjectId,
        imported: &mut Imported,
    ) -> Result<bool, Error> {
        // A damaged one says nothing.
        let own = self.to.manifests(&object).unwrap_or_default();
        let mut links = BTreeSet::new();
        let read = source.visit_attached(object, &mut |link, carried| {
            if link.0 == object && contradicts(&own, &carried) {
                let (subject, object) = link;
                imported.problem(ImportSide::Source, Error::OtherFiles { subject, object });
                return Ok(());
            }
            links.insert(link);
            self.hold(link.1, carried.bytes).map_err(Failed::Here)
        });
        match read {
            Ok(()) => {
                self.links.extend(links);
                Ok(true)
            }
            Err(Failed::Source(cause)) => {
                imported.problem(ImportSide::Source, cause);
                Ok(false)
            }
            Err(Failed::Here(cause)) => Err(cause),
        }
    }

    /// Writes what is held, and the links. When this returns, all of it survives a power cut.
    pub(super) fn deliver(mut self) -> Result<(), Error> {
        self.write_objects()?;
        Ok(attachments::add_all(self.to.root_dir(), &self.links)?)
    }

    fn hold(&mut self, object: ObjectId, bytes: Vec<u8>) -> Result<(), Error> {
        let size = bytes.len();
        if self.objects.insert(object, bytes).is_none() {
            self.bytes += size;
        }
        if self.bytes > MOST_BYTES {
            self.write_objects()?;
        }
        Ok(())
    }

    fn write_objects(&mut self) -> Result<(), Error> {
        let objects = self.objects.iter().map(|(id, bytes)| (*id, &**bytes));
        objects::write_all(self.to.root_dir(), &objects.collect())?;
        self.objects.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// Returns whether it is a manifest that would have files pass which have drifted, as it says something
/// else than those that are here.
fn contradicts(own: &[Manifest], carried: &Carried) -> bool {
    match &carried.object {
        Some(Object::Manifest(manifest)) => !own.is_empty() && !own.contains(manifest),
        _ => false,
    }
}
