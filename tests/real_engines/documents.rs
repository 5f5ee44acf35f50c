//! SBOMs of real engines by real generators, and signed provenance that a registry serves: attached by the real
//! program, and compared with the engine.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::build::Build;
use crate::program::Program;
use crate::{run, skip};

const TARBALL: &str = "node-llama-cpp-linux-x64-3.22.1.tgz";
const WHEEL: &str = "onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_x86_64.whl";
const PROVED: &str = "pypi_attestations-0.0.19.tar.gz";
const BUNDLED: &str = "pypi_attestation_models-0.0.4a2.tar.gz";

/// A catalog, and the documents and packages that were fetched.
struct Bench {
    program: Program,
    documents: Build,
}

impl Bench {
    fn new() -> Option<Self> {
        let Some(documents) = Build::fetched("documents", "documents") else {
            skip::because("no documents are fetched: run .ci/fetch-engines");
            return None;
        };
        let program = Program::with_catalog();
        Some(Self { program, documents })
    }

    fn path(&self, name: &str) -> String {
        self.documents.dir.join(name).display().to_string()
    }

    /// Records a file as an engine of one thing, and returns how it is named.
    fn record(&self, engine: &str, version: &str, file: &Path, more: &[&str]) -> String {
        let file = file.to_str().unwrap();
        let record = ["record", "--engine", engine, "--version", version];
        let arguments = [&record[..], &["--artifact", file], more].concat();
        run(&self.program, &arguments);
        format!("{engine}/{version}")
    }

    fn record_build(&self, build: &Build) -> String {
        let arguments = build.arguments();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        run(&self.program, &arguments);
        format!("{}/{}", build.engine, build.version)
    }

    /// Attaches a document, whose media type must be found, and returns what `sbom` says of it.
    fn attach(&self, name: &str, file: &str) -> Value {
        let object = run(&self.program, &["attach", name, file]);
        let documents = run(&self.program, &["sbom", name, "--json"]);
        let mut documents = documents
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let is_this = |it: &Value| it["object"] == object.trim_end();
        documents.find(is_this).unwrap()
    }

    /// What is said of a document that is refused.
    fn refused(&self, name: &str, file: &str) -> String {
        let shown = self.program.shows(&["attach", name, file]);
        assert!(shown.ends_with("[exit status 1]\n"), "{shown}");
        shown
    }
}

/// The components whose name is `name`.
fn component<'d>(document: &'d Value, name: &str) -> &'d Value {
    let mut components = document["components"].as_array().unwrap().iter();
    components.find(|it| it["name"] == name).unwrap()
}

#[test]
fn spdx_of_real_engines_by_syft_names_every_file() {
    let Some(bench) = Bench::new() else { return };
    let (Some(llamacpp), Some(onnxruntime)) = (Build::llamacpp(), Build::onnxruntime()) else {
        return skip::because("no engines are fetched: run .ci/fetch-engines");
    };
    for (build, file) in [
        (&llamacpp, "llamacpp.spdx.json"),
        (&onnxruntime, "onnxruntime.spdx.json"),
    ] {
        let name = bench.record_build(build);
        let document = bench.attach(&name, &bench.path(file));
        assert_eq!(document["media_type"], "application/spdx+json");
        assert_eq!(document["verdict"], "names-files", "{name}");
        let named = document["named"].as_array().unwrap().iter();
        let named: Vec<_> = named
            .map(|it| PathBuf::from(it.as_str().unwrap()))
            .collect();
        let mut expected: Vec<_> = build
            .artifacts
            .iter()
            .map(|file| build.dir.join(file).canonicalize().unwrap())
            .collect();
        expected.sort();
        assert_eq!(named, expected, "{name}");
        // What the generator hashed is what sha256sum printed.
        for file in &build.artifacts {
            let hashes = &component(&document, file.to_str().unwrap())["hashes"];
            let sha256 = json!({"algorithm": "sha256", "value": build.sha256sums[file]});
            assert!(hashes.as_array().unwrap().contains(&sha256), "{hashes}");
        }
    }
}

/// Both packages have the same release of llama.cpp, in two builds.
#[test]
fn spdx_of_another_build_contradicts_a_real_engine() {
    let Some(bench) = Bench::new() else { return };
    let (Some(after), Some(before)) = (Build::llamacpp(), Build::llamacpp_before()) else {
        return skip::because("no engines are fetched: run .ci/fetch-engines");
    };
    let file = bench.path("llamacpp-before.spdx.json");
    let document = bench.attach(&bench.record_build(&before), &file);
    assert_eq!(document["verdict"], "names-files");
    assert_eq!(document["version"], "2.2");
    assert_eq!(document["unnamed"], json!([]));

    let refused = bench.refused(&bench.record_build(&after), &file);
    let sums = [&before.sha256sums, &after.sha256sums];
    let differs = |file: &&PathBuf| {
        let [before, after] = sums.map(|sums| sums.get(*file));
        before.is_some_and(|before| Some(before) != after)
    };
    let differing: Vec<_> = after.artifacts.iter().filter(differs).collect();
    let shown = |file: &&PathBuf| sums.iter().all(|sums| refused.contains(&sums[*file]));
    assert!(differing.iter().any(shown), "{refused}");
    let others = format!("and {} more such", differing.len() - 1);
    assert!(refused.contains(&others), "{others}: {refused}");
}

#[test]
fn sboms_by_npm_name_the_digest_of_the_real_package() {
    let Some(bench) = Bench::new() else { return };
    let tarball = bench.documents.dir.join(TARBALL);
    let name = bench.record("llamacpp", "3.22.1", &tarball, &[]);
    for (file, format, version) in [
        ("npm.spdx.json", "SPDX", "2.3"),
        ("npm.cyclonedx.json", "CycloneDX", "1.5"),
    ] {
        let document = bench.attach(&name, &bench.path(file));
        assert_eq!(
            (&document["format"], &document["version"]),
            (&json!(format), &json!(version))
        );
        assert_eq!(document["verdict"], "names-files");
        let package = component(&document, "@node-llama-cpp/linux-x64");
        assert_eq!(package["version"], "3.22.1");
        assert_eq!(
            package["purl"],
            "pkg:npm/%40node-llama-cpp/linux-x64@3.22.1"
        );
        assert_eq!(package["licences"], json!(["MIT"]));
        // Which `record` checks.
        let sha512 = package["hashes"][0]["value"].as_str().unwrap();
        let digest = format!("sha512:{sha512}");
        let by_digest = bench.record(format, "1", &tarball, &["--digest", &digest]);
        let document = bench.attach(&by_digest, &bench.path(file));
        assert_eq!(document["verdict"], "names-digest");
    }
}

#[test]
fn sbom_by_cyclonedx_py_names_the_real_wheel_and_no_other() {
    let Some(bench) = Bench::new() else { return };
    let wheel = bench.documents.dir.join(WHEEL);
    let digest = format!("sha256:{}", bench.documents.sha256sums[Path::new(WHEEL)]);
    let sbom = bench.path("wheel.cyclonedx.json");
    let name = bench.record("onnxruntime", "1.32.0", &wheel, &["--digest", &digest]);
    assert_eq!(bench.attach(&name, &sbom)["verdict"], "names-digest");

    let mut changed = fs::read(&wheel).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    let other = bench.program.dir().join(WHEEL);
    fs::write(&other, changed).unwrap();
    let name = bench.record("onnxruntime", "1.32.0", &other, &[]);
    let refused = bench.refused(&name, &sbom);
    assert!(refused.contains(&digest), "{refused}");
}

/// Provenance as PEP 740 has it, in the envelope that its signature is of.
fn as_envelope(attestation: &str) -> String {
    let attestation: Value = serde_json::from_str(attestation).unwrap();
    let envelope = &attestation["envelope"];
    let envelope = json!({
        "payloadType": "application/vnd.in-toto+json",
        "payload": envelope["statement"],
        "signatures": [{"sig": envelope["signature"]}],
    });
    envelope.to_string()
}

#[test]
fn real_provenance_names_the_package_that_it_is_of_and_no_other() {
    let Some(bench) = Bench::new() else { return };
    let attestation = fs::read_to_string(bench.path(&format!("{PROVED}.slsa.attestation")));
    let envelope = bench.program.dir().join("provenance");
    fs::write(&envelope, as_envelope(&attestation.unwrap())).unwrap();
    let envelope = envelope.to_str().unwrap();
    let bundle = bench.path(&format!("{BUNDLED}.sigstore"));
    let of = |package: &str| {
        let version = format!("of-{package}");
        bench.record("package", &version, &bench.documents.dir.join(package), &[])
    };
    for (package, other, file, media_type, predicate) in [
        (
            PROVED,
            BUNDLED,
            envelope,
            "application/vnd.dsse.envelope.v1+json",
            "https://slsa.dev/provenance/v1",
        ),
        (
            BUNDLED,
            PROVED,
            &bundle,
            "application/vnd.dev.sigstore.bundle.v0.3+json",
            "https://docs.pypi.org/attestations/publish/v1",
        ),
    ] {
        let document = bench.attach(&of(package), file);
        assert_eq!(document["media_type"], media_type);
        assert_eq!(document["predicate_type"], predicate);
        assert_eq!(document["verdict"], "names-files");
        let sha256 = |package: &str| bench.documents.sha256sums[Path::new(package)].clone();
        assert_eq!(
            document["components"][0]["hashes"][0]["value"],
            sha256(package)
        );
        let refused = bench.refused(&of(other), file);
        for package in [package, other] {
            assert!(
                refused.contains(&format!("sha256:{}", sha256(package))),
                "{refused}"
            );
        }
    }
}
