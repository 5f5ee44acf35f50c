//! Real engine builds from the package registries, recorded and read back with the real program.
//!
//! `.ci/fetch-engines` brings them, and lists their files with the digests that `b3sum` and
//! `sha256sum` print.

mod build;
mod documents;
mod kept;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/servers.rs"]
mod servers;
mod shipped;
#[path = "../support/skip.rs"]
mod skip;

use std::path::{Path, PathBuf};
use std::process::Command;

use build::Build;
use program::Program;
use serde_json::Value;
use walkdir::WalkDir;

fn builds() -> Option<[Build; 2]> {
    Some([Build::llamacpp()?, Build::onnxruntime()?])
}

/// The files below a directory of the catalog whose names are hashes, each with the hash.
fn hashed(dir: &Path) -> Vec<(String, PathBuf)> {
    let found = WalkDir::new(dir).into_iter().map(Result::unwrap);
    let files = found.filter(|it| it.file_type().is_file());
    let named = files.map(|file| {
        let shard = file.path().parent().unwrap().file_name().unwrap();
        let (shard, name) = (shard.to_str().unwrap(), file.file_name().to_str().unwrap());
        (format!("{shard}{name}"), file.path().to_owned())
    });
    named.collect()
}

/// Runs the program and returns its standard output; it must end well.
fn run(program: &Program, arguments: &[&str]) -> String {
    let output = program.output(arguments, b"");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {message}");
    String::from_utf8(output.stdout).unwrap()
}

fn run_json(program: &Program, arguments: &[&str]) -> Value {
    serde_json::from_str(&run(program, arguments)).unwrap()
}

#[test]
fn real_engines_are_recorded_and_read_back_by_every_name() {
    let Some(builds) = builds() else {
        return skip::because("no engines are fetched: run .ci/fetch-engines");
    };
    let program = Program::with_catalog();
    for build in builds {
        let arguments = build.arguments();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let object = run(&program, &arguments);
        let object = object.trim_end();
        let name = format!("{}/{}", build.engine, build.version);
        let first = &build.artifacts[0];
        let digest = format!("blake3:{}", build.b3sums[first]);
        let id = format!("{}:{}@{digest}", build.engine, build.version);

        for spec in [name.as_str(), &id, object, &object[..8]] {
            let found = run_json(&program, &["get", spec, "--json"]);
            assert_eq!(found["object"], object, "{spec}");
            let entry = &found["entry"];
            assert_eq!(entry["digest"], digest.as_str());
            assert_eq!(entry["build_ref"], build.build_ref.as_str());
            assert_eq!(entry["build_flags"], serde_json::json!(build.flags));
            let artifacts = entry["artifacts"].as_array().unwrap();
            assert_eq!(artifacts.len(), build.artifacts.len());
            for (recorded, expected) in artifacts.iter().zip(&build.artifacts) {
                let expected = build.dir.join(expected).canonicalize().unwrap();
                assert_eq!(Path::new(recorded.as_str().unwrap()), expected);
            }
        }
        let identity = run_json(&program, &["get", &name, "--identity"]);
        assert_eq!(
            identity,
            serde_json::json!({
                "engine": build.engine,
                "engine_version": build.version,
                "engine_digest": digest,
                "engine_catalog_id": id,
                "object": object,
            })
        );
        let again = run(&program, &arguments);
        assert_eq!(again.trim_end(), object, "the same build is the same entry");
    }
    assert_eq!(run(&program, &["list"]).lines().count(), 2);
}

#[test]
fn digests_that_sha256sum_printed_are_checked() {
    let Some(builds) = builds() else {
        return skip::because("no engines are fetched: run .ci/fetch-engines");
    };
    let program = Program::with_catalog();
    for build in builds {
        let sha256 = &build.sha256sums[&build.artifacts[0]];
        let mut arguments = build.arguments();
        arguments.extend(["--digest".to_owned(), format!("sha256:{sha256}")]);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        run(&program, &arguments);

        let other = &build.sha256sums[&build.artifacts[1]];
        let wrong = format!("sha256:{other}");
        let (digest, rest) = arguments.split_last().unwrap();
        let output = program.output(&[rest, &[wrong.as_str()]].concat(), b"");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(
            message.contains(&wrong) && message.contains(digest),
            "{message}"
        );
    }
}

#[test]
fn stock_b3sum_agrees_with_the_name_of_every_object() {
    let Some(builds) = builds() else {
        return skip::because("no engines are fetched: run .ci/fetch-engines");
    };
    let Some(b3sum) = skip::program("b3sum") else {
        return;
    };
    let program = Program::with_catalog();
    for build in &builds {
        let arguments = build.arguments();
        run(
            &program,
            &arguments.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    }
    let objects = hashed(&program.root().join("objects"));
    for (hash, file) in &objects {
        let output = Command::new(&b3sum)
            .arg("--no-names")
            .arg(file)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), hash);
    }
    // An entry and a manifest of its files each.
    assert_eq!(objects.len(), 2 * builds.len());
}
