//! Two copies of one catalog: in the one the program is killed, in the other it may finish.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine_catalog::{Catalog, EngineEntry, ObjectId};
use walkdir::WalkDir;

use crate::operation::{Operation, engines};
use crate::program::Program;
use crate::support::observe::{snapshot_state, state_of};
use crate::support::{files, sample};

/// What a reader sees: by ref, by named snapshot and by bundle.
pub(crate) type State = BTreeMap<String, (Option<ObjectId>, Vec<String>)>;

pub(crate) struct Bench {
    program: Program,
}

/// The directory in which the program runs; the catalog is in it.
pub(crate) struct Place<'b> {
    bench: &'b Bench,
    dir: PathBuf,
}

impl Bench {
    /// On a disk, where an operation waits for syncs for most of its time.
    pub(crate) fn on_disk() -> Self {
        Self::at(Program::without_catalog())
    }

    /// In memory, where nothing waits.
    pub(crate) fn in_memory() -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Self::at(Program::at(dir.unwrap()))
    }

    fn at(program: Program) -> Self {
        let bench = Self { program };
        fs::create_dir(bench.program.dir().join("real")).unwrap();
        Catalog::create(bench.real().root()).unwrap();
        fs::create_dir(bench.program.dir().join("shared")).unwrap();
        Catalog::create(bench.real().shared("source")).unwrap();
        bench
    }

    pub(crate) fn real(&self) -> Place<'_> {
        self.place("real")
    }

    fn place(&self, name: &str) -> Place<'_> {
        let dir = self.program.dir().join(name);
        Place { bench: self, dir }
    }

    /// Makes another copy of the real place as it is now.
    pub(crate) fn copy(&self, name: &str) -> Place<'_> {
        let copy = self.place(name);
        let _ = fs::remove_dir_all(&copy.dir);
        let mut cp = Command::new("cp");
        cp.arg("--archive").args([&self.real().dir, &copy.dir]);
        assert!(cp.status().unwrap().success());
        copy
    }
}

impl Place<'_> {
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.join("catalog")
    }

    /// A file that all places share, because entries name it.
    pub(crate) fn shared(&self, file: &str) -> PathBuf {
        self.bench.program.dir().join("shared").join(file)
    }

    /// Writes a file that can be put, and returns its path.
    pub(crate) fn json(&self, name: &str, entries: &[EngineEntry]) -> String {
        let file = self.shared(name);
        fs::write(&file, serde_json::to_vec(entries).unwrap()).unwrap();
        file.display().to_string()
    }

    /// The program, to run here.
    pub(crate) fn command(&self, args: &[String]) -> Command {
        self.at_home(self.bench.program.command(), args)
    }

    /// A shell, to run here.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.env_clear().env("USER", "tester");
        command.arg("-c").arg(script);
        self.at_home(command, &[])
    }

    /// The program under `strace`, to run here.
    pub(crate) fn traced(&self, strace: &Path, options: &[String], args: &[String]) -> Command {
        let program = self.bench.program.command();
        let mut command = Command::new(strace);
        command.env_clear().env("USER", "tester");
        command.args(options).arg(program.get_program());
        self.at_home(command, args)
    }

    fn at_home(&self, mut command: Command, args: &[String]) -> Command {
        command.env("ENGINE_CATALOG_ROOT", self.root());
        command.current_dir(&self.dir).args(args);
        command
    }

    /// Runs the program, which must succeed, and returns what it printed.
    pub(crate) fn run(&self, args: &[String]) -> String {
        let output = self.command(args).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {message}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn prepare(&self, operation: Operation, round: u64) -> Vec<String> {
        operation.prepare(self, round)
    }

    /// What a reader sees, which it always can. Histories without their times, in which the copies
    /// differ.
    pub(crate) fn state(&self) -> State {
        let catalog = Catalog::open_read_only(self.root()).unwrap();
        let histories = self.root().join("history");
        let known = engines().filter(|engine| histories.join(engine).exists());
        let names: Vec<_> = known.map(|engine| sample::name(&engine)).collect();
        let mut state = state_of(&catalog, &names);
        for (_, lines) in state.values_mut() {
            let is_change =
                |line: &&mut String| !["files", "document"].iter().any(|it| line.starts_with(it));
            for line in lines.iter_mut().filter(is_change) {
                *line = line.split_once(' ').unwrap().1.to_owned();
            }
        }
        // One that was to be made looks like one that never was.
        state.retain(|_, (object, lines)| object.is_some() || !lines.is_empty());
        for named in catalog.snapshots().unwrap() {
            state.extend(snapshot_state(&catalog, named.unwrap().name.as_str()));
        }
        for (blob, bytes) in catalog.blobs().unwrap() {
            state.insert(format!("blob {blob}"), (None, vec![bytes.to_string()]));
        }
        for engine in self.beside("engine") {
            let name = engine.file_name().unwrap().to_str().unwrap().to_owned();
            state.insert(name, (None, files(&engine)));
        }
        for bundle in self.bundles() {
            let sums = fs::read_to_string(bundle.join("B3SUMS")).unwrap();
            let args = ["--root", bundle.to_str().unwrap(), "verify"].map(str::to_owned);
            self.run(&args);
            let files = [files(&bundle), vec![sums]].concat();
            let name = bundle
                .strip_prefix(&self.dir)
                .unwrap()
                .display()
                .to_string();
            state.insert(name, (None, files));
        }
        state
    }

    /// What is found to be wrong with the catalog, by kind, and what it is about.
    pub(crate) fn findings(&self) -> BTreeSet<(String, String)> {
        let verify = ["verify", "--json"].map(str::to_owned);
        let output = self.command(&verify).output().unwrap();
        let findings = serde_json::Deserializer::from_slice(&output.stdout);
        let findings = findings.into_iter::<serde_json::Value>();
        let told = findings.map(|it| {
            let it = it.unwrap();
            let about = format!("{} {}", it["path"], it["object"]);
            (it["slug"].as_str().unwrap().to_owned(), about)
        });
        told.collect()
    }

    fn bundles(&self) -> Vec<PathBuf> {
        self.beside("bundle")
    }

    fn beside(&self, start: &str) -> Vec<PathBuf> {
        let paths = fs::read_dir(&self.dir)
            .unwrap()
            .map(|it| it.unwrap().path());
        let is_meant = |path: &PathBuf| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(start)
        };
        paths.filter(is_meant).collect()
    }

    /// Every file and its length: what shows a trace of an operation that nobody sees yet.
    pub(crate) fn tree(&self) -> BTreeSet<(PathBuf, u64)> {
        let found = WalkDir::new(&self.dir).into_iter().map(Result::unwrap);
        let files = found.map(|it| {
            let stat = it.metadata().unwrap();
            let length = if stat.is_file() { stat.len() } else { 0 };
            (
                it.path().strip_prefix(&self.dir).unwrap().to_owned(),
                length,
            )
        });
        files.collect()
    }

    /// Removes bundles, and what is left of those that were not finished.
    pub(crate) fn remove_bundles(&self) {
        for path in fs::read_dir(&self.dir)
            .unwrap()
            .map(|it| it.unwrap().path())
        {
            if path != self.root() {
                fs::remove_dir_all(path).unwrap();
            }
        }
    }
}
