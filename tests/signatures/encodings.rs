//! A key counts once, in whatever form it signs.

use std::fs;

use engine_catalog::{AttachSignatureError, KeyError, PublicKey, SignatureError};

use crate::keygen::{ED25519, Keygen, NAMESPACE, P256};
use crate::subject::Subject;
use crate::wire::{Parts, armored, key_text, strings, take, unarmored};

#[test]
fn one_key_in_several_forms_counts_once() {
    let Some(keygen) = Keygen::new() else { return };
    let subject = Subject::new();
    let bytes = &*subject.bytes;
    keygen.key("one", ED25519, "");
    keygen.key("two", P256, "");
    let good = keygen.sign("one", NAMESPACE, bytes, &[]);
    let line = format!("me {}\n", keygen.public("one"));
    let mut forms = vec![
        keygen.sign("one", NAMESPACE, bytes, &["-O", "hashalg=sha256"]),
        good.strip_suffix(b"\n").unwrap().to_vec(),
    ];
    forms.extend([1, 4, 64, 71, 10_000].map(|width| armored(&unarmored(&good), width)));
    forms.push(good);
    for form in &forms {
        assert!(keygen.verifies(&line, "me", form, bytes), "stock takes it");
        subject.attach(form).unwrap();
    }
    // The same key in two lines, with other names and comments.
    let twice = format!("{line}you {} a comment\n", keygen.public("one"));
    assert_eq!(subject.counted(&twice), [1, forms.len()]);
    // Each signature with ECDSA is another one.
    for _ in 0..3 {
        let signature = keygen.sign("two", NAMESPACE, bytes, &[]);
        subject.attach(&signature).unwrap();
    }
    let both = format!("{twice}me {}\n", keygen.public("two"));
    assert_eq!(subject.counted(&both), [2, forms.len() + 3]);
}

/// The same key, with its point in the short form: one coordinate, and the parity of the other.
fn compressed(key: &[u8]) -> Vec<u8> {
    let rest = &mut &*key;
    let (kind, curve, point) = (take(rest), take(rest), take(rest));
    let (x, y) = point[1..].split_at(32);
    let short = [&[2 + (y[31] & 1)], x].concat();
    strings(&[kind, curve, &short])
}

#[test]
fn short_form_of_a_point_is_no_second_key() {
    let Some(keygen) = Keygen::new() else { return };
    let subject = Subject::new();
    let bytes = &*subject.bytes;
    keygen.key("one", P256, "");
    let mut parts = Parts::of(&keygen.sign("one", NAMESPACE, bytes, &[]));
    assert_eq!(key_text(&parts.key), keygen.public("one"));
    parts.key = compressed(&parts.key);
    let text = key_text(&parts.key);
    assert_eq!(PublicKey::from_text(&text), Err(KeyError::Malformed));
    let signature = parts.armored();
    assert!(!keygen.checks(&signature, bytes), "stock refuses it too");
    let refused = subject.attach(&signature);
    assert!(matches!(
        refused,
        Err(AttachSignatureError::Refused(SignatureError::Key(
            KeyError::Malformed
        )))
    ));
    // Nor where it was attached by something else.
    subject.plant(signature);
    let line = format!("me {}\n", keygen.public("one"));
    assert_eq!(subject.counted(&line), [0, 0]);
}

#[test]
fn certificate_does_not_sign_for_its_key() {
    let Some(keygen) = Keygen::new() else { return };
    let subject = Subject::new();
    let bytes = &*subject.bytes;
    keygen.key("authority", ED25519, "");
    keygen.key("one", ED25519, "");
    let certify = ["-q", "-s", "authority", "-I", "id", "-n", "me", "one.pub"];
    let null = std::path::Path::new("/dev/null");
    assert!(keygen.output(&certify, null).status.success());
    let signature = keygen.sign("one-cert.pub", NAMESPACE, bytes, &[]);
    let authority = format!("me cert-authority {}\n", keygen.public("authority"));
    assert!(keygen.verifies(&authority, "me", &signature, bytes));
    let refused = subject.attach(&signature);
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("\"ssh-ed25519-cert-v01@openssh.com\" are not supported"));
    // As a line of the file neither.
    let cert = fs::read_to_string(keygen.at("one-cert.pub")).unwrap();
    let fields: Vec<_> = cert.split(' ').take(2).collect();
    let refused = PublicKey::from_text(&fields.join(" "));
    assert!(matches!(refused, Err(KeyError::Unsupported { .. })));
}
