//! A heal that is killed while objects come: nothing of it is in their places, and the next one does not
//! ask for them again.

use std::process::Stdio;
use std::time::{Duration, Instant};

use engine_catalog::EngineEntry;

use crate::support::{entry, files, object_file, stamp};
use crate::two::{Two, plant, said};

const OBJECTS: usize = 24;

#[test]
fn what_came_before_a_kill_is_not_asked_for_again() {
    let Some(two) = Two::new() else { return };
    let ours = two.peer.ours.root();
    // Large enough for a transfer to be cut short between any two.
    let large = |at: usize| EngineEntry {
        build_flags: Some(vec![format!("{at}").repeat(20_000)]),
        ..entry(&format!("large{at}"), 1)
    };
    let entries: Vec<_> = (0..OBJECTS).map(large).collect();
    two.peer
        .theirs
        .catalog
        .put_all(&entries, &stamp(1))
        .unwrap();
    for put in two.peer.catalog().put_all(&entries, &stamp(1)).unwrap() {
        std::fs::remove_file(object_file(&ours, put.object)).unwrap();
    }
    let (rsh, source) = (two.peer.rsh(), two.peer.source());
    let args = ["heal", &rsh, "--from", &source];
    let mut command = two.peer.ours.command();
    command.args(args).arg("--rsync-option=--bwlimit=512k");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = command.spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    // Those that rsync has given their names.
    let staged = || {
        let all = files(&ours.join("tmp")).into_iter();
        all.filter(|file| file.contains("/objects/") && !file.contains("/."))
            .count()
    };
    while staged() < 3 {
        assert!(Instant::now() < until, "nothing comes");
        std::thread::sleep(Duration::from_millis(20));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(files(&ours.join("objects")).len(), two.objects.len());

    // This waits until rsync, which was left alone, has ended.
    let output = two.peer.ours.output(&args, b"");
    let (shown, told, status) = said(output);
    assert_eq!(status, 0, "{told}");
    let again = told.lines().find_map(|line| {
        let (count, rest) = line.strip_prefix("heal: ")?.split_once(' ')?;
        rest.starts_with("objects came")
            .then(|| count.parse().unwrap())
    });
    let again: usize = again.unwrap_or(0);
    assert!(again <= OBJECTS - 3, "{again} came again:\n{told}{shown}");
    let objects = files(&ours.join("objects")).len();
    assert_eq!(objects, two.objects.len() + OBJECTS);
    assert_eq!(files(&ours.join("tmp")), [""; 0]);
}

/// All that is missing came with one that was killed, so that nobody has to be asked.
#[test]
fn what_came_heals_without_any_peer() {
    let Some(two) = Two::new() else { return };
    let ours = two.peer.ours.root();
    let gone = two.some(8, 12);
    for id in &gone {
        std::fs::remove_file(object_file(&ours, *id)).unwrap();
    }
    let staging = two.peer.catalog().stage("heal").unwrap();
    for id in &gone {
        let file = object_file(&staging.path(), *id);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        plant(&file, &two.objects[id]);
    }
    drop(staging);
    let (_, told, status) = two.heal(&["--from", "nobody:/nowhere"]);
    assert_eq!(status, 0, "{told}");
    two.assert_whole();
}
