//! The example beside a catalog, and what it is to provide.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use engine_catalog::{Catalog, Filter};
use serde_json::Value;
use walkdir::WalkDir;

use crate::program::Program;
use crate::{example, skip};

/// The project's program, and beside its catalog room for builds.
pub(crate) struct Bench {
    pub(crate) program: Program,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            program: Program::without_catalog(),
        }
    }

    /// A path in the directory of the test.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.program.dir().join(path)
    }

    /// The provisioner for an engine called `engine`, with this `PATH`.
    pub(crate) fn command(&self, path: &Path, args: &[&str]) -> Command {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        let mut command = Command::new(BUILT.get_or_init(|| example::build("provision")));
        command
            .env_clear()
            .env("PATH", path)
            .arg("--catalog")
            .arg(self.program.root())
            .args(["--engine", "engine"])
            .args(args)
            .current_dir(self.program.dir());
        command
    }

    /// Runs the provisioner with the tools of this machine.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let path = std::env::var_os("PATH").unwrap_or_default();
        self.command(Path::new(&path), args).output().unwrap()
    }

    /// Requires that the engine is there in the end; returns what is told of it, and what was said.
    pub(crate) fn ensures(&self, args: &[&str]) -> (Value, String) {
        ensured(&self.run(args))
    }

    /// As [`ensures`](Self::ensures), where there is no tool to build with.
    pub(crate) fn ensures_without_tools(&self, args: &[&str]) -> (Value, String) {
        ensured(&self.command(&self.at("none"), args).output().unwrap())
    }

    /// Requires that it fails, and that nothing is recorded; returns the last line that was said.
    pub(crate) fn refuses(&self, args: &[&str]) -> String {
        self.refused(&self.run(args))
    }

    /// As [`refuses`](Self::refuses), of a run that is over.
    pub(crate) fn refused(&self, output: &Output) -> String {
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(output.stdout, b"", "what is on standard output is there");
        if self.program.root().exists() {
            let listed = self.catalog().list(&Filter::default()).unwrap().count();
            assert_eq!(listed, 0, "nothing was recorded");
        }
        let last = said.lines().last().unwrap();
        last.replace(&self.program.dir().display().to_string(), "[DIR]")
    }

    /// Returns the steps that are planned.
    pub(crate) fn plan(&self, args: &[&str]) -> String {
        let output = self.run(&[&["--plan"], args].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn catalog(&self) -> Catalog {
        Catalog::open_read_only(self.program.root()).unwrap()
    }

    /// What happened to the only version of the engine: the operations, oldest first.
    pub(crate) fn history(&self) -> Vec<&'static str> {
        let catalog = self.catalog();
        let records: Vec<_> = catalog.list(&Filter::default()).unwrap().collect();
        let [Ok(record)] = &records[..] else {
            panic!("one entry is current: {records:?}");
        };
        let changes = catalog.history(&record.name()).unwrap();
        changes.iter().map(|change| change.op.as_str()).collect()
    }

    /// Requires that `engine-catalog check` finds every file as it was recorded, and returns how many
    /// there are.
    pub(crate) fn sound_files(&self, engine: &Value) -> u64 {
        let id = engine["engine_catalog_id"].as_str().unwrap();
        let (shown, status) = self.program.stdout(&["check", id, "--json"]);
        assert_eq!(status, 0, "{shown}");
        let shown: Value = serde_json::from_str(&shown).unwrap();
        shown["files"].as_u64().unwrap()
    }
}

fn ensured(output: &Output) -> (Value, String) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(output.status.success(), "{said}");
    (serde_json::from_slice(&output.stdout).unwrap(), said)
}

/// Returns what `.ci/fetch-engines` fetched as `name`, or skips the test.
pub(crate) fn fetched(name: &str) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let dir = target.join("engines").join(name);
    if !dir.with_extension("pin").exists() {
        skip::because(format_args!("{name} is not fetched: run .ci/fetch-engines"));
        return None;
    }
    Some(dir)
}

/// Returns the source of libdeflate, where there are tools to build it, or skips the test.
pub(crate) fn libdeflate() -> Option<PathBuf> {
    for tool in ["cmake", "make", "cc"] {
        skip::program(tool)?;
    }
    fetched("libdeflate")
}

/// The arguments for libdeflate from `origin`, built quickly.
pub(crate) fn libdeflate_args<'a>(origin: &[&'a str], flags: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["--build-dir", "builds", "--target", "libdeflate-gzip"];
    let binary = ["--binary", "programs/libdeflate-gzip", "--"];
    let quick = [
        "-DCMAKE_C_FLAGS_RELEASE=-O0",
        "-DLIBDEFLATE_BUILD_STATIC_LIB=OFF",
    ];
    [&["source"], origin, &fixed, &binary, &quick, flags].concat()
}

/// Copies a directory; nothing in it is a symbolic link.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in WalkDir::new(from) {
        let entry = entry.unwrap();
        let to = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir(to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
