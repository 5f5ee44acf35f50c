//! What refs may come to hold: what enough keys have signed, where the catalog has a policy (layout.md
//! section 5.7).

use std::time::{Duration, Instant};

use super::{Catalog, Endorsements};
use crate::change::now_ms;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::name::RefName;
use crate::policy::RequiredSignatures;

/// What is known of snapshots, and the time at which keys have to be valid, are not older than this when
/// something begins.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What refs may come to hold, by the policy of their catalog and by what a caller requires.
pub(crate) struct Guard<'a> {
    /// The catalog that the refs are of, and then where else signatures are looked for.
    catalogs: Vec<&'a Catalog>,
    by_policy: Option<Endorsements<'a>>,
    looked_at: Instant,
    by_caller: Option<Endorsements<'a>>,
}

impl Catalog {
    /// Returns what refs of this catalog may come to hold. Signatures are looked for in `source` too, whose
    /// would come here first.
    pub(crate) fn guard<'a>(&'a self, source: Option<&'a Self>) -> Result<Guard<'a>, Error> {
        let mut guard = Guard {
            catalogs: [self].into_iter().chain(source).collect(),
            by_policy: None,
            looked_at: Instant::now(),
            by_caller: None,
        };
        guard.renew()?;
        Ok(guard)
    }
}

impl<'a> Guard<'a> {
    /// Requires this of every ref too.
    pub(crate) fn and(self, required: &RequiredSignatures<'a>) -> Self {
        Self {
            by_caller: Some(required.look_in(&self.catalogs)),
            ..self
        }
    }

    /// Returns whether something may be required.
    pub(crate) fn requires_some(&self) -> bool {
        self.by_policy.is_some() || self.by_caller.is_some()
    }

    /// Reads the policy again. Whoever changes it holds the store lock exclusively, so that it stays what it
    /// is for as long as the caller holds that lock.
    pub(crate) fn renew(&mut self) -> Result<(), Error> {
        let policy = self.catalogs[0].policy()?;
        let is_same = policy.as_ref() == self.by_policy.as_ref().and_then(Endorsements::policy);
        if !is_same || self.looked_at.elapsed() > LOOK_AGAIN {
            self.by_policy = policy.map(|it| it.look_in(&self.catalogs, now_ms()));
            self.looked_at = Instant::now();
        }
        Ok(())
    }

    /// Requires that a ref may come to hold an entry.
    pub(crate) fn admit(&self, name: &RefName, object: &ObjectId) -> Result<(), Error> {
        for endorsements in self.by_policy.iter().chain(&self.by_caller) {
            let endorsement = endorsements.of(name, object)?;
            if !endorsement.is_enough() {
                return Err(Error::RefUnsigned {
                    name: name.clone(),
                    object: *object,
                    required: endorsement.required,
                    found: endorsement.found,
                });
            }
        }
        Ok(())
    }
}
