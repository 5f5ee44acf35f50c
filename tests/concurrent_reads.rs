//! Readers take no lock: what they see while others write is a state that was current, and reading
//! it ends.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use std::{fs, thread};

use engine_catalog::{Catalog, EngineEntry, Expect, Filter};
use support::crowd::{Children, assert_chain, meanwhile, replace_for_ever};
use support::mount::{Kind, Mounted};
use support::sample::{entry, name};
use support::{child, object_of, stamp};

mod support;

/// What a helper process does; nothing when it runs as a test.
#[test]
fn child() {
    if let Some((engine, root)) = child::role() {
        replace_for_ever(&Catalog::open(&root).expect("there is a catalog"), &engine);
    }
}

#[test]
fn reading_a_history_ends_however_fast_it_grows() {
    // In memory, where a put takes less time than reading what thousands of them have left.
    let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let root = scratch.as_ref().expect("there is room").path().join("root");
    let catalog = Catalog::create(&root).expect("it can be made");
    catalog
        .put(&entry("a", "first"), &stamp(1))
        .expect("it can be put");
    let mut children = Children::start(&["a"], &root);
    let (file, start) = (root.join("history/a/1"), Instant::now());
    let is_long = || fs::metadata(&file).is_ok_and(|file| file.len() > 1 << 20);
    while !is_long() && start.elapsed() < Duration::from_secs(1) {
        thread::sleep(Duration::from_millis(1));
    }
    let (sender, read) = channel();
    thread::scope(|scope| {
        scope.spawn(|| sender.send(catalog.history(&name("a"))));
        let read = read.recv_timeout(Duration::from_secs(5));
        children.0[0].kill().expect("it runs");
        assert_chain(&read.expect("it ends").expect("it can be read"));
    });
}

#[test]
fn id_that_moves_to_another_ref_is_never_ambiguous() {
    let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let root = scratch.as_ref().expect("there is room").path().join("root");
    let catalog = Catalog::create(&root).expect("it can be made");
    // A reader comes by all of these on its way from the one to the other.
    let between: Vec<_> = (0..40).map(|n| entry(&format!("m{n}"), "x")).collect();
    let put = catalog.put_all(&between, &stamp(1));
    put.expect("they can be put");
    let step = AtomicU32::new(0);
    let moves = || {
        for engine in ["a", "z"] {
            let build = step.fetch_add(1, Ordering::Relaxed).to_string();
            let id = "moving".to_owned();
            let entry = EngineEntry {
                id,
                ..entry(engine, &build)
            };
            catalog.put(&entry, &stamp(1)).expect("it can be put");
            thread::sleep(Duration::from_millis(1));
            let retired = catalog.retire(&name(engine), Expect::Any, &stamp(1));
            retired.expect("it can be retired");
        }
    };
    meanwhile(moves, || {
        for _ in 0..300 {
            let found = catalog.exists("moving");
            assert!(found.is_ok(), "{found:?}");
        }
    });
}

/// Some file systems give a name that is replaced another place in the listing of its directory,
/// where a listing under way does not come by any more.
fn list_while_replacing(dir: &Path) {
    let root = dir.join("root");
    let catalog = Catalog::create(&root).expect("it can be made");
    for build in ["first", "second"] {
        let entries = ["a", "b", "c"].map(|engine| entry(engine, build));
        let put = catalog.put_all(&entries, &stamp(1));
        put.expect("they can be put");
    }
    // As writers do, and much faster than they can.
    let (reference, temporary) = (root.join("refs/b/1"), root.join("tmp/fast"));
    let replace = || {
        for build in ["first", "second"] {
            let id = object_of(&entry("b", build));
            fs::write(&temporary, format!("{id}\n")).expect("there is room");
            fs::rename(&temporary, &reference).expect("it can be replaced");
        }
    };
    let expected = ["a", "b", "c"].map(name);
    meanwhile(replace, || {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(500) {
            let listed = catalog.list(&Filter::default()).expect("it can be listed");
            let names = listed.map(|it| it.expect("it can be read").name());
            assert!(names.eq(expected.clone()));
            assert!(catalog.exists("b:1").expect("it can be read"));
        }
    });
}

#[test]
fn listing_misses_no_ref_that_is_replaced_meanwhile() {
    let scratch = tempfile::tempdir().expect("there is room");
    list_while_replacing(scratch.path());
}

#[test]
fn listing_misses_no_ref_on_other_file_systems() {
    for kind in Kind::ALL {
        let Some(file_system) = Mounted::new(kind) else {
            return;
        };
        list_while_replacing(file_system.path());
    }
}
