//! A signature that differs in any place is not good.

use engine_catalog::{KeyError, SignatureError, SshSignature};

use crate::keygen::{ED25519, Keygen, Kind, NAMESPACE, P256};
use crate::wire::{Parts, armored, strings, take, unarmored};

const OBJECT: &[u8] = b"the bytes of an object";

fn verified(armored: &[u8]) -> Result<(), SignatureError> {
    SshSignature::parse(armored)?.verify(OBJECT)
}

fn signed(keygen: &Keygen, kind: Kind) -> Vec<u8> {
    keygen.key(kind.0, kind, "");
    let signature = keygen.sign(kind.0, NAMESPACE, OBJECT, &[]);
    assert_eq!(verified(&signature), Ok(()));
    signature
}

#[test]
fn every_byte_of_a_signature_counts() {
    let Some(keygen) = Keygen::new() else { return };
    for kind in [ED25519, P256, ("rsa", "2048")] {
        let good = unarmored(&signed(&keygen, kind));
        for at in 0..good.len() {
            for flipped in [0x01, 0x80] {
                let mut bytes = good.clone();
                bytes[at] ^= flipped;
                let found = verified(&armored(&bytes, 70));
                assert!(found.is_err(), "{kind:?}: byte {at} ^ {flipped:#x}");
            }
        }
        for length in 0..good.len() {
            assert!(verified(&armored(&good[..length], 70)).is_err(), "{length}");
        }
        let longer = [&good[..], b"\0"].concat();
        let end = SignatureError::Malformed { part: "end" };
        assert_eq!(verified(&armored(&longer, 70)), Err(end));
    }
}

#[test]
fn every_byte_of_the_armor_counts() {
    let Some(keygen) = Keygen::new() else { return };
    let good = signed(&keygen, ED25519);
    for at in 0..good.len() {
        for byte in [b'A', b'z', b'=', b' ', b'\n', b'\r', 0, 0xff] {
            let mut armored = good.clone();
            armored[at] = byte;
            // The last line feed may be any, or none.
            if byte != good[at] {
                assert!(verified(&armored).is_err(), "byte {at} is {byte:#x}");
            }
        }
    }
    for around in [
        [b"\n".as_slice(), &good].concat(),
        [&good, b"\n".as_slice()].concat(),
        [&good[..], &good].concat(),
        b"".to_vec(),
    ] {
        assert!(matches!(
            verified(&around),
            Err(SignatureError::Armor { .. })
        ));
    }
    let bytes = SshSignature::MAX_BYTES + 1;
    let large = [&good[..], &vec![b'\n'; bytes - good.len()]].concat();
    assert_eq!(verified(&large), Err(SignatureError::TooLarge { bytes }));
}

#[test]
fn every_byte_of_the_object_counts() {
    let Some(keygen) = Keygen::new() else { return };
    let signature = SshSignature::parse(&signed(&keygen, ED25519)).unwrap();
    for at in 0..OBJECT.len() {
        let mut bytes = OBJECT.to_vec();
        bytes[at] ^= 1;
        assert_eq!(signature.verify(&bytes), Err(SignatureError::Bad), "{at}");
    }
    let longer = [OBJECT, b"\0"].concat();
    assert_eq!(signature.verify(&longer), Err(SignatureError::Bad));
}

#[test]
fn each_part_is_told() {
    let Some(keygen) = Keygen::new() else { return };
    let good = Parts::of(&signed(&keygen, ED25519));
    let other = Parts::of(&signed(&keygen, P256));
    let unsupported = |what, found: &str| {
        let found = found.to_owned();
        SignatureError::Unsupported { what, found }
    };
    let with = |change: &dyn Fn(&mut Parts)| {
        let mut parts = good.clone();
        change(&mut parts);
        verified(&parts.armored()).unwrap_err()
    };
    let sha = with(&|it| it.hash = b"sha256".to_vec());
    assert_eq!(sha, SignatureError::Bad, "it was made with sha512");
    let sha1 = with(&|it| it.hash = b"sha1".to_vec());
    assert_eq!(sha1, unsupported("the hash algorithm", "sha1"));
    let git = with(&|it| it.namespace = b"git".to_vec());
    let found = "git".to_owned();
    assert_eq!(git, SignatureError::Namespace { found });
    let nothing = with(&|it| it.namespace.clear());
    assert_eq!(nothing, SignatureError::Malformed { part: "namespace" });
    let reserved = with(&|it| it.reserved.push(0));
    assert_eq!(reserved, SignatureError::Reserved);
    let version = with(&|it| it.version = 2);
    assert_eq!(version, SignatureError::Version { found: 2 });
    let version = with(&|it| it.version = 0);
    assert_eq!(version, SignatureError::Version { found: 0 });
    let algorithm = with(&|it| it.key = other.key.clone());
    assert_eq!(
        algorithm,
        unsupported("the signature algorithm", "ssh-ed25519")
    );
    let dss = with(&|it| it.key = strings(&[b"ssh-dss", b"", b""]));
    let algorithm = "ssh-dss".to_owned();
    assert_eq!(
        dss,
        SignatureError::Key(KeyError::Unsupported { algorithm })
    );
}

#[test]
fn sha1_and_small_keys_of_rsa_are_refused() {
    let Some(keygen) = Keygen::new() else { return };
    let mut parts = Parts::of(&signed(&keygen, ("rsa", "2048")));
    let mut rest = &*parts.signature;
    assert_eq!(take(&mut rest), b"rsa-sha2-512");
    parts.signature = strings(&[b"ssh-rsa", take(&mut rest)]);
    let found = "ssh-rsa".to_owned();
    let what = "the signature algorithm";
    let refused = SignatureError::Unsupported { what, found };
    assert_eq!(verified(&parts.armored()), Err(refused));

    keygen.key("small", ("rsa", "1024"), "");
    let small = keygen.sign("small", NAMESPACE, OBJECT, &[]);
    let refused = KeyError::RsaSize { bits: 1024 };
    assert_eq!(verified(&small), Err(SignatureError::Key(refused)));
}
