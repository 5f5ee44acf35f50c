//! Refs: each holds an entry of its engine and version, and no two entries share an id (layout.md
//! section 5.1).

use std::collections::BTreeMap;

use super::finding::{Finding, settled};
use super::judge::{Judgement, damaged, judge, missing, wrong_kind};
use super::scan::{Scan, spread};
use super::slug::Slug;
use crate::layout;
use crate::name::RefName;
use crate::object::Object;
use crate::refs::{self, RefError};
use crate::schema::Schema;

pub(super) fn check_all(scan: &Scan<'_>, names: &[RefName]) -> Vec<Finding> {
    let found = spread(names, |name| settled(|| look(scan, name)));
    let ids = spread(names, |name| (current_id(scan, name), name.clone()));
    let mut by_id = BTreeMap::<String, Vec<RefName>>::new();
    for (id, name) in ids {
        if let Some(id) = id {
            by_id.entry(id).or_default().push(name);
        }
    }
    let mut found: Vec<_> = found.into_iter().flatten().collect();
    for (id, mut names) in by_id.into_iter().filter(|(_, names)| names.len() > 1) {
        names.sort_unstable();
        found.extend(settled(|| look_at_same(scan, &id, &names)));
    }
    found
}

fn look(scan: &Scan<'_>, name: &RefName) -> Vec<Finding> {
    let path = layout::ref_file(name).path();
    let found = |slug, message: String| Finding::new(slug, &path, message).at(name);
    let object = match refs::read(scan.root, name) {
        // It was retired since it was listed.
        Ok(None) => return Vec::new(),
        Ok(Some(object)) => object,
        Err(RefError::Path(error)) => {
            return vec![Finding::by_cause(&path, &error.cause, Slug::RefMalformed).at(name)];
        }
        Err(_) => {
            let message = "it does not hold 64 hexadecimal digits and a line feed".to_owned();
            return vec![found(Slug::RefMalformed, message)];
        }
    };
    let (slug, message) = match judge(scan.root, &object) {
        Judgement::Good(Object::Entry(entry)) => match entry.ref_name() {
            Ok(own) if own == *name => return without_history(scan, name),
            Ok(own) => (
                Slug::RefMisplaced,
                format!("object {object} is an entry of {own}"),
            ),
            Err(error) => (Slug::RefMisplaced, error.to_string()),
        },
        Judgement::Good(other) => (
            Slug::RefWrongKind,
            wrong_kind(&object, &other, Schema::EngineEntry1),
        ),
        Judgement::Missing => (Slug::RefDangling, missing(&object)),
        Judgement::Damaged(why) => (Slug::RefObjectDamaged, damaged(&object, &why)),
        Judgement::Unknown => return without_history(scan, name),
    };
    vec![found(slug, message).of(object)]
}

fn without_history(scan: &Scan<'_>, name: &RefName) -> Vec<Finding> {
    // A bundle has no histories at all.
    let has_histories = scan.root.has(std::path::Path::new(layout::HISTORY));
    if !has_histories || scan.root.has(&layout::history(name).path()) {
        return Vec::new();
    }
    let finding = Finding::new(
        Slug::HistoryMissing,
        layout::ref_file(name).path(),
        "there is no history of this ref",
    );
    vec![finding.at(name)]
}

/// The id of the entry that a ref holds, as far as it can be read.
fn current_id(scan: &Scan<'_>, name: &RefName) -> Option<String> {
    let object = refs::read(scan.root, name).ok()??;
    let entry = crate::objects::read_entry(scan.root, &object).ok()??;
    Some(entry.id)
}

/// Looks again whether an id is that of several refs: it may have moved from one to another.
fn look_at_same(scan: &Scan<'_>, id: &str, names: &[RefName]) -> Vec<Finding> {
    let has_id = |name: &&RefName| current_id(scan, name).is_some_and(|found| found == id);
    let names: Vec<_> = names.iter().filter(has_id).collect();
    let Some((first, others)) = names.split_first() else {
        return Vec::new();
    };
    let message = format!("its id {id:?} is also that of {first}");
    let found = others.iter().map(|name| {
        let path = layout::ref_file(name).path();
        Finding::new(Slug::AmbiguousId, path, message.clone()).at(name)
    });
    found.collect()
}
