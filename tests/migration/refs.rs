//! What becomes of a ref: several builds of one version, what is retired, and what is here already.

use engine_catalog::{
    EngineEntry, EngineIndex, Expect, ImportOutcome, Imported, Op, RefError, encode_entry,
};
use serde_json::json;

use crate::support::observe::{assert_clean, state};
use crate::support::{Home, entry, name, object_of, stamp};
use crate::{build, with};
use ImportOutcome::{Conflict, Created, Kept, Retired, Same, Superseded};

/// Imports builds of one engine and version, some of them retired, and checks that doing it again changes
/// nothing.
fn import(home: &Home, builds: &[(&EngineEntry, &str)]) -> Vec<ImportOutcome> {
    let entries = builds
        .iter()
        .map(|(entry, state)| with(entry, &[("lifecycle", state)]));
    let index = json!(entries.collect::<Vec<_>>()).to_string();
    let index = EngineIndex::parse(index.as_bytes()).unwrap();
    assert_eq!(index.refused(), []);
    let planned = home.catalog.plan_index(&index).unwrap();
    let imported = home.catalog.import_index(&index, &stamp(5)).unwrap();
    assert!(imported.problems.is_empty(), "{:?}", imported.problems);
    assert_eq!(planned.refs, imported.refs);
    assert_clean(home.catalog.root());
    let before = state(&home.catalog);
    let again = home.catalog.import_index(&index, &stamp(6)).unwrap();
    let is_settled = |it: &ImportOutcome| matches!(it, Same | Kept | Conflict);
    assert!(outcomes(&again).iter().all(is_settled), "{again:?}");
    assert_eq!(state(&home.catalog), before);
    outcomes(&imported)
}

fn outcomes(imported: &Imported) -> Vec<ImportOutcome> {
    imported.refs.iter().map(|it| it.outcome).collect()
}

/// What the ref held, by its history: the op, and the id of the entry.
fn held(home: &Home) -> Vec<(Op, Option<String>)> {
    let changes = home.catalog.history(&name("llamacpp/1")).unwrap();
    let id = |object| home.catalog.entry(&object).unwrap().unwrap().id;
    let held = changes.iter().map(|change| (change.op, change.new.map(id)));
    held.collect()
}

fn imported(id: &str) -> (Op, Option<String>) {
    (Op::Import, Some(id.to_owned()))
}

/// What passes through a ref that is not there goes before the next comes.
fn gone() -> (Op, Option<String>) {
    (Op::Retire, None)
}

fn put(id: &str) -> (Op, Option<String>) {
    (Op::Put, Some(id.to_owned()))
}

fn current(home: &Home) -> Option<String> {
    let record = home.catalog.current(&name("llamacpp/1")).unwrap();
    record.map(|record| record.entry.id)
}

#[test]
fn history_has_all_builds_of_a_version_and_the_newest_is_current() {
    let home = Home::new();
    let [c, a, b] = [("c", 1), ("a", 2), ("b", 3)].map(|(id, at)| build(id, "1", at));
    let found = import(&home, &[(&b, "Active"), (&c, "Active"), (&a, "Active")]);
    assert_eq!(found, [Superseded, Superseded, Created]);
    assert_eq!(
        held(&home),
        [imported("c"), gone(), imported("a"), gone(), imported("b")]
    );
    for id in ["a", "b", "c"] {
        assert_eq!(home.catalog.get(id).unwrap().unwrap().entry.id, id);
        assert_eq!(home.catalog.exists(id).unwrap(), id == "b");
    }
    // What was first can be brought back.
    home.catalog
        .rollback(&name("llamacpp/1"), None, &stamp(7))
        .unwrap();
    assert_eq!(current(&home).as_deref(), Some("a"));
    assert_eq!(
        import(&home, &[(&a, "Active"), (&b, "Active"), (&c, "Active")]),
        [Kept; 3]
    );
    assert_eq!(current(&home).as_deref(), Some("a"));
}

#[test]
fn what_is_retired_is_found_by_its_id_and_never_current() {
    let home = Home::new();
    let [a, b] = [("a", 1), ("b", 2)].map(|(id, at)| build(id, "1", at));
    assert_eq!(
        import(&home, &[(&b, "Retired"), (&a, "Retired")]),
        [Retired; 2]
    );
    assert_eq!(current(&home), None);
    assert_eq!(held(&home), [imported("a"), gone(), imported("b"), gone()]);
    for id in ["a", "b"] {
        assert_eq!(home.catalog.get(id).unwrap().unwrap().entry.id, id);
    }
    // One that is active is current, also if it is older.
    let home = Home::new();
    assert_eq!(
        import(&home, &[(&a, "Active"), (&b, "Retired")]),
        [Superseded, Created]
    );
    assert_eq!(held(&home), [imported("b"), gone(), imported("a")]);
    // Retiring is not shared.
    assert_eq!(
        import(&home, &[(&a, "Retired"), (&b, "Retired")]),
        [Kept; 2]
    );
    assert_eq!(current(&home).as_deref(), Some("a"));
}

#[test]
fn ref_that_is_at_a_build_of_the_index_moves_on_to_the_newest() {
    let home = Home::new();
    let [a, b, c] = [("a", 1), ("b", 2), ("c", 3)].map(|(id, at)| build(id, "1", at));
    home.put(&a);
    let found = import(&home, &[(&a, "Active"), (&b, "Active"), (&c, "Active")]);
    assert_eq!(found, [Kept, Superseded, Created]);
    assert_eq!(held(&home), [put("a"), imported("b"), imported("c")]);
    // A copy without its history has no line that leads to the ref: only one can come.
    let home = Home::new();
    home.put(&a);
    std::fs::remove_file(home.at("history/llamacpp/1")).unwrap();
    let found = import(&home, &[(&a, "Active"), (&b, "Active"), (&c, "Active")]);
    assert_eq!(found, [Kept, Kept, Created]);
    assert_eq!(held(&home), [imported("c")]);
}

#[test]
fn what_was_held_here_stays_and_what_was_not_conflicts() {
    let [ours, theirs] = ["ours", "theirs"].map(|id| build(id, "1", 1));
    let index = [(&theirs, "Active")];
    let home = Home::new();
    home.put(&ours);
    assert_eq!(import(&home, &index), [Conflict]);
    assert_eq!(current(&home).as_deref(), Some("ours"));
    let object = object_of(&theirs);
    assert_eq!(home.catalog.entry(&object).unwrap(), Some(theirs.clone()));

    let home = Home::new();
    home.put(&theirs);
    assert_eq!(import(&home, &index), [Same]);
    home.put(&ours);
    assert_eq!(import(&home, &index), [Kept]);
    let ref_name = name("llamacpp/1");
    home.catalog
        .retire(&ref_name, Expect::Any, &stamp(1))
        .unwrap();
    assert_eq!(import(&home, &index), [Kept]);
    assert_eq!(current(&home), None);

    // Retired, and never held: it is made.
    let home = Home::new();
    home.put(&ours);
    home.catalog
        .retire(&ref_name, Expect::Any, &stamp(1))
        .unwrap();
    assert_eq!(import(&home, &index), [Created]);
}

#[test]
fn same_build_recorded_at_another_time_is_the_same() {
    let index = entry("1", 1);
    let recorded_here = [entry("1", 77), build("other", "1", 78)];
    let home = Home::new();
    home.put(&recorded_here[0]);
    assert_eq!(import(&home, &[(&index, "Active")]), [Same]);
    assert!(
        !home.object(&object_of(&index)).exists(),
        "there is one of it"
    );
    home.put(&recorded_here[1]);
    assert_eq!(import(&home, &[(&index, "Active")]), [Kept]);
    assert_eq!(current(&home).as_deref(), Some("other"));
}

#[test]
fn damaged_ref_is_a_problem_and_the_others_are_done() {
    let home = Home::new();
    let [bad, good] = ["bad", "good"].map(|version| entry(version, 1));
    home.put(&bad);
    std::fs::write(home.at("refs/llamacpp/bad"), "damaged").unwrap();
    let index = json!([with(&bad, &[]), with(&good, &[])]).to_string();
    let index = EngineIndex::parse(index.as_bytes()).unwrap();
    let imported = home.catalog.import_index(&index, &stamp(5)).unwrap();
    assert_eq!(outcomes(&imported), [Created]);
    let cause = &imported.problems[0].cause;
    assert!(matches!(
        cause,
        engine_catalog::Error::Ref(RefError::Damaged { .. })
    ));
}

#[test]
fn damaged_object_is_healed_by_the_index_that_has_it() {
    let home = Home::new();
    let whole = entry("1", 1);
    let file = home.object(&home.put(&whole));
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "damaged").unwrap();
    let index = json!([with(&whole, &[])]).to_string();
    let index = EngineIndex::parse(index.as_bytes()).unwrap();
    assert_eq!(
        outcomes(&home.catalog.import_index(&index, &stamp(5)).unwrap()),
        [Same]
    );
    assert_eq!(std::fs::read(&file).unwrap(), encode_entry(&whole).unwrap());
}
