//! Verifying a catalog: everything is read, every byte is hashed, and what is named is compared with
//! what is there.
//!
//! No lock is taken, and nothing is written but the schedule of a [`VerifyScope::Scrub`]. What looks
//! wrong is looked at again before it is a finding, so that writers at work cause none.

mod attachments;
mod blobs;
mod finding;
mod history;
mod judge;
mod names;
mod objects;
mod part;
mod refs;
mod report;
mod scan;
mod schedule;
#[cfg(feature = "signatures")]
mod signatures;
mod slug;
mod snapshots;
mod tree;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::durable::Hold;
use crate::error::Error;
use crate::hash::ObjectId;

pub use finding::Finding;
pub(crate) use part::Part;
pub use report::{Parts, Report};
pub(crate) use scan::Scan;
use schedule::{Outcome, Schedule};
pub use slug::{Severity, Slug};

/// What is verified.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum VerifyScope<'a> {
    /// Everything.
    #[default]
    Everything,
    /// These objects, and nothing that names them.
    Objects(BTreeSet<ObjectId>),
    /// What was not verified for the longest time.
    Scrub(Scrub<'a>),
}

/// Verifying a large catalog over days: part by part, the longest unverified first. When each was
/// verified is kept in `cache/`.
#[derive(Clone, Copy)]
pub struct Scrub<'a> {
    /// After how much time no further part is begun; `None` to go on to the end. At least one part
    /// that is due is verified.
    pub budget: Option<Duration>,
    /// A part that was verified no longer ago, without errors or warnings, is not due; `None` if all
    /// are.
    pub max_age: Option<Duration>,
    /// Returns the time: milliseconds since the Unix epoch.
    pub clock: &'a (dyn Fn() -> i64 + Sync),
}

impl std::fmt::Debug for Scrub<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrub")
            .field("budget", &self.budget)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// After how many parts of a scrub it is remembered what was verified.
const REMEMBERED_TOGETHER: usize = 64;

/// How far a verification is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyProgress {
    /// Parts that are done: shards of objects and of artifacts, and all names together.
    pub parts_done: usize,
    /// Parts in all.
    pub parts: usize,
    /// Objects that were looked at.
    pub objects: u64,
    /// Bytes that were hashed.
    pub bytes: u64,
}

impl Catalog {
    /// Reads everything and returns what is wrong; finding something is no error.
    ///
    /// Every byte of every object is hashed and decoded strictly, on all cores. Refs, histories, named
    /// snapshots and attachments are compared with each other and with the objects. What does not
    /// belong, what is left over, and what would break a copy is found too: layout.md section 11.1 has
    /// all kinds of finding. Nothing ends the verification early.
    ///
    /// `progress` is called from several threads.
    ///
    /// # Locking
    ///
    /// Takes no lock. Only a [`VerifyScope::Scrub`] writes something, when each part was verified, and
    /// shares the store lock for that; not on a catalog that was opened to read only, or where no
    /// writer has been, as in a proof bundle.
    ///
    /// # Errors
    ///
    /// None for now: what cannot be read is found.
    pub fn verify(
        &self,
        scope: &VerifyScope<'_>,
        progress: &(dyn Fn(VerifyProgress) + Sync),
    ) -> Result<Report, Error> {
        match scope {
            VerifyScope::Everything => {
                let parts: Vec<_> = Part::all().collect();
                let scan = Scan::new(self.root_dir(), parts.len(), progress);
                let looked = scan.look_at(&parts, &|| 0, || true);
                let findings = looked.into_iter().flat_map(|looked| looked.findings);
                let parts = Parts {
                    verified: parts.len(),
                    ..Parts::default()
                };
                Ok(Report::new(findings.collect(), scan.so_far(), parts))
            }
            VerifyScope::Objects(objects) => {
                let objects: Vec<_> = objects.iter().collect();
                let scan = Scan::new(self.root_dir(), 0, progress);
                let found = scan::spread(&objects, |id| {
                    objects::check(&scan, id, objects::Absent::IsFound)
                });
                let findings = found.into_iter().flatten().collect();
                Ok(Report::new(findings, scan.so_far(), Parts::default()))
            }
            VerifyScope::Scrub(scrub) => Ok(self.scrub(scrub, progress)),
        }
    }

    fn scrub(&self, scrub: &Scrub<'_>, progress: &(dyn Fn(VerifyProgress) + Sync)) -> Report {
        let Scrub {
            budget,
            max_age,
            clock,
        } = *scrub;
        let begin_ms = clock();
        let mut schedule = Schedule::read(self.root_dir());
        let due = schedule.due(begin_ms, max_age);
        let scan = Scan::new(self.root_dir(), due.len(), progress);
        let goes_on = || {
            let elapsed_ms = clock().saturating_sub(begin_ms).max(0).unsigned_abs();
            budget.is_none_or(|budget| u128::from(elapsed_ms) < budget.as_millis())
        };
        let (mut findings, mut verified, mut forgotten) = (Vec::new(), 0, None);
        // What was verified is remembered also if this is cut short.
        for some in due.chunks(REMEMBERED_TOGETHER) {
            if verified > 0 && !goes_on() {
                break;
            }
            let looked = scan.look_at(some, clock, goes_on);
            verified += looked.len();
            for looked in looked {
                let is_faulty = looked.findings.iter().any(Finding::is_fault);
                let outcome = if is_faulty {
                    Outcome::Faulty
                } else {
                    Outcome::Clean
                };
                schedule.set(looked.part, looked.at_ms, outcome);
                findings.extend(looked.findings);
            }
            // Who has waited for the lock once does not wait for it again before the end.
            if forgotten.is_none() {
                forgotten = self.remember(&schedule).err();
            }
        }
        if forgotten.is_some() {
            forgotten = self.remember(&schedule).err();
        }
        let parts = Parts {
            verified,
            skipped: Part::all().count() - due.len(),
            overdue: due.len() - verified,
        };
        Report {
            forgotten,
            ..Report::new(findings, scan.so_far(), parts)
        }
    }

    fn remember(&self, schedule: &Schedule) -> Result<(), Error> {
        self.require_writable()?;
        if self.is_pristine() {
            let root = self.root().to_owned();
            return Err(Error::Pristine { root });
        }
        // What is staged in tmp/ is safe from whoever holds the store alone.
        let _lock = self.begin_write(Hold::Shared)?;
        Ok(schedule.write(self.root_dir())?)
    }
}
