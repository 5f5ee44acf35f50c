//! Whoever waits wakes as soon as something changes: the kernel tells of it. That shows where it looks
//! by itself only once an hour.

use std::fs;
use std::time::{Duration, Instant};

use engine_catalog::{Catalog, Expect, Wake, Watch};

use crate::support::sample::{entry, name};
use crate::support::{Home, listing, stamp};

const HOUR: Duration = Duration::from_secs(3600);

/// Longer than any wait that is told.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until it is certain that nothing has changed that was not told of.
pub(crate) fn settle(watch: &mut Watch<'_>) {
    let begin = Instant::now();
    loop {
        let longer_than_an_alarm = Some(Duration::from_millis(60));
        match watch.wait(longer_than_an_alarm).expect("it is there") {
            Wake::TimeOver => return,
            _ => assert!(begin.elapsed() < PATIENCE, "it never is"),
        }
    }
}

/// Requires that a change ends the wait, and not the end of the time, at which it looks too.
fn assert_wakes(watch: &mut Watch<'_>, what: &str) {
    let begin = Instant::now();
    let woken = watch.wait(Some(PATIENCE)).expect("it is there");
    assert_eq!(woken, Wake::Changed, "{what}");
    assert!(begin.elapsed() < PATIENCE / 2, "{what}");
}

/// Makes the change while it is waited for, and requires that it wakes.
pub(crate) fn assert_wakes_by(watch: &mut Watch<'_>, what: &str, change: impl FnOnce() + Send) {
    settle(watch);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // It waits by then, or it looks before it does.
            std::thread::sleep(Duration::from_millis(20));
            change();
        });
        assert_wakes(watch, what);
    });
}

#[test]
fn every_change_wakes_at_once() {
    let home = Home::new();
    let catalog = &home.catalog;
    let mut watch = catalog.watch().expect("it is there").looking_every(HOUR);
    let put = |engine: &str, build: &str| {
        home.put(&entry(engine, build));
    };
    assert_wakes_by(&mut watch, "a new engine", || put("e0", "first"));
    assert_wakes_by(&mut watch, "another entry", || put("e0", "second"));
    assert_wakes_by(&mut watch, "retire", || {
        let retired = catalog.retire(&name("e0"), Expect::Any, &stamp(1));
        assert!(retired.expect("it is there").is_some());
    });
    let dir = home.at("refs/e0");
    assert_wakes_by(&mut watch, "an engine without versions", || {
        fs::remove_dir(&dir).expect("it is empty");
        // Which may have the same inode.
        fs::create_dir(&dir).expect("there is room");
    });
    assert_wakes_by(&mut watch, "in a directory that was made again", || {
        put("e0", "third");
    });
    let aside = home.at("tmp/aside");
    assert_wakes_by(
        &mut watch,
        "an engine that took the place of another",
        || {
            fs::rename(&dir, &aside).expect("it is there");
            fs::create_dir(&dir).expect("there is room");
        },
    );
    assert_wakes_by(&mut watch, "in the one that is there now", || {
        put("e0", "fourth");
    });
    assert_wakes_by(&mut watch, "refs as a whole", || {
        fs::rename(home.at("refs"), home.at("tmp/refs")).expect("it is there");
    });
    assert_wakes_by(&mut watch, "refs that were made again", || {
        put("e1", "first");
    });
    assert_wakes_by(&mut watch, "in them", || put("e1", "second"));
}

#[test]
fn nothing_wakes_where_nothing_changes() {
    let home = Home::new();
    home.put(&entry("e0", "first"));
    let mut watch = home.catalog.watch().expect("it is there");
    settle(&mut watch);
    // It looks some hundred times.
    let mut watch = watch.looking_every(Duration::from_millis(1));
    let woken = watch.wait(Some(Duration::from_millis(300)));
    assert_eq!(woken.expect("it is there"), Wake::TimeOver);
}

#[test]
fn change_of_a_moment_before_waiting_is_not_missed() {
    let home = Home::new();
    let mut watch = home.catalog.watch().expect("it is there");
    home.put(&entry("e0", "first"));
    let woken = watch.wait(Some(PATIENCE)).expect("it is there");
    assert_eq!(woken, Wake::Changed);
}

/// So many things happen that the kernel gives up telling.
#[test]
fn lost_notices_lose_no_change() {
    let home = Home::new();
    home.put(&entry("e0", "first"));
    let mut watch = home
        .catalog
        .watch()
        .expect("it is there")
        .looking_every(HOUR);
    settle(&mut watch);
    let queued = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events");
    let queued = queued.map_or(16_384, |it| it.trim().parse().expect("it is a number"));
    let foreign = home.at("refs/.foreign");
    for _ in 0..=queued / 2 {
        fs::write(&foreign, "").expect("there is room");
        fs::remove_file(&foreign).expect("it is there");
    }
    // Of this nothing is told.
    home.put(&entry("e1", "first"));
    assert_wakes(&mut watch, "too much at once");
    assert_wakes_by(
        &mut watch,
        "in the directory of which nothing was told",
        || {
            home.put(&entry("e1", "second"));
        },
    );
}

/// What is under way wakes nobody for ever: each change wakes a few times.
#[test]
fn change_wakes_a_few_times_only() {
    let home = Home::new();
    let mut watch = home.catalog.watch().expect("it is there");
    settle(&mut watch);
    home.put(&entry("e0", "first"));
    let mut woken = 0;
    while watch
        .wait(Some(Duration::from_millis(200)))
        .expect("it is there")
        == Wake::Changed
    {
        woken += 1;
    }
    assert!((1..=5).contains(&woken), "{woken} times");
}

#[test]
fn output_that_nobody_reads_ends_the_wait() {
    use std::os::fd::AsFd;
    let home = Home::new();
    let (reader, writer) = std::io::pipe().expect("there are descriptors");
    let watch = home.catalog.watch().expect("it is there");
    let mut watch = watch.looking_every(HOUR).until_unread(writer.as_fd());
    settle(&mut watch);
    std::thread::scope(|scope| {
        scope.spawn(|| drop(reader));
        let begin = Instant::now();
        let woken = watch.wait(Some(PATIENCE)).expect("it is there");
        assert_eq!(woken, Wake::Unread);
        assert!(begin.elapsed() < PATIENCE / 2);
    });
}

#[test]
fn waiting_writes_nothing() {
    let home = Home::new();
    home.put(&entry("e0", "first"));
    let reader = Catalog::open_read_only(home.catalog.root()).expect("it is there");
    for missing in ["nothing", "lock", "history", "refs"] {
        let _ = fs::remove_file(home.at(missing));
        let _ = fs::remove_dir_all(home.at(missing));
        let before = listing(home.outside());
        let mut watch = reader.watch().expect("it is there");
        settle(&mut watch);
        drop(watch);
        assert_eq!(listing(home.outside()), before, "{missing} is missing");
    }
}
