//! Waiting for locks that others hold: told after a moment, and no longer than the caller likes.

#[path = "support/program.rs"]
mod program;
mod support;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use engine_catalog::{Catalog, ErrorKind, Expect, Filter, LockWait, Members};
use program::Program;
use support::{Home, entry, name, stamp};

/// Longer than any test takes: who waits this long has not been told to stop.
const LONG: Duration = Duration::from_secs(600);

/// Holds the lock on a file as another process would.
fn hold(path: PathBuf) -> File {
    let file = File::open(path).unwrap();
    file.lock().unwrap();
    file
}

/// A catalog with `llamacpp/b1`, and a second handle that waits so.
fn home(lock_wait: LockWait) -> (Home, Catalog) {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let impatient = Catalog::open(home.catalog.root()).unwrap();
    (home, impatient.with_lock_wait(lock_wait))
}

type Told = Arc<Mutex<Vec<PathBuf>>>;

/// What was told, and who has it told.
fn teller() -> (Told, impl Fn(&Path) + Send + Sync + 'static) {
    let told = Told::default();
    let heard = Arc::clone(&told);
    (told, move |path: &Path| {
        heard.lock().unwrap().push(path.to_owned());
    })
}

fn wait_until_told(told: &Told) {
    while told.lock().unwrap().is_empty() {
        thread::yield_now();
    }
}

#[test]
fn who_will_not_wait_is_refused_and_changes_nothing() {
    let (home, catalog) = home(LockWait::default().at_most(Duration::ZERO));
    let lock = hold(home.at("history/llamacpp/b1"));
    let before = support::listing(home.catalog.root());
    let error = catalog.put(&entry("b1", 2), &stamp(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    let path = home.at("history/llamacpp/b1").display().to_string();
    assert!(error.to_string().contains(&path), "{error}");
    let retired = catalog.retire(&name("llamacpp/b1"), Expect::Any, &stamp(2));
    assert_eq!(retired.unwrap_err().kind(), ErrorKind::Busy);
    // Its object may be there by then: what was acknowledged is what refs and histories say.
    let told = |listing: std::collections::BTreeMap<PathBuf, String>| {
        let kept = |path: &Path| path.iter().any(|part| part == "refs" || part == "history");
        listing
            .into_iter()
            .filter(|it| kept(&it.0))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(support::listing(home.catalog.root())), told(before));
    // Another ref is not affected.
    catalog.put(&entry("b2", 1), &stamp(2)).unwrap();
    drop(lock);
    catalog.put(&entry("b1", 2), &stamp(3)).unwrap();
}

#[test]
fn store_lock_has_the_same_limit() {
    let (home, catalog) = home(LockWait::default().at_most(Duration::from_millis(20)));
    let all = Members::Current(Filter::default());
    for held in ["lock", "."] {
        let _lock = hold(home.at(held));
        let error = catalog.put(&entry("b1", 2), &stamp(2)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{held}: {error}");
        let path = home.at("lock").display().to_string();
        assert!(error.to_string().contains(&path), "{held}: {error}");
        let error = catalog.create_snapshot(&all, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{held}: {error}");
    }
}

#[test]
fn lock_that_becomes_free_in_time_is_taken() {
    for wait in [LockWait::default(), LockWait::default().at_most(LONG)] {
        let (home, catalog) = home(wait);
        let lock = hold(home.at("history/llamacpp/b1"));
        thread::scope(|scope| {
            let put = scope.spawn(|| catalog.put(&entry("b1", 2), &stamp(2)));
            thread::sleep(Duration::from_millis(50));
            assert!(!put.is_finished());
            drop(lock);
            put.join().unwrap().unwrap();
        });
    }
}

#[test]
fn who_waits_is_told_for_what() {
    let (told, tell) = teller();
    let soon = LockWait::default().telling(Duration::from_millis(5), tell);
    let (home, catalog) = home(soon);
    catalog.put(&entry("b1", 2), &stamp(2)).unwrap();
    assert_eq!(*told.lock().unwrap(), [] as [PathBuf; 0]);
    let lock = hold(home.at("history/llamacpp/b1"));
    thread::scope(|scope| {
        let put = scope.spawn(|| catalog.put(&entry("b1", 3), &stamp(3)));
        wait_until_told(&told);
        drop(lock);
        put.join().unwrap().unwrap();
    });
    assert_eq!(*told.lock().unwrap(), [home.at("history/llamacpp/b1")]);
}

/// At the turnstile first, and then for the lock itself.
#[test]
fn who_waits_for_one_lock_in_two_places_is_told_once() {
    let (told, tell) = teller();
    let soon = LockWait::default().telling(Duration::from_millis(5), tell);
    let (home, catalog) = home(soon);
    let (turnstile, lock) = (hold(home.at(".")), hold(home.at("lock")));
    thread::scope(|scope| {
        let put = scope.spawn(|| catalog.put(&entry("b1", 2), &stamp(2)));
        wait_until_told(&told);
        drop(turnstile);
        thread::sleep(Duration::from_millis(50));
        drop(lock);
        put.join().unwrap().unwrap();
    });
    assert_eq!(*told.lock().unwrap(), [home.at("lock")]);
}

/// A tool that copies may hold it while the catalog is made.
#[test]
fn making_a_catalog_waits_for_nobody() {
    let dir = tempfile::tempdir().unwrap();
    File::create(dir.path().join("lock")).unwrap();
    let _lock = hold(dir.path().join("lock"));
    Catalog::create(dir.path()).unwrap();
}

#[test]
fn repair_changes_no_history_that_somebody_holds() {
    let (home, catalog) = home(LockWait::default().at_most(Duration::ZERO));
    let history = home.at("history/llamacpp/b1");
    let lines = std::fs::read_to_string(&history).unwrap();
    std::fs::write(&history, format!("rubbish\n{lines}")).unwrap();
    let lock = hold(history.clone());
    let repaired = catalog.repair(&[], &|_| {}).unwrap();
    assert!(!repaired.is_clean());
    assert!(
        std::fs::read_to_string(&history)
            .unwrap()
            .starts_with("rubbish")
    );
    drop(lock);
    assert!(catalog.repair(&[], &|_| {}).unwrap().is_clean());
    assert_eq!(std::fs::read_to_string(&history).unwrap(), lines);
}

#[test]
fn program_says_what_it_waits_for_and_goes_on() {
    let program = Program::with_catalog();
    let lock = hold(program.root().join("lock"));
    let mut command = program.command();
    command
        .args(["snapshot", "create", "s1"])
        .stdout(Stdio::null());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = said.next().unwrap().unwrap();
    let path = program.root().join("lock").display().to_string();
    assert_eq!(first, format!("wait: others hold the lock {path}"));
    drop(lock);
    assert!(child.wait().unwrap().success());
}

#[test]
fn program_gives_up_after_the_time_that_it_was_given() {
    let program = Program::with_catalog();
    let _lock = hold(program.root().join("lock"));
    for args in [
        &["snapshot", "create", "s1"][..],
        &["snapshot", "create", "--print-id"],
        &["verify", "--repair"],
    ] {
        let output = program.output(&[args, &["--wait", "0s"]].concat(), b"");
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("others hold the lock"), "{args:?}: {said}");
        assert!(
            said.contains("hint: try again, or wait longer with --wait\n"),
            "{said}"
        );
    }
    assert_eq!(
        program.output(&["list", "--wait", "0s"], b"").status.code(),
        Some(0)
    );
}
