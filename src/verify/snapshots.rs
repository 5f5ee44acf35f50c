//! Named snapshots and their members (layout.md sections 4.3, 5.2).

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::finding::{Finding, settled};
use super::judge::{Judgement, damaged, judge, missing, wrong_kind};
use super::scan::{Scan, spread};
use super::slug::Slug;
use crate::hash::ObjectId;
use crate::layout;
use crate::name::Name;
use crate::object::Object;
use crate::schema::Schema;
use crate::snapshots::{self, SnapshotError};

pub(super) fn check_all(scan: &Scan<'_>, names: &[Name]) -> Vec<Finding> {
    let good = Mutex::default();
    let found = names
        .iter()
        .flat_map(|name| settled(|| look(scan, name, &good)));
    found.collect()
}

/// How many members are looked at before what was found is gathered.
const LOOKED_AT_TOGETHER: usize = 4096;

/// Entries that were found good, as most of them are in many snapshots.
type Good = Mutex<HashSet<ObjectId>>;

fn look(scan: &Scan<'_>, name: &Name, good: &Good) -> Vec<Finding> {
    let path = layout::snapshot(name).path();
    let finding = |slug, message: String| Finding::new(slug, &path, message).in_snapshot(name);
    let object = match snapshots::read(scan.root, name) {
        // The name was removed since it was listed.
        Ok(None) => return Vec::new(),
        Ok(Some(object)) => object,
        Err(SnapshotError::Path(error)) => {
            let found = Finding::by_cause(&path, &error.cause, Slug::SnapshotMalformed);
            return vec![found.in_snapshot(name)];
        }
        Err(_) => {
            let message = "it does not hold 64 hexadecimal digits and a line feed".to_owned();
            return vec![finding(Slug::SnapshotMalformed, message)];
        }
    };
    let (slug, message) = match judge(scan.root, &object) {
        Judgement::Good(Object::Snapshot(snapshot)) => {
            let members: Vec<_> = snapshot.objects.into_iter().collect();
            let (mut found, mut more) = (Vec::new(), BTreeMap::<Slug, usize>::new());
            for members in members.chunks(LOOKED_AT_TOGETHER) {
                let faults = spread(members, |member| {
                    let (slug, message) = look_at_member(scan, member, good)?;
                    Some(finding(slug, message).of(*member))
                });
                let left = scan.most_members.saturating_sub(found.len());
                let mut faults = faults.into_iter().flatten();
                found.extend(faults.by_ref().take(left));
                faults.for_each(|fault| *more.entry(fault.slug).or_default() += 1);
            }
            let more = more.into_iter();
            found.extend(
                more.map(|(slug, more)| finding(slug, format!("so it is with {more} more"))),
            );
            found.sort_unstable();
            return found;
        }
        Judgement::Good(other) => (
            Slug::SnapshotWrongKind,
            wrong_kind(&object, &other, Schema::Snapshot1),
        ),
        Judgement::Missing => (Slug::SnapshotDangling, missing(&object)),
        Judgement::Damaged(why) => (Slug::SnapshotObjectDamaged, damaged(&object, &why)),
        Judgement::Unknown => return Vec::new(),
    };
    vec![finding(slug, message).of(object)]
}

fn look_at_member(scan: &Scan<'_>, member: &ObjectId, good: &Good) -> Option<(Slug, String)> {
    let good = || good.lock().unwrap_or_else(PoisonError::into_inner);
    if good().contains(member) {
        return None;
    }
    match judge(scan.root, member) {
        Judgement::Good(Object::Entry(_)) => {
            good().insert(*member);
            None
        }
        Judgement::Good(other) => Some((
            Slug::MemberWrongKind,
            wrong_kind(member, &other, Schema::EngineEntry1),
        )),
        Judgement::Missing => Some((Slug::MemberMissing, missing(member))),
        Judgement::Damaged(why) => Some((Slug::MemberDamaged, damaged(member, &why))),
        Judgement::Unknown => None,
    }
}
