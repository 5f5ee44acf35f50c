//! Changing different refs together, each by what is decided of what it holds: if somebody changes one
//! meanwhile, it is decided again.

use std::collections::BTreeMap;

use super::ImportOutcome;
use crate::catalog::{Catalog, Guard};
use crate::change::{Change, Stamp};
use crate::error::Error;
use crate::hash::ObjectId;
use crate::name::RefName;
use crate::objects;
use crate::refs::{self, Expect, RefError, Update};

/// How often it is looked again at refs that others change meanwhile.
const MOST_ATTEMPTS: u32 = 100;

/// What is to be done to a ref.
pub(super) struct Step<'a, T> {
    pub(super) name: RefName,
    /// What must survive before that, and does not yet.
    pub(super) objects: BTreeMap<ObjectId, &'a [u8]>,
    /// The change, which expects what was decided upon; none where it stays as it is.
    pub(super) update: Option<Update>,
    /// What is told of it, once it is done.
    pub(super) done: T,
}

impl<T> Step<'_, T> {
    /// Leaves the ref as it is, if it may not come to hold what it was to hold; `leave` tells what is done
    /// then, for want of signatures of that object.
    pub(super) fn admitted_by(
        mut self,
        guard: &Guard<'_>,
        leave: impl FnOnce(&mut T, ObjectId, ImportOutcome),
    ) -> Result<Self, Error> {
        let Some(update) = &self.update else {
            return Ok(self);
        };
        let stays = update.new.map_or(Expect::Absent, Expect::Object) == update.expect;
        let new = update.new.iter().filter(|_| !stays);
        // What it only passes through is in its history then.
        let mut held = update.through.iter().chain(new);
        match held.try_for_each(|object| guard.admit(&self.name, object)) {
            // What is preferred stays, and its history says nothing of the other.
            Err(Error::RefUnsigned { .. }) if stays && update.new.is_some() => self.update = None,
            Err(Error::RefUnsigned {
                object,
                required,
                found,
                ..
            }) => {
                self.update = None;
                let outcome = ImportOutcome::Unsigned { required, found };
                leave(&mut self.done, object, outcome);
            }
            admitted => admitted?,
        }
        Ok(self)
    }
}

impl Catalog {
    /// Does what `decide` says of each of a batch, no two of which are of the same ref, and tells what was
    /// done, or why it cannot be decided. Of a ref that never rests that is a conflict.
    ///
    /// # Locking
    ///
    /// The caller holds the store lock, in either way.
    pub(super) fn settle<'a, B, T>(
        &self,
        batch: &'a [B],
        stamp: &Stamp,
        decide: &dyn Fn(&'a B) -> Result<Step<'a, T>, Error>,
        tell: &mut dyn FnMut(Result<T, Error>),
    ) -> Result<(), Error> {
        for attempt in 1.. {
            let (mut steps, mut problems) = (Vec::with_capacity(batch.len()), Vec::new());
            for item in batch {
                match decide(item) {
                    Ok(step) => steps.push(step),
                    Err(cause) => problems.push(cause),
                }
            }
            let objects = steps.iter().flat_map(|step| step.objects.clone());
            objects::write_all(self.root_dir(), &objects.collect())?;
            let updates =
                (steps.iter()).filter_map(|step| Some((&step.name, step.update.clone()?)));
            match refs::update_all(self.root_dir(), &updates.collect(), stamp) {
                // Somebody changed one meanwhile: look again at all.
                Err(RefError::Conflict { .. }) if attempt < MOST_ATTEMPTS => {}
                Err(error @ RefError::Conflict { .. }) => {
                    if let [_] = batch {
                        tell(Err(error.into()));
                        return Ok(());
                    }
                    // One that never rests must not keep the others.
                    let mut each = batch.chunks(1);
                    return each.try_for_each(|one| self.settle(one, stamp, decide, tell));
                }
                result => {
                    result?;
                    steps.into_iter().for_each(|step| tell(Ok(step.done)));
                    problems.into_iter().for_each(|cause| tell(Err(cause)));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Returns what a ref holds, and its changes that took effect, as they were at one moment. Of a ref
    /// that never rests they may not be: what is decided by them is refused when it is to be changed.
    pub(super) fn settled_ref(
        &self,
        name: &RefName,
    ) -> Result<(Option<ObjectId>, Vec<Change>), Error> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let current = refs::read(self.root_dir(), name)?;
            let changes = self.history(name)?;
            if attempt == MOST_ATTEMPTS || refs::read(self.root_dir(), name)? == current {
                return Ok((current, changes));
            }
        }
    }
}
