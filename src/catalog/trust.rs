//! Whether enough keys have signed what a catalog has (layout.md section 5.6).

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::signatures::JudgedSignature;
use super::{Catalog, Record};
use crate::attachments;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::name::RefName;
use crate::policy::{Policy, RequiredSignatures};
use crate::sshsig::DistinctKeys;

/// Where signatures of entries, and of the snapshots that they are members of, are looked for.
#[derive(Debug)]
pub struct Endorsements<'a> {
    /// The catalog that it is about, and then others.
    catalogs: Vec<&'a Catalog>,
    required: Required<'a>,
    /// Snapshots with names that somebody has signed, and then those without; once they have been looked
    /// at.
    snapshots: [OnceLock<Vec<SignedSnapshot>>; 2],
}

/// What is required: the same of all, or what a policy says of each at a time.
#[derive(Debug)]
enum Required<'a> {
    OfAll(RequiredSignatures<'a>),
    ByPolicy(Policy, i64),
}

#[derive(Debug)]
struct SignedSnapshot {
    object: ObjectId,
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
    /// How many have signed it, or a snapshot that it is a member of. Where enough have signed the entry
    /// itself, snapshots are not looked at.
    pub found: usize,
    /// The signatures of the entry that do not count, and why.
    pub refused: Vec<JudgedSignature>,
    /// What is attached to the entry and cannot be read: it may be a signature.
    pub unreadable: Vec<Error>,
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

/// What signatures of an object add up to.
#[derive(Default)]
struct Count {
    keys: DistinctKeys,
    refused: Vec<JudgedSignature>,
    unreadable: Vec<Error>,
}

impl Count {
    /// Adds the signatures of an object.
    fn add(
        &mut self,
        catalog: &Catalog,
        object: &ObjectId,
        required: &RequiredSignatures<'_>,
    ) -> Result<(), Error> {
        let (signers, at_ms) = (required.signers, required.at_ms);
        let signatures = match catalog.small_signatures(object, signers, at_ms) {
            // Another of the catalogs may have it.
            Err(Error::NoSuchSubject { .. }) => return Ok(()),
            signatures => signatures?,
        };
        for signature in signatures {
            match signature {
                Ok(signature) => match signature.good_key() {
                    Some(key) => drop(self.keys.add(key)),
                    None => self.refused.push(signature),
                },
                Err(error) => self.unreadable.push(error),
            }
        }
        Ok(())
    }
}

impl<'a> RequiredSignatures<'a> {
    /// Returns what looks for signatures in these catalogs, of which the first is the one that the entries
    /// are of: any snapshot that it has counts. Of the others those count that have names, as an import
    /// brings these along. Snapshots are looked at once, when an entry needs them.
    #[must_use]
    pub fn look_in(&self, catalogs: &[&'a Catalog]) -> Endorsements<'a> {
        Endorsements::new(catalogs, Required::OfAll(*self))
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

impl Catalog {
    /// Requires that as many keys have signed an entry as the [`policy`](Self::policy) of this catalog
    /// requires of its ref, valid at this time, in milliseconds since the Unix epoch. Nothing is required
    /// where it has no policy. What looks entries up does not ask for signatures: who relies on one does.
    ///
    /// # Errors
    ///
    /// [`Error::Unsigned`], and those of [`policy`](Self::policy) and [`Endorsements::of`].
    pub fn require_signed(&self, record: &Record, at_ms: i64) -> Result<(), Error> {
        let Some(policy) = self.policy()? else {
            return Ok(());
        };
        let endorsements = policy.look_in(&[self], at_ms);
        endorsements.of(&record.name(), &record.object)?.require()
    }
}

impl<'a> Endorsements<'a> {
    fn new(catalogs: &[&'a Catalog], required: Required<'a>) -> Self {
        Self {
            catalogs: catalogs.to_vec(),
            required,
            snapshots: Default::default(),
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
    /// [`Error::Path`] where what is attached to the entry cannot be listed, [`Error::Object`] where the entry
    /// is damaged. A snapshot that cannot be read, or whose signatures cannot be listed, does not count.
    pub fn of(&self, name: &RefName, entry: &ObjectId) -> Result<Endorsement, Error> {
        let required = match &self.required {
            Required::OfAll(required) => *required,
            Required::ByPolicy(policy, at_ms) => policy.required(name, *at_ms),
        };
        let mut count = Count::default();
        if required.threshold > 0 {
            for catalog in &self.catalogs {
                count.add(catalog, entry, &required)?;
            }
        }
        for (known, list) in self.snapshots.iter().zip([Self::named, Self::unnamed]) {
            if count.keys.count() >= required.threshold {
                break;
            }
            let signed = known.get_or_init(|| list(self, &required)).iter();
            for snapshot in signed.filter(|it| it.members.contains(entry)) {
                count.keys.extend(&snapshot.keys);
            }
        }
        Ok(Endorsement {
            entry: *entry,
            required: required.threshold,
            found: count.keys.count(),
            refused: count.refused,
            unreadable: count.unreadable,
        })
    }

    /// Returns the snapshots with names that somebody has signed. What cannot be listed counts for nothing.
    fn named(&self, required: &RequiredSignatures<'_>) -> Vec<SignedSnapshot> {
        let named = self.catalogs.iter().filter_map(|it| it.snapshots().ok());
        let named = named.flatten().flatten().map(|it| it.object);
        self.signed(named.collect(), required)
    }

    /// Returns the other snapshots that somebody has signed, and more: those of a catalog that brought them
    /// have no names.
    fn unnamed(&self, required: &RequiredSignatures<'_>) -> Vec<SignedSnapshot> {
        let links = self
            .catalogs
            .iter()
            .map(|it| attachments::list_all(it.root_dir()));
        let subjects = links.flat_map(|it| it.by_subject.into_keys());
        let mut signed = self.signed(subjects.collect(), required);
        signed.retain(|it| {
            let is_here = self.catalogs[0].has_object(&it.object);
            is_here.is_ok_and(|it| it)
        });
        signed
    }

    /// Returns those of some objects that are snapshots, and that somebody has signed in any of the catalogs.
    fn signed(
        &self,
        objects: BTreeSet<ObjectId>,
        required: &RequiredSignatures<'_>,
    ) -> Vec<SignedSnapshot> {
        let signed = objects.into_iter().filter_map(|object| {
            let mut count = Count::default();
            for catalog in &self.catalogs {
                // What cannot be listed counts for nothing.
                let _ = count.add(catalog, &object, required);
            }
            if count.keys.count() == 0 {
                return None;
            }
            let mut found = self.catalogs.iter();
            let snapshot = found.find_map(|it| it.snapshot(&object).ok().flatten())?;
            Some(SignedSnapshot {
                object,
                members: snapshot.objects,
                keys: count.keys,
            })
        });
        signed.collect()
    }
}
