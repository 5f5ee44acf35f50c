//! Locks exclude threads and processes, and end with whoever holds them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::*;
use crate::durable::Hold;

/// Long enough for whatever is not blocked, on a busy machine.
const SOON: Duration = Duration::from_secs(10);
/// How long something is watched that has to stay blocked.
const A_WHILE: Duration = Duration::from_millis(100);

/// A helper process: takes the lock, says so and keeps it until it is killed.
pub(super) fn hold_for_ever(root: &Root) {
    let dir = root.dir(Path::new("history")).unwrap();
    let _lock = dir.lock_exclusive("v").unwrap();
    writeln!(io::stderr(), "locked").unwrap();
    loop {
        std::thread::park();
    }
}

/// Returns a process that holds the lock.
fn holder(scene: &Scene) -> Child {
    let mut command = helper_command(&[], "lock", scene.root.path());
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut holder = command.spawn().unwrap();
    let said = BufReader::new(holder.stderr.take().unwrap()).lines();
    assert!(said.map_while(Result::ok).any(|line| line == "locked"));
    holder
}

/// Takes the lock in another thread, which tells the inode once it has it, and lets it go again.
fn waiter(scene: &Scene) -> Receiver<u64> {
    let (sender, receiver) = channel();
    let path = scene.root.path().to_owned();
    std::thread::spawn(move || {
        let root = Root::open(&path).unwrap().unwrap();
        let dir = root.dir(Path::new("history")).unwrap();
        let lock = dir.lock_exclusive("v").unwrap();
        let _ = sender.send(lock.file().metadata().unwrap().ino());
    });
    receiver
}

fn is_blocked(waiter: &Receiver<u64>) -> bool {
    waiter.recv_timeout(A_WHILE) == Err(RecvTimeoutError::Timeout)
}

#[test]
fn exclusive_lock_excludes_threads_until_it_is_dropped() {
    let scene = Scene::new();
    let lock = scene.dir("history").lock_exclusive("v").unwrap();
    let waiter = waiter(&scene);
    assert!(is_blocked(&waiter));
    let inode = lock.file().metadata().unwrap().ino();
    drop(lock);
    assert_eq!(waiter.recv_timeout(SOON), Ok(inode));
}

#[test]
fn exclusive_lock_excludes_processes_and_ends_with_its_process() {
    let scene = Scene::new();
    scene.dir("history");
    let mut holder = holder(&scene);
    let waiter = waiter(&scene);
    assert!(is_blocked(&waiter));
    holder.kill().unwrap();
    assert!(waiter.recv_timeout(SOON).is_ok());
    holder.wait().unwrap();
}

/// Another program can take part with flock(1).
#[test]
fn locks_are_those_of_flock() {
    let scene = Scene::new();
    let flock = |mode: &str, file: &str| {
        let mut command = std::process::Command::new("flock");
        command
            .args(["--nonblock", mode])
            .arg(scene.path(file))
            .arg("true");
        command.status().unwrap().success()
    };
    let lock = scene.dir("history").lock_exclusive("v").unwrap();
    assert!(!flock("--exclusive", "history/v"));
    assert!(!flock("--shared", "history/v"));
    drop(lock);
    assert!(flock("--exclusive", "history/v"));
    let shared = scene
        .root
        .lock_store(Path::new("lock"), Hold::Shared)
        .unwrap();
    let second = scene
        .root
        .lock_store(Path::new("lock"), Hold::Shared)
        .unwrap();
    assert!(flock("--shared", "lock"));
    drop(shared);
    assert!(!flock("--exclusive", "lock"));
    drop(second);
    assert!(flock("--exclusive", "lock"));
}

#[test]
fn lock_on_a_file_that_its_holder_removed_is_not_taken_for_the_lock() {
    let scene = Scene::new();
    let dir = scene.dir("history");
    let lock = dir.lock_exclusive("v").unwrap();
    let first = lock.file().metadata().unwrap().ino();
    let waiters = [waiter(&scene), waiter(&scene)];
    assert!(waiters.iter().all(is_blocked));
    dir.remove("v").unwrap();
    // As long as the lock is held the inode is not used again, and whoever comes now has another.
    let _other = dir.lock_exclusive("v").unwrap();
    drop(lock);
    assert!(waiters.iter().all(is_blocked));
    drop(_other);
    for waiter in waiters {
        let inode = waiter.recv_timeout(SOON).unwrap();
        assert_ne!(inode, first);
        assert_eq!(inode, fs::metadata(scene.path("history/v")).unwrap().ino());
    }
}

/// Such as by `rsync`, which renames a copy over it.
#[test]
fn shared_lock_is_on_the_file_that_has_the_name() {
    let scene = Scene::new();
    let holder = fs::File::create(scene.path("lock")).unwrap();
    holder.lock().unwrap();
    let (sender, receiver) = channel();
    let path = scene.root.path().to_owned();
    std::thread::spawn(move || {
        let root = Root::open(&path).unwrap().unwrap();
        let lock = root.lock_store(Path::new("lock"), Hold::Shared).unwrap();
        let _ = sender.send(lock.file().metadata().unwrap().ino());
    });
    assert!(is_blocked(&receiver));
    fs::write(scene.path("copy"), "").unwrap();
    fs::rename(scene.path("copy"), scene.path("lock")).unwrap();
    holder.unlock().unwrap();
    let inode = receiver.recv_timeout(SOON).unwrap();
    assert_eq!(inode, fs::metadata(scene.path("lock")).unwrap().ino());
}

#[test]
fn directory_that_was_replaced_meanwhile_does_not_keep_a_writer_busy() {
    let scene = Scene::new();
    let path = scene.root.path().to_owned();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let root = Root::open(&path).unwrap().unwrap();
        let dir = root.dir(Path::new("history")).unwrap();
        fs::rename(path.join("history"), path.join("moved")).unwrap();
        fs::create_dir(path.join("history")).unwrap();
        let _ = sender.send(dir.lock_exclusive("v").map(drop));
    });
    assert!(receiver.recv_timeout(SOON).expect("it returns").is_ok());
}

#[test]
fn only_regular_files_are_locked() {
    let scene = Scene::new();
    let dir = scene.dir("history");
    let fifo = std::process::Command::new("mkfifo")
        .arg(scene.path("history/fifo"))
        .status();
    assert!(fifo.unwrap().success());
    symlink(
        scene.scratch.path().join("outside"),
        scene.path("history/link"),
    )
    .unwrap();
    symlink(
        scene.scratch.path().join("elsewhere/new"),
        scene.path("history/new"),
    )
    .unwrap();
    fs::create_dir(scene.path("history/dir")).unwrap();
    let error = dir.lock_exclusive("fifo").unwrap_err();
    assert!(
        matches!(error.cause, Cause::NotRegular(FileKind::Other)),
        "{error}"
    );
    for name in ["link", "new"] {
        let error = dir.lock_exclusive(name).unwrap_err();
        assert!(matches!(error.cause, Cause::Link), "{error}");
        assert_eq!(error.path, scene.path("history").join(name));
    }
    assert!(dir.lock_exclusive("dir").is_err());
    scene.assert_nothing_else();
}

#[test]
fn who_wants_the_store_alone_is_not_overtaken_by_those_who_come_later() {
    let scene = Scene::new();
    let take = |hold| {
        let (sender, receiver) = channel();
        let path = scene.root.path().to_owned();
        std::thread::spawn(move || {
            let root = Root::open(&path).unwrap().unwrap();
            let lock = root.lock_store(Path::new("lock"), hold).unwrap();
            let _ = sender.send(lock);
        });
        receiver
    };
    let first = take(Hold::Shared).recv_timeout(SOON).unwrap();
    let alone = take(Hold::Exclusive);
    assert!(alone.recv_timeout(A_WHILE).is_err());
    let later = take(Hold::Shared);
    assert!(later.recv_timeout(A_WHILE).is_err());
    drop(first);
    let alone = alone.recv_timeout(SOON).unwrap();
    assert!(later.recv_timeout(A_WHILE).is_err());
    drop(alone);
    drop(later.recv_timeout(SOON).unwrap());
}

#[test]
fn store_without_the_file_of_its_lock_is_not_given_one_to_look_at_it() {
    let scene = Scene::new();
    let lock = scene.root.lock_existing_store(Path::new("lock")).unwrap();
    assert!(lock.is_none());
    assert!(!scene.path("lock").exists());
    drop(
        scene
            .root
            .lock_store(Path::new("lock"), Hold::Shared)
            .unwrap(),
    );
    let lock = scene.root.lock_existing_store(Path::new("lock")).unwrap();
    assert!(lock.is_some());
}
