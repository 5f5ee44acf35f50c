//! Documents come along with what they are about: into bundles, and into other catalogs.

use std::fs;

use engine_catalog::{
    Catalog, Error, Expect, Filter, ImportSide, Manifest, Members, Name, ObjectId,
};

use crate::capture;
use crate::sample::{assert_same, record};
use crate::support::documents::{assert_came, describe};
use crate::support::observe::assert_clean;
use crate::support::{Home, attach, document, entry, stamp};

/// A catalog with an engine of a file, and a document about its manifest, too.
fn described() -> (Home, ObjectId, Vec<(ObjectId, ObjectId)>) {
    let home = Home::new();
    let server = home.outside().join("server");
    fs::write(&server, "ELF").unwrap();
    let subject = record(&home.catalog, &server, &stamp(1)).put.object;
    let manifest = home.catalog.attachments(&subject).unwrap()[0];
    let links = [subject, manifest].map(|subject| describe(&home.catalog, subject));
    (home, subject, links.concat())
}

fn import(from: &Catalog, to: &Home) {
    let source = Catalog::open_read_only(from.root()).unwrap();
    let imported = to.catalog.import(&source, &stamp(5)).unwrap();
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    assert_clean(to.catalog.root());
}

#[test]
fn bundle_has_the_documents_of_its_entries_and_brings_them_on() {
    let (from, _, links) = described();
    let (bundle, again) = (from.outside().join("bundle"), from.outside().join("again"));
    capture(&from.catalog, &bundle).unwrap();
    let captured = Catalog::open_read_only(&bundle).unwrap();
    assert_came(&from.catalog, &captured, &links);
    let to = Home::new();
    import(&captured, &to);
    assert_came(&from.catalog, &to.catalog, &links);
    capture(&to.catalog, &again).unwrap();
    assert_same(&bundle, &again);
}

#[test]
fn bundle_has_what_is_attached_to_the_snapshot() {
    let (from, _, _) = described();
    let (all, name) = (Members::Current(Filter::default()), Name::new("s").unwrap());
    let snapshot = from.catalog.create_snapshot(&all, Some(&name)).unwrap();
    let links = describe(&from.catalog, snapshot);
    let out = from.outside().join("bundle");
    capture(&from.catalog, &out).unwrap();
    let captured = Catalog::open_read_only(&out).unwrap();
    assert_came(&from.catalog, &captured, &links);
    let to = Home::new();
    import(&from.catalog, &to);
    assert_came(&from.catalog, &to.catalog, &links);
}

#[test]
fn what_was_attached_since_both_have_the_entry_comes_along() {
    let (from, subject, links) = described();
    let to = Home::new();
    import(&from.catalog, &to);
    let ours = to.catalog.attach(&document(subject, "ours")).unwrap();
    let links = [links, describe(&from.catalog, subject)].concat();
    let theirs = from.catalog.attach(&document(subject, "theirs")).unwrap();
    import(&from.catalog, &to);
    let both = to.catalog.attachments(&subject).unwrap();
    assert!(both.contains(&ours) && both.contains(&theirs));
    import(&to.catalog, &from);
    assert_came(
        &from.catalog,
        &to.catalog,
        &[&links[..], &[(subject, ours)]].concat(),
    );
}

/// It came before; what is attached to it later comes wherever the refs stand.
#[test]
fn document_about_what_is_no_longer_current_comes_along() {
    let (from, subject, _) = described();
    let to = Home::new();
    import(&from.catalog, &to);
    let name = from
        .catalog
        .entry(&subject)
        .unwrap()
        .unwrap()
        .ref_name()
        .unwrap();
    let retired = from.catalog.retire(&name, Expect::Any, &stamp(2)).unwrap();
    assert_eq!(retired, Some(subject));
    let links = describe(&from.catalog, subject);
    let later = from.catalog.attach(&document(subject, "later")).unwrap();
    import(&from.catalog, &to);
    assert_came(
        &from.catalog,
        &to.catalog,
        &[&links[..], &[(subject, later)]].concat(),
    );
}

#[test]
fn what_was_taken_off_here_comes_back_and_what_was_taken_off_there_stays() {
    let (from, subject, links) = described();
    let to = Home::new();
    import(&from.catalog, &to);
    let (_, object) = links[0];
    assert!(to.catalog.detach(&subject, &object).unwrap());
    import(&from.catalog, &to);
    assert_came(&from.catalog, &to.catalog, &links);
    assert!(from.catalog.detach(&subject, &object).unwrap());
    import(&from.catalog, &to);
    assert!(to.catalog.attachments(&subject).unwrap().contains(&object));
}

/// Whether documents are attached to the entry or not, here or there.
#[test]
fn manifest_of_other_files_does_not_come_in_beside_documents() {
    let (from, subject, _) = described();
    let to = Home::new();
    import(&from.catalog, &to);
    let own = to.catalog.manifests(&subject).unwrap();
    assert_eq!(own.len(), 1);
    let other = Manifest {
        subject,
        files: [].into(),
    };
    let other = attach(from.catalog.root(), subject, &other.encode().unwrap());
    let source = Catalog::open_read_only(from.catalog.root()).unwrap();
    let imported = to.catalog.import(&source, &stamp(5)).unwrap();
    let [problem] = &imported.problems[..] else {
        panic!("{:?}", imported.problems)
    };
    assert_eq!(problem.at, ImportSide::Source);
    assert!(matches!(problem.cause, Error::OtherFiles { object, .. } if object == other));
    assert_eq!(to.catalog.manifests(&subject).unwrap(), own);
}

#[test]
fn damaged_document_prevents_the_bundle_and_is_reported_by_an_import() {
    let (from, _, links) = described();
    let (_, object) = links[3];
    fs::remove_file(from.object(&object)).unwrap();
    fs::write(from.object(&object), "damaged").unwrap();
    let out = from.outside().join("bundle");
    let refused = capture(&from.catalog, &out).unwrap_err();
    assert_eq!(refused.lacking(), Some(object), "{refused}");
    assert!(!out.exists());
    let to = Home::new();
    to.put(&entry("b1", 1));
    let source = Catalog::open_read_only(from.catalog.root()).unwrap();
    let imported = to.catalog.import(&source, &stamp(5)).unwrap();
    let [problem] = &imported.problems[..] else {
        panic!("{:?}", imported.problems)
    };
    assert_eq!(problem.cause.lacking(), Some(object), "{problem}");
    assert_clean(to.catalog.root());
}
