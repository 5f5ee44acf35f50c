//! Replays the committed fuzz seeds through the checks of the fuzz targets, without a fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "../fuzz/checks/mod.rs"]
#[expect(unreachable_pub, reason = "public for the fuzz targets")]
mod checks;
mod support;

fn fuzz_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The paths of what is in a directory, sorted.
fn list(dir: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(dir)
        .expect("the directory is there")
        .map(|entry| entry.expect("a directory is read to its end").path())
        .collect()
}

/// The names of what is in a directory, without extensions.
fn stems(dir: &Path) -> BTreeSet<String> {
    let stem = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    list(dir).into_iter().filter_map(stem).collect()
}

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = list(&fuzz_dir().join("seeds").join(target)).into_iter();
    paths
        .map(|path| {
            let bytes = fs::read(&path).expect("a seed is readable");
            (path, bytes)
        })
        .collect()
}

#[test]
fn every_seed_passes_the_check_of_its_target() {
    let mut failed = Vec::new();
    for &(target, check) in checks::TARGETS {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{target} has no seeds");
        failed.extend(seeds.into_iter().filter_map(|(path, bytes)| {
            let passed = std::panic::catch_unwind(|| check(&bytes));
            passed.err().map(|_| path)
        }));
    }
    assert_eq!(failed, [] as [PathBuf; 0], "these do not pass");
}

#[test]
fn every_target_has_its_check_its_file_and_its_seeds() {
    let names = checks::TARGETS.iter().map(|(name, _)| (*name).to_owned());
    let targets: BTreeSet<_> = names.collect();
    assert_eq!(stems(&fuzz_dir().join("fuzz_targets")), targets);
    assert_eq!(stems(&fuzz_dir().join("seeds")), targets);
    let manifest = fs::read_to_string(fuzz_dir().join("Cargo.toml")).expect("it is readable");
    for target in targets {
        let path = format!("path = \"fuzz_targets/{target}.rs\"");
        assert!(manifest.contains(&path), "fuzz/Cargo.toml lacks {target}");
    }
}

#[test]
fn every_vector_is_a_seed() {
    let seeds: BTreeSet<_> = seeds("decode").into_iter().map(|(_, seed)| seed).collect();
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("vectors.json")).expect("the vectors are JSON");
    for kind in ["entries", "snapshots", "manifests", "attachments"] {
        for vector in vectors[kind].as_array().expect("a list of vectors") {
            let digits = vector["cbor"].as_str().expect("hexadecimal digits");
            let bytes = support::from_hex(digits);
            let name = &vector["name"];
            assert!(
                seeds.contains(&bytes),
                "{name} is not in fuzz/seeds/decode/"
            );
        }
    }
}
