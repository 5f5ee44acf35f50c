//! Container images, which are recorded and not pulled.

use serde_json::json;

use crate::bench::Bench;

fn digest(hex: &str) -> String {
    format!("sha256:{}", hex.repeat(32))
}

#[test]
fn an_image_is_recorded_once_by_its_reference_and_digest() {
    let bench = Bench::new();
    let image = format!(
        "registry.example:5000/vllm/vllm-openai:v0.9.2@{}",
        digest("0f")
    );
    let args = ["container", &image, "--", "-DLLAMA_CUBLAS=1"];
    let (engine, _) = bench.ensures_without_tools(&args);
    assert_eq!(engine["image_ref"], json!(image));
    assert_eq!(engine.get("binary_path"), None);
    assert_eq!(engine["engine_version"], "v0.9.2");
    assert_eq!(engine["engine_digest"], json!(digest("0f")));
    assert_eq!(engine["provisioning_mode"], "container");
    assert_eq!(engine["flags"], json!(["-DGGML_CUDA=ON"]));

    let (again, said) = bench.ensures_without_tools(&args);
    assert_eq!(again, engine);
    assert!(said.contains("nothing to do"), "{said}");
    // The tag moved to another image.
    let moved = image.replace("0f", "1e");
    let (other, _) = bench.ensures_without_tools(&["container", &moved, "--", "-DLLAMA_CUBLAS=1"]);
    assert_ne!(other["engine_catalog_id"], engine["engine_catalog_id"]);
    assert_eq!(bench.history(), ["put", "put"]);
}

#[test]
fn an_image_that_may_be_another_tomorrow_is_refused() {
    let bench = Bench::new();
    let pinned = |end: &str| format!("vllm/vllm-openai:v0.9.2{end}");
    for (image, complaint) in [
        (
            pinned(""),
            "has no digest: a tag alone may be another image tomorrow",
        ),
        (
            pinned("@latest"),
            "does not end with @sha256: and 64 digits",
        ),
        (
            pinned("@sha256:0f"),
            "does not end with @sha256: and 64 digits",
        ),
        (
            pinned(&format!("@{}", digest("0F"))),
            "does not end with @sha256: and 64 digits",
        ),
        (
            format!("localhost:5000/vllm@{}", digest("0f")),
            "has no tag that tells a version: give --version",
        ),
    ] {
        let message = bench.refuses(&["container", &image]);
        assert!(message.ends_with(complaint), "{message}");
    }
    let image = format!("vllm@{}", digest("0f"));
    let (engine, _) = bench.ensures(&["container", &image, "--version", "0.9.2"]);
    assert_eq!(engine["engine_version"], "0.9.2");
}
