//! Section 5.7: policies.

use std::collections::BTreeSet;
use std::fmt::Debug;

use engine_catalog::{Policy, PolicyError, PolicyLineError, RefName};

use crate::document::{json_string, lines};
use crate::scratch::{Scratch, entry, stamp};

/// The public keys of tests 1 and 2 in RFC 8032 section 7.1.
const SIGNERS: [&str; 2] = [
    "one@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\n",
    "two@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM\n",
];

#[test]
fn policies_require_what_section_5_7_says() {
    let mut refused = BTreeSet::new();
    for line in lines("policies") {
        let (policy, expected) = json_string(&line);
        let (keys, expected) = expected.split_once(char::is_whitespace).unwrap();
        let signers = SIGNERS[..keys.parse().unwrap()].concat();
        let found = Policy::parse(&Policy::text(policy.as_bytes(), signers.as_bytes()));
        let expected = expected.trim();
        if let Some(why) = expected.strip_prefix("refused: ") {
            let found = match found.unwrap_err() {
                PolicyError::Line { line: 1, cause } => match cause {
                    PolicyLineError::Form => "Form",
                    PolicyLineError::NotText => "NotText",
                    PolicyLineError::TooFewSigners { .. } => "TooFewSigners",
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            };
            assert_eq!(found, why, "{policy:?}");
            refused.insert(found);
            continue;
        }
        let policy = found.expect(&line);
        for required in expected.split(", ") {
            let (name, keys) = required.rsplit_once(' ').unwrap();
            let name: RefName = name.parse().unwrap();
            assert_eq!(
                policy.threshold(&name),
                keys.parse::<usize>().unwrap(),
                "{line}"
            );
        }
    }
    assert_eq!(refused.len(), 3, "a reason has no example");
}

/// Gives the input of a row of section 11 to the library, and returns the error; `None` for the other rows.
pub(super) fn provoke(row: u32) -> Option<Box<dyn Debug>> {
    let scratch = Scratch::new();
    let catalog = &scratch.catalog;
    let put = || catalog.put(&entry(1), &stamp()).unwrap_err();
    match row {
        73 => {
            let policy = Policy::text(b"require 1 */*", SIGNERS[0].as_bytes());
            catalog.set_policy(&policy).unwrap();
            Some(Box::new(put()))
        }
        74 => {
            for (policy, why) in [
                ("require 1 */*", "it requires 1 of the 0 keys"),
                ("[allowed_signers]\nnobody", "line 1"),
            ] {
                scratch.write("policy", policy);
                let error = put().to_string();
                assert!(error.contains(why), "{error}");
            }
            scratch.write("policy", "require");
            Some(Box::new(put()))
        }
        _ => None,
    }
}
