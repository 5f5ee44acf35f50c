//! Entries that are refused by what else is in the index.

use engine_catalog::{EngineIndex, IndexEntryError};
use serde_json::{Value, json};

use crate::support::entry;
use crate::{build, with};

/// The positions and ids of what is taken, and of what is refused.
type Judged = (Vec<String>, Vec<(usize, Option<String>)>);

fn judged(text: &str) -> Judged {
    let index = EngineIndex::parse(text.as_bytes()).unwrap();
    let taken = index.entries().iter().map(|it| it.entry.id.clone());
    let refused = index.refused().iter();
    let refused = refused.map(|it| (it.position, it.id.clone()));
    (taken.collect(), refused.collect())
}

fn list(entries: &[Value]) -> String {
    json!(entries).to_string()
}

#[test]
fn entries_that_share_an_id_are_all_refused_unless_they_are_the_same() {
    let [a, a_later, b] = [build("a", "1", 1), build("a", "1", 2), build("b", "1", 1)];
    let [a, a_later, b] = [a, a_later, b].map(|it| with(&it, &[]));
    let mut a_retired = a.clone();
    a_retired["state"] = json!("Retired");
    let id = || Some("a".to_owned());
    for other in [&a_later, &a_retired] {
        let found = judged(&list(&[a.clone(), b.clone(), other.clone()]));
        let refused = vec![(1, id()), (3, id())];
        assert_eq!(found, (vec!["b".to_owned()], refused));
    }
    let found = judged(&list(&[a.clone(), b.clone(), a.clone()]));
    assert_eq!(found, (vec!["a".to_owned(), "b".to_owned()], vec![]));
    let found = judged(&list(&[a.clone(), a.clone(), a_later.clone()]));
    assert_eq!(found.1.len(), 3);
    let index = EngineIndex::parse(list(&[a, a_later]).as_bytes()).unwrap();
    let message = index.refused()[0].to_string();
    assert_eq!(message, r#"entry 1, "a": entries 1, 2 have this id"#);
}

#[test]
fn key_that_stands_twice_in_a_map_is_refused_however_it_is_written() {
    let [a, b] = ["a", "b"].map(|id| with(&build(id, id, 1), &[]));
    for key in ["a", "\\u0061"] {
        for value in [&a, &json!(null)] {
            let text = format!(r#"{{"a": {a}, "b": {b}, "{key}": {value}}}"#);
            let (taken, refused) = judged(&text);
            assert_eq!(taken, ["b"], "{text}");
            let id = Some("a".to_owned());
            assert_eq!(refused, [(1, id.clone()), (3, id)], "{text}");
        }
    }
}

#[test]
fn what_is_said_of_many_that_share_an_id_grows_with_them_and_not_faster() {
    const MANY: usize = 2000;
    let of_key = format!("{{{}}}", vec![r#""a": {}"#; MANY].join(","));
    let created = (0..).take(MANY);
    let of_id: Vec<_> = created.map(|at| with(&build("a", "1", at), &[])).collect();
    for text in [of_key, list(&of_id)] {
        let index = EngineIndex::parse(text.as_bytes()).unwrap();
        assert_eq!(index.refused().len(), MANY);
        let message = index.refused()[MANY - 1].to_string();
        let expected = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1990 others have this id";
        assert!(message.ends_with(expected), "{message}");
    }
}

#[test]
fn what_an_entry_says_of_its_lifecycle_is_one_of_two_words() {
    let said = |key: &str, value: Value| {
        let mut entry = with(&entry("b1", 1), &[]);
        entry[key] = value;
        entry
    };
    let parse = |value: Value| EngineIndex::parse(list(&[value]).as_bytes()).unwrap();
    for (word, is_retired) in [
        (json!("Active"), false),
        (json!("ACTIVE"), false),
        (json!(null), false),
        (json!("Retired"), true),
        (json!("retired"), true),
    ] {
        for key in ["lifecycle", "state"] {
            let index = parse(said(key, word.clone()));
            assert_eq!(index.entries()[0].is_retired, is_retired, "{key} {word}");
        }
    }
    let mut both = said("state", json!("Active"));
    both["lifecycle"] = json!("Active");
    for value in [
        said("state", json!("active ")),
        said("state", json!(1)),
        both,
    ] {
        let index = parse(value);
        let cause = &index.refused()[0].cause;
        assert!(
            matches!(cause, IndexEntryError::Lifecycle { .. }),
            "{cause}"
        );
    }
}

#[test]
fn entry_that_is_too_large_is_refused_and_the_others_are_taken() {
    let mut large = build("large", "1", 1);
    large.build_flags = Some(vec!["x".repeat(1 << 20)]);
    let found = judged(&list(&[with(&large, &[]), with(&entry("b1", 1), &[])]));
    let refused = vec![(1, Some("large".to_owned()))];
    assert_eq!(found, (vec!["llamacpp:b1".to_owned()], refused));
}
