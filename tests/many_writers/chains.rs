//! Writers exclude each other by the lock of each ref, so its history is one chain, and one change
//! follows from another once.

use std::sync::Barrier;
use std::thread;

use engine_catalog::{Artifacts, Catalog, Error, Expect, Filter, PreparedEngine, RefError};

use crate::support::crowd::{Children, assert_chain, assert_chains, meanwhile};
use crate::support::observe::assert_clean;
use crate::support::sample::{entry, name};
use crate::support::stamp;

const SHARED: [&str; 2] = ["a", "b"];

/// Puts, retires and rolls back in an order that `seed` decides, in two threads.
pub(crate) fn mix(catalog: &Catalog, seed: u64) {
    thread::scope(|scope| {
        for seed in [2 * seed, 2 * seed + 1] {
            scope.spawn(move || (0..40).for_each(|step| mix_step(catalog, seed, step)));
        }
    });
}

fn mix_step(catalog: &Catalog, seed: u64, step: u64) {
    let random = (seed * 1000 + step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let own = format!("own{seed}");
    let engine = [SHARED[0], SHARED[1], &own][usize::try_from(random % 3).unwrap_or(0)];
    let new = entry(engine, &format!("{seed} {step}"));
    let done = match random / 3 % 8 {
        0..=2 => catalog.put(&new, &stamp(1)).map(drop),
        // The same for all, which often changes nothing.
        3 => catalog.put(&entry(engine, "common"), &stamp(1)).map(drop),
        4 => {
            let both = [new, entry(SHARED[0], &format!("{seed} {step}"))];
            catalog.put_all(&both, &stamp(1)).map(drop)
        }
        5 => {
            let current = catalog.current(&name(engine)).expect("it can be read");
            let expect = current.map_or(Expect::Absent, |it| Expect::Object(it.object));
            catalog.put_if(&new, expect, &stamp(1)).map(drop)
        }
        6 => catalog
            .retire(&name(engine), Expect::Any, &stamp(1))
            .map(drop),
        _ => catalog.rollback(&name(engine), None, &stamp(1)).map(drop),
    };
    match done {
        Ok(()) | Err(Error::Ref(RefError::Conflict { .. }) | Error::NoEarlierEntry { .. }) => {}
        Err(error) => unreachable!("{error}"),
    }
}

#[test]
fn history_of_each_ref_is_one_chain_whoever_changes_it() {
    let scratch = tempfile::tempdir().expect("there is room");
    let root = scratch.path().join("root");
    let catalog = Catalog::create(&root).expect("it can be made");
    let read = || {
        for record in catalog.list(&Filter::default()).expect("it can be listed") {
            let record = record.expect("it can be read");
            let found = catalog.get(&record.entry.id).expect("it can be read");
            assert_eq!(found.expect("it was there").name(), record.name());
            assert_chain(&catalog.history(&record.name()).expect("it can be read"));
        }
    };
    meanwhile(read, || {
        let children = Children::start(&["mix 1", "mix 2"], &root);
        mix(&catalog, 3);
        children.finish();
    });
    let own = (2..8).map(|seed| format!("own{seed}"));
    let engines = SHARED.map(str::to_owned).into_iter().chain(own);
    let names: Vec<_> = engines.map(|engine| name(&engine)).collect();
    assert_chains(&catalog, &names);
    assert_clean(&root);
}

/// Adds one to the number that the ref holds, until that was done `wins` times.
pub(crate) fn count(catalog: &Catalog, wins: u32) {
    let mut left = wins;
    while left > 0 {
        let current = catalog.current(&name("a")).expect("it can be read");
        let current = current.expect("it is never retired");
        let number = current.entry.build_ref.expect("it has one");
        let number: u32 = number.parse().expect("it is a number");
        let next = entry("a", &(number + 1).to_string());
        match catalog.put_if(&next, Expect::Object(current.object), &stamp(1)) {
            Ok(_) => left -= 1,
            Err(Error::Ref(RefError::Conflict { .. })) => {}
            Err(error) => unreachable!("{error}"),
        }
    }
}

#[test]
fn of_all_who_expect_the_same_one_wins() {
    let scratch = tempfile::tempdir().expect("there is room");
    let root = scratch.path().join("root");
    let catalog = Catalog::create(&root).expect("it can be made");
    catalog
        .put(&entry("a", "0"), &stamp(1))
        .expect("it can be put");
    let children = Children::start(&["count 30", "count 30"], &root);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| count(&catalog, 30));
        }
    });
    children.finish();
    let current = catalog.current(&name("a")).expect("it can be read");
    let number = current.and_then(|record| record.entry.build_ref);
    assert_eq!(number.as_deref(), Some("150"));
    let changes = catalog.history(&name("a")).expect("it can be read");
    assert_eq!(changes.len(), 151);
    assert_chains(&catalog, &[name("a")]);
    assert_clean(&root);
}

#[test]
fn same_build_that_many_record_at_once_is_recorded_once() {
    let scratch = tempfile::tempdir().expect("there is room");
    let catalog = Catalog::create(scratch.path().join("root")).expect("it can be made");
    let start = Barrier::new(4);
    let record = |thread: i64| {
        for round in 0..20 {
            let image = Artifacts::Image("registry.example/image:1".to_owned());
            let engine = PreparedEngine::new(&format!("e{round}"), "1", image, thread);
            start.wait();
            catalog
                .record(&engine, &stamp(1))
                .expect("it can be recorded");
        }
    };
    thread::scope(|scope| {
        for thread in 0..4 {
            let record = &record;
            scope.spawn(move || record(thread));
        }
    });
    for round in 0..20 {
        let changes = catalog.history(&name(&format!("e{round}")));
        assert_eq!(changes.expect("it can be read").len(), 1, "round {round}");
    }
}
