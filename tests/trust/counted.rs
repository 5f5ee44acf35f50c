//! How many keys have signed an entry.

use engine_catalog::{Attachment, Filter, Members, Name, ObjectId, SshSignature};

use crate::keygen::{ED25519, P256};
use crate::keys::{Keys, required};
use crate::support::{Home, entry, name};

fn found(home: &Home, keys: &Keys, object: &ObjectId) -> usize {
    let signers = keys.signers();
    let endorsements = required(2, &signers).look_in(&[&home.catalog]);
    let endorsement = endorsements.of(&name("llamacpp/b1"), object).unwrap();
    assert_eq!(endorsement.is_enough(), endorsement.found >= 2);
    assert_eq!(endorsement.require().is_ok(), endorsement.is_enough());
    endorsement.found
}

#[test]
fn each_key_counts_once_however_often_it_signs() {
    let Some(keys) = Keys::of(&[("a", ED25519), ("b", P256)]) else {
        return;
    };
    let home = Home::new();
    let object = home.put(&entry("b1", 1));
    assert_eq!(found(&home, &keys, &object), 0);
    keys.sign("a", &home.catalog, &object);
    assert_eq!(found(&home, &keys, &object), 1);
    // Another signature, by the same key.
    let sha256 = ["-O", "hashalg=sha256"];
    let bytes = home.catalog.signed_bytes(&object).unwrap().unwrap();
    let other = keys
        .keygen
        .sign("a", SshSignature::NAMESPACE, &bytes, &sha256);
    home.catalog.attach_signature(&object, &other).unwrap();
    assert_eq!(home.catalog.attachments(&object).unwrap().len(), 2);
    assert_eq!(found(&home, &keys, &object), 1);
    keys.sign("b", &home.catalog, &object);
    assert_eq!(found(&home, &keys, &object), 2);
}

#[test]
fn signature_of_a_named_snapshot_counts_for_its_members_and_for_no_other_entry() {
    let Some(keys) = Keys::of(&[("a", ED25519), ("b", ED25519)]) else {
        return;
    };
    let home = Home::new();
    let object = home.put(&entry("b1", 1));
    let all = Members::Current(Filter::default());
    let released = Name::new("released").unwrap();
    let snapshot = home.catalog.create_snapshot(&all, Some(&released)).unwrap();
    let other = home.put(&entry("b2", 1));
    keys.sign("a", &home.catalog, &snapshot);
    assert_eq!(found(&home, &keys, &object), 1);
    assert_eq!(found(&home, &keys, &other), 0);
    // The same key, and then another one.
    let by_a = keys.sign("a", &home.catalog, &object);
    assert_eq!(found(&home, &keys, &object), 1);
    keys.sign("b", &home.catalog, &object);
    assert_eq!(found(&home, &keys, &object), 2);
    // Also one that has no name any more.
    home.catalog.remove_snapshot(&released).unwrap();
    assert!(home.catalog.detach(&object, &by_a).unwrap());
    let left = home.catalog.attachments(&object).unwrap().len();
    assert_eq!((left, found(&home, &keys, &object)), (1, 2));
}

#[test]
fn signature_of_another_object_counts_for_nothing() {
    let Some(keys) = Keys::of(&[("a", ED25519)]) else {
        return;
    };
    let home = Home::new();
    let (object, other) = (home.put(&entry("b1", 1)), home.put(&entry("b2", 1)));
    let signature = keys.sign("a", &home.catalog, &other);
    let signature = home.catalog.attachment(&signature).unwrap().unwrap();
    let moved = Attachment {
        subject: object,
        ..signature
    };
    home.catalog.attach(&moved).unwrap();
    assert_eq!(found(&home, &keys, &object), 0);
    assert_eq!(found(&home, &keys, &other), 1);
}
