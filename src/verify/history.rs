//! Histories: every line is well-formed, they lead to what the ref holds, and what they name is
//! there (layout.md section 6).

use std::collections::BTreeMap;

use super::finding::{Finding, settled};
use super::judge::missing;
use super::scan::{Scan, spread};
use super::slug::Slug;
use crate::change::Op;
use crate::hash::ObjectId;
use crate::layout;
use crate::lineage::{Lines, committed, lead_to, parse_history};
use crate::name::RefName;
use crate::refs;

pub(super) fn check_all(scan: &Scan<'_>, names: &[RefName]) -> Vec<Finding> {
    let found = spread(names, |name| settled(|| look(scan, name)));
    found.into_iter().flatten().collect()
}

fn look(scan: &Scan<'_>, name: &RefName) -> Vec<Finding> {
    let path = layout::history(name).path();
    let finding = |slug, message: String| Finding::new(slug, &path, message).at(name);
    let current = refs::read(scan.root, name);
    let bytes = match scan.root.read(&path, layout::MAX_HISTORY_BYTES) {
        // A writer that failed took its line back.
        Ok(None) => return Vec::new(),
        Ok(Some(bytes)) => bytes,
        Err(error) => {
            return vec![Finding::by_cause(&path, &error.cause, Slug::HistoryMalformed).at(name)];
        }
    };
    let lines = match parse_history(&bytes) {
        Ok(lines) => lines,
        Err(line) => {
            let message = format!("line {line} is malformed");
            return vec![finding(Slug::HistoryMalformed, message)];
        }
    };
    let Lines {
        changes,
        bytes: whole,
    } = lines;
    let mut found = Vec::new();
    let torn = bytes.len() as u64 - whole;
    if torn > 0 {
        let message = format!("the last {torn} bytes are of a write that was cut short");
        found.push(finding(Slug::HistoryTorn, message));
    }
    // What a ref that cannot be read held is not known.
    let Ok(current) = current else { return found };
    if !lead_to(&changes, current) {
        let held = current.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
        let message = format!("no line leads to what the ref holds, {held}");
        found.push(finding(Slug::HistoryDisconnected, message));
    }
    if current.is_none() && !changes.is_empty() && changes.iter().all(|it| it.old.is_none()) {
        let message = "it begins with an entry, and there is no such ref".to_owned();
        found.push(finding(Slug::RefAbsent, message));
    }
    let changes = committed(changes, current);
    // Each that is named, and the time of the last line: that retention let it go says nothing of it.
    let mut named = BTreeMap::<ObjectId, i64>::new();
    for change in &changes {
        for object in [change.old, change.new].into_iter().flatten() {
            match change.op {
                Op::Prune => _ = named.entry(object).or_insert(i64::MIN),
                _ => _ = named.insert(object, change.at_ms),
            }
        }
    }
    for (object, at_ms) in named {
        let is_there = || scan.root.has(&layout::object(&object).path());
        // That of the ref is found with the ref.
        if Some(object) != current && !is_there() && !scan.was_removed_since(&object, at_ms) {
            found.push(finding(Slug::HistoryObjectMissing, missing(&object)).of(object));
        }
    }
    found
}
