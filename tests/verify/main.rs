//! Verifying and repairing: one deliberately damaged catalog for each kind of finding, what is found
//! in it and what repair does about it; clean catalogs, also under writers; and scrubbing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod busy;
mod cases;
mod cli;
mod copies;
mod damaged_names;
mod damaged_objects;
mod damaged_tree;
mod documents;
mod limits;
#[path = "../support/program.rs"]
mod program;
mod scrub;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use engine_catalog::{Catalog, Finding, RepairReport, Report, Slug, VerifyScope};

use cases::CASES;
use support::{Home, listing};

fn verify(catalog: &Catalog) -> Report {
    let report = catalog.verify(&VerifyScope::Everything, &|_| {});
    report.unwrap()
}

fn repair(catalog: &Catalog, from: &[&Catalog]) -> RepairReport {
    catalog.repair(from, &|_| {}).unwrap()
}

fn slugs(findings: &[Finding]) -> Vec<&'static str> {
    findings
        .iter()
        .map(|finding| finding.slug.as_str())
        .collect()
}

/// Damages a catalog, and shows what is found and what repair does, given other catalogs. Verifying
/// writes nothing, and repairing twice changes nothing the second time.
fn shows(damage: impl FnOnce(&Home), from: &[&Catalog]) -> String {
    let home = cases::sound();
    damage(&home);
    let root = home.catalog.root();
    let before = listing(root);
    let report = verify(&home.catalog);
    assert_eq!(listing(root), before, "verifying writes nothing");
    let mut shown = String::new();
    for finding in &report.findings {
        let (severity, path) = (finding.severity(), finding.path.display());
        shown += &format!("{severity} {} {path}: {}\n", finding.slug, finding.message);
    }
    shown += "repair:\n";
    let repaired = repair(&home.catalog, from);
    for it in &repaired.repairs {
        let remains = if it.remains { " (remains)" } else { "" };
        let (slug, path) = (it.finding.slug, it.finding.path.display());
        shown += &format!("  {slug} {path}: {}{remains}\n", it.action);
    }
    for lost in &repaired.lost {
        shown += &format!("  lost {}:", lost.object);
        for name in &lost.refs {
            shown += &format!(" ref {name}");
        }
        for name in &lost.histories {
            shown += &format!(" history {name}");
        }
        for name in &lost.snapshots {
            shown += &format!(" snapshot {name}");
        }
        shown += &" link".repeat(lost.links.len());
        shown += "\n";
    }
    for finding in &report.findings {
        let told = repaired.repairs.iter().any(|it| it.finding == *finding);
        assert!(told, "repair says what was done about {finding:?}");
    }
    let after = listing(root);
    let again = repair(&home.catalog, from);
    assert!(again.repairs.iter().all(|it| !it.action.is_change()));
    assert_eq!(listing(root), after, "repairing again changes nothing");
    assert_eq!(again.after.findings, repaired.after.findings);
    assert_eq!(verify(&home.catalog).findings, repaired.after.findings);
    let root = root.display().to_string();
    shown.replace(&root, "[ROOT]")
}

/// Compares what is shown, with object ids cut short and random ends left out.
macro_rules! assert_shows {
    ($shown:expr, $($snapshot:tt)+) => {
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(r"\b([0-9a-f]{8})[0-9a-f]{54,56}\b", "$1…");
        settings.add_filter(r"(new-)?[0-9a-f]{16}\b", "[RANDOM]");
        settings.add_filter(r"/tmp/\.tmp\w+", "[DIR]");
        settings.bind(|| insta::assert_snapshot!($shown, $($snapshot)+));
    };
}
pub(crate) use assert_shows;

#[test]
fn every_kind_of_finding_is_of_some_case() {
    let mut found = BTreeSet::new();
    for (name, damage) in CASES {
        let home = cases::sound();
        damage(&home);
        let findings = verify(&home.catalog).findings;
        assert!(!findings.is_empty(), "{name} damages nothing");
        found.extend(findings.iter().map(|finding| finding.slug));
    }
    // These have tests of their own: what is asked for, what cannot be read at all, and signatures.
    found.extend([Slug::ObjectMissing, Slug::Unreadable]);
    found.extend([
        Slug::SignaturesLacking,
        Slug::PolicyMalformed,
        Slug::SignatureBad,
        Slug::SignerUnknown,
        Slug::SignatureNamespace,
        Slug::SignatureExpired,
    ]);
    let missing: Vec<_> = Slug::ALL
        .iter()
        .filter(|slug| !found.contains(slug))
        .collect();
    assert!(missing.is_empty(), "no case has {missing:?}");
}

#[test]
fn slugs_are_kebab_case_and_unique() {
    let names: BTreeSet<_> = Slug::ALL.iter().map(|slug| slug.as_str()).collect();
    assert_eq!(names.len(), Slug::ALL.len());
    for name in names {
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        assert!(name.split('-').all(is_word), "{name}");
    }
}
