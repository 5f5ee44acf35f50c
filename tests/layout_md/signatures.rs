//! Section 5.6: the known signature, and 11.2: those that are rejected.

use std::fmt::Debug;

use base64ct::{Base64, Encoding};
use engine_catalog::{
    AllowedSigners, CivilTime, PrivateKey, PublicKey, SignatureError, SignerStanding, SshSignature,
};

use crate::document::{blocks, quoted, table};
use crate::dump::undump;
use crate::keygen::{ED25519, Keygen, NAMESPACE};
use crate::rejected::assert_variants;

/// The entry of section 4.2.
fn entry() -> Vec<u8> {
    undump(&blocks("dump")[0])
}

fn armored() -> String {
    blocks("signature").remove(0)
}

fn unarmored() -> Vec<u8> {
    let text = armored();
    let lines = text.lines().filter(|line| !line.starts_with('-'));
    Base64::decode_vec(&lines.collect::<String>()).unwrap()
}

fn rearmored(bytes: &[u8]) -> Vec<u8> {
    let text = Base64::encode_string(bytes);
    format!("-----BEGIN SSH SIGNATURE-----\n{text}\n-----END SSH SIGNATURE-----\n").into_bytes()
}

#[test]
fn known_signature_is_made_and_found_good() {
    let key = PrivateKey::parse(include_bytes!("../support/rfc8032-test-1.key")).unwrap();
    assert_eq!(key.sign(&entry()).unwrap(), armored());
    let signature = SshSignature::parse(armored().as_bytes()).unwrap();
    assert_eq!(signature.verify(&entry()), Ok(()));
    let signers = blocks("allowed-signers").remove(0);
    let signers = AllowedSigners::parse(signers.as_bytes(), CivilTime::in_utc).unwrap();
    let principals = vec!["test@example.org".to_owned()];
    assert_eq!(
        signers.judge(signature.key(), 0),
        SignerStanding::Accepted { principals }
    );
}

#[test]
fn known_signature_is_good_to_ssh_keygen() {
    let Some(keygen) = Keygen::new() else { return };
    let signers = blocks("allowed-signers").remove(0);
    let signature = armored();
    let verifies =
        |bytes: &[u8]| keygen.verifies(&signers, "test@example.org", signature.as_bytes(), bytes);
    assert!(verifies(&entry()));
    assert!(!verifies(b"other"));
}

#[test]
fn dump_is_that_of_the_known_signature() {
    let shown = blocks("signature-dump").remove(0);
    assert_eq!(undump(&shown), unarmored());
    let mut at = 0;
    for line in shown.lines() {
        assert_eq!(line[..4], format!("{at:04x}"), "{line}");
        at += line[6..]
            .get(..47)
            .unwrap_or(&line[6..])
            .split_whitespace()
            .count();
    }
    for word in ["SSHSIG", "ssh-ed25519", NAMESPACE, "sha512"] {
        assert!(shown.contains(&format!("\"{word}\"")), "{word}");
    }
}

#[test]
fn rejected_signatures_are_refused_as_the_table_says() {
    let Some(keygen) = Keygen::new() else { return };
    let verified = |armored: &[u8]| -> Result<(), SignatureError> {
        SshSignature::parse(armored)?.verify(&entry())
    };
    let sign = |kind, namespace: &str, more: &[&str]| {
        keygen.key("key", kind, "");
        let signature = keygen.sign("key", namespace, &entry(), more);
        std::fs::remove_file(keygen.at("key")).unwrap();
        signature
    };
    let changed = |at: usize, to: u8| {
        let mut bytes = unarmored();
        bytes[at] = to;
        verified(&rearmored(&bytes))
    };
    let public = |text: &str| PublicKey::from_text(text).map_err(SignatureError::Key);
    let curve = "ecdsa-sha2-nistp256";
    let point = [&[2][..], &[7; 32]].concat();
    let mut short = Vec::new();
    for part in [curve.as_bytes(), b"nistp256", &point] {
        short.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        short.extend(part);
    }
    let short = format!("{curve} {}", Base64::encode_string(&short));
    let dss = format!("ssh-dss {}", Base64::encode_string(b"\0\0\0\x07ssh-dss"));
    let longer = [unarmored(), b"\0".to_vec()].concat();
    let authority = format!("me cert-authority {}", &blocks("allowed-signers")[0]);
    let inputs: [Box<dyn Debug>; 12] = [
        Box::new(verified(&vec![b'\n'; SshSignature::MAX_BYTES + 1])),
        Box::new(verified(format!("\n{}", armored()).as_bytes())),
        Box::new(verified(&rearmored(&longer))),
        Box::new(changed(9, 2)),
        Box::new({
            // A byte in the reserved part, whose length stands behind the namespace.
            let mut bytes = unarmored();
            bytes[0x56] = 1;
            bytes.insert(0x57, 0);
            verified(&rearmored(&bytes))
        }),
        Box::new(public(&short)),
        Box::new(public(&dss)),
        Box::new(verified(&sign(("rsa", "1024"), NAMESPACE, &[]))),
        Box::new(changed(0x60, b'3')),
        Box::new(verified(&sign(ED25519, "git", &[]))),
        Box::new(
            SshSignature::parse(armored().as_bytes())
                .unwrap()
                .verify(b""),
        ),
        Box::new(AllowedSigners::parse(
            authority.as_bytes(),
            CivilTime::in_utc,
        )),
    ];
    let rows = table("### 11.2 Rejected signatures");
    let rows: Vec<_> = rows.iter().filter(|row| row[1].starts_with('`')).collect();
    assert_eq!(rows.len(), inputs.len());
    for (row, error) in rows.into_iter().zip(inputs) {
        let variants = quoted(&row[1]);
        let variants: Vec<_> = variants
            .iter()
            .map(|it| it.split("::").last().unwrap())
            .collect();
        assert_variants(&error, &variants, &row[0]);
    }
}
