//! A pull that is killed, or ended by a signal, at any moment of its transfer: nothing of it is visible, and
//! the next one brings the rest. `ENGINE_CATALOG_TEST_KILLS` (default 3) says how often.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use engine_catalog::{EngineEntry, Filter};

use crate::peer::{Peer, assert_sound};
use crate::support::{entry, files, stamp};

/// How many objects come, and about how long that takes.
const OBJECTS: usize = 40;
const SLOWLY: &str = "--rsync-option=--bwlimit=1m";
const TAKES_MS: u64 = 1500;

/// A source whose objects are large enough for a transfer to be cut short between any two.
fn slow_peer() -> Option<Peer> {
    let peer = Peer::new()?;
    let large = |at: usize| EngineEntry {
        build_flags: Some(vec![format!("{at}").repeat(20_000)]),
        ..entry(&format!("b{at:02}"), 1)
    };
    let entries: Vec<_> = (0..OBJECTS).map(large).collect();
    peer.theirs.catalog.put_all(&entries, &stamp(1)).unwrap();
    Some(peer)
}

fn start(peer: &Peer, more: &[&str]) -> Child {
    let mut command = peer.ours.command();
    command.args(peer.args(more));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn signal(process: &Child, signal: &str) {
    let kill = Command::new("kill")
        .args([signal, &process.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// Waits until nobody has the staging, and returns how many objects are in it.
fn staged_objects(peer: &Peer) -> usize {
    let staged = peer.staged();
    let [staged] = &staged[..] else { return 0 };
    let lock = File::open(staged.join("lock")).unwrap();
    lock.lock().unwrap();
    complete_objects(staged)
}

/// Files that rsync gave their names.
fn complete_objects(staged: &Path) -> usize {
    let objects = staged.join("objects");
    if !objects.exists() {
        return 0;
    }
    let is_complete = |file: &&String| !file.rsplit('/').next().unwrap().starts_with('.');
    files(&objects).iter().filter(is_complete).count()
}

/// How many objects a pull says that it has brought.
fn brought(said: &str) -> usize {
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix("pull: ")?.split_once(" objects"));
    line.expect("it says so").0.parse().expect("it is a number")
}

#[test]
fn what_is_interrupted_is_not_visible_and_is_not_fetched_again() {
    let rounds = std::env::var("ENGINE_CATALOG_TEST_KILLS");
    let rounds: u64 = rounds.map_or(3, |rounds| rounds.parse().unwrap());
    let mut cut_short = 0;
    for round in 0..rounds {
        let Some(peer) = slow_peer() else { return };
        let mut process = start(&peer, &[SLOWLY]);
        // Spread over the transfer, and different every time.
        let jitter = u64::from(std::process::id()) * 37 % 200;
        sleep(Duration::from_millis(
            300 + round * TAKES_MS / rounds + jitter,
        ));
        signal(&process, ["-KILL", "-TERM", "-INT"][round as usize % 3]);
        process.wait().unwrap();

        let staged = staged_objects(&peer);
        let visible = peer.catalog().list(&Filter::default()).unwrap().count();
        if staged < OBJECTS {
            assert_eq!(visible, 1, "only what was there before");
            assert_eq!(files(&peer.ours.root().join("objects")).len(), 1);
        }
        cut_short += usize::from(0 < staged && staged < OBJECTS);
        let output = peer.pull(&[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        if visible == 1 {
            assert_eq!(brought(&said), OBJECTS - staged, "round {round}: {said}");
        }
        let visible = peer.catalog().list(&Filter::default()).unwrap().count();
        assert_eq!(visible, OBJECTS + 1);
        assert_sound(&peer.catalog());
    }
    assert!(
        cut_short > 0,
        "no transfer was cut short while objects came"
    );
}

/// A shell that says nothing for long.
const SILENT: &str = "#!/bin/sh\nexec sleep 60\n";

#[test]
fn signal_ends_rsync_too() {
    let Some(mut peer) = Peer::new() else { return };
    peer.speaks_by(SILENT);
    let mut process = start(&peer, &[]);
    let lock = await_staging(&peer);
    signal(&process, "-TERM");
    let status = process.wait().unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(15)
    );
    let until = Instant::now() + Duration::from_secs(5);
    while lock.try_lock().is_err() {
        assert!(Instant::now() < until, "rsync goes on");
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn directory_stays_taken_as_long_as_rsync_outlives_its_program() {
    let Some(mut peer) = Peer::new() else { return };
    peer.speaks_by("#!/bin/sh\nexec sleep 2\n");
    let mut process = start(&peer, &[]);
    let lock = await_staging(&peer);
    signal(&process, "-KILL");
    process.wait().unwrap();
    assert!(lock.try_lock().is_err(), "rsync still writes there");
    lock.lock().unwrap();
}

/// Waits until rsync runs, and opens the lock of the staging.
fn await_staging(peer: &Peer) -> File {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        assert!(Instant::now() < until, "the pull does not begin");
        sleep(Duration::from_millis(50));
        let Some(lock) = peer.staged().first().map(|dir| dir.join("lock")) else {
            continue;
        };
        let Ok(lock) = File::open(lock) else { continue };
        if lock.try_lock().is_err() {
            // The shell was started soon after.
            sleep(Duration::from_millis(300));
            return lock;
        }
        lock.unlock().unwrap();
    }
}

#[test]
fn two_pulls_of_one_source_come_one_after_the_other() {
    let Some(peer) = slow_peer() else { return };
    let first = start(&peer, &[SLOWLY]);
    let second = start(&peer, &[]);
    for mut process in [first, second] {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(
        peer.catalog().list(&Filter::default()).unwrap().count(),
        OBJECTS + 1
    );
    assert_sound(&peer.catalog());
}

/// A history that came before is of then.
#[test]
fn what_a_dry_run_left_decides_nothing_later() {
    let Some(peer) = Peer::new() else { return };
    let ours = peer.catalog();
    peer.theirs.put(&entry("b1", 1));
    assert!(peer.pull(&[]).status.success());
    peer.theirs.put(&entry("b1", 2));
    assert!(peer.pull(&["--dry-run"]).status.success());
    peer.theirs.put(&entry("b1", 3));
    let put = ours.put(&entry("b1", 3), &stamp(1));
    put.unwrap();
    let output = peer.pull(&[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
}
