//! Sections 5.9 and 7.9: what is removed, and what tells of it.

use std::fmt::Debug;
use std::fs;

use engine_catalog::{GcOptions, Keep, ObjectId, Why};

use crate::document::lines;
use crate::scratch::{Scratch, entry, stamp};

fn why(scratch: &Scratch, object: &ObjectId) -> Why {
    scratch.catalog.why(object, &Keep::new(0)).unwrap()
}

#[test]
fn lines_of_what_was_removed_are_read_and_others_passed_over() {
    let lines = lines("removed-lines");
    assert_eq!(lines.len(), 2);
    for line in &lines {
        let scratch = Scratch::new();
        let id: ObjectId = line.split(' ').nth(2).unwrap().parse().unwrap();
        let malformed = line.replacen("17", "017", 1);
        scratch.write("removed", format!("{line}\n{malformed}\n"));
        let removal = why(&scratch, &id).removed.expect(line);
        assert_eq!(removal.to_string(), *line);
        scratch.write("removed", format!("{malformed}\n"));
        assert_eq!(why(&scratch, &id).removed, None);
    }
}

/// Stores an object that nothing keeps, and returns what collects it.
fn garbage(scratch: &Scratch) -> GcOptions {
    scratch.catalog.store(&[entry(9)]).unwrap();
    let keep = Keep {
        grace_ms: 0,
        ..Keep::new(i64::MAX)
    };
    GcOptions {
        keep,
        ..GcOptions::new(i64::MAX)
    }
}

#[test]
fn what_was_removed_is_told_of_as_long_as_it_is_not_there() {
    let scratch = Scratch::new();
    let options = garbage(&scratch);
    let collected = scratch.catalog.collect_garbage(&options, &stamp()).unwrap();
    let [gone] = &collected.plan.objects[..] else {
        panic!("{collected:?}")
    };
    let told = fs::read_to_string(scratch.at("removed")).unwrap();
    let removal = why(&scratch, &gone.id).removed.unwrap();
    assert_eq!(told, format!("{removal}\n"));
    assert_eq!(removal.plan, collected.id);
    assert_eq!(removal.actor, stamp().actor);
    scratch.catalog.store(&[entry(9)]).unwrap();
    assert_eq!(why(&scratch, &gone.id).removed, None);
}

/// The rejected input of section 11 with this number.
pub(super) fn provoke(row: u32) -> Option<Box<dyn Debug>> {
    let scratch = Scratch::new();
    let (options, catalog) = (garbage(&scratch), &scratch.catalog);
    let error = match row {
        76 => {
            scratch.write("refs/llamacpp/b4321", "no id");
            catalog.collect_garbage(&options, &stamp()).unwrap_err()
        }
        77 => {
            let plan = catalog.plan_gc(&options).unwrap();
            scratch.put(&entry(9));
            catalog.carry_out(&plan, &stamp()).unwrap_err()
        }
        _ => return None,
    };
    Some(Box::new(error))
}
