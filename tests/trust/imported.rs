//! Refs that come from elsewhere move only to entries that enough keys have signed.

use engine_catalog::{Choice, ImportOptions, ImportOutcome, Imported, ObjectId};

use crate::keygen::ED25519;
use crate::keys::{Keys, required};
use crate::support::{Home, entry, name, stamp};

fn import(ours: &Home, theirs: &Home, keys: &Keys, options: &ImportOptions) -> Imported {
    let signers = keys.signers();
    let required = required(1, &signers);
    let (ours, theirs) = (&ours.catalog, &theirs.catalog);
    let planned = ours.plan_import_signed(theirs, options, &required).unwrap();
    let imported = ours.import_signed(theirs, options, &required, &stamp(5));
    let imported = imported.unwrap();
    assert_eq!(planned.refs, imported.refs);
    assert_eq!(planned.problems.len(), imported.problems.len());
    imported
}

fn unsigned(imported: &Imported) -> Vec<ObjectId> {
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    let expected = ImportOutcome::Unsigned {
        required: 1,
        found: 0,
    };
    let left = imported.refs.iter().filter(|it| it.outcome == expected);
    left.map(|it| it.theirs.object).collect()
}

fn current(home: &Home) -> Option<ObjectId> {
    let current = home.catalog.current(&name("llamacpp/b1")).unwrap();
    current.map(|record| record.object)
}

#[test]
fn ref_stays_where_it_was_until_what_theirs_holds_is_signed() {
    let Some(keys) = Keys::of(&[("a", ED25519)]) else {
        return;
    };
    let (ours, theirs) = (Home::new(), Home::new());
    let first = theirs.put(&entry("b1", 1));
    let options = ImportOptions::default();

    // Not made.
    let imported = import(&ours, &theirs, &keys, &options);
    assert_eq!(unsigned(&imported), [first]);
    assert_eq!(current(&ours), None);
    assert!(
        ours.catalog.entry(&first).unwrap().is_some(),
        "it is stored"
    );
    keys.sign("a", &theirs.catalog, &first);
    let imported = import(&ours, &theirs, &keys, &options);
    assert_eq!(imported.refs[0].outcome, ImportOutcome::Created);

    // Not moved forward; by a signature that is here alone it is.
    let second = theirs.put(&entry("b1", 2));
    let imported = import(&ours, &theirs, &keys, &options);
    assert_eq!(unsigned(&imported), [second]);
    assert_eq!(current(&ours), Some(first));
    keys.sign("a", &ours.catalog, &second);
    let imported = import(&ours, &theirs, &keys, &options);
    assert_eq!(imported.refs[0].outcome, ImportOutcome::Forward);
    assert_eq!(current(&ours), Some(second));
}

#[test]
fn what_is_preferred_has_to_be_signed_too_and_what_stays_need_not() {
    let Some(keys) = Keys::of(&[("a", ED25519)]) else {
        return;
    };
    let (ours, theirs) = (Home::new(), Home::new());
    let own = ours.put(&entry("b1", 1));
    let other = theirs.put(&entry("b1", 2));
    let prefer = |choice: Choice| ImportOptions {
        prefer: choice.into(),
        ..ImportOptions::default()
    };
    let imported = import(&ours, &theirs, &keys, &prefer(Choice::Theirs));
    assert_eq!(unsigned(&imported), [other]);
    assert_eq!(current(&ours), Some(own));
    let imported = import(&ours, &theirs, &keys, &prefer(Choice::Ours));
    assert_eq!(imported.refs[0].outcome, ImportOutcome::Ours);
    assert!(imported.problems.is_empty());
}
