//! Keys that have their secret in common, and keys in hardware, by their format (PROTOCOL.u2f): what the hardware adds is signed too. Software does here
//! what such hardware does, and stock `ssh-keygen` says that it does it right.

use std::fs;

use engine_catalog::{DistinctKeys, PublicKey, SignatureError, SshSignature};
use ssh_key::sha2::{Digest, Sha256, Sha512};
use ssh_key::{PrivateKey, SigningKey};

use crate::keygen::{ED25519, Keygen, Kind, NAMESPACE, P256};
use crate::signers;
use crate::wire::{Parts, key_text, strings, take};

const OBJECT: &[u8] = b"the bytes of an object";
/// Somebody was there, and the counter stands at 9.
const FLAGS_AND_COUNTER: [u8; 5] = [1, 0, 0, 0, 9];

/// A key pair that the crate reads: of ECDSA it does not read all.
fn pair(keygen: &Keygen, kind: Kind) -> PrivateKey {
    let mut keys = (0..).map(|number| {
        let path = keygen.key(&format!("{}-{number}", kind.0), kind, "");
        PrivateKey::from_openssh(fs::read(path).unwrap())
    });
    keys.find_map(Result::ok).unwrap()
}

fn raw_signature(key: &impl SigningKey, message: &[u8]) -> Vec<u8> {
    key.try_sign(message).unwrap().as_bytes().to_vec()
}

/// What is in the file of a signature that a security key has made for an application.
fn signed(key: &PrivateKey, application: &str) -> Parts {
    let public = key.public_key().to_bytes().unwrap();
    let rest = &mut &*public;
    let kind = std::str::from_utf8(take(rest)).unwrap();
    let kind = format!("sk-{kind}@openssh.com");
    let hash = Sha512::digest(OBJECT);
    let fields: [&[u8]; 4] = [NAMESPACE.as_bytes(), b"", b"sha512", &hash];
    let wrapped = [b"SSHSIG".as_slice(), &strings(&fields)].concat();
    let message = [
        &Sha256::digest(application)[..],
        &FLAGS_AND_COUNTER,
        &Sha256::digest(wrapped),
    ];
    let signature = raw_signature(key, &message.concat());
    let signature = strings(&[kind.as_bytes(), &signature]);
    let kind = strings(&[kind.as_bytes()]);
    Parts {
        version: 1,
        key: [&*kind, rest, &strings(&[application.as_bytes()])].concat(),
        namespace: NAMESPACE.into(),
        reserved: Vec::new(),
        hash: b"sha512".to_vec(),
        signature: [&*signature, &FLAGS_AND_COUNTER].concat(),
    }
}

fn verified(parts: &Parts) -> Result<(), SignatureError> {
    SshSignature::parse(&parts.armored())?.verify(OBJECT)
}

#[test]
fn what_a_security_key_signs_is_good_and_all_of_it_counts() {
    let Some(keygen) = Keygen::new() else { return };
    for kind in [ED25519, P256] {
        let key = pair(&keygen, kind);
        let good = signed(&key, "ssh:");
        let line = format!("me {}\n", key_text(&good.key));
        assert!(keygen.verifies(&line, "me", &good.armored(), OBJECT));
        assert_eq!(verified(&good), Ok(()), "{kind:?}");
        for at in 0..good.signature.len() {
            let mut other = good.clone();
            other.signature[at] ^= 1;
            assert!(verified(&other).is_err(), "byte {at}");
        }
        let mut other = good.clone();
        *other.key.last_mut().unwrap() ^= 1;
        assert_eq!(verified(&other), Err(SignatureError::Bad), "application");
        other = good.clone();
        other.signature.push(0);
        let malformed = SignatureError::Malformed { part: "signature" };
        assert_eq!(verified(&other), Err(malformed));
    }
}

#[test]
fn as_many_keys_are_accepted_as_can_have_signed() {
    let Some(keygen) = Keygen::new() else { return };
    let [first, second] = [ED25519, P256].map(|kind| pair(&keygen, kind));
    let line = |key: &PrivateKey, application: &str, options: &str| {
        format!("me {options} {}\n", key_text(&signed(key, application).key))
    };
    let one = line(&first, "ssh:", "") + &line(&first, "ssh:other", "");
    let early = "valid-before=\"20260101Z\"";
    for (lines, keys, accepted) in [
        (String::new(), 0, 0),
        (one.clone(), 2, 1),
        (one.clone() + &line(&second, "ssh:", ""), 3, 2),
        (
            one.clone() + &line(&second, "ssh:", "namespaces=\"git\""),
            3,
            1,
        ),
        (one.clone() + &line(&second, "ssh:", early), 3, 1),
        // Whichever line accepts it.
        (
            one + &line(&second, "ssh:", early) + &line(&second, "ssh:", ""),
            3,
            2,
        ),
    ] {
        let signers = signers(&lines);
        let at_ms = 1_767_225_601_000;
        assert_eq!(
            (signers.keys(), signers.accepted(at_ms)),
            (keys, accepted),
            "{lines}"
        );
    }
}

#[test]
fn one_secret_under_two_applications_counts_once() {
    let Some(keygen) = Keygen::new() else { return };
    for kind in [ED25519, P256] {
        let (key, mut keys) = (pair(&keygen, kind), DistinctKeys::default());
        for (application, is_new) in [("ssh:", true), ("ssh:other", false)] {
            let signature = SshSignature::parse(&signed(&key, application).armored());
            let signature = signature.unwrap();
            assert_eq!(signature.verify(OBJECT), Ok(()));
            assert_eq!(keys.add(signature.key()), is_new, "{application}");
        }
        assert_eq!(keys.count(), 1);
    }
}

/// Whoever has the factors of a modulus signs by any exponent.
#[test]
fn rsa_keys_with_the_same_modulus_are_one() {
    let key = |exponent: &[u8], first: u8| {
        let modulus = [&[0, first][..], &[0xc5; 255]].concat();
        let bytes = strings(&[b"ssh-rsa", exponent, &modulus]);
        PublicKey::from_text(&key_text(&bytes)).unwrap()
    };
    let (one, same, other) = (key(&[1, 0, 1], 0xc5), key(&[3], 0xc5), key(&[3], 0xc7));
    assert_ne!(one, same, "each has its own fingerprint");
    let mut keys = DistinctKeys::default();
    let added = [&one, &same, &other].map(|key| keys.add(key));
    assert_eq!(added, [true, false, true]);
    assert_eq!(keys.count(), 2);
}
