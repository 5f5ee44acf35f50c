//! The handoff: a JSON file that others have fields in too.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::{Value, json};

use crate::bench::Bench;

fn image(hex: &str) -> String {
    format!("vllm:v0.9.2@sha256:{}", hex.repeat(32))
}

#[test]
fn fields_of_others_stay_and_stale_ones_go() {
    let bench = Bench::new();
    let file = bench.at("engines/llamacpp.json");
    fs::create_dir(bench.at("engines")).unwrap();
    let theirs = json!({
        "url": "http://127.0.0.1:8080", "pool_id": "default", "replica_id": "r0", "device_mask": "0",
        "model": "m.gguf", "binary_path": "/opt/old/llama-server", "engine_version": "old",
    });
    fs::write(&file, theirs.to_string()).unwrap();
    let before = fs::metadata(&file).unwrap().ino();
    let args = [
        "--handoff",
        file.to_str().unwrap(),
        "container",
        &image("0f"),
    ];
    let (engine, _) = bench.ensures(&args);

    let handoff: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let mut expected = engine;
    for name in ["url", "pool_id", "replica_id", "device_mask", "model"] {
        expected[name] = theirs[name].clone();
    }
    assert_eq!(handoff, expected, "binary_path was of another engine");
    // Not written in place, and nothing is left beside it.
    assert_ne!(fs::metadata(&file).unwrap().ino(), before);
    assert_eq!(fs::read_dir(bench.at("engines")).unwrap().count(), 1);
}

#[test]
fn a_handoff_is_made_where_there_is_none_and_also_for_what_was_there() {
    let bench = Bench::new();
    let image = image("0f");
    let (engine, _) = bench.ensures(&["container", &image]);
    let args = [
        "--handoff",
        ".runtime/engines/vllm.json",
        "container",
        &image,
    ];
    let (again, said) = bench.ensures(&args);
    assert_eq!(again, engine);
    assert!(said.contains("nothing to do"), "{said}");
    let handoff = fs::read(bench.at(".runtime/engines/vllm.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&handoff).unwrap(), engine);
}

#[test]
fn a_handoff_that_cannot_be_read_is_refused_before_anything_is_done() {
    let bench = Bench::new();
    let file = bench.at("handoff");
    let image = image("0f");
    let refuses = || bench.refuses(&["--handoff", "handoff", "container", &image]);
    for (content, complaint) in [
        ("[1]", "it is no JSON object"),
        ("{\"url\":", "EOF while parsing"),
    ] {
        fs::write(&file, content).unwrap();
        let message = refuses();
        assert!(
            message.starts_with("provision: error: handoff handoff: "),
            "{message}"
        );
        assert!(message.contains(complaint), "{message}");
        assert_eq!(fs::read_to_string(&file).unwrap(), content);
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(refuses().contains("Is a directory"));
}
