//! Catalogs whose refs may hold only what is signed (layout.md section 5.7).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod brought_in;
mod files;
mod guarded;
mod guide;
#[path = "../support/keygen.rs"]
mod keygen;
#[path = "../trust/keys.rs"]
mod keys;
#[path = "../support/program.rs"]
mod program;
mod program_obeys;
mod program_sets;
#[path = "../support/mod.rs"]
mod support;
mod told;

use engine_catalog::{Error, ObjectId, Policy};

use crate::keygen::ED25519;
use crate::keys::Keys;
use crate::support::{Home, name};

/// Every version of llamacpp but those of developers.
const RULES: &str = "require 0 llamacpp/dev-*\nrequire 1 llamacpp/*\n";

/// A catalog with that policy, and the one key that counts.
fn guarded() -> Option<(Home, Keys)> {
    let keys = Keys::of(&[("a", ED25519)])?;
    let home = Home::new();
    set(&home, RULES, keys.lines());
    Some((home, keys))
}

/// Gives a catalog a policy.
fn set(home: &Home, rules: &str, signers: &str) {
    let policy = Policy::text(rules.as_bytes(), signers.as_bytes());
    home.catalog.set_policy(&policy).unwrap();
}

/// What the ref holds.
fn current(home: &Home, ref_name: &str) -> Option<ObjectId> {
    let record = home.catalog.current(&name(ref_name)).unwrap();
    record.map(|it| it.object)
}

/// Requires that a ref has stayed because nobody has signed an entry, and returns that.
#[track_caller]
fn unsigned<T: std::fmt::Debug>(result: Result<T, Error>, ref_name: &str) -> ObjectId {
    let error = result.unwrap_err();
    unsigned_by(&error, ref_name)
}

#[track_caller]
fn unsigned_by(error: &Error, ref_name: &str) -> ObjectId {
    match error {
        Error::RefUnsigned {
            name: stays,
            object,
            required: 1,
            found: 0,
        } if *stays == name(ref_name) => *object,
        other => panic!("{other}"),
    }
}
