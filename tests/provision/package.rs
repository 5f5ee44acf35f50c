//! A package that others built: llama.cpp, as node-llama-cpp ships it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::json;

use crate::bench::{Bench, copy, fetched};

const BINARY: &str = "bins/linux-x64/llama-addon.node";

#[test]
fn a_real_package_is_recorded_whole_and_once() {
    let Some(fetched) = fetched("node-llama-cpp-linux-x64") else {
        return;
    };
    let bench = Bench::new();
    let package = fetched.join("package");
    let args = ["package", package.to_str().unwrap(), "--binary", BINARY];
    let (engine, _) = bench.ensures_without_tools(&args);
    // What other programs say of the same files.
    let sums = fs::read_to_string(fetched.with_extension("B3SUMS")).unwrap();
    let sums = sums.lines().map(|line| line.split_once("  ").unwrap());
    let is_library = |path: &str| path.ends_with(".so") || path.ends_with(".node");
    let libraries: Vec<_> = sums.filter(|(_, path)| is_library(path)).collect();
    let (hex, _) = libraries
        .iter()
        .find(|(_, path)| path.ends_with(BINARY))
        .unwrap();
    assert_eq!(engine["engine_digest"], json!(format!("blake3:{hex}")));
    let stated = fs::read(package.join("package.json")).unwrap();
    let stated: serde_json::Value = serde_json::from_slice(&stated).unwrap();
    assert_eq!(engine["engine_version"], stated["version"]);
    assert_eq!(engine["provisioning_mode"], "package");

    let id = engine["engine_catalog_id"].as_str().unwrap();
    let files = bench.catalog().locate(id).unwrap().unwrap();
    let top = fetched.canonicalize().unwrap();
    assert_eq!(files[0], top.join("package").join(BINARY));
    assert_eq!(engine["binary_path"], json!(files[0]));
    let mut expected: Vec<PathBuf> = libraries.iter().map(|(_, path)| top.join(path)).collect();
    let mut recorded = files;
    recorded.sort();
    expected.sort();
    assert_eq!(recorded, expected);
    assert!(expected.len() > 10, "it has many libraries");
    assert_eq!(bench.sound_files(&engine), expected.len() as u64);

    let (again, said) = bench.ensures_without_tools(&args);
    assert_eq!(again, engine);
    assert!(said.contains("nothing to do"), "{said}");
    assert_eq!(bench.history(), ["put"]);
}

#[test]
fn a_package_that_was_updated_in_place_is_recorded_anew() {
    let Some(fetched) = fetched("node-llama-cpp-linux-x64") else {
        return;
    };
    let bench = Bench::new();
    copy(&fetched.join("package"), &bench.at("package"));
    let args = ["package", "package", "--binary", BINARY];
    let (engine, _) = bench.ensures(&args);
    let libraries = bench.at("package/bins/linux-x64");
    fs::copy(
        libraries.join("libllama-common.so"),
        libraries.join("libggml-base.so"),
    )
    .unwrap();
    let (updated, said) = bench.ensures(&args);
    assert!(
        said.contains("libggml-base.so is not what was recorded"),
        "{said}"
    );
    assert_eq!(updated["engine_catalog_id"], engine["engine_catalog_id"]);
    assert_eq!(bench.history(), ["put", "put"]);
    bench.sound_files(&updated);

    fs::copy(
        libraries.join("libggml-base.so"),
        libraries.join("libggml-cuda.so"),
    )
    .unwrap();
    let (more, _) = bench.ensures(&args);
    assert_eq!(bench.sound_files(&more), bench.sound_files(&updated) + 1);
    assert_eq!(bench.history(), ["put", "put", "put"]);
}

#[test]
fn links_are_resolved_and_do_not_lead_out_of_the_package() {
    let bench = Bench::new();
    fs::create_dir_all(bench.at("p/lib")).unwrap();
    for file in [
        "p/server",
        "p/lib/libx.so.1.2",
        "p/lib/x.sock",
        "p/lib/libx.so.txt",
        "libout.so",
    ] {
        fs::write(bench.at(file), file).unwrap();
    }
    symlink("libx.so.1.2", bench.at("p/lib/libx.so.1")).unwrap();
    symlink("libx.so.1", bench.at("p/lib/libx.so")).unwrap();
    symlink("../../libout.so", bench.at("p/lib/libout.so")).unwrap();
    symlink("..", bench.at("p/lib/loop")).unwrap();
    let args = ["package", "p", "--version", "1", "--binary", "server"];
    let (engine, _) = bench.ensures(&args);
    let id = engine["engine_catalog_id"].as_str().unwrap();
    let top = bench.at("p").canonicalize().unwrap();
    let files = bench.catalog().locate(id).unwrap().unwrap();
    assert_eq!(files, [top.join("server"), top.join("lib/libx.so.1.2")]);
}

#[test]
fn what_is_no_package_is_refused() {
    let bench = Bench::new();
    fs::create_dir(bench.at("p")).unwrap();
    fs::write(bench.at("p/server"), "server").unwrap();
    fs::write(bench.at("server"), "server").unwrap();
    let refuses = |dir: &str, binary: &str| bench.refuses(&["package", dir, "--binary", binary]);
    insta::assert_snapshot!(refuses("nowhere", "server"), @"provision: error: nowhere: No such file or directory (os error 2)");
    insta::assert_snapshot!(refuses("p", "absent"), @"provision: error: [DIR]/p/absent: No such file or directory (os error 2)");
    insta::assert_snapshot!(refuses("p", "../server"), @"provision: error: [DIR]/server is not in [DIR]/p");
    insta::assert_snapshot!(refuses("p", "server"), @"provision: error: no package.json tells a version: give --version");
}
