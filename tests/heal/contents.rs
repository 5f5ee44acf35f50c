//! Blobs that are damaged: the contents of artifacts come from peers as objects do.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use engine_catalog::{Artifacts, Catalog, ObjectId, PreparedEngine};

use crate::peer::{Peer, assert_sound};
use crate::support::{name, object_file, stamp};
use crate::two::{plant, said};

const CONTENT: &[u8] = b"\x7fELF of an engine";

/// Two catalogs that keep the file of one engine, which is gone from where it was; and its blob.
fn two() -> Option<(Peer, ObjectId)> {
    let peer = Peer::new()?;
    let server = peer.theirs.outside().join("server");
    fs::write(&server, CONTENT).unwrap();
    let files = Artifacts::Files(vec![server.clone()]);
    let engine = PreparedEngine::new("vllm", "1", files, 1);
    let theirs = &peer.theirs.catalog;
    let recorded = theirs.record(&engine, &stamp(2)).unwrap();
    let record = theirs.current(&recorded.entry.ref_name().unwrap()).unwrap();
    theirs.store_files(&record.unwrap(), &mut |_| {}).unwrap();
    assert!(peer.pull(&["--blobs"]).status.success());
    fs::remove_file(server).unwrap();
    Some((peer, ObjectId::of(CONTENT)))
}

fn blob(catalog: &Catalog, id: &ObjectId) -> PathBuf {
    let id = id.to_string();
    catalog.root().join("blobs").join(&id[..2]).join(&id[2..])
}

fn heal(peer: &Peer, from: &[&str]) -> (String, String, i32) {
    let rsh = peer.rsh();
    let from = from.iter().flat_map(|from| ["--from", from]);
    let args: Vec<_> = ["heal", &rsh].into_iter().chain(from).collect();
    said(peer.ours.output(&args, b""))
}

#[test]
fn damaged_blob_comes_from_a_peer_elsewhere_and_here() {
    let Some((peer, id)) = two() else { return };
    let ours = peer.catalog();
    let here = peer.theirs.catalog.root().display().to_string();
    for source in [&peer.source(), &here] {
        for damaged in [&CONTENT[1..], b"something else!!!", b""] {
            plant(&blob(&ours, &id), damaged);
            let (shown, said, status) = heal(&peer, &[source]);
            assert_eq!(status, 0, "{said}");
            assert!(shown.contains("restored from"), "{shown}");
            assert!(said.contains("has 1 of 1 blob"), "{said}");
            assert_eq!(fs::read(blob(&ours, &id)).unwrap(), CONTENT);
        }
    }
    assert!(peer.staged().is_empty());
    fs::remove_dir_all(ours.root().join("quarantine")).unwrap();
    assert_sound(&ours);
}

/// Of the right size, so that only its hash tells.
#[test]
fn peer_whose_blob_is_damaged_too_is_told_and_the_next_one_asked() {
    let Some((peer, id)) = two() else { return };
    let ours = peer.catalog();
    let good = peer.theirs.outside().join("good");
    let copied = Command::new("cp")
        .arg("-r")
        .args([peer.theirs.catalog.root(), &good])
        .status();
    assert!(copied.unwrap().success());
    let mut wrong = CONTENT.to_vec();
    wrong[3] ^= 1;
    for catalog in [&ours, &peer.theirs.catalog] {
        plant(&blob(catalog, &id), &wrong);
    }
    let good = format!("peer:{}", good.display());
    let (_, said, status) = heal(&peer, &[&peer.source(), &good]);
    assert_eq!(status, 0, "{said}");
    assert!(
        said.contains(&format!("in {}: blob {id} is damaged", peer.source())),
        "{said}"
    );
    assert_eq!(fs::read(blob(&ours, &id)).unwrap(), CONTENT);
}

#[test]
fn blob_larger_than_the_manifest_says_is_not_transferred() {
    let Some((peer, id)) = two() else { return };
    plant(&blob(&peer.catalog(), &id), b"damaged");
    let theirs = blob(&peer.theirs.catalog, &id);
    fs::remove_file(&theirs).unwrap();
    File::create(theirs).unwrap().set_len(1 << 40).unwrap();
    let (shown, said, status) = heal(&peer, &[&peer.source()]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains(&format!("lost: blob {id}")), "{said}");
    assert!(said.contains("has 0 of 1 blob"), "{said}");
    assert!(shown.contains("moved to quarantine"), "{shown}");
}

/// Which file has the content is known from the manifest alone.
#[test]
fn damaged_blob_comes_from_the_file_that_was_recorded_once_its_manifest_is_restored() {
    let Some((peer, id)) = two() else { return };
    let ours = peer.catalog();
    fs::write(peer.theirs.outside().join("server"), CONTENT).unwrap();
    let current = ours.current(&name("vllm/1")).unwrap().unwrap();
    let [manifest] = ours.attachments(&current.object).unwrap()[..] else {
        panic!("it has one manifest");
    };
    plant(&object_file(ours.root(), manifest), b"damaged");
    plant(&blob(&ours, &id), b"damaged");
    // Theirs has no blobs.
    fs::remove_dir_all(peer.theirs.at("blobs")).unwrap();
    let (shown, said, status) = heal(&peer, &[&peer.source()]);
    assert_eq!(status, 0, "{said}");
    assert!(shown.contains("/server"), "{shown}");
    assert_eq!(fs::read(blob(&ours, &id)).unwrap(), CONTENT);
}

/// Without a peer it would only be moved aside.
#[test]
fn damaged_blob_stays_where_nobody_could_be_asked() {
    let Some((peer, id)) = two() else { return };
    let ours = peer.catalog();
    plant(&blob(&ours, &id), b"damaged");
    let (_, said, status) = heal(&peer, &[]);
    assert_eq!(status, 2, "{said}");
    let (_, said, status) = heal(&peer, &["nowhere"]);
    assert_eq!(status, 3, "{said}");
    assert_eq!(fs::read(blob(&ours, &id)).unwrap(), b"damaged");
}
