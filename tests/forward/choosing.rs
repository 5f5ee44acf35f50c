//! Choosing where each has gone its own way: the ref, its history, and that the choice lasts.

use ImportOutcome::{Conflict, Forward, Kept, Ours, Same, Theirs};
use engine_catalog::{
    Catalog, Choice, ImportOptions, ImportOutcome, Members, Op, Prefer, Severity, VerifyScope,
};

use crate::support::crowd::assert_chains;
use crate::support::observe::{assert_clean, state};
use crate::support::{Home, entry, name, stamp};
use crate::{current, home_of, object, take};

/// Two that went their own ways after the same start.
fn parted() -> (Home, Home) {
    (home_of(&[(1, 1), (2, 5)]), home_of(&[(1, 1), (3, 7)]))
}

fn ops(home: &Home) -> Vec<Op> {
    let history = home.catalog.history(&name("llamacpp/b1")).unwrap();
    history.iter().map(|change| change.op).collect()
}

#[test]
fn without_a_choice_ours_stays() {
    let (ours, theirs) = parted();
    let before = state(&ours.catalog);
    assert_eq!(take(&ours, &theirs, Choice::None), Conflict);
    assert_eq!(state(&ours.catalog), before);
}

#[test]
fn choosing_theirs_moves_the_ref_and_keeps_ours_in_the_history() {
    let (ours, theirs) = parted();
    assert_eq!(take(&ours, &theirs, Choice::Theirs), Theirs);
    assert_eq!(current(&ours), object(3));
    assert_eq!(ops(&ours), [Op::Put, Op::Put, Op::Pull]);
    assert_chains(&ours.catalog, &[name("llamacpp/b1")]);
    // It is settled for both.
    assert_eq!(take(&theirs, &ours, Choice::None), Same);
    assert_eq!(take(&ours, &theirs, Choice::None), Same);
    ours.catalog
        .rollback(&name("llamacpp/b1"), None, &stamp(9))
        .unwrap();
    assert_eq!(current(&ours), object(2), "it can be undone");
}

#[test]
fn choosing_ours_settles_it_for_both_sides() {
    let (ours, theirs) = parted();
    assert_eq!(take(&ours, &theirs, Choice::Ours), Ours);
    assert_eq!(current(&ours), object(2));
    assert_eq!(ops(&ours), [Op::Put, Op::Put, Op::Pull, Op::Rollback]);
    assert_chains(&ours.catalog, &[name("llamacpp/b1")]);
    let before = state(&ours.catalog);
    assert_eq!(take(&ours, &theirs, Choice::None), Kept);
    assert_eq!(
        take(&ours, &theirs, Choice::Theirs),
        Kept,
        "there is no conflict any more"
    );
    assert_eq!(state(&ours.catalog), before);
    assert_eq!(take(&theirs, &ours, Choice::None), Forward);
    assert_eq!(current(&theirs), object(2));
    // What was chosen is no step that undoing would lead to.
    ours.catalog
        .rollback(&name("llamacpp/b1"), None, &stamp(9))
        .unwrap();
    assert_eq!(current(&ours), object(1));
    assert_clean(ours.catalog.root());
}

#[test]
fn choosing_ours_settles_it_with_a_bundle_too() {
    let (ours, theirs) = (Home::new(), home_of(&[(3, 7)]));
    // Without a history, as a copy of objects and refs leaves it.
    ours.point(
        "llamacpp/b1",
        &ours.plant(&engine_catalog::encode_entry(&entry("b1", 2)).unwrap()),
    );
    std::fs::remove_dir_all(theirs.at("history")).unwrap();
    assert_eq!(take(&ours, &theirs, Choice::Ours), Ours);
    assert_eq!(ops(&ours), [Op::Import, Op::Rollback]);
    assert_eq!(current(&ours), object(2));
    assert_eq!(take(&ours, &theirs, Choice::None), Kept);
    let report = ours.catalog.verify(&VerifyScope::default(), &|_| {});
    assert_eq!(report.unwrap().count(Severity::Error), 0);
}

#[test]
fn what_no_history_can_settle_is_left_without_a_line() {
    // Each was rolled back past the other, and theirs held what ours never did.
    let (ours, theirs) = (
        home_of(&[(1, 1), (2, 2)]),
        home_of(&[(3, 1), (2, 2), (1, 3)]),
    );
    let before = state(&ours.catalog);
    assert_eq!(take(&ours, &theirs, Choice::Ours), Ours);
    assert_eq!(take(&ours, &theirs, Choice::Ours), Ours);
    assert_eq!(state(&ours.catalog), before);
    assert_eq!(take(&theirs, &ours, Choice::Theirs), Theirs);
    assert_eq!(take(&ours, &theirs, Choice::None), Same);
}

#[test]
fn newest_is_the_same_from_both_sides() {
    let (ours, theirs) = parted();
    assert_eq!(take(&ours, &theirs, Choice::Newest), Theirs);
    let (ours, theirs) = parted();
    assert_eq!(take(&theirs, &ours, Choice::Newest), Ours);
    assert_eq!(take(&ours, &theirs, Choice::Newest), Forward);
    assert_eq!(current(&ours), object(3));
}

#[test]
fn newest_is_by_creation_where_there_is_no_history() {
    let (ours, theirs) = (home_of(&[(2, 99)]), home_of(&[(3, 1)]));
    std::fs::remove_dir_all(theirs.at("history")).unwrap();
    assert_eq!(take(&ours, &theirs, Choice::Newest), Theirs);
}

#[test]
fn choice_of_one_ref_leaves_the_others() {
    let (ours, theirs) = parted();
    ours.put(&entry("b2", 2));
    theirs.put(&entry("b2", 3));
    let source = Catalog::open_read_only(theirs.catalog.root()).unwrap();
    let options = ImportOptions {
        prefer: Prefer {
            refs: [(name("llamacpp/b2"), Choice::Theirs)].into(),
            otherwise: Choice::None,
        },
        ..ImportOptions::default()
    };
    let imported = ours
        .catalog
        .import_with(&source, &options, &stamp(50))
        .unwrap();
    let outcomes: Vec<_> = imported.refs.iter().map(|it| it.outcome).collect();
    assert_eq!(outcomes, [Conflict, Theirs]);
}

#[test]
fn planning_writes_nothing_and_works_where_nothing_can_be_written() {
    let (ours, theirs) = parted();
    let members = Members::Current(engine_catalog::Filter::default());
    theirs
        .catalog
        .create_snapshot(&members, Some(&"s1".parse().unwrap()))
        .unwrap();
    let closed = Catalog::open_read_only(ours.catalog.root()).unwrap();
    let roots = [ours.catalog.root(), theirs.catalog.root()];
    let before = roots.map(crate::support::listing);
    let options = ImportOptions {
        prefer: Choice::Theirs.into(),
        ..ImportOptions::default()
    };
    let planned = closed.plan_import(&theirs.catalog, &options).unwrap();
    assert_eq!(planned.refs[0].outcome, Theirs);
    assert_eq!(roots.map(crate::support::listing), before);
}
