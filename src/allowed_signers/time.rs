//! Times of validity: `YYYYMMDD[Z]` or `YYYYMMDDHHMM[SS][Z]`.

use std::fmt;

/// A date and a time of day, of the Gregorian calendar, in some time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilTime {
    /// Year, from 1970.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
    /// Hour, to 23.
    pub hour: u8,
    /// Minute, to 59.
    pub minute: u8,
    /// Second, to 59.
    pub second: u8,
}

impl CivilTime {
    /// Returns the seconds since the Unix epoch, where the time zone is UTC; `None` where there is no such date
    /// or time.
    #[must_use]
    pub fn in_utc(self) -> Option<i64> {
        if !self.is_right() {
            return None;
        }
        let days: u32 = (1970..self.year).map(days_of).sum::<u32>()
            + (1..self.month)
                .map(|it| u32::from(days_in(self.year, it)))
                .sum::<u32>()
            + u32::from(self.day)
            - 1;
        let minutes = i64::from(self.hour) * 60 + i64::from(self.minute);
        Some(i64::from(days) * 86_400 + minutes * 60 + i64::from(self.second))
    }

    /// Reads digits; `None` where they are no time.
    fn parse(digits: &str) -> Option<Self> {
        let is_number = digits.bytes().all(|it| it.is_ascii_digit());
        if !is_number || ![8, 12, 14].contains(&digits.len()) {
            return None;
        }
        let two = |at: usize| digits.get(at..at + 2).map_or(Ok(0), str::parse);
        let time = Self {
            year: digits[..4].parse().ok()?,
            month: two(4).ok()?,
            day: two(6).ok()?,
            hour: two(8).ok()?,
            minute: two(10).ok()?,
            second: two(12).ok()?,
        };
        time.is_right().then_some(time)
    }

    /// Whether there is such a date, from 1970, and such a time.
    fn is_right(self) -> bool {
        let is_date = self.year >= 1970
            && (1..=12).contains(&self.month)
            && (1..=days_in(self.year, self.month)).contains(&self.day);
        is_date && self.hour < 24 && self.minute < 60 && self.second < 60
    }
}

/// The last second of the year 9999.
const LAST: i64 = 253_402_300_799;

/// Returns the seconds since the Unix epoch that `text` stands for, from 1 to [`LAST`].
pub(super) fn parse(text: &str, local: &dyn Fn(CivilTime) -> Option<i64>) -> Option<i64> {
    let seconds = match text.strip_suffix('Z') {
        Some(digits) => CivilTime::parse(digits)?.in_utc(),
        None => local(CivilTime::parse(text)?),
    };
    seconds.filter(|it| (1..=LAST).contains(it))
}

fn days_of(year: u16) -> u32 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

/// Seconds since the Unix epoch as a time that the file may have.
pub(super) struct InUtc(pub(super) i64);

impl fmt::Display for InUtc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut days, second) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        let (mut year, mut month) = (1970, 1);
        while days >= i64::from(days_of(year)) {
            days -= i64::from(days_of(year));
            year += 1;
        }
        while days >= i64::from(days_in(year, month)) {
            days -= i64::from(days_in(year, month));
            month += 1;
        }
        let (day, hour, minute) = (days + 1, second / 3600, second / 60 % 60);
        write!(
            f,
            "{year:04}{month:02}{day:02}{hour:02}{minute:02}{:02}Z",
            second % 60
        )
    }
}
