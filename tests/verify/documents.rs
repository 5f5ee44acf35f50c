//! Documents that are missing, damaged, or attached to something else: found, and repaired from where a copy
//! is.

use std::fs;

use engine_catalog::{Catalog, ObjectId, Slug, VerifyScope};

use crate::support::documents::{assert_came, describe};
use crate::support::{Home, entry, link, link_file};

/// What is found to be wrong, with the object that it is about.
fn faults(home: &Home) -> Vec<(Slug, Option<ObjectId>)> {
    let report = home.catalog.verify(&VerifyScope::Everything, &|_| {});
    let findings = report.unwrap().findings.into_iter();
    let faults = findings.filter(|it| it.is_fault() || it.slug == Slug::LinkSubjectMissing);
    faults.map(|it| (it.slug, it.object)).collect()
}

/// An entry with documents about it, and a copy of them elsewhere.
fn described() -> (Home, Home, Vec<(ObjectId, ObjectId)>) {
    let [home, peer] = [(); 2].map(|()| Home::new());
    let [ours, theirs] = [&home, &peer].map(|it| {
        let subject = it.put(&entry("b1", 1));
        describe(&it.catalog, subject)
    });
    assert_eq!(ours, theirs);
    assert_eq!(faults(&home), []);
    (home, peer, ours)
}

/// Repairs, first with no copy, which restores nothing, and then from the peer.
fn repaired(home: &Home, peer: &Home, links: &[(ObjectId, ObjectId)]) {
    let theirs = Catalog::open_read_only(peer.catalog.root()).unwrap();
    for sources in [&[][..], &[&theirs]] {
        let report = home.catalog.repair(sources, &|_| {}).unwrap();
        assert_eq!(report.is_clean(), !sources.is_empty());
    }
    assert_eq!(faults(home), []);
    assert_came(&peer.catalog, &home.catalog, links);
}

#[test]
fn missing_document_is_found_by_its_link_and_comes_from_a_copy() {
    let (home, peer, links) = described();
    let (_, lost) = links[1];
    fs::remove_file(home.object(&lost)).unwrap();
    assert_eq!(faults(&home), [(Slug::LinkDangling, Some(lost))]);
    repaired(&home, &peer, &links);
}

#[test]
fn damaged_document_is_found_as_object_and_by_its_link_and_comes_from_a_copy() {
    let (home, peer, links) = described();
    let (_, bad) = links[0];
    fs::remove_file(home.object(&bad)).unwrap();
    fs::write(home.object(&bad), "damaged").unwrap();
    let found = faults(&home);
    let expected = [Slug::ObjectHash, Slug::LinkObjectDamaged].map(|slug| (slug, Some(bad)));
    assert!(expected.iter().all(|it| found.contains(it)), "{found:?}");
    repaired(&home, &peer, &links);
}

/// It names what it is about: there it is linked.
#[test]
fn misplaced_document_is_linked_to_what_it_describes() {
    let (home, peer, links) = described();
    let (subject, object) = links[0];
    let other = home.put(&entry("b2", 1));
    fs::remove_file(link_file(home.catalog.root(), subject, object)).unwrap();
    link(home.catalog.root(), other, object);
    assert_eq!(faults(&home), [(Slug::LinkMisplaced, Some(object))]);
    assert!(home.catalog.repair(&[], &|_| {}).unwrap().is_clean());
    assert_eq!(faults(&home), []);
    assert_eq!(home.catalog.attachments(&other).unwrap(), []);
    assert_came(&peer.catalog, &home.catalog, &links);
}

#[test]
fn document_about_what_is_missing_is_worth_a_notice() {
    let (home, _, links) = described();
    let (subject, about) = links[3];
    // Nothing else names it.
    assert!(home.catalog.detach(&links[2].0, &subject).unwrap());
    fs::remove_file(home.object(&subject)).unwrap();
    assert_eq!(faults(&home), [(Slug::LinkSubjectMissing, Some(subject))]);
    let found = home.catalog.attached(&subject, None).unwrap();
    let found: Vec<_> = found.map(|it| it.unwrap().object).collect();
    assert_eq!(found, [about]);
}
