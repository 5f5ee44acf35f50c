//! Versions, as binaries and CMake's cache tell them.

#[path = "../../examples/provision/version.rs"]
mod version;

use version::{of_cache, of_output};

#[test]
fn versions_are_read_from_what_binaries_print() {
    for (printed, expected) in [
        // llama.cpp: its releases are called by the number, and since 2026 have versions.
        (
            "version: 4321 (a1b2c3d4)\nbuilt with cc (Debian 12.2.0) 12.2.0 for x86_64-linux-gnu\n",
            Some("b4321"),
        ),
        (
            "ggml_cuda_init: found 1 CUDA devices:\nversion: 4321 (a1b2c3d4)\n",
            Some("b4321"),
        ),
        ("version: 0 (unknown)\nbuilt with cc\n", None),
        (
            "version: 0.5.0-dev (build 7777, commit a1b2c3d4)\n",
            Some("0.5.0-dev+b7777"),
        ),
        (
            "version: 0.5.0-dev (build 0, commit unknown)\n",
            Some("0.5.0-dev"),
        ),
        (
            "version: 0.5.0 (build 7777, commit a1b2c3d4)\n",
            Some("0.5.0"),
        ),
        // Others.
        (
            "cmake version 3.25.1\n\nCMake suite maintained by Kitware\n",
            Some("3.25.1"),
        ),
        ("gzip compression program v1.26\n", Some("v1.26")),
        ("tritonserver 2.50.0-rc1\n", Some("2.50.0-rc1")),
        ("listening on 127.0.0.1:8080\n", None),
        ("usage: server [-v]\nversion 1.2\n", None),
        ("", None),
    ] {
        assert_eq!(of_output(printed).as_deref(), expected, "{printed}");
    }
}

#[test]
fn versions_are_read_from_the_cache_of_cmake() {
    let cache = "CMAKE_PROJECT_NAME:STATIC=libdeflate\n//Value Computed by CMake\nCMAKE_PROJECT_VERSION:STATIC=1.26\nCMAKE_PROJECT_VERSION_MAJOR:STATIC=1\n";
    assert_eq!(of_cache(cache).as_deref(), Some("1.26"));
    assert_eq!(of_cache(&cache.replace("=1.26", "=")), None);
    assert_eq!(of_cache("CMAKE_PROJECT_VERSION_MAJOR:STATIC=1\n"), None);
}
