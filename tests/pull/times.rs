//! A ref that comes keeps the time at which it was written, and by that the next pull passes it over.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine_catalog::{Catalog, encode_entry};

use crate::peer::{Peer, assert_sound};
use crate::support::entry;

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
        let same = "pull: 0 created, 0 forward, 0 same, 0 kept, 0 conflict";
        assert_eq!(pull(&peer, &[]), same);
        assert_eq!(pull(&peer, &["--checksum"]), same);
    }
    assert_sound(&peer.catalog());
}

#[test]
fn what_both_have_at_different_times_is_looked_at_once() {
    let Some(peer) = Peer::new() else { return };
    peer.theirs.put(&entry("b1", 1));
    let ours = peer.catalog();
    let put = ours.put(&entry("b1", 1), &crate::support::stamp(1));
    put.unwrap();
    assert_ne!(written(&ours), written(&peer.theirs.catalog));
    assert!(pull(&peer, &[]).contains(" 1 same"));
    assert_eq!(written(&ours), written(&peer.theirs.catalog));
    assert!(pull(&peer, &[]).contains(" 0 same"));
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
    change_in_place(&peer);
    for catalog in [&peer.theirs.catalog, &peer.catalog()] {
        set_written(catalog, time);
    }
    assert_ne!(peer.pull(&[]).status.code(), Some(0));
    assert_eq!(written(&peer.catalog()), time);
}
