//! Whether enough keys have signed what a catalog has (layout.md section 5.6).

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::Catalog;
use super::signatures::JudgedSignature;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::name::RefName;
use crate::policy::{Policy, RequiredSignatures};
use crate::sshsig::DistinctKeys;

/// Where signatures of entries, and of the named snapshots that they are members of, are looked for.
#[derive(Debug)]
pub struct Endorsements<'a> {
    catalogs: Vec<&'a Catalog>,
    required: Required<'a>,
    /// A snapshot that counts besides those that have names.
    unnamed: Option<ObjectId>,
    /// Those that somebody has signed, once they have been looked at.
    snapshots: OnceLock<Vec<SignedSnapshot>>,
}

/// What is required: the same of all, or what a policy says of each at a time.
#[derive(Debug)]
enum Required<'a> {
    OfAll(RequiredSignatures<'a>),
    ByPolicy(Policy, i64),
}

#[derive(Debug)]
struct SignedSnapshot {
    members: BTreeSet<ObjectId>,
    keys: DistinctKeys,
}

/// Who has signed an entry.
#[derive(Debug)]
#[non_exhaustive]
pub struct Endorsement {
    /// The entry.
    pub entry: ObjectId,
    /// How many distinct keys are required. Where none is, signatures are not looked at.
    pub required: usize,
    /// How many have signed it, or a named snapshot that it is a member of. Where enough have signed the
    /// entry itself, snapshots are not looked at.
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
    /// Returns what looks for signatures in these catalogs. The named snapshots are looked at once, when an
    /// entry needs them.
    #[must_use]
    pub fn look_in(&self, catalogs: &[&'a Catalog]) -> Endorsements<'a> {
        Endorsements::new(catalogs, Required::OfAll(*self))
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

impl Policy {
    /// Returns what looks for signatures in these catalogs, as [`RequiredSignatures::look_in`] does, by keys
    /// that are valid at this time, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn look_in<'a>(self, catalogs: &[&'a Catalog], at_ms: i64) -> Endorsements<'a> {
        Endorsements::new(catalogs, Required::ByPolicy(self, at_ms))
    }
}

impl<'a> Endorsements<'a> {
    fn new(catalogs: &[&'a Catalog], required: Required<'a>) -> Self {
        Self {
            catalogs: catalogs.to_vec(),
            required,
            unnamed: None,
            snapshots: OnceLock::new(),
        }
    }

    /// Takes the signatures of this snapshot for those of a named one: its members are what the caller is
    /// about to rely on.
    #[must_use]
    pub fn and_of_snapshot(self, snapshot: ObjectId) -> Self {
        Self {
            unnamed: Some(snapshot),
            snapshots: OnceLock::new(),
            ..self
        }
    }

    /// Returns the policy that says what is required, if one does.
    pub(super) fn policy(&self) -> Option<&Policy> {
        match &self.required {
            Required::OfAll(_) => None,
            Required::ByPolicy(policy, _) => Some(policy),
        }
    }

    /// Returns who has signed an entry that this ref holds, or is to hold.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where names of snapshots or links cannot be listed, [`Error::Object`] where the entry
    /// is damaged. A snapshot or signature that cannot be read does not count.
    pub fn of(&self, name: &RefName, entry: &ObjectId) -> Result<Endorsement, Error> {
        let required = match &self.required {
            Required::OfAll(required) => *required,
            Required::ByPolicy(policy, at_ms) => policy.required(name, *at_ms),
        };
        let (mut keys, mut refused) = (DistinctKeys::default(), Vec::new());
        if required.keys > 0 {
            for catalog in &self.catalogs {
                refused.extend(required.count(catalog, entry, &mut keys)?);
            }
        }
        if keys.count() < required.keys {
            for snapshot in self.snapshots(&required)? {
                if snapshot.members.contains(entry) {
                    keys.extend(&snapshot.keys);
                }
            }
        }
        Ok(Endorsement {
            entry: *entry,
            required: required.keys,
            found: keys.count(),
            refused,
        })
    }

    /// Returns the snapshots that somebody has signed.
    fn snapshots(&self, required: &RequiredSignatures<'_>) -> Result<&[SignedSnapshot], Error> {
        if let Some(known) = self.snapshots.get() {
            return Ok(known);
        }
        let mut found = Vec::new();
        for catalog in &self.catalogs {
            let named = catalog.snapshots()?.into_iter().flatten();
            let objects: BTreeSet<_> = named.map(|it| it.object).chain(self.unnamed).collect();
            for object in objects {
                let Ok(Some(snapshot)) = catalog.snapshot(&object) else {
                    continue;
                };
                let mut keys = DistinctKeys::default();
                required.count(catalog, &object, &mut keys)?;
                if keys.count() > 0 {
                    let members = snapshot.objects;
                    found.push(SignedSnapshot { members, keys });
                }
            }
        }
        Ok(self.snapshots.get_or_init(|| found))
    }
}
