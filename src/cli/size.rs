//! Amounts of bytes as a person writes them: `4096`, `500MB`, `200GiB`.

/// Parses a whole number and a unit; without a unit it is of bytes.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let is_digit = |c: char| c.is_ascii_digit();
    let (number, unit) = text.split_at(text.find(|c| !is_digit(c)).unwrap_or(text.len()));
    let bytes_in_unit: u64 = match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1000_u64.pow(2),
        "GB" => 1000_u64.pow(3),
        "TB" => 1000_u64.pow(4),
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(how_to()),
    };
    if number.is_empty() {
        return Err(how_to());
    }
    let number = number.parse::<u64>().ok();
    let bytes = number.and_then(|number| number.checked_mul(bytes_in_unit));
    bytes.ok_or_else(|| "it is too much".to_owned())
}

fn how_to() -> String {
    "write a whole number and kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 200GiB".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_a_number_and_a_unit() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("1B", 1),
            ("2kB", 2000),
            ("500MB", 500_000_000),
            ("3KiB", 3072),
            ("200GiB", 200 << 30),
            ("1TiB", 1 << 40),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "GiB", "1.5GiB", "-1", "+1", "1 GiB", "1G", "1gib", "١"] {
            assert_eq!(parse(text), Err(how_to()), "{text}");
        }
        for text in ["18446744073709551616", "18446744TiB"] {
            assert!(
                parse(text).is_err_and(|why| why.contains("too much")),
                "{text}"
            );
        }
    }
}
