//! A catalog comes whole, by whatever way, and coming again brings nothing.

use std::fs;

use engine_catalog::{
    Artifacts, Catalog, Expect, Filter, Manifest, Members, Name, ObjectId, Op, PreparedEngine,
};

use crate::peer::{Peer, assert_sound};
use crate::program::Program;
use crate::servers::Server;
use crate::support::{Home, attach, entry, manifest_value, name, stamp, to_cbor};

/// A catalog with all that can come along: an engine with files, one that moved on, one that is
/// retired, and a named snapshot of what was.
fn prepare(theirs: &Home) -> ObjectId {
    let file = theirs.outside().join("llama-server");
    fs::write(&file, "\x7fELF").unwrap();
    let engine = PreparedEngine::new("tgi", "1", Artifacts::Files(vec![file]), 5);
    theirs.catalog.record(&engine, &stamp(2)).unwrap();
    theirs.put(&entry("b1", 1));
    theirs.put(&entry("b3 grün", 1));
    theirs.put(&entry("gone", 1));
    let members = Members::Current(Filter::default());
    let captured = Name::new("as it was").unwrap();
    let snapshot = theirs.catalog.create_snapshot(&members, Some(&captured));
    theirs.put(&entry("b1", 2));
    let gone = name("llamacpp/gone");
    theirs
        .catalog
        .retire(&gone, Expect::Any, &stamp(3))
        .unwrap();
    snapshot.unwrap()
}

/// Ours has all that theirs has, and says where from.
fn assert_came(ours: &Catalog, theirs: &Home, snapshot: &ObjectId, source: &str) {
    let current = |catalog: &Catalog| {
        let records = catalog.list(&Filter::default()).unwrap();
        records.map(Result::unwrap).collect::<Vec<_>>()
    };
    let expected = current(&theirs.catalog);
    assert_eq!(expected.len(), 3);
    assert_eq!(current(ours), expected);
    for record in &expected {
        let manifests = |catalog: &Catalog| catalog.manifests(&record.object).unwrap();
        assert_eq!(manifests(ours), manifests(&theirs.catalog));
        let changes = ours.history(&record.name()).unwrap();
        let [change] = &changes[..] else {
            panic!("{changes:?}")
        };
        assert_eq!(change.op, Op::Pull);
        assert_eq!(
            change.actor.as_str().split_once(" from ").unwrap().1,
            source
        );
    }
    let snapshot = ours.snapshot(snapshot).unwrap().expect("it came");
    assert_eq!(ours.members(&snapshot).unwrap().len(), 4);
    assert_sound(ours);
}

/// Pulls twice.
fn pulls_whole(theirs: &Home, snapshot: &ObjectId, source: &str, more: &[&str]) {
    let ours = Program::with_catalog();
    let args = [&["pull", source], more].concat();
    let shown = ours.shows(&args);
    assert_came(
        &Catalog::open(ours.root()).unwrap(),
        theirs,
        snapshot,
        source,
    );
    let created = shown.contains("pull: 3 created, 0 forward, 0 same, 0 kept, 0 conflict");
    assert!(created, "{shown}");
    let again = ours.shows(&args);
    assert!(!again.contains("created  "), "{again}");
    let is_far = source.contains(':');
    assert_eq!(shown.contains("| pull: 7 objects came"), is_far, "{shown}");
    assert_eq!(again.contains("| pull: 0 objects came"), is_far, "{again}");
}

#[test]
fn catalog_comes_whole_over_a_real_ssh() {
    let Some(sshd) = Server::sshd() else { return };
    let theirs = Home::new();
    let snapshot = prepare(&theirs);
    let source = format!("127.0.0.1:{}", theirs.catalog.root().display());
    let rsh = format!("--rsh={}", sshd.ssh());
    pulls_whole(&theirs, &snapshot, &source, &[&rsh]);
}

#[test]
fn catalog_comes_whole_from_a_real_daemon_of_rsync() {
    let theirs = Home::new();
    let snapshot = prepare(&theirs);
    let Some(daemon) = Server::daemon(theirs.outside()) else {
        return;
    };
    let port = daemon.port();
    let source = format!("rsync://127.0.0.1:{port}/engines/catalog");
    pulls_whole(&theirs, &snapshot, &source, &[]);
    let option = format!("--rsync-option=--port={port}");
    pulls_whole(&theirs, &snapshot, "127.0.0.1::engines/catalog", &[&option]);
}

#[test]
fn catalog_comes_whole_from_a_directory() {
    let theirs = Home::new();
    let snapshot = prepare(&theirs);
    let source = theirs.catalog.root().display().to_string();
    pulls_whole(&theirs, &snapshot, &source, &[]);
}

#[test]
fn bundle_comes_by_rsync_and_makes_refs() {
    let Some(peer) = Peer::new() else { return };
    peer.theirs.put(&entry("b1", 1));
    let bundle = peer.theirs.outside().join("bundle");
    let members = Members::Current(Filter::default());
    let snapshot = peer.theirs.catalog.snapshot_of(&members).unwrap();
    peer.theirs.catalog.capture(&bundle, &snapshot).unwrap();
    fs::remove_dir_all(peer.theirs.catalog.root()).unwrap();
    fs::rename(bundle, peer.theirs.catalog.root()).unwrap();

    assert_eq!(peer.pull(&[]).status.code(), Some(0));
    let ours = peer.catalog();
    let history = ours.history(&name("llamacpp/b1")).unwrap();
    assert_eq!(history[0].op, Op::Import);
    assert_sound(&ours);
}

#[test]
fn what_moved_on_follows_and_what_went_its_own_way_is_a_conflict() {
    let Some(peer) = Peer::new() else { return };
    let (ours, theirs) = (peer.catalog(), &peer.theirs);
    theirs.put(&entry("b1", 1));
    assert!(peer.pull(&[]).status.success());
    let ahead = theirs.put(&entry("b1", 2));
    let own_way = theirs.put(&entry("ours", 2));
    let before = ours.current(&name("llamacpp/ours")).unwrap();

    let output = peer.pull(&["--json"]);
    assert_eq!(output.status.code(), Some(1), "a conflict");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains(&own_way.to_string()), "{shown}");
    let current = |text| ours.current(&name(text)).unwrap();
    assert_eq!(current("llamacpp/b1").unwrap().object, ahead);
    assert_eq!(current("llamacpp/ours"), before);
    assert!(
        ours.entry(&own_way).unwrap().is_some(),
        "it is in the store"
    );
}

#[test]
fn what_was_attached_since_both_have_an_entry_comes_along() {
    let Some(peer) = Peer::new() else { return };
    let object = peer.theirs.put(&entry("b1", 1));
    assert!(peer.pull(&[]).status.success());
    let manifest = Manifest {
        subject: object,
        files: [].into(),
    };
    let root = peer.theirs.catalog.root();
    let attached = attach(root, object, &to_cbor(&manifest_value(&manifest)));
    assert!(peer.pull(&[]).status.success());
    assert_eq!(peer.catalog().attachments(&object).unwrap(), [attached]);
    assert_sound(&peer.catalog());
}

#[test]
fn what_is_foreign_among_our_names_is_passed_over() {
    let Some(peer) = Peer::new() else { return };
    peer.theirs.put(&entry("b1", 1));
    for place in ["refs/README", "refs/llamacpp/.new", "attachments/README"] {
        let place = peer.ours.root().join(place);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, "foreign").unwrap();
    }
    assert!(peer.pull(&[]).status.success());
    assert!(peer.catalog().exists("llamacpp:b1").unwrap());
    assert!(peer.staged().is_empty());
}

#[test]
fn dry_run_shows_what_differs_and_stores_nothing_and_what_came_is_not_fetched_again() {
    let Some(peer) = Peer::new() else { return };
    let new = peer.theirs.put(&entry("b1", 1));
    let output = peer.pull(&["--dry-run"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(shown, format!("created  llamacpp  b1  -  {new:.12}\n"));
    assert!(!peer.catalog().exists("llamacpp:b1").unwrap());
    assert!(peer.catalog().entry(&new).unwrap().is_none());
    let said = String::from_utf8(peer.pull(&[]).stderr).unwrap();
    assert!(said.contains("pull: 0 objects came"), "{said}");
    assert!(peer.catalog().exists("llamacpp:b1").unwrap());
    assert_sound(&peer.catalog());
}

#[test]
fn without_rsync_the_error_says_what_to_install() {
    let Some(peer) = Peer::new() else { return };
    let args = peer.args(&[]);
    // The shell is there, and nothing else.
    let bin = peer.theirs.outside().join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink("/bin/sh", bin.join("sh")).unwrap();
    let output = peer.ours.command().args(args).env("PATH", &bin).output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(said.contains("rsync is not installed"), "{said}");
    assert!(peer.staged().is_empty(), "nothing came");
}
