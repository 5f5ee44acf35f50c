//! Armor: the lines that OpenSSH writes around base64.
//!
//! As strict as base64 of RFC 4648 with padding, and with nothing before, between or after that is not part
//! of it; but lines of any length, because `ssh-keygen` takes them.

use base64ct::{Base64, Encoding};

/// The lines around something.
pub(super) struct Armor {
    pub(super) begin: &'static str,
    pub(super) end: &'static str,
}

/// Which part of an armor is wrong.
pub(super) enum Fault {
    Begin,
    End,
    Base64,
}

impl Armor {
    /// Takes the armor off.
    pub(super) fn take_off(&self, armored: &[u8]) -> Result<Vec<u8>, Fault> {
        let text = std::str::from_utf8(armored).map_err(|_| Fault::Base64)?;
        let inner = text.strip_prefix(self.begin);
        let inner = inner.and_then(|it| it.strip_prefix('\n'));
        let inner = inner.ok_or(Fault::Begin)?;
        let inner = inner.strip_suffix('\n').unwrap_or(inner);
        let inner = inner.strip_suffix(self.end);
        let inner = inner.and_then(|it| it.strip_suffix('\n'));
        let inner = inner.ok_or(Fault::End)?;
        Base64::decode_vec(&inner.replace('\n', "")).map_err(|_| Fault::Base64)
    }
}
