//! Values as a person reads them.

use std::time::Duration;

use engine_catalog::ObjectId;

/// Returns the first digits of an object id, enough to name it in a catalog of a million.
pub(super) fn short(id: ObjectId) -> String {
    format!("{id:.12}")
}

/// Returns `text` with the characters escaped that control how others are shown, so that no record
/// can write to the terminal as it likes.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        // Those that change the direction of text are no control characters to Unicode.
        match c {
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                shown.extend(c.escape_default());
            }
            _ if c.is_control() => shown.extend(c.escape_default()),
            _ => shown.push(c),
        }
    }
    shown
}

/// Returns a time, in milliseconds since the Unix epoch, as RFC 3339 in UTC.
pub(super) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| format!("{ms} ms"), |time| time.to_string())
}

/// Returns how long ago a time is, as a person would say it.
pub(super) fn age(ms: i64, now_ms: i64) -> String {
    let elapsed = Duration::from_millis(now_ms.abs_diff(ms));
    let elapsed = indicatif::HumanDuration(elapsed);
    if ms > now_ms {
        format!("in {elapsed}")
    } else {
        format!("{elapsed} ago")
    }
}
