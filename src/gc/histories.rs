//! Histories that have grown long: their oldest lines go, as far as they tell of nothing that is kept
//! (layout.md section 7.9).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::GcOptions;
use crate::catalog::Catalog;
use crate::change::{Change, Op};
use crate::durable::{FileKind, Permissions, Root};
use crate::error::Error;
use crate::hash::ObjectId;
use crate::layout;
use crate::lineage::undo_target;
use crate::name::RefName;
use crate::reach::Unknown;
use crate::retention::Decision;

/// What is left of a history is this part of the most that it may have: so it is not shortened each time.
const KEPT_PART: u64 = 4;

/// A history that loses its oldest lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LongHistory {
    /// The ref.
    #[serde(rename = "ref", with = "crate::as_text")]
    pub name: RefName,
    /// How many of its changes go.
    pub changes: usize,
    /// How many stay, the last ones.
    pub kept_changes: usize,
    /// Its size in bytes.
    pub bytes: u64,
    /// How many of them stay.
    pub kept_bytes: u64,
}

/// Returns the histories that are too long and can be shortened. One that cannot be read is `unknown`, if it is
/// not yet.
pub(super) fn find(
    catalog: &Catalog,
    options: &GcOptions,
    decisions: &[Decision],
    unknown: &mut Vec<Unknown>,
) -> Result<Vec<LongHistory>, Error> {
    let root = catalog.root_dir();
    let mut found = Vec::new();
    for (name, bytes) in larger_than(root, options.history_bytes)? {
        let changes = match catalog.history(&name) {
            Ok(changes) => changes,
            Err(error) => {
                unknown.push(Unknown::because_of(error));
                continue;
            }
        };
        let of_ref = decisions.iter().filter(|it| it.name == name);
        let kept = of_ref.filter(|it| it.is_kept()).map(|it| it.object);
        let first = first_kept(&changes, kept.collect(), options.history_bytes / KEPT_PART);
        let kept_bytes = text(&changes[first..]).len() as u64;
        if kept_bytes < bytes {
            found.push(LongHistory {
                name,
                changes: first,
                kept_changes: changes.len() - first,
                bytes,
                kept_bytes,
            });
        }
    }
    Ok(found)
}

fn larger_than(root: &Root, limit: u64) -> Result<BTreeMap<RefName, u64>, Error> {
    let mut found = BTreeMap::new();
    let top = Path::new(layout::HISTORY);
    for (engine, kind) in root.list(top)? {
        if kind != FileKind::Directory {
            continue;
        }
        for (version, stat) in root.list_stats(&top.join(&engine))? {
            let name = RefName::from_file_names(&engine, &version);
            let is_large = stat.kind == FileKind::Regular && stat.size > limit;
            found.extend(name.filter(|_| is_large).map(|name| (name, stat.size)));
        }
    }
    Ok(found)
}

/// Returns from which change on the changes stay: the last that have so many bytes, and one at least; and before
/// them those without which nothing would tell of something that is kept, or undoing would lead elsewhere.
fn first_kept(changes: &[Change], mut kept: BTreeSet<ObjectId>, bytes: u64) -> usize {
    let (mut first, mut size) = (changes.len(), 0);
    for (at, change) in changes.iter().enumerate().rev() {
        size += change.to_string().len() as u64 + 1;
        if size > bytes && kept.is_empty() && first < changes.len() {
            break;
        }
        first = at;
        // That retention let something go says nothing of its age.
        if change.op != Op::Prune {
            let mentioned = [change.new, change.old];
            kept.retain(|object| !mentioned.contains(&Some(*object)));
        }
    }
    let undone = undo_target(changes);
    let mut step = 1;
    // A rollback goes back to what an earlier line says.
    while undo_target(&changes[first..]).is_some_and(|found| Some(found) != undone) {
        first = first.saturating_sub(step);
        step *= 2;
    }
    first
}

fn text(changes: &[Change]) -> String {
    changes.iter().map(|change| format!("{change}\n")).collect()
}

/// Shortens a history to its last changes. When this returns, what is left survives; a cut before leaves the
/// long one or the short one.
///
/// # Locking
///
/// The caller holds the store lock, exclusively, so that nobody has the lock of the ref.
pub(super) fn shorten(catalog: &Catalog, long: &LongHistory) -> Result<(), Error> {
    let root = catalog.root_dir();
    let changes = catalog.history(&long.name)?;
    // Counted from the front: a ref that went with this has a line more by now.
    let kept = text(changes.get(long.changes..).unwrap_or_default());
    let place = layout::history(&long.name);
    let staged = root.stage_named(kept.as_bytes(), Permissions::ByUmask)?;
    let dir = root.dir(&place.dir)?;
    root.sync([staged.file()], [])?;
    dir.replace(staged, &place.name)?;
    Ok(dir.sync()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::sample::{change, id};
    use crate::lineage::{committed, lead_to};
    use proptest::prelude::*;

    /// A ref that came to hold these one after the other; 0 is none, which retires or prunes it. What it has held
    /// before is gone back to, where that is said.
    fn history(held: &[(u8, bool)]) -> (Vec<Change>, u8) {
        let (mut before, mut changes) = (0, Vec::<Change>::new());
        for (now, way) in held {
            if *now != before {
                let has_held = changes.iter().any(|it| it.new == Some(id(*now)));
                let op = match (*now, way) {
                    (0, true) => Op::Prune,
                    (0, false) => Op::Retire,
                    (_, true) if has_held => Op::Rollback,
                    _ => Op::Put,
                };
                changes.push(change(op, before, *now));
            }
            before = *now;
        }
        (changes, before)
    }

    fn mentions(changes: &[Change], n: u8) -> bool {
        let mut told = changes.iter().filter(|it| it.op != Op::Prune);
        told.any(|it| it.new == Some(id(n)) || it.old == Some(id(n)))
    }

    proptest! {
        #[test]
        fn what_stays_leads_to_the_ref_and_tells_of_all_that_is_kept(
            held in prop::collection::vec((0..6u8, any::<bool>()), 1..60),
            kept in prop::collection::vec(1..6u8, 0..4),
            bytes in 0..4000u64,
        ) {
            let (changes, before) = history(&held);
            let kept: Vec<_> = kept.into_iter().filter(|n| mentions(&changes, *n)).collect();
            let first = first_kept(&changes, kept.iter().map(|n| id(*n)).collect(), bytes);
            let rest = &changes[first..];
            let current = (before > 0).then(|| id(before));
            prop_assert_eq!(rest.is_empty(), changes.is_empty());
            prop_assert!(lead_to(rest, current));
            prop_assert_eq!(committed(rest.to_vec(), current).len(), rest.len());
            prop_assert!(kept.iter().all(|n| mentions(rest, *n)));
            // Undoing leads to where it led, or nowhere.
            let undone = undo_target(rest);
            prop_assert!(undone.is_none() || undone == undo_target(&changes));
        }
    }

    #[test]
    fn lines_that_are_too_many_go() {
        let held: Vec<_> = (0..50).map(|n| (n % 2 + 1, false)).collect();
        let (changes, _) = history(&held);
        let line = text(&changes[1..2]).len() as u64;
        assert_eq!(first_kept(&changes, BTreeSet::new(), 10 * line), 40);
        assert_eq!(first_kept(&changes, [id(1)].into(), line), 49);
        assert_eq!(first_kept(&changes, BTreeSet::new(), 0), 49);
        let (mut long, _) = history(&[(3, false)]);
        long.extend(history(&held).0);
        assert_eq!(first_kept(&long, [id(3)].into(), line), 0);
    }
}
