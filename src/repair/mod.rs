//! Repairing a catalog from what it has, and from other catalogs (layout.md section 7.8).
//!
//! What is damaged is restored where there is a copy with the right hash, or another record of what
//! it held; nothing is removed. What was done is verified again before it is reported.

mod contents;
mod copies;
mod plan;
mod report;
mod round;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::catalog::{Catalog, told};
use crate::durable::Hold;
use crate::error::Error;
use crate::events;
use crate::verify::{Finding, Part, Parts, Report, Scan, VerifyProgress};

pub use plan::{Needed, RepairPlan};
pub use report::{Action, Lost, RepairReport, Repaired};
use round::Round;

/// How often what was restored can show what else is missing: a ref its entry, a snapshot its
/// members. More than a chain of these has.
const MOST_ROUNDS: u32 = 8;

impl Catalog {
    /// Repairs what can be repaired, and returns what was found, what was done about it, and what
    /// remains.
    ///
    /// A damaged or missing object is restored from any file with the right hash: in one of the
    /// catalogs or proof bundles `from`, or in this catalog in `tmp/`, in `quarantine/`, or under
    /// another name in `objects/`. A damaged object without a copy is moved to `quarantine/`. A damaged ref is restored
    /// from its history, a damaged history keeps the lines that took effect. A ref, or a name of a
    /// snapshot, that cannot be restored stays as it is: as long as it does, nothing that it may name
    /// is taken for garbage. Nothing is removed, and repairing again changes nothing.
    ///
    /// `progress` is called from several threads, and begins anew with each look at the catalog.
    ///
    /// # Locking
    ///
    /// Takes the store lock exclusively, and waits for writers to finish.
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnly`], [`Error::ReadOnlyFeature`], and [`Error::Path`] where the lock cannot be
    /// taken. What cannot be repaired is reported.
    pub fn repair(
        &self,
        from: &[&Self],
        progress: &(dyn Fn(VerifyProgress) + Sync),
    ) -> Result<RepairReport, Error> {
        let _lock = told("repair", self.begin_write(Hold::Exclusive))?;
        let from: Vec<_> = from.iter().map(|catalog| catalog.root_dir()).collect();
        // What was staged for this is not left over.
        let mut state = State {
            in_use: from
                .iter()
                .filter_map(|root| root.path().strip_prefix(self.root()).ok())
                .collect(),
            ..State::default()
        };
        let total = state.look(self, Part::all().collect(), progress);
        let before: BTreeSet<_> = state.findings().collect();
        let (mut all, mut actions) = (before.clone(), BTreeMap::new());
        for _ in 0..MOST_ROUNDS {
            let current: Vec<_> = state.findings().collect();
            let done = Round::new(self.root_dir(), &from, &current).run();
            let touched = touched(&done);
            actions.extend(done);
            if touched.is_empty() {
                break;
            }
            state.look(self, touched, progress);
            // What was moved aside just now is told as what was done.
            let is_new = |finding: &Finding| !finding.is_below(crate::layout::QUARANTINE);
            all.extend(state.findings().filter(is_new));
        }
        let parts = Parts::default();
        let after = Report::new(state.findings().collect(), total, parts);
        let report = RepairReport::new(all, actions, after);
        for Repaired {
            finding,
            action,
            remains,
        } in &report.repairs
        {
            if *action == Action::Nothing && !finding.is_fault() {
                continue;
            }
            events::repaired(finding.slug.as_str(), &finding.path, action, *remains);
        }
        Ok(report)
    }
}

/// The parts that are to be looked at again after these actions; none if nothing was changed.
fn touched(done: &BTreeMap<Finding, Action>) -> Vec<Part> {
    let changed = done.iter().filter(|(_, action)| action.is_change());
    let mut parts: BTreeSet<_> = changed
        .flat_map(|(finding, _)| {
            let object = finding.object.map(|id| crate::layout::object(&id).path());
            let paths = [Some(finding.path.clone()), object];
            paths.into_iter().flatten().map(|path| Part::of_path(&path))
        })
        .collect();
    if !parts.is_empty() {
        parts.insert(Part::Names);
    }
    parts.into_iter().collect()
}

/// What is known of each part.
#[derive(Default)]
struct State<'r> {
    found: BTreeMap<Part, Vec<Finding>>,
    /// Directories in `tmp/` that copies are taken from.
    in_use: Vec<&'r Path>,
}

impl State<'_> {
    fn findings(&self) -> impl Iterator<Item = Finding> {
        let found = self.found.values().flatten();
        let found = found.filter(|it| !self.in_use.contains(&&*it.path));
        found.cloned()
    }

    fn look(
        &mut self,
        catalog: &Catalog,
        parts: Vec<Part>,
        progress: &(dyn Fn(VerifyProgress) + Sync),
    ) -> VerifyProgress {
        let scan = Scan::new(catalog.root_dir(), parts.len(), progress).telling_all_members();
        let looked = scan.look_at(&parts, &|| 0, || true);
        let looked = looked.into_iter().map(|it| (it.part, it.findings));
        self.found.extend(looked);
        scan.so_far()
    }
}
