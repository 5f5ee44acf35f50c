//! Section 2: the format marker.

/// What may be done with the catalog.
#[derive(Debug, PartialEq)]
pub(crate) enum Access {
    ReadWrite,
    /// Because of this feature.
    ReadOnly(String),
}

#[derive(Debug, PartialEq)]
pub(crate) enum NotReadable {
    NotAMarker,
    Version,
    Feature,
    Line,
}

/// Judges a marker, for a program that can judge signatures.
pub(crate) fn judge_marker(bytes: &[u8]) -> Result<Access, NotReadable> {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default().strip_suffix(b"\n");
    match first.and_then(|line| line.strip_prefix(b"engine-catalog ")) {
        None => return Err(NotReadable::NotAMarker),
        Some(b"1") => {}
        Some(_) => return Err(NotReadable::Version),
    }
    let mut access = Access::ReadWrite;
    for line in lines {
        let (class, name) = feature(line).ok_or(NotReadable::Line)?;
        match class {
            "compat" => {}
            "ro-compat" if name == "policy" => {}
            "ro-compat" if access == Access::ReadWrite => access = Access::ReadOnly(name.into()),
            "ro-compat" => {}
            "incompat" => return Err(NotReadable::Feature),
            _ => return Err(NotReadable::Line),
        }
    }
    Ok(access)
}

/// The class and the name of a feature line.
fn feature(line: &[u8]) -> Option<(&str, &str)> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (class, name) = line.split_once(' ')?;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (!name.is_empty() && name.bytes().all(is_name)).then_some((class, name))
}
