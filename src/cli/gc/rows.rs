//! A plan as a table: what becomes of what, and why.

use std::collections::{BTreeMap, BTreeSet};

use engine_catalog::{ArtifactFile, Decision, Garbage, GcPlan, ObjectId};
use indicatif::HumanBytes;

use super::carry::Builds;
use crate::cli::text::short;

type Row = [String; 5];

/// Returns a row for each thing that goes, and where builds are shown for each that stays. `files` are those of
/// engines that go.
pub(super) fn rows(plan: &GcPlan, files: &[ArtifactFile], builds: Builds) -> Vec<Row> {
    let sizes: BTreeMap<_, _> = plan.objects.iter().map(|it| (it.id, it.bytes)).collect();
    let decided: BTreeMap<_, _> = plan.decisions.iter().map(|it| (it.object, it)).collect();
    let subjects: BTreeMap<_, _> = plan.links.iter().map(|(s, object)| (*object, *s)).collect();
    let mut rows = Vec::new();
    for decision in &plan.decisions {
        let bytes = sizes.get(&decision.object).copied();
        if builds == Builds::Shown || bytes.is_some() || decision.retires() {
            rows.push(of_build(decision, bytes));
        }
    }
    let others = plan.objects.iter();
    let others = others.filter(|it| !decided.contains_key(&it.id));
    rows.extend(others.map(|it| of_object(it, subjects.get(&it.id))));
    let size = |bytes: u64| HumanBytes(bytes).to_string();
    for blob in &plan.blobs {
        let why = "no manifest that is kept names it";
        rows.push(row("go", "blob", short(blob.id), size(blob.bytes), why));
    }
    for file in files {
        let (path, bytes) = (file.path.display().to_string(), size(file.bytes));
        let why = format!(
            "only entries that go name it, such as {}",
            short(file.entry)
        );
        rows.push(row("go", "file", path, bytes, why));
    }
    for left in &plan.artifacts_left {
        let (path, bytes) = (left.path.display().to_string(), size(left.bytes));
        rows.push(row("stay", "file", path, bytes, left.reason.to_string()));
    }
    let goes: BTreeSet<_> = plan.objects.iter().map(|it| it.id).collect();
    for (subject, object) in plan.links.iter().filter(|(_, it)| !goes.contains(it)) {
        let why = format!("from {}, which nothing keeps, or is gone", short(*subject));
        rows.push(row("go", "link", short(*object), "-", why));
    }
    for long in &plan.histories {
        let bytes = size(long.bytes.saturating_sub(long.kept_bytes));
        let why = format!(
            "its first {} lines tell of nothing that is kept",
            long.changes
        );
        rows.push(row("shorten", "history", long.name.to_string(), bytes, why));
    }
    for leftover in &plan.leftovers {
        let (name, bytes) = (format!("tmp/{}", leftover.name), size(leftover.bytes));
        rows.push(row("go", "leftover", name, bytes, "nobody has finished it"));
    }
    rows
}

fn row(
    what: &str,
    kind: &str,
    name: impl Into<String>,
    bytes: impl Into<String>,
    why: impl Into<String>,
) -> Row {
    let (what, kind) = (what.to_owned(), kind.to_owned());
    [what, kind, name.into(), bytes.into(), why.into()]
}

/// A build; with its size where its object goes.
fn of_build(decision: &Decision, bytes: Option<u64>) -> Row {
    let name = format!("{} {}", decision.name, short(decision.object));
    let kept_by: Vec<_> = decision.kept_by.iter().map(ToString::to_string).collect();
    let gone_by = decision.goes_by.as_ref().map(ToString::to_string);
    let what = match (decision.retires(), bytes, &gone_by) {
        (true, ..) => "retire",
        (false, Some(_), _) => "go",
        // What else keeps it is not for retention to say: another ref, or its age.
        (false, None, Some(_)) if kept_by.is_empty() => "stay",
        _ => "keep",
    };
    let mut why: Vec<_> = gone_by.into_iter().chain(kept_by).collect();
    if what == "stay" {
        why.push("and its age or another name keeps it".to_owned());
    }
    let bytes = bytes.map_or_else(|| "-".to_owned(), |bytes| HumanBytes(bytes).to_string());
    let kind = if decision.is_current {
        "current"
    } else {
        "earlier"
    };
    row(what, kind, name, bytes, why.join(", "))
}

fn of_object(object: &Garbage, subject: Option<&ObjectId>) -> Row {
    let why = match subject {
        Some(subject) => format!("attached to {}, which nothing keeps", short(*subject)),
        None => "nothing leads to it".to_owned(),
    };
    let bytes = HumanBytes(object.bytes).to_string();
    row("go", "object", short(object.id), bytes, why)
}
