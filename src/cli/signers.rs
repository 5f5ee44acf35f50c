//! The `allowed_signers` file that a person names.

use std::path::Path;

use engine_catalog::{AllowedSigners, CivilTime};

use super::failure::Failure;
use super::input::{read, refuse};

/// Reads the file, with times of validity in the time zone of the system.
pub(super) fn read_signers(path: &Path) -> Result<AllowedSigners, Failure> {
    let signers = AllowedSigners::parse(&read(path)?, local);
    signers.map_err(|error| refuse(path, error))
}

fn local(time: CivilTime) -> Option<i64> {
    let part = |it: u8| i8::try_from(it).ok();
    let time = jiff::civil::DateTime::new(
        i16::try_from(time.year).ok()?,
        part(time.month)?,
        part(time.day)?,
        part(time.hour)?,
        part(time.minute)?,
        part(time.second)?,
        0,
    );
    let zoned = time.ok()?.to_zoned(jiff::tz::TimeZone::system()).ok()?;
    Some(zoned.timestamp().as_second())
}
