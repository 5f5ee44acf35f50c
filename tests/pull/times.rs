//! A ref that comes keeps the time at which it was written, and by that the next pull passes it over.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine_catalog::{Catalog, Expect, Filter, Members, Name, encode_entry};

use crate::peer::{Peer, assert_sound};
use crate::support::{entry, name, stamp};

/// What is said where nothing is new.
const SAME: &str = "pull: 0 created, 0 forward, 0 same, 0 kept, 0 conflict";

fn file(catalog: &Catalog) -> PathBuf {
    catalog.root().join("refs/llamacpp/b1")
}

/// When `llamacpp/b1` was written.
fn written(catalog: &Catalog) -> SystemTime {
    fs::metadata(file(catalog)).unwrap().modified().unwrap()
}

fn set_written(catalog: &Catalog, time: SystemTime) {
    let file = File::options().write(true).open(file(catalog));
    file.unwrap().set_modified(time).unwrap();
}

/// Pulls, and returns what the program says it did.
fn pull(peer: &Peer, more: &[&str]) -> String {
    let output = peer.pull(more);
    let said = String::from_utf8(output.stderr).unwrap();
    said.lines().next().unwrap().to_owned()
}

/// Has theirs hold another entry, which no history tells of.
fn change_in_place(peer: &Peer) {
    let other = encode_entry(&entry("b1", 9)).unwrap();
    let other = peer.theirs.plant(&other);
    fs::write(file(&peer.theirs.catalog), format!("{other}\n")).unwrap();
}

#[test]
fn ref_that_comes_keeps_its_time_and_is_passed_over() {
    let Some(peer) = Peer::new() else { return };
    for created in [1, 2] {
        peer.theirs.put(&entry("b1", created));
        assert!(!pull(&peer, &[]).contains(" 0 created, 0 forward"));
        let time = written(&peer.theirs.catalog);
        assert_eq!(written(&peer.catalog()), time);
        assert_eq!(pull(&peer, &[]), SAME);
        assert_eq!(pull(&peer, &["--checksum"]), SAME);
    }
    assert_sound(&peer.catalog());
}

#[test]
fn what_both_have_at_different_times_stays_as_it_is() {
    let Some(peer) = Peer::new() else { return };
    peer.theirs.put(&entry("b1", 1));
    let ours = peer.catalog();
    ours.put(&entry("b1", 1), &stamp(1)).unwrap();
    let time = written(&ours);
    assert_eq!(pull(&peer, &[]), SAME);
    // Nobody else says when ours was written.
    assert_eq!(written(&ours), time);
    assert_ne!(time, written(&peer.theirs.catalog));
    assert_sound(&ours);
}

#[test]
fn checksum_finds_what_has_the_same_time_and_does_not_hold_the_same() {
    let Some(peer) = Peer::new() else { return };
    peer.theirs.put(&entry("b1", 1));
    pull(&peer, &[]);
    let time = written(&peer.theirs.catalog);
    change_in_place(&peer);
    set_written(&peer.theirs.catalog, time);
    assert!(pull(&peer, &[]).contains(" 0 conflict"));
    let output = peer.pull(&["--checksum"]);
    assert_ne!(output.status.code(), Some(0));
}

#[test]
fn times_that_a_tool_has_made_the_same_prove_nothing() {
    let Some(peer) = Peer::new() else { return };
    peer.theirs.put(&entry("b1", 1));
    pull(&peer, &[]);
    let time = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    let ours = peer.catalog();
    for catalog in [&peer.theirs.catalog, &ours] {
        set_written(catalog, time);
    }
    // It is looked at, and keeps that time, as there is no better one.
    assert!(pull(&peer, &[]).contains(" 1 same"));
    assert_eq!(written(&ours), time);
    change_in_place(&peer);
    set_written(&peer.theirs.catalog, time);
    assert_ne!(peer.pull(&[]).status.code(), Some(0));
}

#[test]
fn ref_that_was_given_a_coarse_time_gets_a_better_one() {
    let Some(peer) = Peer::new() else { return };
    peer.theirs.put(&entry("b1", 1));
    pull(&peer, &[]);
    set_written(&peer.catalog(), UNIX_EPOCH);
    assert!(pull(&peer, &[]).contains(" 1 same"));
    assert_eq!(written(&peer.catalog()), written(&peer.theirs.catalog));
    assert_eq!(pull(&peer, &[]), SAME);
}

/// A source tells the times first, and reads the files then: with the time of before, a third catalog would
/// pass over the change.
#[test]
fn ref_that_changes_as_it_comes_takes_no_time_of_the_source() {
    let Some(mut peer) = Peer::new() else { return };
    peer.theirs.put(&entry("b1", 1));
    let time = written(&peer.theirs.catalog);
    let new = peer.theirs.outside().join("new");
    let other = peer.theirs.plant(&encode_entry(&entry("b1", 2)).unwrap());
    fs::write(&new, format!("{other}\n")).unwrap();
    let (count, theirs) = (new.with_file_name("count"), file(&peer.theirs.catalog));
    // The third time it is asked whether they are still as they came.
    peer.speaks_by(&format!(
        "#!/bin/sh\nshift\necho >>{count}\ntest $(wc -l <{count}) != 3 || mv {new} {theirs}\n\
         exec sh -c \"$*\"\n",
        count = count.display(),
        new = new.display(),
        theirs = theirs.display(),
    ));
    assert!(pull(&peer, &[]).contains(" 1 created"));
    assert!(!new.exists(), "it was asked a third time");
    assert_ne!(written(&peer.catalog()), time);
}

/// Names of snapshots, of which the objects come, are compared as refs are.
#[test]
fn names_of_snapshots_with_times_that_prove_nothing_are_looked_at() {
    let Some(peer) = Peer::new() else { return };
    let (ours, theirs) = (peer.catalog(), &peer.theirs.catalog);
    peer.theirs.put(&entry("b1", 1));
    pull(&peer, &[]);
    peer.theirs.put(&entry("b2", 1));
    let all = Members::Current(Filter::default());
    let nightly = Name::new("nightly").unwrap();
    let snapshot = theirs.create_snapshot(&all, Some(&nightly)).unwrap();
    theirs
        .retire(&name("llamacpp/b2"), Expect::Any, &stamp(2))
        .unwrap();
    ours.create_snapshot(&all, Some(&nightly)).unwrap();
    for catalog in [&ours, theirs] {
        let file = catalog.root().join("snapshots/nightly");
        let file = File::options().write(true).open(file).unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
    }
    pull(&peer, &[]);
    assert!(ours.snapshot(&snapshot).unwrap().is_some());
}
