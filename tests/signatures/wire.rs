//! A signature taken apart, and put together with another part (PROTOCOL.sshsig).

use base64ct::{Base64, Encoding};

/// The strings of a signature, after magic and version.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) version: u32,
    pub(crate) key: Vec<u8>,
    pub(crate) namespace: Vec<u8>,
    pub(crate) reserved: Vec<u8>,
    pub(crate) hash: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Parts {
    pub(crate) fn of(armored: &[u8]) -> Self {
        let bytes = unarmored(armored);
        let mut rest = &bytes[b"SSHSIG".len() + 4..];
        let mut next = || take(&mut rest).to_vec();
        Self {
            version: 1,
            key: next(),
            namespace: next(),
            reserved: next(),
            hash: next(),
            signature: next(),
        }
    }

    pub(crate) fn armored(&self) -> Vec<u8> {
        armored(&self.bytes(), 70)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"SSHSIG".to_vec();
        bytes.extend(self.version.to_be_bytes());
        let fields = [&self.key, &self.namespace, &self.reserved, &self.hash];
        fields.iter().for_each(|it| put(&mut bytes, it));
        put(&mut bytes, &self.signature);
        bytes
    }
}

/// Takes a string off the front.
pub(crate) fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (length, after) = rest.split_first_chunk::<4>().unwrap();
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap();
    let (string, after) = after.split_at(length);
    *rest = after;
    string
}

/// Puts a string at the end.
pub(crate) fn put(bytes: &mut Vec<u8>, string: &[u8]) {
    let length = u32::try_from(string.len()).unwrap();
    bytes.extend(length.to_be_bytes());
    bytes.extend(string);
}

/// Strings one after the other.
pub(crate) fn strings(all: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    all.iter().for_each(|it| put(&mut bytes, it));
    bytes
}

pub(crate) fn unarmored(armored: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(armored).unwrap();
    let lines = text.lines().filter(|it| !it.starts_with('-'));
    Base64::decode_vec(&lines.collect::<String>()).unwrap()
}

/// In lines of so many characters.
pub(crate) fn armored(bytes: &[u8], width: usize) -> Vec<u8> {
    let base64 = Base64::encode_string(bytes).into_bytes();
    let lines: Vec<_> = base64.chunks(width).collect();
    let begin = b"-----BEGIN SSH SIGNATURE-----\n".to_vec();
    let end = b"\n-----END SSH SIGNATURE-----\n";
    [begin, lines.join(&b'\n'), end.to_vec()].concat()
}

/// `kind base64`, as in `allowed_signers`.
pub(crate) fn key_text(key: &[u8]) -> String {
    let kind = String::from_utf8(take(&mut &*key).to_vec()).unwrap();
    format!("{kind} {}", Base64::encode_string(key))
}
