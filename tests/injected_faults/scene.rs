//! One call of the library on a catalog, with a fault at each of its system calls.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine_catalog::Catalog;

use crate::support::observe::{State, partial_objects};
use crate::support::strace::{self, Call, Run};
use crate::support::{child, patience, skip};
use crate::{act, state};

/// The errors with which a call is made to fail, one after the other.
fn faults(call: &Call) -> &'static [&'static str] {
    match call.name.as_str() {
        "openat2" => &["EIO", "EMFILE"],
        "mkdirat" | "write" => &["ENOSPC"],
        "linkat" => &["EIO", "EEXIST"],
        "flock" => &["ENOLCK"],
        "fchmod" => &["EIO", "EPERM"],
        "fcntl" => &["EMFILE"],
        _ => &["EIO"],
    }
}

/// What is in `tmp/`, of whatever catalog.
fn temporaries(root: &Path) -> BTreeSet<PathBuf> {
    let found = fs::read_dir(root.join("tmp")).expect("it is there");
    let names = found.map(|file| file.expect("it can be read").file_name());
    names.map(|name| Path::new("tmp").join(name)).collect()
}

/// Whether others see a difference between before and after the call.
pub(crate) fn is_change(call: &Call) -> bool {
    let changes = [
        "mkdirat",
        "write",
        "ftruncate",
        "fchmod",
        "linkat",
        "renameat",
        "renameat2",
    ];
    let makes = call.name == "openat2" && call.args[2].contains("O_CREAT");
    makes || call.name == "unlinkat" || changes.contains(&call.name.as_str())
}

/// One call of the library on a catalog made by `prepare`.
pub(crate) struct Scene {
    strace: PathBuf,
    scratch: tempfile::TempDir,
    pub(crate) role: &'static str,
    pub(crate) before: State,
    pub(crate) after: State,
    pub(crate) calls: Vec<Call>,
    /// What is in `tmp/` before.
    temporaries: BTreeSet<PathBuf>,
}

impl Scene {
    /// `None` where nothing can be traced.
    pub(crate) fn new(role: &'static str, prepare: impl FnOnce(&Path, &Catalog)) -> Option<Self> {
        let strace = skip::program("strace")?;
        // No sync really waits here, and thousands do not matter.
        let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let scratch = scratch.expect("there is room");
        let template = scratch.path().join("template");
        let catalog = Catalog::create(&template).expect("it can be made");
        prepare(&template, &catalog);
        let mut scene = Self {
            strace,
            role,
            before: state(&template),
            temporaries: temporaries(&template),
            after: State::new(),
            calls: Vec::new(),
            scratch,
        };
        let root = scene.copy();
        let run = scene.run(&root, &[]);
        assert!(acknowledged(&run), "{}", child::shown(&run.output));
        scene.after = state(&root);
        scene.calls = run.calls;
        Some(scene)
    }

    /// Returns a fresh copy of the catalog.
    pub(crate) fn copy(&self) -> PathBuf {
        let (from, to) = (
            self.scratch.path().join("template"),
            self.scratch.path().join("root"),
        );
        let _ = fs::remove_dir_all(&to);
        // With the links that its files have to each other.
        let mut copy = Command::new("cp");
        let copied = copy.arg("--archive").args([&from, &to]).status();
        assert!(copied.expect("there is cp").success());
        to
    }

    pub(crate) fn run(&self, root: &Path, inject: &[String]) -> Run {
        strace::run(&self.strace, inject, self.role, root)
    }

    /// Makes every call fail in every way, and kills the process before each that changes something: of
    /// three calls one, unless there is time.
    pub(crate) fn every_fault(&self, and: impl Fn(&Path, &str)) {
        for call in patience::some(&self.calls, 3) {
            for fault in faults(call) {
                self.fail(call, fault, &and);
            }
            if is_change(call) {
                self.kill(call, &and);
            }
        }
    }

    /// Makes a call fail.
    pub(crate) fn fail(&self, call: &Call, fault: &str, and: impl Fn(&Path, &str)) {
        let root = self.copy();
        let run = self.run(&root, &[call.at(&format!("error={fault}"))]);
        let what = format!("{fault} at {call:?}\n{}", child::shown(&run.output));
        assert!(run.output.status.success(), "{what}");
        self.check(&root, acknowledged(&run), &what);
        // A damaged file may be there that could not be moved on.
        let is_left =
            |path: &&PathBuf| fs::read(root.join(path)).is_ok_and(|bytes| bytes != DAMAGED);
        let temporaries = temporaries(&root);
        let left = temporaries.difference(&self.temporaries).find(is_left);
        let is_removal = call.name == "unlinkat";
        assert!(is_removal || left.is_none(), "left in tmp/: {what}");
        and(&root, &what);
        self.check_retry(&root, &what);
    }

    /// Kills the process as it enters a call.
    pub(crate) fn kill(&self, call: &Call, and: impl Fn(&Path, &str)) {
        let root = self.copy();
        let run = self.run(&root, &[call.at("signal=SIGKILL")]);
        let what = format!("killed at {call:?}\n{}", child::shown(&run.output));
        assert!(!run.output.status.success(), "{what}");
        self.check(&root, false, &what);
        and(&root, &what);
        self.check_retry(&root, &what);
    }

    pub(crate) fn check(&self, root: &Path, acknowledged: bool, what: &str) {
        for (name, now) in state(root) {
            let is_old = !acknowledged && now == self.before[&name];
            assert!(
                is_old || now == self.after[&name],
                "{name} is {now:?}: {what}"
            );
        }
        for object in partial_objects(root) {
            let is_damaged = fs::read(&object).is_ok_and(|bytes| bytes == DAMAGED);
            assert!(is_damaged, "{object:?}: {what}");
        }
    }

    /// What was not done can be done now. (Another retire or rollback would go one step further.)
    fn check_retry(&self, root: &Path, what: &str) {
        if !matches!(self.role, "retire" | "rollback") {
            let catalog = Catalog::open(root).expect("there is a catalog");
            let again = act(&catalog, self.role);
            assert!(again.is_ok(), "{again:?} after {what}");
            self.check(root, true, what);
        }
    }
}

pub(crate) const DAMAGED: &[u8] = b"damaged";

pub(crate) fn acknowledged(run: &Run) -> bool {
    String::from_utf8_lossy(&run.output.stdout).contains("acknowledged")
}
