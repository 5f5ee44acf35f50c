//! A catalog, a handoff and a report, and the three programs that use them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use engine_catalog::EngineIdentity;
use serde_json::Value;

use crate::example;
use crate::process::Process;
use crate::program::Program;

pub(crate) struct Town {
    /// The command line, and the directory of all.
    pub(crate) program: Program,
}

impl Town {
    pub(crate) fn new() -> Self {
        let program = Program::with_catalog();
        Self { program }
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.program.dir().join(path)
    }

    /// Makes a package: what a build leaves behind.
    pub(crate) fn build(&self, dir: &str, content: &str) {
        fs::create_dir_all(self.at(dir)).unwrap();
        for file in ["llama-server", "libggml.so"] {
            // As a linker does it: another file, and not other bytes in the one that runs.
            let _ = fs::remove_file(self.at(dir).join(file));
            fs::write(self.at(dir).join(file), format!("{file} {content}")).unwrap();
        }
    }

    /// Runs the provisioner on a package, and returns what it says is there now.
    pub(crate) fn provision(&self, dir: &str, flag: &str) -> EngineIdentity {
        let mut command = Command::new(example::build("provision"));
        command.args(["--catalog", "catalog", "--engine", "llamacpp"]);
        command.args(["package", dir, "--binary", "llama-server"]);
        command.args([
            "--version",
            "b4321",
            "--handoff",
            "handoff.json",
            "--",
            flag,
        ]);
        let output = command.current_dir(self.program.dir()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub(crate) fn pool_manager(&self) -> Process {
        let mut command = Command::new(example::build("pool_manager"));
        command.args(["--catalog", "catalog", "--handoff", "handoff.json"]);
        command.args(["--report", "report.json", "--recheck", "1"]);
        command.current_dir(self.program.dir());
        Process::start(command)
    }

    pub(crate) fn orchestrator(&self) -> Process {
        let mut command = Command::new(example::build("orchestrator"));
        command.arg("report.json").current_dir(self.program.dir());
        Process::start(command)
    }
}

/// What a pool manager reports: an engine that is ready, or why not.
pub(crate) fn reported(line: &str) -> Result<EngineIdentity, String> {
    let report: Value = serde_json::from_str(line).unwrap();
    assert_eq!(report["pool_id"], "pool-0");
    if report["ready"] == true {
        return Ok(serde_json::from_value(report).unwrap());
    }
    Err(report["reason"].as_str().unwrap().to_owned())
}

/// The line that an orchestrator logs when it places on an engine.
pub(crate) fn placed(engine: &EngineIdentity) -> String {
    let EngineIdentity {
        engine,
        engine_version,
        engine_digest,
        engine_catalog_id,
        object,
    } = engine;
    let digest = engine_digest.as_deref().unwrap();
    format!(
        "event=placed pool_id=pool-0 engine={engine} engine_version={engine_version} \
         engine_digest={digest} engine_catalog_id={engine_catalog_id} object={object}"
    )
}
