//! Every state that a power cut may leave, enumerated.
//!
//! Each operation runs in a helper process under `strace`. Its system calls drive a model of a disk
//! that grants what layout.md section 9 says and nothing more. At every moment, every state that the
//! model allows is put on a real file system and opened: everything that was acknowledged must be
//! there, what was under way must be there or not, nothing may be torn, and doing it again must work.
//! What somebody else did before, and was killed before the last sync of it, is found there and taken back too.
//! To show that this would see a mistake, each sync is left out in turn; without `CI=true` a quarter of them,
//! another one each time.
//!
//! `ENGINE_CATALOG_TEST_STATES` is how many combinations are looked at for one moment, at most; where there are
//! more, it is said.

mod collecting;
mod facts;
mod judge;
mod model;
mod observed;
mod scene;
mod states;
#[path = "../support/mod.rs"]
mod support;
mod trace;

use std::sync::Mutex;
use std::thread;

use observed::Observed;
use scene::Operation;
use support::{child, patience, skip, strace};

/// What a helper process does; nothing when it runs as a test.
#[test]
fn child() {
    if let Some((role, root)) = child::role() {
        let killed = role.strip_prefix(observed::KILLED);
        let mut operations = operations().into_iter();
        let operation = operations.find(|it| it.role == killed.unwrap_or(&role));
        let operation = operation.expect("there is such an operation");
        let act = killed.and(operation.killed).unwrap_or(operation.act);
        strace::begin();
        act(&root);
        strace::end();
    }
}

fn operations() -> Vec<Operation> {
    let mut operations = scene::operations();
    operations.extend(collecting::operations());
    operations
}

#[test]
fn every_state_is_the_old_or_the_new_one_and_no_sync_can_be_left_out() {
    let Some(strace) = skip::program("strace") else {
        return;
    };
    let most = std::env::var("ENGINE_CATALOG_TEST_STATES")
        .map_or(32, |most| most.parse().expect("a number"));
    let left = Mutex::new(operations());
    let next = || left.lock().expect("nobody panics with it").pop();
    let work = || {
        while let Some(operation) = next() {
            let role = operation.role;
            let mut observed = Observed::run(operation, &strace, most);
            let all = observed.look(None);
            assert_eq!(all.wrong, None, "{role}");
            let syncs: Vec<_> = patience::some(observed.syncs(), 4).collect();
            let caught = syncs.iter().filter(|sync| {
                let is_caught = observed.look(Some(sync.at)).wrong.is_some();
                let is_harmless = sync.is_repeated;
                assert!(is_caught || is_harmless, "{role}: without {}", sync.what);
                is_caught
            });
            let (caught, states) = (caught.count(), all.states);
            let part = if all.is_complete { "all" } else { "some" };
            let syncs = syncs.len();
            println!(
                "{role}: {states} states, {part} there are; {caught} of {syncs} syncs left out are caught"
            );
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        (0..cores).for_each(|_| drop(scope.spawn(work)));
    });
}
