//! The kernel lets go of the locks of a process that dies.

use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use engine_catalog::Catalog;

use crate::support::crowd::{Children, assert_chain};
use crate::support::observe::partial_objects;
use crate::support::sample::{entry, name};
use crate::support::stamp;

fn signal(child: &Child, signal: &str) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill -$0 $1", signal, &child.id().to_string()]);
    assert!(shell.status().expect("there is a shell").success());
}

#[test]
fn locks_of_a_killed_process_are_free_at_once() {
    let scratch = tempfile::tempdir().expect("there is room");
    let root = scratch.path().join("root");
    let catalog = Catalog::create(&root).expect("it can be made");
    catalog
        .put(&entry("a", "first"), &stamp(1))
        .expect("it can be put");
    let mut waited = 0;
    for round in 0..12 {
        let mut children = Children::start(&["replace a"], &root);
        let before = catalog.history(&name("a")).expect("it can be read").len();
        while catalog.history(&name("a")).expect("it can be read").len() < before + 3 {
            thread::sleep(Duration::from_millis(1));
        }
        // Wherever it is, it stays there, often with the lock, until it is killed.
        signal(&children.0[0], "STOP");
        let new = entry("a", &format!("round {round}"));
        thread::scope(|scope| {
            let put = scope.spawn(|| catalog.put(&new, &stamp(1)));
            thread::sleep(Duration::from_millis(30));
            waited += u32::from(!put.is_finished());
            let killed = Instant::now();
            children.0[0].kill().expect("it runs");
            let put = put.join().expect("it does not panic");
            assert!(put.is_ok(), "{put:?}");
            assert!(killed.elapsed() < Duration::from_secs(5));
        });
        let changes = catalog.history(&name("a")).expect("it can be read");
        assert_chain(&changes);
        let current = catalog.current(&name("a")).expect("it can be read");
        let last = changes.last().and_then(|change| change.new);
        assert_eq!(current.map(|record| record.object), last);
    }
    assert!(waited > 0, "no process was ever stopped with the lock");
    assert_eq!(partial_objects(&root), [] as [std::path::PathBuf; 0]);
}
