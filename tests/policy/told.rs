//! What `verify` and `doctor` tell of a policy.

use std::fs;

use engine_catalog::{Finding, Health, HealthCheck, Slug};

use crate::support::{Home, entry, name};
use crate::{RULES, guarded, set};

/// The time, in milliseconds since the Unix epoch: in November 2023.
const NOW_MS: i64 = 1_700_000_000_000;

fn findings(home: &Home) -> Vec<Finding> {
    home.catalog.verify_policy(NOW_MS).unwrap()
}

fn check(home: &Home) -> HealthCheck {
    let checks = home.catalog.diagnose(NOW_MS).unwrap().checks;
    checks.into_iter().find(|it| it.name == "policy").unwrap()
}

#[test]
fn refs_that_hold_what_they_may_not_are_found() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    home.catalog.remove_policy().unwrap();
    let object = home.put(&entry("b1", 1));
    home.put(&entry("dev-1", 1));
    assert!(findings(&home).is_empty());
    set(&home, RULES, keys.lines());
    let found = findings(&home);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].slug, Slug::SignaturesLacking);
    assert_eq!(found[0].name, Some(name("llamacpp/b1")));
    keys.sign("a", &home.catalog, &object);
    assert!(findings(&home).is_empty());
}

#[test]
fn wrong_policy_is_found() {
    let Some((home, _)) = guarded() else { return };
    assert_eq!(check(&home).status, Health::Ok);
    fs::write(home.at("policy"), "\nrequire one */*\n").unwrap();
    let found = findings(&home);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].slug, Slug::PolicyMalformed);
    assert_eq!(found[0].path.to_str(), Some("policy"));
    assert!(found[0].message.contains("line 2"), "{}", found[0].message);
    assert_eq!(check(&home).status, Health::Failed);
}

#[test]
fn policy_that_is_too_large_is_found() {
    let Some((home, _)) = guarded() else {
        return;
    };
    fs::write(home.at("policy"), vec![b'\n'; (1 << 20) + 1]).unwrap();
    let found = findings(&home);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].slug, Slug::PolicyMalformed);
}

#[test]
fn policy_that_some_programs_would_not_heed_is_told() {
    let Some((home, _)) = guarded() else { return };
    fs::write(home.at("format"), "engine-catalog 1\n").unwrap();
    let check = check(&home);
    assert_eq!(check.status, Health::Warning);
    assert!(
        check.detail.contains("2 rules; 1 key may sign"),
        "{}",
        check.detail
    );
}

#[test]
fn catalog_without_a_policy_is_healthy() {
    let home = Home::new();
    assert_eq!(check(&home).status, Health::Ok);
    assert!(findings(&home).is_empty());
}
