//! Whether enough keys have signed what a catalog has (layout.md section 5.6).

use std::collections::BTreeSet;

use crate::allowed_signers::AllowedSigners;
use crate::catalog::Catalog;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::signatures::JudgedSignature;
use crate::sshsig::DistinctKeys;

/// What is required of the signatures of an entry.
#[derive(Clone, Copy, Debug)]
pub struct RequiredSignatures<'s> {
    /// How many distinct keys have to have signed it, or a named snapshot that it is a member of.
    pub keys: usize,
    /// Whose signatures count.
    pub signers: &'s AllowedSigners,
    /// The time, in milliseconds since the Unix epoch, at which their keys have to be valid. No signature says
    /// when it was made.
    pub at_ms: i64,
}

/// The signatures of named snapshots, and where those of entries are looked for.
#[derive(Debug)]
pub struct Endorsements<'a> {
    required: RequiredSignatures<'a>,
    catalogs: Vec<&'a Catalog>,
    snapshots: Vec<Endorsed>,
}

/// A snapshot that somebody has signed.
#[derive(Debug)]
struct Endorsed {
    members: BTreeSet<ObjectId>,
    keys: DistinctKeys,
}

/// Who has signed an entry.
#[derive(Debug)]
#[non_exhaustive]
pub struct Endorsement {
    /// The entry.
    pub entry: ObjectId,
    /// How many distinct keys are required.
    pub required: usize,
    /// How many have signed it, or a named snapshot that it is a member of.
    pub found: usize,
    /// The signatures of the entry that do not count, and why.
    pub refused: Vec<JudgedSignature>,
}

impl Endorsement {
    /// Returns whether enough keys have signed it.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.found >= self.required
    }

    /// Requires that enough keys have signed it.
    ///
    /// # Errors
    ///
    /// [`Error::Unsigned`] where they have not.
    pub fn require(&self) -> Result<(), Error> {
        match self.is_enough() {
            true => Ok(()),
            false => Err(Error::Unsigned {
                object: self.entry,
                required: self.required,
                found: self.found,
            }),
        }
    }
}

impl<'a> RequiredSignatures<'a> {
    /// Looks at the signatures of the named snapshots of these catalogs, in which those of entries are looked
    /// for later.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where names of snapshots or links cannot be listed. A snapshot or signature that cannot
    /// be read does not count.
    pub fn look_in(&self, catalogs: &[&'a Catalog]) -> Result<Endorsements<'a>, Error> {
        let (required, mut snapshots) = (*self, Vec::new());
        for &catalog in catalogs {
            for named in catalog.snapshots()?.into_iter().flatten() {
                let Ok(Some(snapshot)) = catalog.snapshot(&named.object) else {
                    continue;
                };
                let mut keys = DistinctKeys::default();
                required.count(catalog, &named.object, &mut keys)?;
                if keys.count() > 0 {
                    let members = snapshot.objects;
                    snapshots.push(Endorsed { members, keys });
                }
            }
        }
        let catalogs = catalogs.to_vec();
        Ok(Endorsements {
            required,
            catalogs,
            snapshots,
        })
    }

    /// Adds the keys that have signed an object, and returns the signatures that do not count.
    fn count(
        &self,
        catalog: &Catalog,
        object: &ObjectId,
        keys: &mut DistinctKeys,
    ) -> Result<Vec<JudgedSignature>, Error> {
        let signatures = match catalog.signatures(object, self.signers, self.at_ms) {
            // Another of the catalogs may have it.
            Err(Error::NoSuchSubject { .. }) => return Ok(Vec::new()),
            signatures => signatures?,
        };
        let mut refused = Vec::new();
        for signature in signatures.flatten() {
            match signature.good_key() {
                Some(key) => drop(keys.add(key)),
                None => refused.push(signature),
            }
        }
        Ok(refused)
    }
}

impl Endorsements<'_> {
    /// Returns who has signed an entry.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where links cannot be listed, [`Error::Object`] where the entry is damaged.
    pub fn of(&self, entry: &ObjectId) -> Result<Endorsement, Error> {
        let (mut keys, mut refused) = (DistinctKeys::default(), Vec::new());
        for catalog in &self.catalogs {
            refused.extend(self.required.count(catalog, entry, &mut keys)?);
        }
        for snapshot in &self.snapshots {
            if snapshot.members.contains(entry) {
                keys.extend(&snapshot.keys);
            }
        }
        Ok(Endorsement {
            entry: *entry,
            required: self.required.keys,
            found: keys.count(),
            refused,
        })
    }

    /// Requires that enough keys have signed an entry.
    ///
    /// # Errors
    ///
    /// [`Error::Unsigned`] where they have not, and those of [`of`](Self::of).
    pub fn require(&self, entry: &ObjectId) -> Result<(), Error> {
        self.of(entry)?.require()
    }
}
