//! What must hold after a kill, at once, and without any repair.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::time::{Duration, Instant};

use walkdir::WalkDir;

use crate::bench::{Place, State};
use crate::operation::{MANY, Operation, many};

/// An operation that was under way, in states before and after it.
pub(crate) struct InFlight<'a> {
    pub(crate) operation: Operation,
    pub(crate) before: &'a State,
    pub(crate) after: &'a State,
    /// What was wrong before, on purpose.
    pub(crate) findings: &'a BTreeSet<(String, String)>,
    /// How many lines it printed: what they say is acknowledged.
    pub(crate) lines: usize,
    /// How it was killed, for whoever reads a failure.
    pub(crate) what: &'a str,
}

impl InFlight<'_> {
    /// Requires that everything is as before or as after, and what was acknowledged as after. Returns
    /// whether nothing is as after that was not before.
    pub(crate) fn check(&self, place: &Place) -> bool {
        let (now, what) = (place.state(), self.what);
        let mut is_before = true;
        let keys = self
            .before
            .keys()
            .chain(self.after.keys())
            .chain(now.keys());
        for key in keys {
            let [before, found, after] = [self.before, &now, self.after].map(|it| it.get(key));
            let may_be_old = !self.is_acknowledged(key) && found == before;
            assert!(
                may_be_old || found == after,
                "{key} is {found:?}, was {before:?}, is to be {after:?}: {what}"
            );
            is_before &= found == before;
        }
        self.check_findings(place);
        check_locks(place, what);
        is_before
    }

    fn is_acknowledged(&self, key: &str) -> bool {
        if self.operation != Operation::PutMany {
            return self.lines > 0;
        }
        (0..self.lines.min(MANY)).any(|at| key == format!("{}/1", many(at)))
    }

    /// The worst that was added are leftovers, and a line of a history before its ref is made.
    fn check_findings(&self, place: &Place) {
        let is_harmless = |slug: &str| ["leftover", "quarantined", "ref-absent"].contains(&slug);
        let findings = place.findings();
        let added = findings.difference(self.findings);
        let wrong: Vec<_> = added.filter(|(slug, _)| !is_harmless(slug)).collect();
        assert!(wrong.is_empty(), "{wrong:?}: {}", self.what);
    }

    /// Requires that nothing but what is wanted is left of it, neither in the catalog nor beside it.
    pub(crate) fn check_nothing_is_left(&self, place: &Place) {
        let findings = place.findings();
        let mut left = findings.difference(self.findings);
        let left = left.find(|(slug, _)| slug != "quarantined");
        assert_eq!(left, None, "{}", self.what);
        for file in fs::read_dir(place.dir()).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            assert!(!name.starts_with('.'), "{name} is left: {}", self.what);
        }
    }

    /// Requires that every command that reads does so.
    pub(crate) fn check_readers(&self, place: &Place) {
        let listed = place.run(&words("list --json"));
        if let Some(line) = listed.lines().next() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            let object = record["object"].as_str().unwrap();
            let name = format!("{}/1", record["entry"]["engine"].as_str().unwrap());
            place.run(&words(&format!("get {name}")));
            place.run(&words(&format!("history {name}")));
            place.run(&words(&format!("why {object}")));
            place.run(&words(&format!("diff {name} {object}")));
        }
        let names = place.run(&words("snapshot list"));
        if let Some(name) = names.split_whitespace().next() {
            place.run(&words(&format!("snapshot show {name}")));
        }
    }
}

pub(crate) fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// Nobody holds any lock.
fn check_locks(place: &Place, what: &str) {
    let root = place.root();
    let histories = WalkDir::new(root.join("history")).min_depth(2);
    let histories = histories.into_iter().map(|it| it.unwrap().into_path());
    for path in histories.chain([root.clone(), root.join("lock")]) {
        let (file, start) = (File::open(&path).unwrap(), Instant::now());
        // The kernel closes the files of a dead process one after the other.
        while file.try_lock().is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(1),
                "{path:?} is locked: {what}"
            );
        }
    }
}
