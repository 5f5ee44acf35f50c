//! Where everything lies below the root: every path and file name of layout.md section 1.

use std::path::{Path, PathBuf};

use crate::hash::ObjectId;
use crate::name::{Name, RefName};

/// The format marker.
pub(crate) const FORMAT: &str = "format";
/// The store lock.
pub(crate) const LOCK: &str = "lock";
/// Objects, by shards.
pub(crate) const OBJECTS: &str = "objects";
/// Refs, by engine.
pub(crate) const REFS: &str = "refs";
/// Histories of refs, by engine.
pub(crate) const HISTORY: &str = "history";
/// Named snapshots.
pub(crate) const SNAPSHOTS: &str = "snapshots";
/// Links from objects to the objects that describe them, by subject.
pub(crate) const ATTACHMENTS: &str = "attachments";
/// Contents of artifacts, by shards.
pub(crate) const BLOBS: &str = "blobs";
/// What can be derived from the rest at any time.
pub(crate) const CACHE: &str = "cache";
/// Named temporaries.
pub(crate) const TMP: &str = "tmp";
/// Damaged files that were moved aside.
pub(crate) const QUARANTINE: &str = "quarantine";

/// Where other catalogs are.
pub(crate) const PEERS: &str = "peers";

/// Which refs may hold only what is signed.
pub(crate) const POLICY: &str = "policy";

/// What is kept of which engines.
pub(crate) const RETENTION: &str = "retention.toml";

/// The files in the root of a bundle that no other catalog has (layout.md section 10.1).
#[cfg_attr(
    not(feature = "bundle"),
    allow(dead_code, reason = "only who writes bundles names each")
)]
pub(crate) mod bundle {
    /// The entries, a record a line.
    pub(crate) const NDJSON: &str = "engine_catalog.ndjson";
    /// The snapshot and the entries.
    pub(crate) const JSON: &str = "engine_catalog.json";
    /// Says that the JSON was generated.
    pub(crate) const JSON_META: &str = "engine_catalog.json.meta";
    /// The entries for people.
    pub(crate) const MARKDOWN: &str = "engine_catalog.md";
    /// The hashes of all other files.
    pub(crate) const SUMS: &str = "B3SUMS";
}

/// Which objects and blobs were removed.
pub(crate) const REMOVED: &str = "removed";

/// The most bytes of a format marker that are read.
pub(crate) const MAX_FORMAT_BYTES: u64 = 64 << 10;
/// The bytes of a ref, and of a named snapshot: 64 digits and a line feed.
pub(crate) const REF_BYTES: u64 = 65;
/// The most bytes of the list of peers that are read.
pub(crate) const MAX_PEERS_BYTES: u64 = 64 << 10;
/// The most bytes of a policy that are read.
#[cfg(feature = "signatures")]
pub(crate) const MAX_POLICY_BYTES: u64 = crate::policy::Policy::MAX_BYTES as u64;
/// The most bytes of the rules of retention that are read.
#[cfg(feature = "retention")]
pub(crate) const MAX_RETENTION_BYTES: u64 = crate::retention::Retention::MAX_BYTES as u64;
/// The most bytes of a history file that are read.
pub(crate) const MAX_HISTORY_BYTES: u64 = 64 << 20;

/// The most bytes of the file that tells what was removed.
pub(crate) const MAX_REMOVED_BYTES: u64 = 16 << 20;

/// A file by its directory, relative to the root, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    pub(crate) name: String,
}

impl Place {
    fn new(dir: PathBuf, name: impl Into<String>) -> Self {
        Self {
            dir,
            name: name.into(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.join(&self.name)
    }
}

/// `objects/<hh>/<62 hex>`
pub(crate) fn object(id: &ObjectId) -> Place {
    hashed(OBJECTS, id)
}

/// `blobs/<hh>/<62 hex>`
pub(crate) fn blob(id: &ObjectId) -> Place {
    hashed(BLOBS, id)
}

/// Returns whether a directory is called as one of files that are named by hashes, or of subjects.
pub(crate) fn is_shard(name: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    name.len() == 2 && name.bytes().all(is_digit)
}

/// The object whose file is `objects/<shard>/<name>`, and so of a blob; `None` for a foreign file.
pub(crate) fn object_id(shard: &str, name: &str) -> Option<ObjectId> {
    (shard.len() == 2).then(|| format!("{shard}{name}").parse().ok())?
}

/// `refs/<engine>/<version>`
pub(crate) fn ref_file(name: &RefName) -> Place {
    named(REFS, name)
}

/// `history/<engine>/<version>`
pub(crate) fn history(name: &RefName) -> Place {
    named(HISTORY, name)
}

/// `snapshots/<name>`
pub(crate) fn snapshot(name: &Name) -> Place {
    Place::new(SNAPSHOTS.into(), name.to_file_name())
}

/// `attachments/<hh>/<62 hex>`, the directory of the attachments of a subject.
pub(crate) fn attachments(subject: &ObjectId) -> PathBuf {
    let hex = subject.to_string();
    let (shard, name) = hex.split_at(2);
    Path::new(ATTACHMENTS).join(shard).join(name)
}

/// `attachments/<hh>/<62 hex>/<64 hex>`
pub(crate) fn attachment(subject: &ObjectId, object: &ObjectId) -> Place {
    Place::new(attachments(subject), object.to_string())
}

/// `cache/verify`, when each part of the catalog was verified.
pub(crate) fn verified() -> Place {
    Place::new(CACHE.into(), "verify")
}

fn hashed(top: &str, id: &ObjectId) -> Place {
    let hex = id.to_string();
    let (shard, name) = hex.split_at(2);
    Place::new(Path::new(top).join(shard), name)
}

fn named(top: &str, name: &RefName) -> Place {
    let engine = name.engine().to_file_name();
    Place::new(Path::new(top).join(engine), name.version().to_file_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_layout() {
        let id = ObjectId::from_bytes([0xab; 32]);
        let name = RefName::new("llamacpp", "b4321-grün").unwrap();
        assert_eq!(
            object(&id).path(),
            Path::new("objects/ab").join("ab".repeat(31))
        );
        assert_eq!(object_id("ab", &"ab".repeat(31)), Some(id));
        assert_eq!(
            ref_file(&name).path(),
            Path::new("refs/llamacpp/b4321-gr%C3%BCn")
        );
        assert_eq!(
            history(&name).path(),
            Path::new("history/llamacpp/b4321-gr%C3%BCn")
        );
    }

    #[test]
    fn foreign_files_are_no_objects() {
        let rest = "ab".repeat(31);
        for (shard, name) in [
            ("abab", &rest[2..]),
            ("AB", &rest[..]),
            ("ab", &rest[1..]),
            ("", &rest[..]),
            ("ab", &format!("{rest}.tmp")),
            ("ab", &format!(".{rest}.Xy12Zz")),
        ] {
            assert_eq!(object_id(shard, name), None, "{shard}/{name}");
        }
    }
}
