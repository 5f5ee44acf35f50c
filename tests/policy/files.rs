//! The files of a policy, and the line in the format marker.

use std::fs;
use std::os::unix::fs::symlink;

use engine_catalog::{Catalog, Error, Policy, PolicyError};

use crate::support::{Home, entry, stamp};
use crate::{RULES, guarded, unsigned};

fn marker(home: &Home) -> String {
    fs::read_to_string(home.at("format")).unwrap()
}

#[test]
fn files_are_kept_as_they_are_and_the_marker_says_that_there_are_some() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    let read = |name| fs::read_to_string(home.at(name)).unwrap();
    assert_eq!(read("policy"), RULES);
    assert_eq!(read("allowed_signers"), keys.lines());
    assert_eq!(marker(&home), "engine-catalog 1\nro-compat policy\n");
    let policy = home.catalog.policy().unwrap().unwrap();
    let expected = Policy::parse(RULES.as_bytes(), keys.lines().as_bytes());
    assert_eq!(policy, expected.unwrap());

    // Another one, with what else the marker says.
    fs::write(
        home.at("format"),
        "engine-catalog 1\ncompat hints\nro-compat policy\n",
    )
    .unwrap();
    home.catalog.set_policy(b"# none\n", b"").unwrap();
    assert_eq!(
        marker(&home),
        "engine-catalog 1\ncompat hints\nro-compat policy\n"
    );
    assert_eq!(
        (read("policy"), read("allowed_signers")),
        ("# none\n".into(), String::new())
    );

    assert!(home.catalog.remove_policy().unwrap());
    assert_eq!(marker(&home), "engine-catalog 1\ncompat hints\n");
    assert!(!home.at("policy").exists() && !home.at("allowed_signers").exists());
    assert!(!home.catalog.remove_policy().unwrap());
    home.put(&entry("b1", 1));
}

#[test]
fn wrong_policy_is_not_set_and_one_that_is_there_lets_no_ref_move() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    let refused = home
        .catalog
        .set_policy(b"require 2 */*", keys.lines().as_bytes());
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("`policy`, line 1: 2 keys are required"),
        "{refused}"
    );
    assert!(home.catalog.set_policy(b"", b"nonsense").is_err());
    assert_eq!(fs::read_to_string(home.at("policy")).unwrap(), RULES);

    fs::write(home.at("policy"), "require one */*\n").unwrap();
    let put = || home.catalog.put(&entry("dev-1", 1), &stamp(1));
    let line = put().unwrap_err();
    assert!(
        matches!(
            &line,
            Error::Policy {
                cause: PolicyError::Line { line: 1, .. },
                ..
            }
        ),
        "{line}"
    );
    fs::write(home.at("policy"), RULES).unwrap();
    fs::remove_file(home.at("allowed_signers")).unwrap();
    assert!(
        matches!(put(), Err(Error::Policy { .. })),
        "too few are named"
    );
    symlink("elsewhere", home.at("allowed_signers")).unwrap();
    assert!(matches!(put(), Err(Error::Path(_))));
    fs::remove_file(home.at("allowed_signers")).unwrap();
    fs::write(home.at("allowed_signers"), keys.lines()).unwrap();
    put().unwrap();
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
    let Some((home, keys)) = guarded() else {
        return;
    };
    let reader = Catalog::open_read_only(home.catalog.root()).unwrap();
    let set = reader.set_policy(b"", keys.lines().as_bytes());
    assert!(matches!(set, Err(Error::ReadOnly { .. })));
    assert!(matches!(
        reader.remove_policy(),
        Err(Error::ReadOnly { .. })
    ));
    assert!(reader.policy().unwrap().is_some());
}

#[test]
fn bundle_has_no_policy() {
    let Some((home, _)) = guarded() else { return };
    home.put(&entry("dev-1", 1));
    let all = engine_catalog::Members::Current(engine_catalog::Filter::default());
    let snapshot = home.catalog.snapshot_of(&all).unwrap();
    let bundle = home.outside().join("bundle");
    home.catalog.capture(&bundle, &snapshot).unwrap();
    for name in ["policy", "allowed_signers"] {
        assert!(!bundle.join(name).exists(), "{name}");
    }
    assert_eq!(
        fs::read_to_string(bundle.join("format")).unwrap(),
        "engine-catalog 1\n"
    );
}
