//! The annotated bytes of objects, as section 4 shows them.

use engine_catalog::ObjectId;

use crate::support::from_hex;

/// Shows a data item as layout.md does: offset, bytes, and what they are.
pub(super) fn dump(bytes: &[u8]) -> String {
    let mut shown = String::new();
    let mut at = 0;
    while at < bytes.len() {
        let (major, count, head) = head(&bytes[at..]);
        let content = if matches!(major, 2 | 3) {
            usize::try_from(count).unwrap()
        } else {
            0
        };
        let item = &bytes[at..at + head + content];
        let what = match major {
            0 => count.to_string(),
            1 => (-1 - i128::from(count)).to_string(),
            2 => format!("{count} bytes"),
            3 => format!("{:?}", std::str::from_utf8(&item[head..]).unwrap()),
            4 => format!("array of {count}"),
            5 => format!("map of {count}"),
            other => panic!("major type {other}"),
        };
        for (line, chunk) in item.chunks(16).enumerate() {
            let hex: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
            let what = if line == 0 { what.as_str() } else { "" };
            let line = format!("{:04x}  {:<49}{what}", at + line * 16, hex.join(" "));
            shown.push_str(line.trim_end());
            shown.push('\n');
        }
        at += item.len();
    }
    let id = ObjectId::of(bytes);
    shown + &format!("size    {}\nblake3  {id}\n", bytes.len())
}

/// Major type, argument and length of the head of a data item.
fn head(bytes: &[u8]) -> (u8, u64, usize) {
    let (major, info) = (bytes[0] >> 5, bytes[0] & 31);
    let more = match info {
        0..=23 => return (major, u64::from(info), 1),
        24..=27 => 1 << (info - 24),
        other => panic!("additional information {other}"),
    };
    let value = bytes[1..=more]
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    (major, value, 1 + more)
}

/// The bytes of a dump.
pub(super) fn undump(dump: &str) -> Vec<u8> {
    let lines = dump.lines().take_while(|line| !line.starts_with("size"));
    let hex = lines.map(|line| line.get(6..53).unwrap_or(&line[6..]).replace(' ', ""));
    from_hex(&hex.collect::<String>())
}
