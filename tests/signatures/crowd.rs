//! Thousands of signatures of one object.

use engine_catalog::{Attachment, SshSignature};

use crate::encodings::counted;
use crate::keygen::{ED25519, Keygen, NAMESPACE};
use crate::support::{Home, attach, entry};
use crate::wire::{armored, unarmored};

const MANY: usize = 3000;

#[test]
fn thousands_of_signatures_are_judged_and_count_by_their_keys() {
    let Some(keygen) = Keygen::new() else { return };
    let home = Home::new();
    let subject = home.put(&entry("b1", 1));
    let bytes = home.catalog.signed_bytes(&subject).unwrap().unwrap();
    let mut lines = String::new();
    for name in ["one", "two", "three"] {
        keygen.key(name, ED25519, "");
        lines += &format!("{name} {}\n", keygen.public(name));
    }
    // Behind the back of the catalog, which would sync each.
    let plant = |payload: Vec<u8>| {
        let attachment = Attachment {
            subject,
            media_type: SshSignature::media_type(),
            name: None,
            payload,
        };
        attach(home.catalog.root(), subject, &attachment.encode().unwrap());
    };
    // One signature, in as many forms: the first line is broken at one place and at another.
    let whole = keygen.sign("one", NAMESPACE, &bytes, &[]);
    let whole = armored(&unarmored(&whole), usize::MAX);
    let start = whole.iter().position(|it| *it == b'\n').unwrap() + 2;
    let pairs = (0..100).flat_map(|first| (first + 1..150).map(move |second| (first, second)));
    for (first, second) in pairs.take(MANY) {
        let mut form = whole.clone();
        form.insert(start + second, b'\n');
        form.insert(start + first, b'\n');
        plant(form);
    }
    plant(keygen.sign("two", NAMESPACE, &bytes, &[]));
    // Somebody who is not asked, and rubbish.
    keygen.key("stranger", ED25519, "");
    plant(keygen.sign("stranger", NAMESPACE, &bytes, &[]));
    plant(b"-----BEGIN SSH SIGNATURE-----\n".to_vec());
    assert_eq!(counted(&home, &subject, &lines), [2, MANY + 1]);
}
