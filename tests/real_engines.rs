//! Real engine builds from the package registries, recorded and read back with the real program.
//!
//! `.ci/fetch-engines` brings them, and lists their files with the digests that `b3sum` and
//! `sha256sum` print.

#[path = "support/program.rs"]
mod program;
#[path = "support/skip.rs"]
mod skip;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use program::Program;
use serde_json::Value;
use walkdir::WalkDir;

/// An engine as its package describes itself.
struct Build {
    engine: &'static str,
    version: String,
    build_ref: String,
    flags: Vec<String>,
    /// Relative to the directory of the package, the binary first.
    artifacts: Vec<PathBuf>,
    dir: PathBuf,
    /// Digests by relative path, as stock tools printed them.
    b3sums: BTreeMap<PathBuf, String>,
    sha256sums: BTreeMap<PathBuf, String>,
}

impl Build {
    /// llama.cpp, as node-llama-cpp ships it: an addon and some twenty libraries.
    fn llamacpp() -> Option<Self> {
        let engine = Self::fetched("llamacpp", "node-llama-cpp-linux-x64")?;
        let bins = Path::new("package/bins/linux-x64");
        let metadata = engine.read(&bins.join("_nlcBuildMetadata.json"));
        let metadata: Value = serde_json::from_str(&metadata).unwrap();
        let options = &metadata["buildOptions"];
        let release = options["llamaCpp"]["release"].as_str().unwrap().to_owned();
        let mut flags: Vec<_> = options["customCmakeOptions"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("-D{name}={}", value.as_str().unwrap()))
            .collect();
        flags.push(format!("--gpu={}", options["gpu"]));
        flags.push(format!("--arch={}", options["arch"].as_str().unwrap()));
        Some(Self {
            version: release.clone(),
            build_ref: format!(
                "{}@{release}",
                options["llamaCpp"]["repo"].as_str().unwrap()
            ),
            flags,
            artifacts: engine.binaries("llama-addon.node"),
            ..engine
        })
    }

    /// ONNX Runtime, as its wheel ships it. What it was built from is written in the binary.
    fn onnxruntime() -> Option<Self> {
        let engine = Self::fetched("onnxruntime", "onnxruntime")?;
        let metadata = engine
            .files()
            .into_iter()
            .find(|path| path.ends_with("METADATA"))
            .unwrap();
        let metadata = engine.read(&metadata);
        let version = metadata
            .lines()
            .find_map(|line| line.strip_prefix("Version: "))
            .unwrap();
        let artifacts = engine.binaries("onnxruntime_pybind11_state");
        let binary = std::fs::read(engine.dir.join(&artifacts[0])).unwrap();
        let binary = String::from_utf8_lossy(&binary);
        let (_, info) = binary.split_once("ORT Build Info: ").unwrap();
        let (info, _) = info.split_once('\0').unwrap();
        let mut flags: Vec<_> = info.split(", ").map(str::to_owned).collect();
        let commit = flags
            .iter()
            .position(|flag| flag.starts_with("git-commit-id="))
            .unwrap();
        Some(Self {
            version: version.to_owned(),
            build_ref: flags.remove(commit),
            flags,
            artifacts,
            ..engine
        })
    }

    fn fetched(engine: &'static str, package: &str) -> Option<Self> {
        let engines = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()?
            .join("engines");
        let sums = |kind: &str| {
            Some(parse_sums(
                &std::fs::read_to_string(engines.join(format!("{package}.{kind}"))).ok()?,
            ))
        };
        Some(Self {
            engine,
            version: String::new(),
            build_ref: String::new(),
            flags: Vec::new(),
            artifacts: Vec::new(),
            b3sums: sums("B3SUMS")?,
            sha256sums: sums("SHA256SUMS")?,
            dir: engines.join(package),
        })
    }

    fn read(&self, path: &Path) -> String {
        std::fs::read_to_string(self.dir.join(path)).unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        self.b3sums.keys().cloned().collect()
    }

    /// The libraries, with the one that is loaded first at the head.
    fn binaries(&self, first: &str) -> Vec<PathBuf> {
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let is_binary = |path: &Path| name(path).contains(".so") || name(path).ends_with(".node");
        let mut found: Vec<_> = self
            .files()
            .into_iter()
            .filter(|path| is_binary(path))
            .collect();
        let at = found
            .iter()
            .position(|path| name(path).starts_with(first))
            .unwrap();
        found[..=at].rotate_right(1);
        found
    }

    /// The arguments that record it.
    fn arguments(&self) -> Vec<String> {
        let fixed = [
            "record",
            "--engine",
            self.engine,
            "--version",
            &self.version,
            "--build-ref",
        ];
        let mut arguments: Vec<_> = fixed.map(str::to_owned).to_vec();
        arguments.push(self.build_ref.clone());
        for flag in &self.flags {
            arguments.extend(["--flag".to_owned(), flag.clone()]);
        }
        arguments.push("--artifact".to_owned());
        arguments.extend(
            self.artifacts
                .iter()
                .map(|path| self.dir.join(path).display().to_string()),
        );
        arguments
    }
}

/// Parses `<hex>  <path>` lines.
fn parse_sums(text: &str) -> BTreeMap<PathBuf, String> {
    let lines = text.lines().map(|line| line.split_once("  ").unwrap());
    lines
        .map(|(hex, path)| (PathBuf::from(path.trim_start_matches("./")), hex.to_owned()))
        .collect()
}

fn builds() -> Option<[Build; 2]> {
    Some([Build::llamacpp()?, Build::onnxruntime()?])
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
    let mut objects = 0;
    for file in WalkDir::new(program.root().join("objects")) {
        let file = file.unwrap();
        if file.file_type().is_dir() {
            continue;
        }
        let output = Command::new(&b3sum)
            .arg("--no-names")
            .arg(file.path())
            .output()
            .unwrap();
        let shard = file
            .path()
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap();
        let name = file.file_name().to_str().unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap().trim_end(),
            format!("{shard}{name}")
        );
        objects += 1;
    }
    // An entry and a manifest of its files each.
    assert_eq!(objects, 2 * builds.len());
}
