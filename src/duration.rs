//! Durations as a person writes them: `90`, `60s`, `10m`, `24h`, `30d`.

use std::time::Duration;

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// It is not a whole number and a unit.
    #[error("write a whole number and s, m, h or d, such as 90s, 10m, 24h or 30d")]
    Form,
    /// It is longer than can be reckoned with.
    #[error("it is too long")]
    TooLong,
}

/// Parses a whole number and a unit: `s`, `m`, `h`, or `d`, which is 24 hours. Without a unit it is of seconds.
///
/// ```
/// use engine_catalog::{DurationError, parse_duration};
///
/// assert_eq!(parse_duration("10m")?.as_secs(), 600);
/// assert_eq!(parse_duration("90")?.as_secs(), 90);
/// assert_eq!(parse_duration("1h30m"), Err(DurationError::Form));
/// # Ok::<(), DurationError>(())
/// ```
///
/// # Errors
///
/// [`DurationError`] says what is wrong with it.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let is_digit = |c: char| c.is_ascii_digit();
    let (number, unit) = text.split_at(text.find(|c| !is_digit(c)).unwrap_or(text.len()));
    let seconds_in_unit: u64 = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(DurationError::Form),
    };
    if number.is_empty() {
        return Err(DurationError::Form);
    }
    let number = number.parse::<u64>().ok();
    let seconds = number.and_then(|number| number.checked_mul(seconds_in_unit));
    let duration = seconds.map(Duration::from_secs);
    duration.ok_or(DurationError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_a_number_and_a_unit() {
        for (text, seconds) in [
            ("90", 90),
            ("60s", 60),
            ("10m", 600),
            ("24h", 86_400),
            ("30d", 2_592_000),
            ("0", 0),
        ] {
            let expected = Ok(Duration::from_secs(seconds));
            assert_eq!(parse_duration(text), expected, "{text}");
        }
        for text in [
            "", "s", "1.5h", "-1s", "+1s", "1 s", "1w", "1ms", "1h30m", "١s",
        ] {
            assert_eq!(parse_duration(text), Err(DurationError::Form), "{text}");
        }
        for text in ["18446744073709551616", "18446744073709551615d"] {
            assert_eq!(parse_duration(text), Err(DurationError::TooLong), "{text}");
        }
    }
}
