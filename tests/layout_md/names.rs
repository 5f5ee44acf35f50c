//! Section 3: names, and the files that they become.

use engine_catalog::{EngineEntry, Name};

use crate::document::{json_string, lines};
use crate::rejected::assert_variants;
use crate::scratch::{Scratch, entry};

#[test]
fn names_and_file_names_stand_for_each_other() {
    for line in lines("names") {
        let (text, file_name) = json_string(&line);
        let name = Name::new(&text).unwrap();
        assert_eq!(name.to_file_name(), file_name, "{text:?}");
        assert_eq!(Name::from_file_name(file_name), Some(name), "{file_name}");
    }
}

#[test]
fn names_become_the_paths_of_refs_and_histories() {
    let scratch = Scratch::new();
    for line in lines("names") {
        let (text, file_name) = json_string(&line);
        scratch.put(&EngineEntry::new("llamacpp", &text, 1));
        for top in ["refs", "history"] {
            let path = scratch.at(top).join("llamacpp").join(file_name);
            assert!(path.is_file(), "{}", path.display());
        }
        if !text.contains('/') {
            scratch.put(&EngineEntry::new(&text, "b4321", 1));
            let path = scratch.at("refs").join(file_name).join("b4321");
            assert!(path.is_file(), "{}", path.display());
        }
    }
}

#[test]
fn texts_that_are_no_names_are_refused() {
    for line in lines("refused-names") {
        let (part, rest) = json_string(&line);
        let (times, expected) = match rest.strip_prefix("* ") {
            Some(rest) => rest.split_once(' ').unwrap(),
            None => ("1", rest),
        };
        let text = part.repeat(times.parse().unwrap());
        let error = Name::new(&text).unwrap_err();
        assert_variants(&error, &[expected.trim()], &line);
    }
}

#[test]
fn foreign_file_names_stand_for_nothing_and_are_passed_over() {
    let scratch = Scratch::new();
    let current = scratch.put(&entry(1));
    for file_name in lines("foreign-names") {
        assert_eq!(Name::from_file_name(&file_name), None, "{file_name:?}");
        scratch.write(format!("refs/llamacpp/{file_name}"), "foreign");
        scratch.write(format!("refs/{file_name}/b1"), "foreign");
        scratch.write(format!("objects/{file_name}"), "foreign");
    }
    scratch.write("refs/a%2Fb/1", "foreign");
    let listed = scratch.catalog.list(&engine_catalog::Filter::default());
    let listed: Vec<_> = listed
        .unwrap()
        .map(|record| record.unwrap().object)
        .collect();
    assert_eq!(listed, [current]);
}
