//! Any sequence of operations on two catalogs, each through two handles that are used alternately and
//! opened anew anywhere, does what it does to the model in `fuzz/checks/model/`.
//!
//! `ENGINE_CATALOG_TEST_SEQUENCES=400` tries so many sequences.

#[path = "../fuzz/checks/mod.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "only the model is used, and the rest by the fuzz targets"
)]
mod checks;

use checks::model::{Action, IDS, Limits, NAMES, Pick, SNAPSHOTS, Step, Wanted, run};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// A number below another: mostly the same, so that much happens to one ref and a few entries.
fn mostly_one(below: usize) -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0), 1 => 0..below]
}

fn pick() -> impl Strategy<Value = Pick> {
    let numbers = (
        mostly_one(NAMES.len()),
        mostly_one(IDS.len()),
        0..Pick::BUILDS,
    );
    numbers.prop_map(|(name, id, build)| Pick { name, id, build })
}

fn wanted() -> impl Strategy<Value = Wanted> {
    prop_oneof![
        6 => Just(Wanted::Any),
        1 => Just(Wanted::Absent),
        2 => Just(Wanted::Current),
        1 => pick().prop_map(Wanted::Entry),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let numbers = (
        option::of(0..NAMES.len()),
        option::of(0..3usize),
        option::of(1..3usize),
    );
    numbers.prop_map(|(engine, versions, builds)| Limits {
        engine,
        versions,
        builds,
    })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (pick(), wanted()).prop_map(|(pick, wanted)| Action::Put(pick, wanted)),
        2 => vec(pick(), 0..4).prop_map(Action::PutAll),
        1 => pick().prop_map(Action::PutRefused),
        1 => (pick(), wanted()).prop_map(|(pick, wanted)| Action::PutObject(pick, wanted)),
        3 => (pick(), 0..Pick::NOTES).prop_map(|(pick, note)| Action::Attach(pick, note)),
        1 => (pick(), 0..Pick::NOTES).prop_map(|(pick, note)| Action::Detach(pick, note)),
        3 => (mostly_one(NAMES.len()), wanted()).prop_map(|(at, wanted)| Action::Retire(at, wanted)),
        4 => (mostly_one(NAMES.len()), option::weighted(0.3, pick())).prop_map(|(at, to)| Action::Rollback(at, to)),
        2 => (0..IDS.len()).prop_map(Action::Delete),
        2 => (option::of(vec(pick(), 0..3)), option::of(0..SNAPSHOTS.len()))
            .prop_map(|(members, name)| Action::CreateSnapshot(members, name)),
        1 => (0..SNAPSHOTS.len()).prop_map(Action::RemoveSnapshot),
        6 => Just(Action::Import),
        2 => Just(Action::Reopen),
        1 => Just(Action::Verify),
        1 => Just(Action::Repair),
        1 => Just(Action::Collect(Limits::default())),
        2 => limits().prop_map(Action::Collect),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    (0..2usize, 0..2usize, -9..9i64, action()).prop_map(|(side, handle, at_ms, action)| Step {
        side,
        handle,
        at_ms,
        action,
    })
}

/// How many sequences are tried where the environment says nothing.
const SEQUENCES: u32 = 40;

fn config() -> ProptestConfig {
    let wanted = std::env::var("ENGINE_CATALOG_TEST_SEQUENCES").ok();
    let cases = wanted.map_or(SEQUENCES, |number| number.parse().expect("it is a number"));
    ProptestConfig {
        cases,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_sequence_of_operations_does_what_it_does_to_the_model(steps in vec(step(), 0..40)) {
        run(&steps);
    }
}
