//! Both ways with the real `ssh-keygen`, for every kind of key.

use std::fs;

use base64ct::{Base64, Encoding};
use engine_catalog::{
    AllowedSigners, CivilTime, KeyError, PrivateKey, PrivateKeyError, SignatureVerdict,
};

use crate::keygen::{ED25519, KINDS, Keygen, NAMESPACE};
use crate::support::{Home, entry};
use crate::wire::{strings, take, unarmored};

#[test]
fn what_ssh_keygen_signs_is_good_here() {
    let Some(keygen) = Keygen::new() else { return };
    let home = Home::new();
    let object = home.put(&entry("b1", 1));
    let bytes = fs::read(home.object(&object)).unwrap();
    let mut signers = String::new();
    for (kind, bits) in KINDS {
        let name = format!("{kind}-{bits}");
        keygen.key(&name, (kind, bits), "");
        signers += &format!("{name} {}\n", keygen.public(&name));
        for hash in ["sha256", "sha512"] {
            let option = format!("hashalg={hash}");
            let signature = keygen.sign(&name, NAMESPACE, &bytes, &["-O", &option]);
            home.catalog.attach_signature(&object, &signature).unwrap();
        }
    }
    let signers = AllowedSigners::parse(signers.as_bytes(), CivilTime::in_utc).unwrap();
    let judged = home.catalog.signatures(&object, &signers, 0).unwrap();
    let mut seen: Vec<_> = judged.map(|it| it.unwrap().verdict).collect();
    seen.sort_by_key(|it| format!("{it:?}"));
    let mut expected: Vec<_> = KINDS
        .into_iter()
        .flat_map(|(kind, bits)| [format!("{kind}-{bits}"), format!("{kind}-{bits}")])
        .collect();
    expected.sort();
    let expected: Vec<_> = expected
        .into_iter()
        .map(|it| SignatureVerdict::Valid {
            principals: vec![it],
        })
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn what_is_signed_here_is_good_to_ssh_keygen() {
    let Some(keygen) = Keygen::new() else { return };
    let home = Home::new();
    let object = home.put(&entry("b1", 1));
    let file = fs::read(home.object(&object)).unwrap();
    for (kind, bits) in KINDS.into_iter().filter(|(kind, _)| *kind != "rsa") {
        let name = format!("{kind}-{bits}");
        let path = keygen.key(&name, (kind, bits), "");
        let key = PrivateKey::parse(&fs::read(path).unwrap()).unwrap();
        let bytes = home.catalog.signed_bytes(&object).unwrap().unwrap();
        let signature = key.sign(&bytes).unwrap();
        let signers = format!("me {}\n", keygen.public(&name));
        let signature = signature.as_bytes();
        assert!(keygen.verifies(&signers, "me", signature, &file), "{name}");
        assert!(!keygen.verifies(&signers, "me", signature, b"other"));
        home.catalog.attach_signature(&object, signature).unwrap();
    }
}

#[test]
fn keys_of_rsa_and_encrypted_ones_do_not_sign_here() {
    let Some(keygen) = Keygen::new() else { return };
    let parse = |path| PrivateKey::parse(&fs::read(path).unwrap()).map(drop);
    let rsa = parse(keygen.key("rsa", ("rsa", "2048"), ""));
    let algorithm = "ssh-rsa".to_owned();
    assert_eq!(rsa, Err(PrivateKeyError::Unsupported { algorithm }));
    let encrypted = parse(keygen.key("encrypted", ED25519, "a passphrase"));
    assert_eq!(encrypted, Err(PrivateKeyError::Encrypted));
    let public = keygen.write("public", keygen.public("rsa"));
    assert_eq!(parse(public), Err(PrivateKeyError::Malformed));
}

/// A key whose point has one coordinate: OpenSSH does not take it, and it would be a second form of one key.
#[test]
fn private_key_whose_public_key_is_refused_is_none() {
    let armored = include_bytes!("../support/short-scalar-p256.key");
    let bytes = unarmored(armored);
    let rest = &mut &bytes[b"openssh-key-v1\0".len()..];
    let (none, kdf, options) = (take(rest), take(rest), take(rest));
    let (count, mut rest) = rest.split_at(4);
    let public = take(&mut rest);
    let (check, mut private) = take(&mut rest).split_at(8);
    let (kind, curve, point) = (take(&mut private), take(&mut private), take(&mut private));
    let (secret, comment) = (take(&mut private), take(&mut private));
    assert_eq!(strings(&[kind, curve, point]), public);
    let pack = |point: &[u8]| {
        let mut section = [check, &strings(&[kind, curve, point, secret, comment])].concat();
        let padding = section.len().next_multiple_of(8) - section.len();
        section.extend((1..=8_u8).take(padding));
        let public = strings(&[kind, curve, point]);
        let head = strings(&[none, kdf, options]);
        let tail = strings(&[&public, &section]);
        let bytes = [b"openssh-key-v1\0", &*head, count, &*tail].concat();
        let base64 = Base64::encode_string(&bytes);
        format!(
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{base64}\n-----END OPENSSH PRIVATE KEY-----\n"
        )
    };
    let good = PrivateKey::parse(pack(point).as_bytes()).unwrap();
    assert_eq!(good.public_key().algorithm(), "ecdsa-sha2-nistp256");
    let x = &point[1..33];
    let short = [&[2 + (point[64] & 1)], x].concat();
    let refused = PrivateKey::parse(pack(&short).as_bytes()).map(drop);
    assert_eq!(refused, Err(PrivateKeyError::Key(KeyError::Malformed)));
}

#[test]
fn secret_with_a_leading_zero_signs() {
    let Some(keygen) = Keygen::new() else { return };
    let key = include_bytes!("../support/short-scalar-p256.key");
    let key = PrivateKey::parse(key).unwrap();
    let signature = key.sign(b"bytes").unwrap();
    let signers = "me ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBIqlxKiMEIaj0W8D7v\
        sDfc0H8u02rQatyKaoKXv/b4BIFSCgL0f9SfjQ3dsvmi+WejjR0uweXM8r028xGut8CAo=\n";
    assert!(keygen.verifies(signers, "me", signature.as_bytes(), b"bytes"));
}
