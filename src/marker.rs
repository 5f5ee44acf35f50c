//! The format marker: which format a catalog has, and which features an older program may not
//! know (layout.md section 2).

use serde::Serialize;

/// The first line of a marker of format 1.
const FIRST_LINE: &str = "engine-catalog 1";

/// The format version that this program reads and writes.
pub const FORMAT_VERSION: u32 = 1;

/// The text of the marker of a new catalog.
pub(crate) fn new_marker() -> String {
    format!("{FIRST_LINE}\n")
}

/// What a feature means for a program that does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FeatureClass {
    /// `compat`: it may be ignored.
    Compat,
    /// `ro-compat`: the catalog may be read, not written.
    RoCompat,
    /// `incompat`: the catalog must be refused.
    Incompat,
}

impl FeatureClass {
    /// Returns the word for this class in a marker.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compat => "compat",
            Self::RoCompat => "ro-compat",
            Self::Incompat => "incompat",
        }
    }
}

/// A feature that a marker names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Feature {
    /// What it means for a program that does not know it.
    pub class: FeatureClass,
    /// Its name.
    pub name: String,
}

/// The name of the feature of a catalog in which some refs may hold only what is signed.
pub(crate) const POLICY: &str = "policy";

impl Feature {
    /// The `ro-compat` feature of a catalog with a policy.
    pub(crate) fn policy() -> Self {
        Self {
            class: FeatureClass::RoCompat,
            name: POLICY.to_owned(),
        }
    }

    /// Returns whether this library, with the features that it was built with, knows this one.
    #[must_use]
    pub fn is_known(&self) -> bool {
        cfg!(feature = "signatures") && *self == Self::policy()
    }

    /// Returns the line for it in a marker.
    #[cfg(feature = "signatures")]
    pub(crate) fn to_line(&self) -> String {
        format!("{} {}\n", self.class.as_str(), self.name)
    }
}

/// What a marker allows this program to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Read and write.
    Full,
    /// Only read, because of this `ro-compat` feature.
    ReadOnly(String),
}

/// Parses a marker.
pub(crate) fn parse_marker(bytes: &[u8]) -> Result<Access, MarkerError> {
    let mut access = Access::Full;
    for feature in features(bytes)? {
        let feature = feature?;
        if feature.is_known() {
            continue;
        }
        let Feature { class, name } = feature;
        match class {
            FeatureClass::Compat => {}
            FeatureClass::RoCompat if access == Access::Full => access = Access::ReadOnly(name),
            FeatureClass::RoCompat => {}
            FeatureClass::Incompat => return Err(MarkerError::Feature { name }),
        }
    }
    Ok(access)
}

/// Returns the features that a marker of this format names, line by line.
pub(crate) fn features(
    bytes: &[u8],
) -> Result<impl Iterator<Item = Result<Feature, MarkerError>>, MarkerError> {
    // The first line by itself: what follows in another version is not for this one to judge.
    let end = bytes
        .iter()
        .position(|&byte| byte == b'\n')
        .ok_or(MarkerError::NotAMarker)?;
    let (first, features) = bytes.split_at(end + 1);
    let first = std::str::from_utf8(&first[..end]).map_err(|_| MarkerError::NotAMarker)?;
    let version = first
        .strip_prefix("engine-catalog ")
        .ok_or(MarkerError::NotAMarker)?;
    if first != FIRST_LINE {
        return Err(MarkerError::Version {
            found: version.to_owned(),
        });
    }
    let lines = (2..).zip(features.split_inclusive(|&byte| byte == b'\n'));
    Ok(lines.map(|(number, line)| {
        let line = std::str::from_utf8(line).ok();
        line.and_then(parse_feature)
            .ok_or(MarkerError::Line { number })
    }))
}

/// Parses one feature line with its line feed.
fn parse_feature(line: &str) -> Option<Feature> {
    let (class, name) = line.strip_suffix('\n')?.split_once(' ')?;
    let class = match class {
        "compat" => FeatureClass::Compat,
        "ro-compat" => FeatureClass::RoCompat,
        "incompat" => FeatureClass::Incompat,
        _ => return None,
    };
    let is_name_byte = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_name = !name.is_empty() && name.bytes().all(is_name_byte);
    is_name.then(|| Feature {
        class,
        name: name.to_owned(),
    })
}

/// Why a marker is refused; nothing of the catalog is loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MarkerError {
    /// The file is not a format marker.
    #[error("its first line is not \"engine-catalog <version>\"")]
    NotAMarker,
    /// Another version of the format.
    #[error("it says format {found:?}, this program supports format {FORMAT_VERSION}")]
    Version {
        /// What the marker says.
        found: String,
    },
    /// An incompatible feature that this program does not know.
    #[error("it requires the feature {name:?}, which this program does not know")]
    Feature {
        /// Name of the feature.
        name: String,
    },
    /// A line that is no feature line.
    #[error("its line {number} is not a feature line")]
    Line {
        /// Number of the line, from 1.
        number: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_decide_what_is_allowed() {
        let read_only = Access::ReadOnly("packs".into());
        for (features, expected) in [
            ("", Ok(Access::Full)),
            ("compat hints\n", Ok(Access::Full)),
            ("ro-compat packs\n", Ok(read_only.clone())),
            ("compat hints\nro-compat packs\n", Ok(read_only.clone())),
            ("ro-compat packs\nro-compat later\n", Ok(read_only)),
            (
                "ro-compat a\nincompat zstd\n",
                Err(MarkerError::Feature {
                    name: "zstd".into(),
                }),
            ),
            ("compat hints", Err(MarkerError::Line { number: 2 })),
            (
                "compat hints\nother x\n",
                Err(MarkerError::Line { number: 3 }),
            ),
            ("incompat \n", Err(MarkerError::Line { number: 2 })),
            ("compat A\n", Err(MarkerError::Line { number: 2 })),
        ] {
            let marker = format!("engine-catalog 1\n{features}");
            assert_eq!(parse_marker(marker.as_bytes()), expected, "{features:?}");
        }
    }

    #[test]
    fn other_first_lines_are_refused() {
        let version = |found: &str| MarkerError::Version {
            found: found.into(),
        };
        for (marker, error) in [
            (&b"engine-catalog 2\n"[..], version("2")),
            (b"engine-catalog 01\n", version("01")),
            (b"engine-catalog 2\n\xff\0", version("2")),
            (b"engine-catalog 1 \n", version("1 ")),
            (b"engine-catalog 1", MarkerError::NotAMarker),
            (b"", MarkerError::NotAMarker),
            (b"ref: refs/heads/main\n", MarkerError::NotAMarker),
            (b"\xff\n", MarkerError::NotAMarker),
        ] {
            assert_eq!(parse_marker(marker), Err(error));
        }
    }
}
