//! Section 3: names, and the file names that stand for them.

#[derive(Debug, PartialEq)]
pub(crate) enum NoName {
    Empty,
    Control,
    TooLong,
}

pub(crate) fn check_name(text: &str) -> Result<(), NoName> {
    if text.is_empty() {
        Err(NoName::Empty)
    } else if text.contains(is_control) {
        Err(NoName::Control)
    } else if encode_name(text).len() > 255 {
        Err(NoName::TooLong)
    } else {
        Ok(())
    }
}

/// A control character, or what ends a line or changes the direction of text.
pub(super) fn is_control(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The file name of a name.
pub(crate) fn encode_name(name: &str) -> String {
    let mut file_name = String::new();
    for (at, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"_-+".contains(&byte);
        if plain || (byte == b'.' && at > 0) {
            file_name.push(char::from(byte));
        } else {
            file_name.push_str(&format!("%{byte:02X}"));
        }
    }
    file_name
}

/// The name that a file name stands for; none for what is foreign.
pub(crate) fn decode_name(file_name: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), file_name.as_bytes());
    while let [first, after @ ..] = rest {
        rest = after;
        bytes.push(match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                rest = after;
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?
            }
            _ => *first,
        });
    }
    let name = String::from_utf8(bytes).ok()?;
    (check_name(&name).is_ok() && encode_name(&name) == file_name).then_some(name)
}
