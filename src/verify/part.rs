//! The parts in which a catalog is verified, so that a large one can be verified over days.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::layout;

/// A part of a catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    /// All but objects and blobs: refs, histories, snapshots, attachments, and what else there is.
    Names,
    /// The objects whose ids start with this byte.
    Objects(u8),
    /// The contents of artifacts whose hashes start with this byte.
    Blobs(u8),
}

impl Part {
    /// Every part. That of names comes first: it takes long, and cannot be divided.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let objects = (0..=u8::MAX).map(Self::Objects);
        let blobs = (0..=u8::MAX).map(Self::Blobs);
        [Self::Names].into_iter().chain(objects).chain(blobs)
    }

    /// The part to which a path below the root belongs.
    pub(crate) fn of_path(path: &Path) -> Self {
        let mut above = path.ancestors();
        let shard = above.find_map(|dir| dir.to_str()?.parse().ok());
        shard.unwrap_or(Self::Names)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Names => f.write_str("names"),
            Self::Objects(shard) => write!(f, "{}/{shard:02x}", layout::OBJECTS),
            Self::Blobs(shard) => write!(f, "{}/{shard:02x}", layout::BLOBS),
        }
    }
}

/// A text that names no part.
#[derive(Debug)]
pub(crate) struct NoPart;

impl FromStr for Part {
    type Err = NoPart;

    fn from_str(text: &str) -> Result<Self, NoPart> {
        if text == "names" {
            return Ok(Self::Names);
        }
        let (top, shard) = text.split_once('/').ok_or(NoPart)?;
        let shard = shard_of(shard).ok_or(NoPart)?;
        match top {
            layout::OBJECTS => Ok(Self::Objects(shard)),
            layout::BLOBS => Ok(Self::Blobs(shard)),
            _ => Err(NoPart),
        }
    }
}

/// The byte that the name of a shard stands for: exactly two lower-case digits.
pub(super) fn shard_of(name: &str) -> Option<u8> {
    let shard = u8::from_str_radix(name, 16).ok()?;
    (format!("{shard:02x}") == name).then_some(shard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_a_name_of_its_own() {
        assert_eq!(Part::all().count(), 513);
        for part in Part::all() {
            assert_eq!(part.to_string().parse::<Part>().ok(), Some(part));
        }
        for other in [
            "",
            "objects",
            "objects/0",
            "objects/0A",
            "objects/+a",
            "refs/00",
        ] {
            assert!(other.parse::<Part>().is_err(), "{other}");
        }
    }

    #[test]
    fn path_belongs_to_the_part_that_looks_at_it() {
        for (path, part) in [
            ("objects/ab/cdef", Part::Objects(0xab)),
            ("objects/ab/.cdef.Xy/z", Part::Objects(0xab)),
            ("objects/ab", Part::Objects(0xab)),
            ("objects/abc", Part::Names),
            ("blobs/00/11", Part::Blobs(0)),
            ("refs/objects/ab", Part::Names),
            ("format", Part::Names),
        ] {
            assert_eq!(Part::of_path(Path::new(path)), part, "{path}");
        }
    }
}
