//! A snapshot shows a state that existed at one moment, also while writers are at work, and gets its
//! turn among them.

use std::path::Path;

use engine_catalog::{Catalog, Filter, Members, Name, Record, Snapshot};
use support::crowd::Children;
use support::sample::entry;
use support::{child, stamp};

mod support;

/// Each changes two refs in turns: first `<writer>-a`, then `<writer>-b`.
const WRITERS: [&str; 4] = ["w0", "w1", "w2", "w3"];

/// How many refs that do not change stand between the two.
const BETWEEN: usize = 100;

/// What a helper process does; nothing when it runs as a test.
#[test]
fn child() {
    if let Some((writer, root)) = child::role() {
        let catalog = Catalog::open(&root).expect("there is a catalog");
        for step in 1_u32.. {
            put_both(&catalog, &writer, step);
        }
    }
}

fn put_both(catalog: &Catalog, writer: &str, step: u32) {
    for half in ["a", "b"] {
        let new = entry(&format!("{writer}-{half}"), &step.to_string());
        catalog.put(&new, &stamp(1)).expect("it can be put");
    }
}

fn catalog(root: &Path) -> Catalog {
    let catalog = Catalog::create(root).expect("it can be made");
    for writer in WRITERS {
        put_both(&catalog, writer, 0);
        // A reader comes by all of these on its way from the one half to the other.
        let between: Vec<_> = (0..BETWEEN)
            .map(|n| entry(&format!("{writer}-a{n}"), "0"))
            .collect();
        catalog
            .put_all(&between, &stamp(1))
            .expect("they can be put");
    }
    catalog
}

/// Requires that the second half of no writer is ahead of its first, or more than a step behind, and
/// returns the steps.
fn assert_one_moment(catalog: &Catalog, snapshot: &Snapshot) -> Vec<u32> {
    let records = catalog.members(snapshot).expect("they can be read");
    let step = |record: &Record| -> u32 {
        let build = record.entry.build_ref.as_deref().expect("it has one");
        build.parse().expect("it is a step")
    };
    assert_eq!(records.len(), (2 + BETWEEN) * WRITERS.len());
    for of_writer in records.chunks(2 + BETWEEN) {
        let (a, b) = (step(&of_writer[0]), step(&of_writer[1 + BETWEEN]));
        assert!(a == b || a == b + 1, "{a} and {b}");
    }
    let is_changed = |record: &&Record| record.entry.engine.len() == "w0-a".len();
    records.iter().filter(is_changed).map(step).collect()
}

#[test]
fn snapshot_is_of_one_moment_while_writers_are_at_work() {
    let scratch = tempfile::tempdir().expect("there is room");
    let root = scratch.path().join("root");
    let catalog = catalog(&root);
    let reader = Catalog::open_read_only(&root).expect("there is a catalog");
    let _writers = Children::start(&WRITERS, &root);
    let all = Members::Current(Filter::default());
    let mut before = vec![0; 2 * WRITERS.len()];
    // Writers go on in between, and do not keep a snapshot from its turn.
    while before.iter().any(|step| *step < 20) {
        let name = Name::new(&format!("{before:?}")).expect("it is a name");
        let object = catalog.create_snapshot(&all, Some(&name));
        let object = object.expect("it can be made");
        let made = catalog.snapshot(&object).expect("it can be read");
        let looked_at = || reader.snapshot_of(&all).expect("it can be read");
        let later = std::iter::repeat_with(looked_at).take(5);
        for snapshot in made.into_iter().chain(later) {
            let steps = assert_one_moment(&catalog, &snapshot);
            assert!(before.iter().zip(&steps).all(|(before, now)| before <= now));
            before = steps;
        }
    }
    let made = catalog.snapshots().expect("they can be listed");
    assert!(made.len() > 1);
}
