//! Moving in from the JSON index of another catalog, and out again by NDJSON.

#![allow(clippy::unwrap_used, clippy::panic)]

mod export;
mod refs;
mod refusals;
mod report;
mod shapes;

#[path = "../support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;

use engine_catalog::EngineEntry;
use serde_json::{Value, json};

/// An entry as an index has it, with more keys.
fn with(entry: &EngineEntry, more: &[(&str, &str)]) -> Value {
    let mut value = serde_json::to_value(entry).unwrap();
    for (key, text) in more {
        value[*key] = json!(text);
    }
    value
}

/// An entry of `llamacpp` with an id of its own.
fn build(id: &str, version: &str, created_ms: i64) -> EngineEntry {
    EngineEntry {
        id: id.to_owned(),
        ..support::entry(version, created_ms)
    }
}
