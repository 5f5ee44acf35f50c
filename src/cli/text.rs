//! Values as a person reads them.

use std::time::Duration;

use engine_catalog::ObjectId;

/// Returns the first digits of an object id, enough to name it in a catalog of a million.
pub(super) fn short(id: ObjectId) -> String {
    format!("{id:.12}")
}

/// Whether a character controls how others are shown: a control character, a line or paragraph
/// separator, or one that changes the direction of text.
pub(super) fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns `text` with controls escaped, so that no record can write to the terminal as it likes.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_control(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Returns a time, in milliseconds since the Unix epoch, as RFC 3339 in UTC, always of the same width.
pub(super) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| format!("{ms} ms"), |time| format!("{time:.3}"))
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
