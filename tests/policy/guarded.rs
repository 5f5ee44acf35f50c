//! A ref stays where it was until what it is to hold is signed.

use std::fs;

use engine_catalog::{
    Artifacts, Catalog, Error, ErrorKind, Expect, Filter, Members, Name, PreparedEngine, Slug,
};

use crate::support::{entry, name, stamp};
use crate::{current, guarded, set, unsigned};

#[test]
fn entry_that_nobody_has_signed_is_stored_and_made_current_once_it_is() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    let catalog = &home.catalog;
    let refused = catalog.put(&entry("b1", 1), &stamp(1));
    assert_eq!(refused.as_ref().unwrap_err().kind(), ErrorKind::Refused);
    let object = unsigned(refused, "llamacpp/b1");
    assert_eq!(catalog.entry(&object).unwrap(), Some(entry("b1", 1)));
    assert_eq!(current(&home, "llamacpp/b1"), None);
    assert!(catalog.history(&name("llamacpp/b1")).unwrap().is_empty());

    keys.sign("a", catalog, &object);
    let recorded = catalog.put_object(&object, Expect::Absent, &stamp(2));
    let recorded = recorded.unwrap();
    assert_eq!(recorded.put.object, object);
    assert_eq!(recorded.put.previous, None);
    assert_eq!(recorded.entry, entry("b1", 1));
    assert_eq!(current(&home, "llamacpp/b1"), Some(object));

    // The next one leaves this one current; put the same way, it takes its place.
    let next = unsigned(catalog.put(&entry("b1", 2), &stamp(3)), "llamacpp/b1");
    assert_eq!(current(&home, "llamacpp/b1"), Some(object));
    keys.sign("a", catalog, &next);
    let put = catalog.put(&entry("b1", 2), &stamp(4)).unwrap();
    assert_eq!((put.object, put.previous), (next, Some(object)));
    assert_eq!(catalog.history(&name("llamacpp/b1")).unwrap().len(), 2);
}

#[test]
fn refs_that_the_policy_leaves_alone_move_as_ever() {
    let Some((home, _)) = guarded() else { return };
    home.put(&entry("dev-1", 1));
    let other = engine_catalog::EngineEntry::new("vllm", "1", 1);
    home.put(&other);
    let refs = home.catalog.list(&Filter::default()).unwrap();
    assert_eq!(refs.count(), 2);
}

#[test]
fn signature_of_a_named_snapshot_counts() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    let object = unsigned(home.catalog.put(&entry("b1", 1), &stamp(1)), "llamacpp/b1");
    let members = Members::Objects([object].into());
    let release = Name::new("release").unwrap();
    let snapshot = home
        .catalog
        .create_snapshot(&members, Some(&release))
        .unwrap();
    unsigned(home.catalog.put(&entry("b1", 1), &stamp(1)), "llamacpp/b1");
    keys.sign("a", &home.catalog, &snapshot);
    home.put(&entry("b1", 1));
}

#[test]
fn of_many_entries_none_of_a_batch_becomes_current_before_each_may() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    let entries = [entry("dev-1", 1), entry("b1", 1), entry("b2", 1)];
    let first = unsigned(home.catalog.put_all(&entries, &stamp(1)), "llamacpp/b1");
    assert_eq!(current(&home, "llamacpp/dev-1"), None);
    keys.sign("a", &home.catalog, &first);
    let second = unsigned(home.catalog.put_all(&entries, &stamp(1)), "llamacpp/b2");
    keys.sign("a", &home.catalog, &second);
    assert_eq!(home.catalog.put_all(&entries, &stamp(1)).unwrap().len(), 3);
}

#[test]
fn engine_is_recorded_with_its_files_and_current_once_it_is_signed() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    let server = home.outside().join("llama-server");
    fs::write(&server, "ELF").unwrap();
    let engine = PreparedEngine::new("llamacpp", "b1", Artifacts::Files(vec![server]), 1);
    let object = unsigned(home.catalog.record(&engine, &stamp(1)), "llamacpp/b1");
    assert_eq!(home.catalog.manifests(&object).unwrap().len(), 1);
    keys.sign("a", &home.catalog, &object);
    let put = home.catalog.put_object(&object, Expect::Any, &stamp(1));
    assert_eq!(put.unwrap().put.object, object);
}

#[test]
fn rollback_leads_only_to_what_is_signed_and_retiring_needs_nothing() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    home.catalog.remove_policy().unwrap();
    let (old, new) = (home.put(&entry("b1", 1)), home.put(&entry("b1", 2)));
    set(&home, "require 1 */*", keys.lines());
    let ref_name = name("llamacpp/b1");
    let back = |to| home.catalog.rollback(&ref_name, to, &stamp(3));
    assert_eq!(unsigned(back(None), "llamacpp/b1"), old);
    assert_eq!(current(&home, "llamacpp/b1"), Some(new));
    keys.sign("a", &home.catalog, &old);
    assert_eq!(back(None).unwrap().object, old);
    assert_eq!(unsigned(back(Some(new)), "llamacpp/b1"), new);
    let retired = home.catalog.retire(&ref_name, Expect::Any, &stamp(4));
    assert_eq!(retired.unwrap(), Some(old));
}

#[test]
fn repair_restores_a_ref_although_nobody_has_signed_its_entry() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    home.catalog.remove_policy().unwrap();
    let object = home.put(&entry("b1", 1));
    set(&home, "require 1 */*", keys.lines());
    fs::write(home.at("refs/llamacpp/b1"), "damaged").unwrap();
    home.catalog.current(&name("llamacpp/b1")).unwrap_err();
    let report = home.catalog.repair(&[], &|_| {}).unwrap();
    assert_eq!(report.repairs.len(), 1, "{:?}", report.repairs);
    assert_eq!(current(&home, "llamacpp/b1"), Some(object));
    // That it is not signed is told as before.
    let found = home.catalog.verify_policy(1_700_000_000_000).unwrap();
    assert_eq!(found[0].slug, Slug::SignaturesLacking, "{found:?}");
}

#[test]
fn key_that_is_no_longer_valid_does_not_count() {
    let Some((home, mut keys)) = guarded() else {
        return;
    };
    let object = unsigned(home.catalog.put(&entry("b1", 1), &stamp(1)), "llamacpp/b1");
    keys.keygen.key("old", crate::keygen::ED25519, "");
    keys.accept("old", "valid-before=\"20200101Z\"");
    set(&home, "require 1 */*", keys.lines());
    keys.sign("old", &home.catalog, &object);
    // Whatever time the change is said to be of.
    unsigned(home.catalog.put(&entry("b1", 1), &stamp(1)), "llamacpp/b1");
    keys.sign("a", &home.catalog, &object);
    home.put(&entry("b1", 1));
}

#[test]
fn policy_holds_for_those_who_have_the_catalog_open() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    home.catalog.remove_policy().unwrap();
    let other = Catalog::open(home.catalog.root()).unwrap();
    other.put(&entry("b1", 1), &stamp(1)).unwrap();
    set(&home, "require 1 */*", keys.lines());
    unsigned(other.put(&entry("b1", 2), &stamp(2)), "llamacpp/b1");
}

#[test]
fn object_that_is_no_entry_or_not_there_is_not_made_current() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    let object = home.put(&entry("dev-1", 1));
    let signature = keys.sign("a", &home.catalog, &object);
    let put = |object| home.catalog.put_object(&object, Expect::Any, &stamp(1));
    assert!(matches!(put(signature), Err(Error::Object(_))));
    let nowhere = engine_catalog::ObjectId::of(b"nowhere");
    let refused = put(nowhere).unwrap_err();
    assert!(matches!(refused, Error::NoSuchEntry { object } if object == nowhere));
}

#[test]
fn what_is_current_already_may_be_put_and_recorded_again() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    home.catalog.remove_policy().unwrap();
    let server = home.outside().join("server");
    fs::write(&server, "ELF").unwrap();
    let engine = |ms| {
        let files = Artifacts::Files(vec![server.clone()]);
        PreparedEngine::new("llamacpp", "b2", files, ms)
    };
    home.put(&entry("b1", 1));
    home.catalog.record(&engine(1), &stamp(1)).unwrap();
    set(&home, "require 1 */*", keys.lines());
    let put = home.catalog.put(&entry("b1", 1), &stamp(2)).unwrap();
    assert!(put.is_unchanged());
    let recorded = home.catalog.record(&engine(2), &stamp(2)).unwrap();
    assert!(recorded.put.is_unchanged());
    let back = home
        .catalog
        .rollback(&name("llamacpp/b1"), Some(put.object), &stamp(2));
    assert!(back.unwrap().is_unchanged());
}

#[test]
fn what_is_stored_is_current_nowhere() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    let entries = [entry("b1", 1), entry("dev-1", 1)];
    let objects = home.catalog.store(&entries).unwrap();
    for (object, entry) in objects.iter().zip(&entries) {
        assert_eq!(home.catalog.entry(object).unwrap().as_ref(), Some(entry));
    }
    assert_eq!(home.catalog.list(&Filter::default()).unwrap().count(), 0);
    keys.sign("a", &home.catalog, &objects[0]);
    assert_eq!(home.catalog.put_all(&entries, &stamp(1)).unwrap().len(), 2);

    let server = home.outside().join("server");
    fs::write(&server, "ELF").unwrap();
    let engine = PreparedEngine::new("tgi", "1", Artifacts::Files(vec![server]), 1);
    let stored = home.catalog.store_prepared(&engine, &mut |_| {});
    let (stored, expect) = stored.unwrap();
    assert_eq!(expect, Expect::Absent);
    assert_eq!(home.catalog.manifests(&stored.object).unwrap().len(), 1);
    assert_eq!(current(&home, "tgi/1"), None);
    home.catalog
        .put_object(&stored.object, Expect::Absent, &stamp(1))
        .unwrap();
    // The same build again is the one that is current.
    let later = PreparedEngine {
        created_ms: 2,
        ..engine
    };
    let again = home.catalog.store_prepared(&later, &mut |_| {}).unwrap();
    let held = Expect::Object(stored.object);
    assert_eq!(again, (stored, held));
}

#[test]
fn what_cannot_be_listed_of_another_snapshot_keeps_nothing_from_moving() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    let other = home.put(&entry("dev-1", 1));
    let members = Members::Objects([other].into());
    let damaged = home
        .catalog
        .create_snapshot(&members, Some(&Name::new("damaged").unwrap()));
    let damaged = damaged.unwrap().to_string();
    let links = home.at("attachments").join(&damaged[..2]);
    fs::create_dir_all(&links).unwrap();
    fs::write(links.join(&damaged[2..]), "no directory").unwrap();
    let object = unsigned(home.catalog.put(&entry("b1", 1), &stamp(1)), "llamacpp/b1");
    let members = Members::Objects([object].into());
    let release = home
        .catalog
        .create_snapshot(&members, Some(&Name::new("release").unwrap()));
    keys.sign("a", &home.catalog, &release.unwrap());
    home.put(&entry("b1", 1));
}
