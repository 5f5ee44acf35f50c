//! An engine as its package describes itself, with the digests that stock tools printed of its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// An engine as its package describes itself.
pub(crate) struct Build {
    pub(crate) engine: &'static str,
    pub(crate) version: String,
    pub(crate) build_ref: String,
    pub(crate) flags: Vec<String>,
    /// Relative to the directory of the package, the binary first.
    pub(crate) artifacts: Vec<PathBuf>,
    pub(crate) dir: PathBuf,
    /// Digests by relative path, as stock tools printed them.
    pub(crate) b3sums: BTreeMap<PathBuf, String>,
    pub(crate) sha256sums: BTreeMap<PathBuf, String>,
}

impl Build {
    /// llama.cpp, as node-llama-cpp ships it: an addon and some twenty libraries.
    pub(crate) fn llamacpp() -> Option<Self> {
        Self::llamacpp_of("node-llama-cpp-linux-x64")
    }

    /// The version of it before that one.
    pub(crate) fn llamacpp_before() -> Option<Self> {
        Self::llamacpp_of("node-llama-cpp-linux-x64-before")
    }

    fn llamacpp_of(package: &str) -> Option<Self> {
        let engine = Self::fetched("llamacpp", package)?;
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
    pub(crate) fn onnxruntime() -> Option<Self> {
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

    pub(crate) fn fetched(engine: &'static str, package: &str) -> Option<Self> {
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

    pub(crate) fn files(&self) -> Vec<PathBuf> {
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
    pub(crate) fn arguments(&self) -> Vec<String> {
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
