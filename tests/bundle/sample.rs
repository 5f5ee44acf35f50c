//! What is captured, and how two bundles are compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use engine_catalog::{Artifacts, Catalog, EngineEntry, Expect, PreparedEngine, Recorded, Stamp};
use walkdir::WalkDir;

use crate::support::{attach, from_hex, stamp};

/// Entries of several engines, with names that are not file names.
pub(crate) fn entries() -> Vec<EngineEntry> {
    let with = |engine: &str, version: &str, flags: &[&str]| EngineEntry {
        build_ref: Some(format!("v{version}")),
        build_flags: Some(flags.iter().map(|flag| (*flag).to_owned()).collect()),
        artifacts: vec![format!("/opt/{engine}/{version}/server").into()],
        ..EngineEntry::new(engine, version, 1_758_240_000_000)
    };
    vec![
        with("llamacpp", "b4321-grün", &["-DGGML_CUDA=ON", "-DX=a|b c"]),
        with("llamacpp", "b4330", &[]),
        with("llamacpp-source:master-cuda", "feature/x", &["\u{202e}"]),
        with("vllm", "0.9.2+cu128", &["--seed", "0"]),
        EngineEntry::new("tgi", "3.2.1", 1),
    ]
}

/// Records the file at `server`, so that its entry has a manifest.
pub(crate) fn record(catalog: &Catalog, server: &Path, stamp: &Stamp) -> Recorded {
    let artifacts = Artifacts::Files(vec![server.to_owned()]);
    let prepared = PreparedEngine::new("triton", "24.08", artifacts, 7);
    catalog.record(&prepared, stamp).unwrap()
}

/// An object of a schema that nobody knows yet: `{"schema": "note/9"}`.
pub(crate) fn of_unknown_schema() -> Vec<u8> {
    let bytes = from_hex("a166736368656d61666e6f74652f39");
    assert!(bytes.ends_with(b"note/9"));
    bytes
}

/// Fills a catalog with all of it.
pub(crate) fn fill(catalog: &Catalog, server: &Path) {
    for entry in entries() {
        catalog.put(&entry, &stamp(1)).unwrap();
    }
    let recorded = record(catalog, server, &stamp(2));
    let note = attach(catalog.root(), recorded.put.object, &of_unknown_schema());
    attach(catalog.root(), note, b"\xa1\x66schema\x66sign/9");
}

/// As [`fill`], in another order, at other times, and with a past that is not captured.
pub(crate) fn fill_otherwise(catalog: &Catalog, server: &Path) {
    let recorded = record(catalog, server, &stamp(9_000));
    let note = attach(catalog.root(), recorded.put.object, &of_unknown_schema());
    attach(catalog.root(), note, b"\xa1\x66schema\x66sign/9");
    for entry in entries().into_iter().rev() {
        let older = EngineEntry {
            created_ms: entry.created_ms - 1,
            ..entry.clone()
        };
        catalog.put(&older, &stamp(9_001)).unwrap();
        catalog.put(&entry, &stamp(9_002)).unwrap();
    }
    let gone = EngineEntry::new("gone", "1", 1);
    catalog.put(&gone, &stamp(9_003)).unwrap();
    let name = gone.ref_name().unwrap();
    catalog.retire(&name, Expect::Any, &stamp(9_004)).unwrap();
}

/// The modes of everything below `top`, and of itself, by path.
pub(crate) fn modes(top: &Path) -> BTreeMap<String, u32> {
    let mode = |entry: walkdir::DirEntry| {
        let below = entry.path().strip_prefix(top).unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        (below.to_str().unwrap().to_owned(), mode)
    };
    WalkDir::new(top)
        .into_iter()
        .map(|entry| mode(entry.unwrap()))
        .collect()
}

/// Requires that two directories are the same, as `diff` sees them, and in modes.
pub(crate) fn assert_same(one: &Path, other: &Path) {
    let mut diff = Command::new("diff");
    diff.args(["--recursive", "--no-dereference"]);
    let output = diff.args([one, other]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!((output.status.code(), &*text), (Some(0), ""));
    assert_eq!(modes(one), modes(other));
}

/// The names in a directory, sorted; none where there is none.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}
