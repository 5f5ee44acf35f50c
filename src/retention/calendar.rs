//! Days, weeks and months of the proleptic Gregorian calendar, in UTC.

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A kind of period.
#[derive(Clone, Copy, Debug)]
pub(super) enum Calendar {
    Day,
    /// From Monday to Sunday.
    Week,
    Month,
}

impl Calendar {
    /// Returns the number of the period that a time is in, in milliseconds since the Unix epoch. A later one
    /// has a greater number.
    pub(super) fn period(self, at_ms: i64) -> i64 {
        let days = at_ms.div_euclid(DAY_MS);
        match self {
            Self::Day => days,
            // The epoch was on a Thursday.
            Self::Week => (days + 3).div_euclid(7),
            Self::Month => month(days),
        }
    }
}

/// The number of the month that a day is in, from the epoch. Years are taken to begin in March, so that a leap
/// day is the last of its year.
fn month(days: i64) -> i64 {
    const ERA: i64 = 146_097; // days of 400 years
    const TO_EPOCH: i64 = 719_468; // days from 0000-03-01
    let days = days + TO_EPOCH;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    (era * 400 + year) * 12 + month + 2 - 1970 * 12
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_those_of_the_calendar() {
        // Days since the epoch, as `date -u -d @… +%F` has them.
        for (days, week, month) in [
            (0, 0, 0),           // 1970-01-01, a Thursday
            (3, 0, 0),           // 1970-01-04, a Sunday
            (4, 1, 0),           // 1970-01-05, a Monday
            (30, 4, 0),          // 1970-01-31
            (31, 4, 1),          // 1970-02-01
            (59, 8, 2),          // 1970-03-01
            (-1, 0, -1),         // 1969-12-31
            (-4, -1, -1),        // 1969-12-28, a Sunday
            (11_016, 1574, 361), // 2000-02-29, a Tuesday
            (11_017, 1574, 362), // 2000-03-01
            (20_147, 2878, 661), // 2025-02-28
            (20_148, 2878, 662), // 2025-03-01
        ] {
            let at_ms = days * DAY_MS + 1;
            assert_eq!(Calendar::Day.period(at_ms), days);
            assert_eq!(Calendar::Week.period(at_ms), week, "{days}");
            assert_eq!(Calendar::Month.period(at_ms), month, "{days}");
            assert_eq!(Calendar::Day.period(at_ms - 2), days - 1);
        }
        for at_ms in [i64::MIN, i64::MAX] {
            Calendar::Month.period(at_ms);
        }
    }
}
