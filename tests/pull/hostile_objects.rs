//! A source whose refs, histories and objects are not what they say.

use std::fs::{self, File};

use engine_catalog::{EngineEntry, ObjectId, Snapshot, encode_entry};

use crate::peer::{Peer, assert_sound};
use crate::support::{attach, entry, link, name, object_of};

/// A peer that has an object of these bytes in the place of `llamacpp/b1`.
fn with_ref_to(bytes: &[u8]) -> Option<(Peer, String)> {
    let peer = Peer::new()?;
    let id = peer.theirs.plant(bytes);
    peer.theirs.point("llamacpp/b1", &id);
    Some((peer, id.to_string()))
}

#[test]
fn wrong_hash() {
    let Some(peer) = Peer::new() else { return };
    let id = object_of(&entry("b1", 1));
    peer.theirs.point("llamacpp/b1", &id);
    let file = peer.theirs.object(&id);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, encode_entry(&entry("b1", 2)).unwrap()).unwrap();
    peer.harms_nothing(&[], &[&id.to_string()]);
}

#[test]
fn object_that_is_missing() {
    let Some(peer) = Peer::new() else { return };
    let id = object_of(&entry("b1", 1));
    peer.theirs.point("llamacpp/b1", &id);
    peer.harms_nothing(&[], &[&id.to_string()]);
}

#[test]
fn bytes_that_are_no_object() {
    let Some((peer, id)) = with_ref_to(b"\x7fELF") else {
        return;
    };
    peer.harms_nothing(&[], &[&id]);
}

#[test]
fn entry_that_is_too_large() {
    let flags = Some(vec!["x".repeat(1 << 20)]);
    let large = EngineEntry {
        build_flags: flags,
        ..entry("b1", 1)
    };
    // As large as an object may be, and no entry.
    let mut bytes = encode_entry(&entry("b1", 1)).unwrap();
    bytes.extend_from_slice(&large.build_flags.unwrap()[0].as_bytes().repeat(2));
    let Some((peer, id)) = with_ref_to(&bytes) else {
        return;
    };
    peer.harms_nothing(&[], &[&id]);
}

#[test]
fn object_larger_than_any_is_not_transferred() {
    let Some(peer) = Peer::new() else { return };
    let id = object_of(&entry("b1", 1));
    peer.theirs.point("llamacpp/b1", &id);
    let file = peer.theirs.object(&id);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    // As long as anybody likes, and takes no room there.
    File::create(file).unwrap().set_len(1 << 40).unwrap();
    let (shard, rest) = (
        id.to_string()[..2].to_owned(),
        id.to_string()[2..].to_owned(),
    );
    let over = format!("objects/{shard}/{rest} is over max-size");
    peer.harms_nothing(&[], &[&id.to_string(), &over]);
}

#[test]
fn ref_to_another_kind() {
    let snapshot = Snapshot { objects: [].into() }.encode().unwrap();
    let Some((peer, id)) = with_ref_to(&snapshot) else {
        return;
    };
    peer.harms_nothing(&[], &[&id, "llamacpp/b1"]);
}

#[test]
fn ref_to_an_entry_of_another_name() {
    let bytes = encode_entry(&entry("ours", 7)).unwrap();
    let Some((peer, id)) = with_ref_to(&bytes) else {
        return;
    };
    peer.harms_nothing(&[], &[&id, "llamacpp/b1"]);
}

#[test]
fn attachment_that_describes_something_else() {
    let Some(peer) = Peer::new() else { return };
    let subject = peer.theirs.put(&entry("b1", 1));
    let other = encode_entry(&entry("b2", 1)).unwrap();
    let object = attach(peer.theirs.catalog.root(), subject, &other);
    peer.harms_nothing(&[], &[&object.to_string(), &subject.to_string()]);
}

#[test]
fn attachments_that_go_round_in_circles() {
    let Some(peer) = Peer::new() else { return };
    let (one, other) = (entry("b1", 1), entry("b2", 1));
    let [one, other] = [one, other].map(|entry| peer.theirs.put(&entry));
    link(peer.theirs.catalog.root(), one, other);
    link(peer.theirs.catalog.root(), other, one);
    peer.harms_nothing(&[], &[&one.to_string()]);
}

#[test]
fn history_of_garbage() {
    let Some(peer) = Peer::new() else { return };
    peer.theirs.put(&entry("b1", 1));
    let history = peer.theirs.at("history/llamacpp/b1");
    fs::write(history, "so it was\nand so on\n").unwrap();
    peer.harms_nothing(&[], &["llamacpp/b1", "line 1"]);
}

/// Points a ref that ours has at another entry, with what its history is to claim of both, and returns
/// what ours and theirs hold.
fn claims(peer: &Peer, history: impl Fn(ObjectId, ObjectId) -> String) -> [ObjectId; 2] {
    let ours = object_of(&entry("ours", 1));
    let theirs = peer.theirs.plant(&encode_entry(&entry("ours", 2)).unwrap());
    peer.theirs.point("llamacpp/ours", &theirs);
    let file = peer.theirs.at("history/llamacpp/ours");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, history(ours, theirs)).unwrap();
    [ours, theirs]
}

#[test]
fn history_that_does_not_lead_to_the_ref() {
    let Some(peer) = Peer::new() else { return };
    let [_, theirs] = claims(&peer, |ours, _| format!("1 put - {ours} liar\n"));
    peer.harms_nothing(&[], &["llamacpp/ours", &theirs.to_string()]);
}

#[test]
fn history_without_end_is_not_transferred() {
    let Some(peer) = Peer::new() else { return };
    peer.theirs.put(&entry("b1", 1));
    let history = peer.theirs.at("history/llamacpp/b1");
    File::options()
        .write(true)
        .open(history)
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    // Taken for a source without that history it makes the ref, as a bundle does; and it is told.
    let output = peer.pull(&[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("history/llamacpp/b1 is over max-size"),
        "{said}"
    );
    assert_sound(&peer.catalog());
}

#[test]
fn history_that_claims_ours_moves_the_ref_and_rollback_undoes_it() {
    let Some(peer) = Peer::new() else { return };
    let [ours, _] = claims(&peer, |ours, theirs| {
        format!("1 put - {ours} liar\n2 put {ours} {theirs} liar\n")
    });
    assert!(peer.pull(&[]).status.success());

    let name = name("llamacpp/ours");
    let changes = peer.catalog().history(&name).unwrap();
    let [_, pulled] = &changes[..] else {
        panic!("{changes:?}")
    };
    assert!(pulled.actor.as_str().ends_with(&peer.source()), "{pulled}");
    let (_, status) = peer.ours.stdout(&["rollback", "llamacpp/ours"]);
    assert_eq!(status, 0);
    assert_eq!(peer.catalog().current(&name).unwrap().unwrap().object, ours);
}
