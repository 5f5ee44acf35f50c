//! The part of the names: refs, histories, named snapshots, attachments, against each other and
//! against the objects; and the tree around them.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::scan::Scan;
use super::{attachments, history, refs, snapshots, tree};
use crate::layout;

pub(super) fn check(scan: &Scan<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    tree::check_root(scan, &mut found);
    // In this order a ref that is replaced meanwhile is not missed, see layout.md section 7.5.
    let mut refs: BTreeSet<_> = tree::ref_names(scan, layout::REFS, &mut found)
        .into_iter()
        .collect();
    let histories = tree::ref_names(scan, layout::HISTORY, &mut found);
    let missed = histories
        .iter()
        .filter(|name| scan.root.has(&layout::ref_file(name).path()));
    refs.extend(missed.cloned());
    found.extend(refs::check_all(scan, &refs.into_iter().collect::<Vec<_>>()));
    found.extend(history::check_all(scan, &histories));
    let names = tree::snapshot_names(scan, &mut found);
    found.extend(snapshots::check_all(scan, &names));
    attachments::check_all(scan, &mut found);
    tree::check_scratch(scan, &mut found);
    found
}
