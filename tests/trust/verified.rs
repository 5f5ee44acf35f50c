//! What is found of entries that too few keys have signed, and of signatures that do not count.

use engine_catalog::{Attachment, Slug, SshSignature};

use crate::keygen::{ED25519, P256};
use crate::keys::{Keys, required};
use crate::support::{Home, entry, name};

/// What is found with this many keys required, each with the ref that it is about.
fn findings(home: &Home, keys: &Keys, count: usize) -> Vec<(Slug, String)> {
    let signers = keys.signers();
    let found = home.catalog.verify_signatures(&required(count, &signers));
    let found = found.unwrap().into_iter();
    found
        .map(|it| (it.slug, it.name.unwrap().to_string()))
        .collect()
}

#[test]
fn entry_that_too_few_have_signed_is_found() {
    let Some(keys) = Keys::of(&[("a", ED25519), ("b", P256)]) else {
        return;
    };
    let home = Home::new();
    let (one, two) = (home.put(&entry("b1", 1)), home.put(&entry("b2", 1)));
    home.put(&entry("b3", 1));
    for (key, object) in [("a", &one), ("a", &two), ("b", &two)] {
        keys.sign(key, &home.catalog, object);
    }
    let lacking = |version: &str| (Slug::SignaturesLacking, format!("llamacpp/{version}"));
    assert_eq!(findings(&home, &keys, 0), []);
    assert_eq!(findings(&home, &keys, 1), [lacking("b3")]);
    assert_eq!(findings(&home, &keys, 2), [lacking("b1"), lacking("b3")]);
    let retired = home.catalog.retire(
        &name("llamacpp/b3"),
        engine_catalog::Expect::Any,
        &crate::support::stamp(1),
    );
    retired.unwrap();
    assert_eq!(findings(&home, &keys, 2), [lacking("b1")]);
}

#[test]
fn each_signature_that_does_not_count_is_found_with_its_reason() {
    let Some(mut keys) = Keys::of(&[]) else {
        return;
    };
    for key in ["good", "unknown", "old", "new", "other"] {
        keys.keygen.key(key, ED25519, "");
    }
    keys.accept("good", "");
    keys.accept("old", "valid-before=\"20200101Z\"");
    keys.accept("new", "valid-after=\"20300101Z\"");
    keys.accept("other", "namespaces=\"git\"");
    let home = Home::new();
    let object = home.put(&entry("b1", 1));
    for key in ["good", "unknown", "old", "new", "other"] {
        keys.sign(key, &home.catalog, &object);
    }
    let bytes = home.catalog.signed_bytes(&object).unwrap().unwrap();
    let attach = |payload: Vec<u8>| {
        let attachment = Attachment {
            subject: object,
            media_type: SshSignature::media_type(),
            name: None,
            payload,
        };
        home.catalog.attach(&attachment).unwrap();
    };
    attach(keys.keygen.sign("good", "git", &bytes, &[]));
    attach(
        keys.keygen
            .sign("good", SshSignature::NAMESPACE, b"other", &[]),
    );
    attach(b"nothing of the kind".to_vec());

    let mut found = findings(&home, &keys, 1);
    found.sort();
    let all = [
        Slug::SignatureBad,
        Slug::SignatureBad,
        Slug::SignerUnknown,
        Slug::SignatureNamespace,
        Slug::SignatureNamespace,
        Slug::SignatureExpired,
        Slug::SignatureExpired,
    ];
    let all = all.map(|slug| (slug, "llamacpp/b1".to_owned()));
    assert_eq!(found, all);
}
