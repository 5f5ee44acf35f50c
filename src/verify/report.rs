//! What a verification found, and how much it looked at.

use super::VerifyProgress;
use super::finding::Finding;
use super::slug::Severity;
use crate::error::Error;

/// What a verification found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// What it found, sorted by path.
    pub findings: Vec<Finding>,
    /// Objects that it looked at.
    pub objects: u64,
    /// Bytes that it hashed.
    pub bytes: u64,
    /// Parts that it looked at, and others.
    pub parts: Parts,
    /// Why the next [`VerifyScope::Scrub`](super::VerifyScope::Scrub) will not know what this one
    /// verified.
    pub forgotten: Option<Error>,
}

/// The parts of a catalog, which are verified one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parts {
    /// Those that were verified.
    pub verified: usize,
    /// Those that are not due, because they were verified a short time ago.
    pub skipped: usize,
    /// Those that are due, and for which no time was left.
    pub overdue: usize,
}

impl Report {
    pub(crate) fn new(mut findings: Vec<Finding>, total: VerifyProgress, parts: Parts) -> Self {
        findings.sort_unstable();
        Self {
            findings,
            objects: total.objects,
            bytes: total.bytes,
            parts,
            forgotten: None,
        }
    }

    /// Returns how many findings have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let of_it = |finding: &&Finding| finding.severity() == severity;
        self.findings.iter().filter(of_it).count()
    }

    /// Returns whether there are no errors and no warnings.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.findings.iter().any(Finding::is_fault)
    }
}
