//! Measures what it costs to pull ten new entries into a catalog of many, beside `rsync -a` of the trees:
//! `ENGINE_CATALOG_TEST_ENTRIES=100000 cargo test --release --test pull -- --ignored --nocapture measure`

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::peer::Peer;
use crate::support::{entry, stamp};

#[test]
#[ignore = "it measures, and asserts little"]
fn measure_ten_new_among_many() {
    let Some(peer) = Peer::new() else { return };
    let many = std::env::var("ENGINE_CATALOG_TEST_ENTRIES");
    let many: usize = many.map_or(2_000, |many| many.parse().unwrap());
    let entries: Vec<_> = (0..many).map(|at| entry(&format!("b{at:06}"), 1)).collect();
    peer.theirs.catalog.put_all(&entries, &stamp(1)).unwrap();
    let copy = peer.theirs.outside().join("copy");
    let copy_to = |to: &Path| {
        let mut rsync = Command::new("rsync");
        rsync.args(["-a", "--stats", "--exclude=/lock", "--exclude=/tmp"]);
        let output = rsync.arg(peer.rsh()).arg(peer.source() + "/").arg(to);
        output.output().unwrap()
    };
    // As a pull leaves it, with the times of refs.
    assert!(copy_to(&peer.ours.root()).status.success());
    let rsync = |what: &str| {
        let began = Instant::now();
        let output = copy_to(&copy);
        let stats = String::from_utf8(output.stdout).unwrap();
        let bytes = stats.lines().filter(|line| line.starts_with("Total bytes"));
        let bytes: Vec<_> = bytes.collect();
        println!("rsync -a, {what}: {:?} {bytes:?}", began.elapsed());
    };
    rsync("all");
    let pull = |what: &str, objects: usize| {
        let began = Instant::now();
        let said = String::from_utf8(peer.pull(&[]).stderr).unwrap();
        println!("pull, {what}: {:?} {said}", began.elapsed());
        assert!(
            said.contains(&format!("pull: {objects} objects came")),
            "{said}"
        );
    };
    pull("nothing new", 0);
    let new: Vec<_> = (0..10).map(|at| entry(&format!("new{at}"), 1)).collect();
    peer.theirs.catalog.put_all(&new, &stamp(2)).unwrap();
    pull("ten new", 10);
    rsync("ten new");
    rsync("nothing new");
}
