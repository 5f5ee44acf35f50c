//! A catalog elsewhere side by side with ours: what is shown is what a comparison with its directory shows.

use engine_catalog::Expect;

use crate::peer::Peer;
use crate::support::{entry, name, stamp};

/// What `compare` shows of theirs by rsync, and of its directory, and the exit status.
fn shown(peer: &Peer) -> [(String, i32); 2] {
    let here = peer.theirs.catalog.root().display().to_string();
    let (rsh, there) = (peer.rsh(), peer.source());
    [
        peer.ours.stdout(&["compare", "--json", &rsh, &there]),
        peer.ours.stdout(&["compare", "--json", &here]),
    ]
}

#[test]
fn catalog_elsewhere_compares_as_its_directory_does() {
    let Some(peer) = Peer::new() else { return };
    let (ours, theirs) = (peer.catalog(), &peer.theirs.catalog);
    for version in ["same", "forward", "kept", "retired-here", "retired-there"] {
        peer.theirs.put(&entry(version, 1));
    }
    assert!(peer.pull(&[]).status.success());
    let retire = |catalog: &engine_catalog::Catalog, version: &str| {
        let name = name(&format!("llamacpp/{version}"));
        catalog.retire(&name, Expect::Any, &stamp(3)).unwrap();
    };
    retire(&ours, "retired-here");
    retire(theirs, "retired-there");
    for (catalog, version) in [(theirs, "forward"), (theirs, "created"), (&ours, "kept")] {
        catalog.put(&entry(version, 2), &stamp(3)).unwrap();
    }
    for (catalog, created) in [(theirs, 3), (&ours, 4)] {
        let put = catalog.put(&entry("conflict", created), &stamp(3));
        put.unwrap();
    }
    let before = peer.outside_tmp();
    let [elsewhere, here] = shown(&peer);
    assert_eq!(elsewhere, here);
    assert_eq!(here.1, 1);
    for standing in [
        "forward",
        "created",
        "kept",
        "conflict",
        "only-here",
        "retired-here",
        "retired-there",
    ] {
        assert!(here.0.contains(standing), "{standing} is not in {}", here.0);
    }
    assert_eq!(peer.outside_tmp(), before);
}

#[test]
fn equal_catalogs_are_one_line_also_from_elsewhere() {
    let Some(peer) = Peer::new() else { return };
    peer.theirs.put(&entry("b1", 1));
    peer.theirs.put(&entry("ours", 1));
    assert!(peer.pull(&[]).status.success());
    let [elsewhere, here] = shown(&peer);
    assert_eq!(elsewhere, here);
    assert_eq!((here.0.lines().count(), here.1), (1, 0));
    assert!(peer.staged().is_empty());
}
