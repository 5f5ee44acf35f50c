//! A real build of llama.cpp that is kept in the catalog: it comes back as it was and is loaded, and of two
//! versions what they share is there once.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::build::Build;
use crate::program::Program;
use crate::{hashed, run, run_json, skip};

/// Copies what a build consists of to a directory of its own, and returns the build there.
pub(crate) fn copied(build: Build, to: PathBuf) -> Build {
    for file in &build.artifacts {
        let copy = to.join(file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(build.dir.join(file), copy).unwrap();
    }
    Build { dir: to, ..build }
}

pub(crate) fn record_and_store(program: &Program, build: &Build) -> String {
    let arguments = [build.arguments(), vec!["--store".to_owned()]].concat();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    run(program, &arguments).trim_end().to_owned()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

/// Requires that the addon of llama.cpp at `path` is loaded, with its libraries beside it.
pub(crate) fn assert_loads(node: &Path, path: &Path) {
    let load = format!("console.log(Object.keys(require({path:?})).join(' '))");
    let loaded = Command::new(node)
        .args(["-e", &load])
        .env_remove("LD_LIBRARY_PATH")
        .output();
    let loaded = loaded.unwrap();
    let shown = String::from_utf8_lossy(&loaded.stdout).into_owned();
    let said = String::from_utf8_lossy(&loaded.stderr);
    assert!(
        shown.contains("AddonModel") && shown.contains("AddonSampler"),
        "{shown}{said}"
    );
}

#[test]
fn real_engine_comes_back_from_the_catalog_and_is_loaded() {
    let Some(build) = Build::llamacpp() else {
        return skip::because("no engines are fetched: run .ci/fetch-engines");
    };
    let (Some(b3sum), Some(node)) = (skip::program("b3sum"), skip::program("node")) else {
        return;
    };
    let program = Program::with_catalog();
    let build = copied(build, program.dir().join("package"));
    let modes: Vec<_> = build
        .artifacts
        .iter()
        .map(|file| mode(&build.dir.join(file)))
        .collect();
    let object = record_and_store(&program, &build);
    fs::remove_dir_all(&build.dir).unwrap();

    let name = format!("{}/{}", build.engine, build.version);
    let entry = run_json(&program, &["materialize", &name, "--to", "engine"]);
    let paths = entry["artifacts"].as_array().unwrap().iter();
    let paths: Vec<_> = paths
        .map(|path| Path::new(path.as_str().unwrap()))
        .collect();
    assert_eq!(paths.len(), build.artifacts.len());
    for ((path, file), recorded) in paths.iter().zip(&build.artifacts).zip(modes) {
        assert_eq!(path.file_name(), file.file_name());
        let sum = Command::new(&b3sum)
            .arg("--no-names")
            .arg(path)
            .output()
            .unwrap();
        let sum = String::from_utf8(sum.stdout).unwrap();
        assert_eq!(sum.trim_end(), build.b3sums[file], "{}", path.display());
        assert_eq!(mode(path), recorded);
    }

    assert_loads(&node, paths[0]);

    let mut arguments = vec!["record", "--from", &name, "--artifact"];
    arguments.extend(paths.iter().map(|path| path.to_str().unwrap()));
    let here = run(&program, &arguments);
    assert_ne!(here.trim_end(), object, "it is at another place");
    assert_eq!(
        run_json(&program, &["get", &name, "--json"])["entry"],
        entry
    );
    run(&program, &["check", &name]);
}

#[test]
fn two_versions_of_a_real_engine_keep_what_they_share_once() {
    let (Some(after), Some(before)) = (Build::llamacpp(), Build::llamacpp_before()) else {
        return skip::because("no engines are fetched: run .ci/fetch-engines");
    };
    let program = Program::with_catalog();
    let (mut all, mut once) = (0, BTreeMap::new());
    for build in [&before, &after] {
        record_and_store(&program, build);
        for file in &build.artifacts {
            let size = build.dir.join(file).metadata().unwrap().len();
            all += size;
            once.insert(build.b3sums[file].clone(), size);
        }
    }
    let blobs = hashed(&program.root().join("blobs")).into_iter();
    let blobs = blobs.map(|(hash, file)| (hash, file.metadata().unwrap().len()));
    assert_eq!(blobs.collect::<BTreeMap<_, _>>(), once);
    let kept: u64 = once.values().sum();
    println!(
        "{} and {}: {} files, {all} bytes; kept: {} files, {kept} bytes; saved: {} bytes",
        before.version,
        after.version,
        before.artifacts.len() + after.artifacts.len(),
        once.len(),
        all - kept
    );
    // Whoever has one has what both share: nothing of it is new.
    let added = run_json(
        &program,
        &[
            "blobs",
            "add",
            &format!("llamacpp/{}", after.version),
            "--json",
        ],
    );
    assert_eq!(added["new_blobs"], Value::from(0));
}
