//! Thousands of signatures of one object.

use crate::keygen::{ED25519, Keygen, NAMESPACE};
use crate::subject::Subject;
use crate::wire::{armored, unarmored};

const MANY: usize = 2000;

#[test]
fn thousands_of_signatures_are_judged_and_count_by_their_keys() {
    let Some(keygen) = Keygen::new() else { return };
    let subject = Subject::new();
    let mut lines = String::new();
    for name in ["one", "two", "three"] {
        keygen.key(name, ED25519, "");
        lines += &format!("{name} {}\n", keygen.public(name));
    }
    // One signature, in as many forms: the first line is broken at one place and at another.
    let whole = keygen.sign("one", NAMESPACE, &subject.bytes, &[]);
    let whole = armored(&unarmored(&whole), usize::MAX);
    let start = whole.iter().position(|it| *it == b'\n').unwrap() + 2;
    let pairs = (0..100).flat_map(|first| (first + 1..150).map(move |second| (first, second)));
    for (first, second) in pairs.take(MANY) {
        let mut form = whole.clone();
        form.insert(start + second, b'\n');
        form.insert(start + first, b'\n');
        subject.plant(form);
    }
    subject.plant(keygen.sign("two", NAMESPACE, &subject.bytes, &[]));
    // Somebody who is not asked, and rubbish.
    keygen.key("stranger", ED25519, "");
    subject.plant(keygen.sign("stranger", NAMESPACE, &subject.bytes, &[]));
    subject.plant(b"-----BEGIN SSH SIGNATURE-----\n".to_vec());
    assert_eq!(subject.counted(&lines), [2, MANY + 1]);
}
