//! The secret number of an ECDSA key, with all its digits.
//!
//! OpenSSH writes it without leading zeros. The crate `ssh_key` (0.6.7) takes it only with them, and so
//! refuses every other key of P-521, and one in 256 of the other curves.

use super::wire;

const MAGIC: &[u8] = b"openssh-key-v1\0";
const BLOCK: usize = 8;

/// Returns an unencrypted private key, as it is below its armor, with the zeros; `None` where it is not one of
/// ECDSA that lacks them.
pub(super) fn filled_up(key: &[u8]) -> Option<Vec<u8>> {
    let rest = &mut key.strip_prefix(MAGIC)?;
    let (cipher, kdf, options) = (
        wire::string(rest)?,
        wire::string(rest)?,
        wire::string(rest)?,
    );
    let (1, public, mut private) = (
        wire::number(rest)?,
        wire::string(rest)?,
        wire::string(rest)?,
    ) else {
        return None;
    };
    let is_plain = cipher == b"none" && rest.is_empty();
    let rest = &mut private;
    let checks = (wire::number(rest)?, wire::number(rest)?);
    let (kind, curve, point) = (
        wire::string(rest)?,
        wire::string(rest)?,
        wire::string(rest)?,
    );
    let (scalar, comment) = (wire::string(rest)?, wire::string(rest)?);
    let size: usize = match curve {
        b"nistp256" => 32,
        b"nistp384" => 48,
        b"nistp521" => 66,
        _ => return None,
    };
    let lacking = size.checked_sub(scalar.len());
    let lacking = lacking.filter(|it| is_plain && *it > 0)?;
    let scalar = [&vec![0; lacking], scalar].concat();

    let mut section = [checks.0.to_be_bytes(), checks.1.to_be_bytes()].concat();
    for field in [kind, curve, point, &*scalar, comment] {
        wire::put_string(&mut section, field);
    }
    let padding = section.len().next_multiple_of(BLOCK) - section.len();
    section.extend((1..).take(padding));
    let mut filled = MAGIC.to_vec();
    for field in [cipher, kdf, options] {
        wire::put_string(&mut filled, field);
    }
    filled.extend(1_u32.to_be_bytes());
    wire::put_string(&mut filled, public);
    wire::put_string(&mut filled, &section);
    Some(filled)
}
