//! Documents come along with what they are about, also those that were attached later.

use engine_catalog::{Filter, Members, Name};

use crate::peer::{Peer, assert_sound};
use crate::support::documents::{assert_came, describe};
use crate::support::{document, entry};

#[test]
fn documents_come_bit_for_bit_also_those_attached_later() {
    let Some(peer) = Peer::new() else { return };
    let theirs = &peer.theirs.catalog;
    let subject = peer.theirs.put(&entry("b1", 1));
    let all = Members::Current(Filter::default());
    let snapshot = theirs.create_snapshot(&all, Some(&Name::new("s").unwrap()));
    let mut links = describe(theirs, subject);
    links.extend(describe(theirs, snapshot.unwrap()));
    assert!(peer.pull(&[]).status.success());
    assert_came(theirs, &peer.catalog(), &links);

    // To the entry, and to a document that both have.
    for subject in [subject, links[1].1] {
        let object = theirs.attach(&document(subject, "later")).unwrap();
        links.push((subject, object));
    }
    let output = peer.pull(&[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("pull: 2 objects came"), "{said}");
    assert_came(theirs, &peer.catalog(), &links);
    let again = String::from_utf8(peer.pull(&[]).stderr).unwrap();
    assert!(again.contains("pull: 0 objects came"), "{again}");
    assert_sound(&peer.catalog());
}

#[test]
fn document_that_was_taken_off_here_comes_back() {
    let Some(peer) = Peer::new() else { return };
    let subject = peer.theirs.put(&entry("b1", 1));
    let links = describe(&peer.theirs.catalog, subject);
    assert!(peer.pull(&[]).status.success());
    let ours = peer.catalog();
    assert!(ours.detach(&subject, &links[0].1).unwrap());
    assert!(peer.pull(&[]).status.success());
    assert_came(&peer.theirs.catalog, &ours, &links);
}
