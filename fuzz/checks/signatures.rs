//! Signatures of OpenSSH, and the files that say whose count.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding};
use engine_catalog::{
    AllowedSigners, AllowedSignersError, CivilTime, PublicKey, SignerLineError, SshSignature,
};

use super::readable;

/// A signature: in its armor, or the bytes below it. What is accepted is accepted in lines of any length, says the
/// same to a plain reader, and is not accepted with a byte less or more.
pub fn signature(bytes: &[u8]) {
    let _ = SshSignature::parse(bytes).map_err(readable);
    let Ok(signature) = SshSignature::parse(&armored(bytes, 70)).map_err(readable) else {
        return;
    };
    let parts = parts(bytes).expect("a plain reader reads it too");
    assert_eq!(parts[0], b"\0\0\0\x01");
    assert_eq!(parts[2], signature.namespace().as_bytes());
    assert_eq!(parts[3], b"");
    assert_eq!(parts[4], signature.hash_algorithm().name().as_bytes());
    let (kind, _) = string(parts[1]).expect("a key has a kind");
    assert_eq!(kind, signature.key().algorithm().as_bytes());
    assert!(signature.key().fingerprint().starts_with("SHA256:"));
    // Over no bytes, but for that nobody makes it by chance.
    let _ = signature.verify(b"").map_err(readable);
    for width in [1, 4, 76, usize::MAX] {
        let again = SshSignature::parse(&armored(bytes, width)).map_err(readable);
        assert_eq!(again.expect("other lines").key(), signature.key());
    }
    let longer = [bytes, b"\0"].concat();
    for other in [&bytes[..bytes.len() - 1], &longer] {
        assert!(SshSignature::parse(&armored(other, 70)).is_err());
    }
}

fn armored(bytes: &[u8], width: usize) -> Vec<u8> {
    let base64 = Base64::encode_string(bytes).into_bytes();
    let lines: Vec<_> = base64.chunks(width).collect();
    let begin = b"-----BEGIN SSH SIGNATURE-----\n".to_vec();
    let end = b"\n-----END SSH SIGNATURE-----\n";
    [begin, lines.join(&b'\n'), end.to_vec()].concat()
}

/// Version, and the strings after it.
fn parts(bytes: &[u8]) -> Option<[&[u8]; 6]> {
    let (version, mut rest) = bytes.strip_prefix(b"SSHSIG")?.split_at_checked(4)?;
    let mut parts = [version; 6];
    for part in &mut parts[1..] {
        (*part, rest) = string(rest)?;
    }
    rest.is_empty().then_some(parts)
}

fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// An `allowed_signers` file: each line means by itself what it means in the file, and a file is refused for the
/// first line that is refused by itself.
pub fn allowed_signers(bytes: &[u8]) {
    let read = |bytes: &[u8]| AllowedSigners::parse(bytes, CivilTime::in_utc);
    let whole = read(bytes);
    let mut keys = BTreeSet::new();
    for (number, line) in (1..).zip(bytes.split(|it| *it == b'\n')) {
        match read(line) {
            Ok(signers) => {
                assert!(signers.keys() <= 1, "a line has a key, or none");
                // What is in quotes may look like a key, and what follows after may touch them.
                if signers.keys() == 1 && !bytes.contains(&b'"') {
                    keys.insert(key_of(line));
                }
            }
            Err(AllowedSignersError::Line { line, cause }) => {
                assert_eq!(line, 1);
                readable(cause.clone());
                assert_eq!(
                    whole,
                    Err(AllowedSignersError::Line {
                        line: number,
                        cause
                    })
                );
                return;
            }
            Err(error) => return assert_eq!(whole, Err(error)),
        }
    }
    let whole = whole.expect("every line is accepted");
    if !bytes.contains(&b'"') {
        assert_eq!(whole.keys(), keys.len());
    }
    let commented = [b"# a comment\n \n", bytes, b"\n#"].concat();
    assert_eq!(read(&commented).as_ref(), Ok(&whole));
    let cause = SignerLineError::NoKey;
    let line = bytes.iter().filter(|it| **it == b'\n').count() + 2;
    let longer = [bytes, b"\nme"].concat();
    assert_eq!(
        read(&longer),
        Err(AllowedSignersError::Line { line, cause })
    );
}

/// The key of a line: the first two words that are one.
fn key_of(line: &[u8]) -> PublicKey {
    let line = std::str::from_utf8(line).expect("it is text");
    let words: Vec<_> = line.split([' ', '\t', '\r']).collect();
    let words: Vec<_> = words.into_iter().filter(|it| !it.is_empty()).collect();
    let pairs = words.windows(2).map(|pair| pair.join(" "));
    let mut keys = pairs.filter_map(|pair| PublicKey::from_text(&pair).ok());
    keys.next().expect("a line has a key")
}
