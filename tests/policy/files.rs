//! The files of a policy, and the line in the format marker.

use std::fs;
use std::os::unix::fs::symlink;

use engine_catalog::{
    Artifacts, Catalog, EngineIndex, Error, Expect, Filter, Policy, PreparedEngine,
};

use crate::support::{Home, entry, name, stamp};
use crate::{RULES, current, guarded, unsigned};

fn marker(home: &Home) -> String {
    fs::read_to_string(home.at("format")).unwrap()
}

#[test]
fn file_is_kept_as_it_is_and_the_marker_says_that_there_is_one() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    let read = || fs::read_to_string(home.at("policy")).unwrap();
    let text = format!("{RULES}[allowed_signers]\n{}", keys.lines());
    assert_eq!(read(), text);
    assert_eq!(marker(&home), "engine-catalog 1\nro-compat policy\n");
    let policy = home.catalog.policy().unwrap().unwrap();
    assert_eq!(policy, Policy::parse(text.as_bytes()).unwrap());

    // Another one, with what else the marker says.
    let more = "engine-catalog 1\ncompat hints\nro-compat policy\n";
    fs::write(home.at("format"), more).unwrap();
    home.catalog.set_policy(b"# none").unwrap();
    assert_eq!((marker(&home).as_str(), read().as_str()), (more, "# none"));

    assert!(home.catalog.remove_policy().unwrap());
    assert_eq!(marker(&home), "engine-catalog 1\ncompat hints\n");
    assert!(!home.at("policy").exists());
    assert!(!home.catalog.remove_policy().unwrap());
    home.put(&entry("b1", 1));
}

#[test]
fn wrong_policy_is_not_set_and_one_that_is_there_lets_no_ref_move() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    let before = fs::read_to_string(home.at("policy")).unwrap();
    let two = Policy::text(b"require 2 */*", keys.lines().as_bytes());
    let refused = home.catalog.set_policy(&two).unwrap_err().to_string();
    assert!(
        refused.contains("line 1: it requires 2 of the 1 keys"),
        "{refused}"
    );
    let signers = home.catalog.set_policy(b"[allowed_signers]\nnonsense");
    assert!(signers.is_err());
    assert_eq!(fs::read_to_string(home.at("policy")).unwrap(), before);

    let put = || home.catalog.put(&entry("dev-1", 1), &stamp(1));
    for wrong in [
        "require one */*\n",
        "require 1 */*\n",
        "[allowed_signers]\nme\n",
    ] {
        fs::write(home.at("policy"), wrong).unwrap();
        let error = put().unwrap_err();
        assert!(matches!(&error, Error::Policy { .. }), "{error}");
    }
    fs::remove_file(home.at("policy")).unwrap();
    symlink("elsewhere", home.at("policy")).unwrap();
    assert!(matches!(put(), Err(Error::Path(_))));
    // It is told before anything is written.
    fs::write(home.at("format"), "engine-catalog 1\n").unwrap();
    assert!(matches!(home.catalog.set_policy(b""), Err(Error::Path(_))));
    assert_eq!(marker(&home), "engine-catalog 1\n");
    fs::remove_file(home.at("policy")).unwrap();
    home.catalog.set_policy(before.as_bytes()).unwrap();
    put().unwrap();
}

#[test]
fn wrong_policy_stops_all_that_moves_refs() {
    let Some((home, _)) = guarded() else { return };
    let (first, second) = (home.put(&entry("dev-1", 1)), home.put(&entry("dev-1", 2)));
    let theirs = Home::new();
    theirs.put(&entry("dev-2", 1));
    let index =
        br#"{"llamacpp:dev-3": {"id": "llamacpp:dev-3", "engine": "llamacpp", "version": "dev-3",
        "artifacts": [], "created_ms": 1}}"#;
    let index = EngineIndex::parse(index).unwrap();
    let server = home.outside().join("llama-server");
    fs::write(&server, "ELF").unwrap();
    let files = Artifacts::Files(vec![server]);
    let engine = PreparedEngine::new("llamacpp", "dev-4", files, 1);

    fs::write(home.at("policy"), "require one */*\n").unwrap();
    let catalog = &home.catalog;
    let dev_1 = name("llamacpp/dev-1");
    let done = [
        ("put", catalog.put(&entry("dev-1", 3), &stamp(3)).err()),
        (
            "put of a stored one",
            catalog.put_object(&first, Expect::Any, &stamp(3)).err(),
        ),
        ("rollback", catalog.rollback(&dev_1, None, &stamp(3)).err()),
        ("record", catalog.record(&engine, &stamp(3)).err()),
        ("import", catalog.import(&theirs.catalog, &stamp(3)).err()),
        ("index", catalog.import_index(&index, &stamp(3)).err()),
    ];
    let is_refused = |error: &Option<Error>| matches!(error, Some(Error::Policy { .. }));
    let moved = done.iter().filter(|(_, error)| !is_refused(error));
    let moved: Vec<_> = moved.map(|(what, _)| *what).collect();
    assert!(moved.is_empty(), "{moved:?}");
    assert_eq!(current(&home, "llamacpp/dev-1"), Some(second));
    let refs = catalog.list(&Filter::default()).unwrap();
    assert_eq!(refs.count(), 1, "no other came to be");
    assert_eq!(catalog.history(&dev_1).unwrap().len(), 2);
    // What takes a ref away asks for nothing.
    let retired = catalog.retire(&dev_1, Expect::Any, &stamp(4));
    assert_eq!(retired.unwrap(), Some(second));
}

#[test]
fn policy_is_heeded_where_the_marker_does_not_say_that_there_is_one() {
    let Some((home, _)) = guarded() else { return };
    fs::write(home.at("format"), "engine-catalog 1\n").unwrap();
    let catalog = Catalog::open(home.catalog.root()).unwrap();
    unsigned(catalog.put(&entry("b1", 1), &stamp(1)), "llamacpp/b1");
}

#[test]
fn catalog_that_must_not_be_written_keeps_its_policy() {
    let Some((home, _)) = guarded() else {
        return;
    };
    let reader = Catalog::open_read_only(home.catalog.root()).unwrap();
    let set = reader.set_policy(b"");
    assert!(matches!(set, Err(Error::ReadOnly { .. })));
    assert!(matches!(
        reader.remove_policy(),
        Err(Error::ReadOnly { .. })
    ));
    assert!(reader.policy().unwrap().is_some());
}

#[test]
fn marker_that_has_no_room_for_the_feature_stays_as_it_is() {
    let home = Home::new();
    let first = "engine-catalog 1\ncompat ";
    // Ten bytes less than a marker may have.
    let more = format!("{first}{}\n", "x".repeat(65_536 - 10 - first.len() - 1));
    fs::write(home.at("format"), &more).unwrap();
    let set = home.catalog.set_policy(b"");
    assert!(matches!(set, Err(Error::Path(_))), "{set:?}");
    assert_eq!(marker(&home), more);
    Catalog::open(home.catalog.root()).unwrap();
}

#[test]
fn bundle_has_no_policy() {
    let Some((home, _)) = guarded() else { return };
    home.put(&entry("dev-1", 1));
    let all = engine_catalog::Members::Current(Filter::default());
    let snapshot = home.catalog.snapshot_of(&all).unwrap();
    let bundle = home.outside().join("bundle");
    home.catalog.capture(&bundle, &snapshot).unwrap();
    assert!(!bundle.join("policy").exists());
    assert_eq!(
        fs::read_to_string(bundle.join("format")).unwrap(),
        "engine-catalog 1\n"
    );
}
