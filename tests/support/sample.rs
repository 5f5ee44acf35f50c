//! Small entries to put: one version of any engine, in any number of builds.

#![allow(dead_code, reason = "each test file uses its part")]

use engine_catalog::{EngineEntry, RefName};

pub(crate) fn name(engine: &str) -> RefName {
    super::name(&format!("{engine}/1"))
}

pub(crate) fn entry(engine: &str, build: &str) -> EngineEntry {
    EngineEntry {
        build_ref: Some(build.to_owned()),
        ..EngineEntry::new(engine, "1", 1)
    }
}
