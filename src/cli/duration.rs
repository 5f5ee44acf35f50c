//! Durations as a person writes them: `90`, `60s`, `10m`, `24h`, `30d`.

use std::time::Duration;

/// Parses a whole number and a unit; without a unit it is of seconds.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let is_digit = |c: char| c.is_ascii_digit();
    let (number, unit) = text.split_at(text.find(|c| !is_digit(c)).unwrap_or(text.len()));
    let seconds_in_unit: u64 = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(how_to()),
    };
    if number.is_empty() {
        return Err(how_to());
    }
    let number = number.parse::<u64>().ok();
    let seconds = number.and_then(|number| number.checked_mul(seconds_in_unit));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "it is too long".to_owned())
}

fn how_to() -> String {
    "write a whole number and s, m, h or d, such as 90s, 10m, 24h or 30d".to_owned()
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
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "", "s", "1.5h", "-1s", "+1s", "1 s", "1w", "1ms", "1h30m", "١s",
        ] {
            assert_eq!(parse(text), Err(how_to()), "{text}");
        }
        for text in ["18446744073709551616", "18446744073709551615d"] {
            assert!(
                parse(text).is_err_and(|why| why.contains("too long")),
                "{text}"
            );
        }
    }
}
