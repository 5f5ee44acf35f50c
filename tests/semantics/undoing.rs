//! History, and what can be undone: retire, delete, rollback.

use std::fs;
use std::io::Write;

use engine_catalog::{Change, Error, ErrorKind, Expect, HistoryError, ObjectId, Op, VerifyScope};

use super::assert_conflict;
use super::support::{Home, entry, listing, name, stamp};

/// A catalog in which `llamacpp/b1` held three entries, one after another.
fn three() -> (Home, [ObjectId; 3]) {
    let home = Home::new();
    let objects = [1, 2, 3].map(|ms| home.put(&entry("b1", ms)));
    (home, objects)
}

fn current(home: &Home) -> Option<ObjectId> {
    let current = home.catalog.current(&name("llamacpp/b1")).unwrap();
    current.map(|record| record.object)
}

fn last(home: &Home) -> (Op, Option<ObjectId>, Option<ObjectId>) {
    let history = home.catalog.history(&name("llamacpp/b1")).unwrap();
    let Change { op, old, new, .. } = history.last().unwrap();
    (*op, *old, *new)
}

#[test]
fn rolling_back_again_leads_further_back() {
    let (home, [a, b, c]) = three();
    let rollback = || home.catalog.rollback(&name("llamacpp/b1"), None, &stamp(9));
    let put = rollback().unwrap();
    assert_eq!((put.object, put.previous), (b, Some(c)));
    assert_eq!(current(&home), Some(b));
    assert_eq!(last(&home), (Op::Rollback, Some(c), Some(b)));
    assert_eq!(rollback().unwrap().object, a);
    let before = listing(home.outside());
    assert!(matches!(rollback(), Err(Error::NoEarlierEntry { .. })));
    assert_eq!(listing(home.outside()), before);
    assert_eq!(current(&home), Some(a));

    // A new entry starts from where the ref is.
    let d = home.put(&entry("b1", 4));
    let put = rollback().unwrap();
    assert_eq!((put.object, put.previous), (a, Some(d)));
}

#[test]
fn ref_rolls_back_to_any_entry_of_its_history() {
    let (home, [a, b, c]) = three();
    let to = |object| {
        home.catalog
            .rollback(&name("llamacpp/b1"), Some(object), &stamp(9))
    };
    assert_eq!(to(a).unwrap().previous, Some(c));
    assert_eq!(to(c).unwrap().object, c);
    assert!(to(c).unwrap().is_unchanged());
    assert_eq!(to(b).unwrap().previous, Some(c));
    assert_eq!(home.catalog.history(&name("llamacpp/b1")).unwrap().len(), 6);
    let other = home.put(&entry("b2", 1));
    for stranger in [other, ObjectId::of(b"x")] {
        let error = to(stranger).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(matches!(error, Error::NotInHistory { object, .. } if object == stranger));
    }
    assert_eq!(current(&home), Some(b));
}

#[test]
fn rollback_to_an_entry_that_is_gone_changes_nothing() {
    let (home, [a, b, c]) = three();
    fs::remove_file(home.object(&b)).unwrap();
    let before = listing(home.outside());
    for to in [None, Some(b)] {
        let rolled = home.catalog.rollback(&name("llamacpp/b1"), to, &stamp(9));
        assert!(
            matches!(rolled, Err(Error::Gone { object, .. }) if object == b),
            "{rolled:?}"
        );
    }
    assert_eq!(listing(home.outside()), before);
    assert_eq!(current(&home), Some(c));
    let rolled = home
        .catalog
        .rollback(&name("llamacpp/b1"), Some(a), &stamp(9));
    assert_eq!(rolled.unwrap().object, a);
}

#[test]
fn rollback_never_points_a_ref_at_an_entry_of_another() {
    let (home, [_, _, c]) = three();
    let other = home.put(&entry("b2", 1));
    // A history that a faulty copy mixed up.
    let lines = format!("1 put - {other} me\n2 put {other} {c} me\n");
    fs::write(home.at("history/llamacpp/b1"), lines).unwrap();
    let before = listing(home.outside());
    for to in [None, Some(other)] {
        let rolled = home.catalog.rollback(&name("llamacpp/b1"), to, &stamp(9));
        match rolled {
            Err(Error::MisplacedHistory { object, found, .. }) => {
                assert_eq!((object, found), (other, name("llamacpp/b2")));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(listing(home.outside()), before);
    }
}

#[test]
fn retired_ref_is_gone_and_comes_back_as_it_was() {
    let (home, [.., c]) = three();
    let retire = |expect| home.catalog.retire(&name("llamacpp/b1"), expect, &stamp(9));
    assert_eq!(retire(Expect::Object(c)).unwrap(), Some(c));
    assert_eq!(current(&home), None);
    assert!(!home.at("refs/llamacpp/b1").exists());
    assert!(home.object(&c).exists(), "only gc removes objects");
    assert_eq!(last(&home), (Op::Retire, Some(c), None));

    // There is nothing left to retire.
    let before = listing(home.outside());
    assert_eq!(retire(Expect::Any).unwrap(), None);
    assert_eq!(retire(Expect::Absent).unwrap(), None);
    assert_conflict(retire(Expect::Object(c)), Expect::Object(c), None);
    assert_eq!(listing(home.outside()), before);

    let put = home
        .catalog
        .rollback(&name("llamacpp/b1"), None, &stamp(9))
        .unwrap();
    assert_eq!((put.object, put.previous), (c, None));
    assert_eq!(current(&home), Some(c));
}

#[test]
fn retired_ref_rolls_back_to_any_entry_and_takes_new_ones() {
    let (home, [a, _, c]) = three();
    home.catalog
        .retire(&name("llamacpp/b1"), Expect::Any, &stamp(9))
        .unwrap();
    let put = home
        .catalog
        .rollback(&name("llamacpp/b1"), Some(a), &stamp(9))
        .unwrap();
    assert_eq!((put.object, put.previous), (a, None));
    home.catalog
        .retire(&name("llamacpp/b1"), Expect::Object(a), &stamp(9))
        .unwrap();
    let put = home
        .catalog
        .put_if(&entry("b1", 3), Expect::Absent, &stamp(9))
        .unwrap();
    assert_eq!((put.object, put.previous), (c, None));
}

#[test]
fn unknown_refs_have_no_history_and_are_not_made_by_asking() {
    let (home, _) = three();
    let before = listing(home.outside());
    let unknown = name("llamacpp/b9");
    assert_eq!(home.catalog.history(&unknown).unwrap(), []);
    assert_eq!(home.catalog.current(&unknown).unwrap(), None);
    assert_eq!(
        home.catalog
            .retire(&unknown, Expect::Any, &stamp(1))
            .unwrap(),
        None
    );
    let rolled = home.catalog.rollback(&unknown, None, &stamp(1));
    assert!(matches!(rolled, Err(Error::NoEarlierEntry { .. })));
    assert!(!home.catalog.delete("llamacpp:b9", &stamp(1)).unwrap());
    assert_eq!(listing(home.outside()), before);
}

#[test]
fn delete_retires_by_id_and_answers_whether_there_was_one() {
    let (home, [a, _, c]) = three();
    assert!(home.catalog.delete("llamacpp:b1", &stamp(9)).unwrap());
    assert!(!home.catalog.delete("llamacpp:b1", &stamp(9)).unwrap());
    assert!(!home.catalog.exists("llamacpp:b1").unwrap());
    assert_eq!(last(&home), (Op::Retire, Some(c), None));
    assert!(home.object(&a).exists() && home.object(&c).exists());
    let found = home.catalog.get("llamacpp:b1").unwrap().unwrap();
    assert_eq!(found.object, c);
}

/// A crash leaves no such line: every byte of it was written.
#[test]
fn changed_last_line_is_damage_and_is_kept() {
    let (home, [.., c]) = three();
    let path = home.at("history/llamacpp/b1");
    let whole = fs::read_to_string(&path).unwrap();
    let (before, last) = whole.trim_end().rsplit_once('\n').unwrap();
    let changed = format!("{before}\n{}\n", last.replace("put", "pot"));
    fs::write(&path, &changed).unwrap();
    let error = home.catalog.history(&name("llamacpp/b1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damage);
    assert_eq!(
        home.catalog
            .current(&name("llamacpp/b1"))
            .unwrap()
            .unwrap()
            .object,
        c
    );
    home.put(&entry("b1", 4));
    assert!(fs::read_to_string(&path).unwrap().starts_with(&changed));
}

#[test]
fn end_of_a_history_that_a_crash_tore_is_left_out_and_written_over() {
    let (home, [.., c]) = three();
    let path = home.at("history/llamacpp/b1");
    // The last is longer than any line, which no crash leaves.
    let long = "\0".repeat(3000);
    for torn in ["17 put 00", "17 put -\0 x\n", "\0\0\0\0", "\0\n", &long] {
        let whole = fs::read(&path).unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(torn.as_bytes()).unwrap();
        let lines = home.catalog.history(&name("llamacpp/b1")).unwrap();
        assert_eq!(lines.len(), 3, "{torn:?}");
        home.put(&entry("b1", 4));
        assert!(fs::read(&path).unwrap().starts_with(&whole));
        assert_eq!(home.catalog.history(&name("llamacpp/b1")).unwrap().len(), 4);
        fs::write(&path, whole).unwrap();
        home.point("llamacpp/b1", &c);
    }
}

#[test]
fn damaged_line_before_the_last_is_an_error_that_names_it() {
    let (home, [.., c]) = three();
    let path = home.at("history/llamacpp/b1");
    let lines = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        lines.replacen("put", "PUT", 2).replacen("PUT", "put", 1),
    )
    .unwrap();
    let before = listing(home.outside());
    let damaged = |error| matches!(error, Error::History(HistoryError::Damaged { line: 2, .. }));
    assert!(damaged(
        home.catalog.history(&name("llamacpp/b1")).unwrap_err()
    ));
    let rolled = home.catalog.rollback(&name("llamacpp/b1"), None, &stamp(1));
    assert!(damaged(rolled.unwrap_err()));
    assert_eq!(listing(home.outside()), before);
    // What is current does not depend on it.
    assert_eq!(current(&home), Some(c));
    assert!(home.catalog.get("llamacpp:b1").unwrap().is_some());
}

#[test]
fn ref_that_came_without_its_history_can_be_changed_and_rolled_back() {
    let (home, [.., c]) = three();
    fs::remove_dir_all(home.at("history")).unwrap();
    assert_eq!(home.catalog.history(&name("llamacpp/b1")).unwrap(), []);
    assert_eq!(current(&home), Some(c));
    let d = home.put(&entry("b1", 4));
    let put = home
        .catalog
        .rollback(&name("llamacpp/b1"), None, &stamp(1))
        .unwrap();
    assert_eq!((put.object, put.previous), (c, Some(d)));
}

#[test]
fn first_change_of_a_ref_without_history_that_was_cut_short_is_passed_over() {
    let home = Home::new();
    let [wanted, held] = [2, 1].map(|ms| home.put(&entry("b1", ms)));
    let file = home.at("history/llamacpp/b1");
    // As in a bundle, or a copy of objects and refs alone.
    fs::remove_file(&file).unwrap();
    let line = format!("1 put {held} {wanted} tester%40here\n");
    for length in 0..=line.len() {
        fs::write(&file, &line[..length]).unwrap();
        let history = home.catalog.history(&name("llamacpp/b1")).unwrap();
        assert_eq!(history, [], "{length}");
        let report = home.catalog.verify(&VerifyScope::Everything, &|_| {});
        assert!(report.unwrap().is_clean(), "{length}");
    }
    home.put(&entry("b1", 2));
    assert_eq!(last(&home), (Op::Put, Some(held), Some(wanted)));
    let rolled = home.catalog.rollback(&name("llamacpp/b1"), None, &stamp(9));
    assert_eq!(rolled.unwrap().object, held);
}
