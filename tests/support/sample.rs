//! Small entries to put: one version of any engine, in any number of builds.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};

use engine_catalog::{EngineEntry, ObjectId, RefName, Stamp, encode_entry};

pub(crate) fn stamp() -> Stamp {
    Stamp::new("test", 1_758_240_000_000).expect("it is a name")
}

pub(crate) fn name(engine: &str) -> RefName {
    RefName::new(engine, "1").expect("it is a name")
}

pub(crate) fn entry(engine: &str, build: &str) -> EngineEntry {
    EngineEntry {
        build_ref: Some(build.to_owned()),
        ..EngineEntry::new(engine, "1", 1)
    }
}

/// Returns the object that an entry is stored as.
pub(crate) fn object(entry: &EngineEntry) -> ObjectId {
    ObjectId::of(&encode_entry(entry).expect("it is valid"))
}

/// Returns where an object is.
pub(crate) fn object_file(root: &Path, object: ObjectId) -> PathBuf {
    let hex = object.to_string();
    root.join("objects").join(&hex[..2]).join(&hex[2..])
}
