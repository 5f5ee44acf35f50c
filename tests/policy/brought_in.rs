//! What comes from elsewhere moves refs only as the policy lets it.

use engine_catalog::{
    AllowedSigners, Choice, CivilTime, EngineIndex, ImportOptions, ImportOutcome, Imported,
    ImportedRef, Members, Name, ObjectId,
};

use crate::keys::required;
use crate::support::{Home, document, entry, name, stamp};
use crate::{current, guarded, set, unsigned_by};

/// The entries that were stored and left their ref where it was.
fn left(imported: &Imported) -> Vec<ObjectId> {
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    let refused = imported.refs.iter().filter_map(ImportedRef::refused);
    refused
        .map(|error| unsigned_by(&error, "llamacpp/b1"))
        .collect()
}

/// Makes a snapshot of what is current, which has a name or none.
fn release(home: &Home, is_named: bool) -> ObjectId {
    let all = Members::Current(engine_catalog::Filter::default());
    let name = Name::new("release").unwrap();
    let made = home
        .catalog
        .create_snapshot(&all, is_named.then_some(&name));
    made.unwrap()
}

fn import(ours: &Home, theirs: &Home) -> Imported {
    let options = ImportOptions::default();
    let planned = ours.catalog.plan_import(&theirs.catalog, &options).unwrap();
    let imported = ours.catalog.import(&theirs.catalog, &stamp(5)).unwrap();
    assert_eq!(planned.refs, imported.refs);
    assert_eq!(left(&planned), left(&imported));
    imported
}

#[test]
fn ref_follows_once_what_theirs_holds_is_signed_on_either_side() {
    let Some((ours, keys)) = guarded() else {
        return;
    };
    let theirs = Home::new();
    let first = theirs.put(&entry("b1", 1));
    theirs.put(&entry("dev-1", 1));
    let imported = import(&ours, &theirs);
    assert_eq!(left(&imported), [first]);
    assert_eq!(imported.refs.len(), 2, "the other came in");
    assert!(
        ours.catalog.entry(&first).unwrap().is_some(),
        "it is stored"
    );
    assert_eq!(current(&ours, "llamacpp/b1"), None);

    keys.sign("a", &theirs.catalog, &first);
    let imported = import(&ours, &theirs);
    assert!(imported.problems.is_empty());
    assert_eq!(current(&ours, "llamacpp/b1"), Some(first));

    let second = theirs.put(&entry("b1", 2));
    assert_eq!(left(&import(&ours, &theirs)), [second]);
    assert_eq!(current(&ours, "llamacpp/b1"), Some(first));
    keys.sign("a", &ours.catalog, &second);
    assert!(import(&ours, &theirs).problems.is_empty());
    assert_eq!(current(&ours, "llamacpp/b1"), Some(second));
}

#[test]
fn what_ours_holds_already_need_not_be_signed_to_be_the_same() {
    let Some((ours, keys)) = guarded() else {
        return;
    };
    ours.catalog.remove_policy().unwrap();
    let theirs = Home::new();
    theirs.put(&entry("b1", 1));
    import(&ours, &theirs);
    set(&ours, "require 1 */*", keys.lines());
    let again = import(&ours, &theirs);
    assert_eq!(again.refs[0].outcome, ImportOutcome::Same);
}

#[test]
fn their_policy_is_not_ours() {
    let Some((theirs, _)) = guarded() else { return };
    let ours = Home::new();
    theirs.put(&entry("dev-1", 1));
    assert!(import(&ours, &theirs).problems.is_empty());
    assert!(ours.catalog.policy().unwrap().is_none());
    assert!(ours.catalog.features().unwrap().is_empty());
}

#[test]
fn what_a_caller_requires_is_required_besides() {
    let Some((ours, keys)) = guarded() else {
        return;
    };
    let theirs = Home::new();
    let object = theirs.put(&entry("b1", 1));
    keys.sign("a", &theirs.catalog, &object);
    let nobody = AllowedSigners::parse(b"", CivilTime::in_utc).unwrap();
    let options = ImportOptions::default();
    let import = |signers: &AllowedSigners| {
        let required = required(1, signers);
        let (ours, theirs) = (&ours.catalog, &theirs.catalog);
        ours.import_signed(theirs, &options, &required, &stamp(5))
            .unwrap()
    };
    assert_eq!(left(&import(&nobody)), [object]);
    assert_eq!(current(&ours, "llamacpp/b1"), None);
    assert!(import(&keys.signers()).problems.is_empty());
    assert_eq!(current(&ours, "llamacpp/b1"), Some(object));
}

#[test]
fn index_moves_no_ref_whose_entries_have_to_be_signed() {
    let Some((ours, keys)) = guarded() else {
        return;
    };
    let index = EngineIndex::parse(
        br#"{"llamacpp:b1": {"id": "llamacpp:b1", "engine": "llamacpp", "version": "b1",
            "artifacts": [], "created_ms": 1}}"#,
    );
    let index = index.unwrap();
    let planned = ours.catalog.plan_index(&index).unwrap();
    let imported = ours.catalog.import_index(&index, &stamp(5)).unwrap();
    assert_eq!(left(&planned), left(&imported));
    let [object] = left(&imported)[..] else {
        panic!("{imported:?}")
    };
    assert_eq!(current(&ours, "llamacpp/b1"), None);
    assert!(
        ours.catalog.entry(&object).unwrap().is_some(),
        "it is stored"
    );
    keys.sign("a", &ours.catalog, &object);
    let imported = ours.catalog.import_index(&index, &stamp(6)).unwrap();
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    assert_eq!(current(&ours, "llamacpp/b1"), Some(object));
}

#[test]
fn what_a_signed_snapshot_let_in_may_be_held_here_too() {
    let Some((ours, keys)) = guarded() else {
        return;
    };
    let theirs = Home::new();
    let object = theirs.put(&entry("b1", 1));
    let snapshot = release(&theirs, false);
    keys.sign("a", &theirs.catalog, &snapshot);
    // Without a name it does not come along, and lets nothing in.
    assert_eq!(left(&import(&ours, &theirs)), [object]);
    release(&theirs, true);
    assert_eq!(left(&import(&ours, &theirs)), []);
    assert_eq!(current(&ours, "llamacpp/b1"), Some(object));

    // Here it has no name, and counts all the same.
    assert_eq!(ours.catalog.snapshots().unwrap().len(), 0);
    assert_eq!(ours.catalog.verify_policy(5).unwrap(), []);
    let record = ours.catalog.find("llamacpp/b1").unwrap().unwrap();
    ours.catalog.require_signed(&record, 5).unwrap();
    ours.catalog.put(&entry("b1", 2), &stamp(6)).unwrap_err();
    ours.catalog.put(&entry("b1", 1), &stamp(6)).unwrap();
    let signature = ours.catalog.attachments(&snapshot).unwrap()[0];
    ours.catalog.detach(&snapshot, &signature).unwrap();
    assert!(ours.catalog.require_signed(&record, 5).is_err());
}

#[test]
fn what_was_signed_after_it_had_come_lets_refs_move() {
    let Some((ours, keys)) = guarded() else {
        return;
    };
    let theirs = Home::new();
    let object = theirs.put(&entry("b1", 1));
    let snapshot = release(&theirs, true);
    assert_eq!(left(&import(&ours, &theirs)), [object]);
    // It has no name there any more, as in what a pull of names gathers.
    keys.sign("a", &theirs.catalog, &snapshot);
    let removed = theirs
        .catalog
        .remove_snapshot(&Name::new("release").unwrap());
    assert_eq!(removed.unwrap(), Some(snapshot));
    assert_eq!(left(&import(&ours, &theirs)), []);
    assert_eq!(current(&ours, "llamacpp/b1"), Some(object));
}

#[test]
fn signature_that_cannot_come_along_lets_nothing_in() {
    let Some((ours, keys)) = guarded() else {
        return;
    };
    let theirs = Home::new();
    theirs.put(&entry("b1", 1));
    let snapshot = release(&theirs, true);
    keys.sign("a", &theirs.catalog, &snapshot);
    let note = theirs.catalog.attach(&document(snapshot, "a note"));
    std::fs::remove_file(theirs.object(&note.unwrap())).unwrap();
    let imported = ours.catalog.import(&theirs.catalog, &stamp(5)).unwrap();
    assert!(!imported.problems.is_empty());
    assert!(imported.refs[0].refused().is_some());
    assert_eq!(current(&ours, "llamacpp/b1"), None);
}

#[test]
fn what_is_preferred_here_stays_and_its_history_too() {
    let Some((ours, keys)) = guarded() else {
        return;
    };
    let theirs = Home::new();
    theirs.put(&entry("b1", 2));
    let own = ours.catalog.store(&[entry("b1", 1)]).unwrap()[0];
    keys.sign("a", &ours.catalog, &own);
    ours.put(&entry("b1", 1));
    let options = ImportOptions {
        prefer: Choice::Ours.into(),
        ..ImportOptions::default()
    };
    let imported = ours
        .catalog
        .import_with(&theirs.catalog, &options, &stamp(5));
    assert_eq!(imported.unwrap().refs[0].outcome, ImportOutcome::Ours);
    let history = ours.catalog.history(&name("llamacpp/b1")).unwrap();
    assert_eq!(history.len(), 1, "{history:?}");
}

#[test]
fn signatures_of_one_snapshot_add_up_over_both_sides() {
    let Some((ours, mut keys)) = guarded() else {
        return;
    };
    keys.keygen.key("b", crate::keygen::ED25519, "");
    keys.accept("b", "");
    set(&ours, "require 2 */*", keys.lines());
    let theirs = Home::new();
    let object = theirs.put(&entry("b1", 1));
    let snapshot = release(&theirs, true);
    keys.sign("a", &theirs.catalog, &snapshot);
    ours.catalog.import(&theirs.catalog, &stamp(5)).unwrap();
    assert_eq!(current(&ours, "llamacpp/b1"), None);
    keys.sign("b", &ours.catalog, &snapshot);
    let options = ImportOptions::default();
    let planned = ours.catalog.plan_import(&theirs.catalog, &options).unwrap();
    assert_eq!(planned.refs[0].outcome, ImportOutcome::Created);
    ours.catalog.import(&theirs.catalog, &stamp(5)).unwrap();
    assert_eq!(current(&ours, "llamacpp/b1"), Some(object));
}

#[test]
fn of_an_index_only_what_lacks_signatures_is_said_to() {
    let Some((ours, keys)) = guarded() else {
        return;
    };
    let index = EngineIndex::parse(
        br#"[{"id": "old", "engine": "llamacpp", "version": "b1", "artifacts": [],
              "created_ms": 1, "lifecycle": "Retired"},
             {"id": "llamacpp:b1", "engine": "llamacpp", "version": "b1", "artifacts": [],
              "created_ms": 2}]"#,
    );
    let signed = ours.catalog.store(&[entry("b1", 2)]).unwrap()[0];
    keys.sign("a", &ours.catalog, &signed);
    let imported = ours
        .catalog
        .import_index(&index.unwrap(), &stamp(5))
        .unwrap();
    let outcomes = imported
        .refs
        .iter()
        .map(|it| (&*it.theirs.entry.id, it.outcome));
    let unsigned = ImportOutcome::Unsigned {
        required: 1,
        found: 0,
    };
    let expected = [("old", unsigned), ("llamacpp:b1", ImportOutcome::Kept)];
    assert_eq!(outcomes.collect::<Vec<_>>(), expected);
}

#[test]
fn index_brings_nothing_unsigned_into_a_history() {
    let Some((ours, _)) = guarded() else {
        return;
    };
    let index = EngineIndex::parse(
        br#"[{"id": "old", "engine": "llamacpp", "version": "b1", "artifacts": [],
              "created_ms": 1, "lifecycle": "Retired"}]"#,
    );
    let imported = ours
        .catalog
        .import_index(&index.unwrap(), &stamp(5))
        .unwrap();
    assert_eq!(left(&imported).len(), 1);
    let history = ours.catalog.history(&name("llamacpp/b1"));
    assert!(history.unwrap().is_empty());
    assert!(ours.catalog.get("old").unwrap().is_none());
}
