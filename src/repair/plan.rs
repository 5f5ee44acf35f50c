//! What a repair needs of other catalogs, for whoever brings it from where the library does not reach; and
//! putting it in its place without looking at everything.

use std::collections::{BTreeMap, BTreeSet};

use super::State;
use super::contents::Contents;
use super::copies::Copies;
use super::round::{wanted, wanted_blobs};
use crate::blobs::Blob;
use crate::catalog::{Catalog, told};
use crate::durable::Hold;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::objects;
use crate::verify::{Part, Parts, Report, VerifyProgress};

/// What a repair would begin with.
#[derive(Debug)]
#[non_exhaustive]
pub struct RepairPlan {
    /// What is found now.
    pub report: Report,
    /// What is damaged or missing, and of which there is no right copy in this catalog: others may have
    /// one. A snapshot that is among it may have members that are missing too.
    pub needed: Needed,
}

/// What a catalog lacks, and others may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Needed {
    /// Objects.
    pub objects: BTreeSet<ObjectId>,
    /// Blobs, with their sizes in bytes, as manifests say.
    pub blobs: BTreeMap<ObjectId, u64>,
}

impl Needed {
    /// Returns whether nothing is needed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.blobs.is_empty()
    }

    /// Keeps what is called for.
    pub fn retain(&mut self, is_needed: impl Fn(&ObjectId) -> bool) {
        self.objects.retain(&is_needed);
        self.blobs.retain(|blob, _| is_needed(blob));
    }
}

impl From<BTreeSet<ObjectId>> for Needed {
    fn from(objects: BTreeSet<ObjectId>) -> Self {
        let blobs = BTreeMap::new();
        Self { objects, blobs }
    }
}

impl RepairPlan {
    /// Returns whether nothing is damaged or missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.report.is_clean() && self.needed.is_empty()
    }
}

impl Catalog {
    /// Looks at everything, and returns what [`repair`](Self::repair) could restore if only it had a copy.
    ///
    /// `progress` is called from several threads.
    ///
    /// # Errors
    ///
    /// None for now: what cannot be read is found.
    pub fn plan_repair(
        &self,
        progress: &(dyn Fn(VerifyProgress) + Sync),
    ) -> Result<RepairPlan, Error> {
        let mut state = State::default();
        let total = state.look(self, Part::all().collect(), progress);
        let findings: Vec<_> = state.findings().collect();
        let root = self.root_dir();
        let mut objects = wanted(root, &findings);
        let copies = Copies::find(root, &[], objects.clone(), &findings);
        objects.retain(|object| !copies.has(object));
        let blobs = Contents::find(root, &[], &wanted_blobs(&findings)).needed();
        Ok(RepairPlan {
            report: Report::new(findings, total, Parts::default()),
            needed: Needed { objects, blobs },
        })
    }

    /// Puts objects in their places, from whichever of `from` has a right copy, and returns those that
    /// were restored. What is damaged in such a place is moved to `quarantine/`. Nothing else is looked
    /// at: see [`repair`](Self::repair).
    ///
    /// # Locking
    ///
    /// Shares the store lock.
    ///
    /// # Errors
    ///
    /// Those of a catalog that cannot be written. What cannot be read of `from` is no copy.
    pub fn restore(
        &self,
        objects: &BTreeSet<ObjectId>,
        from: &[&Self],
    ) -> Result<BTreeSet<ObjectId>, Error> {
        let _lock = told("restore", self.begin_write(Hold::Shared))?;
        let mut restored = BTreeSet::new();
        // One by one: each may have 64 MiB.
        for object in objects {
            let copy = |theirs: &&Self| objects::read_to_carry(theirs.root_dir(), object).ok()?;
            if let Some(carried) = from.iter().find_map(copy) {
                objects::write_all(
                    self.root_dir(),
                    &BTreeMap::from([(*object, &*carried.bytes)]),
                )?;
                restored.insert(*object);
            }
        }
        Ok(restored)
    }

    /// Returns whether an object is here and right, of whatever kind; `false` where it is missing.
    ///
    /// # Errors
    ///
    /// [`Error::Object`] where it is damaged, or cannot be read.
    pub fn has_object(&self, object: &ObjectId) -> Result<bool, Error> {
        Ok(objects::read_to_carry(self.root_dir(), object)?.is_some())
    }

    /// Returns whether a blob of `size` bytes is here and right; `false` where it is missing. All of it is
    /// read.
    ///
    /// # Errors
    ///
    /// [`Error::Blob`] where it is damaged, or cannot be read.
    pub fn has_blob(&self, blob: &ObjectId, size: u64) -> Result<bool, Error> {
        let id = *blob;
        Ok(Blob { id, size }.check(self.root_dir())?)
    }
}
