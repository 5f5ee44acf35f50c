//! What `verify` and `doctor` tell of a policy.

use std::fs;

use engine_catalog::{Finding, Health, HealthCheck, Slug};
use insta::assert_snapshot;

use crate::keygen::ED25519;
use crate::support::{Home, entry, name};
use crate::{RULES, guarded, set};

/// The time, in milliseconds since the Unix epoch: in November 2023.
const NOW_MS: i64 = 1_700_000_000_000;

fn findings(home: &Home) -> Vec<Finding> {
    home.catalog.verify_policy(NOW_MS).unwrap()
}

fn check(home: &Home) -> HealthCheck {
    check_at(home, NOW_MS)
}

fn check_at(home: &Home, now_ms: i64) -> HealthCheck {
    let checks = home.catalog.diagnose(now_ms).unwrap().checks;
    checks.into_iter().find(|it| it.name == "policy").unwrap()
}

/// What `doctor` says.
fn told(home: &Home) -> String {
    told_at(home, NOW_MS)
}

fn told_at(home: &Home, now_ms: i64) -> String {
    let check = check_at(home, now_ms);
    let advice = check.advice.unwrap_or("none");
    format!("{}: {}\nadvice: {advice}", check.status, check.detail)
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
    assert_snapshot!(told(&home), @"
    warning: 2 rules; 1 key may sign; `format` does not say so: some programs would not heed it
    advice: give the catalog its policy again with `policy set`
    ");
}

#[test]
fn marker_that_says_there_is_a_policy_where_there_is_none_is_told() {
    let Some((home, _)) = guarded() else { return };
    fs::remove_file(home.at("policy")).unwrap();
    assert_snapshot!(told(&home), @"
    warning: none, and `format` says that there is one: nothing need be signed
    advice: give the catalog its policy again with `policy set`, or remove what is left with `policy remove`
    ");
    home.catalog.remove_policy().unwrap();
    assert_eq!(check(&home).status, Health::Ok);
}

#[test]
fn rule_that_nothing_can_meet_now_is_told() {
    let Some((home, mut keys)) = guarded() else {
        return;
    };
    keys.keygen.key("b", ED25519, "");
    // NOW_MS is in that second.
    keys.accept("b", "valid-before=\"20231114221320Z\"");
    set(
        &home,
        "require 1 vllm/*\nrequire 2 llamacpp/*\n",
        keys.lines(),
    );
    assert_eq!(check(&home).status, Health::Ok, "the last second is in");
    assert_snapshot!(told_at(&home, NOW_MS + 1000), @"
    warning: 2 rules; 2 keys may sign; `require 2 llamacpp/*` cannot be met: 1 key can sign now
    advice: name keys that are valid now with `policy set --signers`
    ");
    fs::write(home.at("format"), "engine-catalog 1\n").unwrap();
    assert_snapshot!(told_at(&home, NOW_MS + 1000), @"
    warning: 2 rules; 2 keys may sign; `require 2 llamacpp/*` cannot be met: 1 key can sign now; `format` does not say so: some programs would not heed it
    advice: give the catalog its policy again with `policy set`
    ");
}

#[test]
fn catalog_without_a_policy_is_healthy() {
    let home = Home::new();
    assert_eq!(check(&home).status, Health::Ok);
    assert!(findings(&home).is_empty());
}

#[test]
fn what_cannot_be_looked_at_is_told_among_the_rest() {
    let Some((home, keys)) = guarded() else {
        return;
    };
    home.catalog.remove_policy().unwrap();
    let (one, two) = (home.put(&entry("b1", 1)), home.put(&entry("b2", 1)));
    set(&home, RULES, keys.lines());
    let links = home.at("attachments").join(&one.to_string()[..2]);
    fs::create_dir_all(&links).unwrap();
    fs::write(links.join(&one.to_string()[2..]), "no directory").unwrap();
    let found = findings(&home).into_iter().map(|it| (it.slug, it.object));
    let expected = [
        (Slug::SignaturesLacking, Some(two)),
        (Slug::Unreadable, Some(one)),
    ];
    let found: std::collections::BTreeSet<_> = found.collect();
    assert_eq!(found, expected.into());
}
