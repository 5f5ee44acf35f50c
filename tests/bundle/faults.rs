//! A capture that fails or is killed leaves nothing under the final name, and one that fails leaves
//! nothing at all.

use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::Catalog;

use crate::capture;
use crate::sample::{assert_same, fill, names};
use crate::support::ballast::Ballast;
use crate::support::mount::{Kind, Mounted};
use crate::support::observe::cause;
use crate::support::strace::{self, Call, Run};
use crate::support::{Home, child, entry, listing, skip};

/// A catalog, a bundle of it, and the calls that made it.
struct Scene {
    strace: PathBuf,
    home: Home,
    /// What every bundle has to be.
    good: PathBuf,
    calls: Vec<Call>,
}

impl Scene {
    fn new() -> Option<Self> {
        let strace = skip::program("strace")?;
        let home = Home::new();
        home.put(&entry("b1", 1));
        let good = home.outside().join("good");
        capture(&home.catalog, &good).unwrap();
        let mut scene = Self {
            strace,
            home,
            good,
            calls: Vec::new(),
        };
        let run = scene.run(&[]);
        assert!(acknowledged(&run), "{}", child::shown(&run.output));
        scene.calls = run.calls;
        Some(scene)
    }

    /// The directory above the one in which the bundle is made.
    fn above(&self) -> PathBuf {
        self.home.outside().join("above")
    }

    fn final_name(&self) -> PathBuf {
        self.above().join("made/bundle")
    }

    /// Captures in another process.
    fn run(&self, inject: &[String]) -> Run {
        let _ = fs::remove_dir_all(self.above());
        fs::create_dir(self.above()).unwrap();
        let root = self.home.catalog.root();
        strace::run_with(&self.strace, inject, "capture", root, |command| {
            command.env("BUNDLE", self.final_name());
        })
    }
}

fn acknowledged(run: &Run) -> bool {
    String::from_utf8_lossy(&run.output.stdout).contains("acknowledged")
}

/// Whether the call changes something on the disk, or makes it survive.
fn is_step(call: &Call) -> bool {
    let steps = [
        "mkdir", "mkdirat", "write", "fchmod", "syncfs", "fsync", "renameat", "unlinkat",
    ];
    let makes = call.name == "openat2" && call.args[2].contains("O_CREAT");
    // Such as making a directory that exists.
    !call.failed() && (makes || steps.contains(&call.name.as_str()))
}

#[test]
fn everything_is_synced_before_the_name_and_the_name_before_it_is_acknowledged() {
    let Some(scene) = Scene::new() else { return };
    let steps: Vec<_> = scene.calls.iter().filter(|call| is_step(call)).collect();
    let parent = scene.final_name().parent().unwrap().to_owned();
    let renamed = steps.iter().position(|call| call.name == "renameat");
    let renamed = renamed.unwrap();
    assert_eq!(steps[renamed].path(2), scene.final_name());
    assert_eq!(steps[renamed - 1].name, "syncfs", "and nothing in between");
    let hidden = steps[renamed].path(0);
    assert_eq!(steps[renamed - 1].descriptor(0), hidden);
    assert!(
        hidden
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(".bundle.")
    );
    let [last] = steps[renamed + 1..] else {
        panic!("{:?}", &steps[renamed + 1..])
    };
    assert_eq!((last.name.as_str(), last.descriptor(0)), ("fsync", parent));
    // The directory that was made above it.
    let made = steps.iter().position(|call| call.name == "mkdir").unwrap();
    let synced = (made..renamed)
        .any(|at| steps[at].name == "fsync" && steps[at].descriptor(0) == scene.above());
    assert!(synced);
}

#[test]
fn capture_that_fails_anywhere_leaves_nothing() {
    let Some(scene) = Scene::new() else { return };
    let renamed = (scene.calls.iter()).position(|call| call.name == "renameat");
    let mut failed = 0;
    for (at, call) in scene.calls.iter().enumerate() {
        if !is_step(call) {
            continue;
        }
        let fault = if call.name == "write" {
            "ENOSPC"
        } else {
            "EIO"
        };
        let run = scene.run(&[call.at(&format!("error={fault}"))]);
        let what = format!("{fault} at {call:?}\n{}", child::shown(&run.output));
        assert!(!acknowledged(&run), "{what}");
        assert!(run.output.status.success(), "{what}");
        if Some(at) > renamed {
            // It is whole, and could not be acknowledged.
            assert_same(&scene.good, &scene.final_name());
        } else {
            assert_eq!(names(&scene.above()), [""; 0], "{what}");
        }
        failed += 1;
    }
    assert!(failed > 40, "only {failed} calls");
}

#[test]
fn capture_that_is_killed_anywhere_leaves_no_final_name() {
    let Some(scene) = Scene::new() else { return };
    let renamed = (scene.calls.iter()).position(|call| call.name == "renameat");
    for (at, call) in scene.calls.iter().enumerate() {
        if !is_step(call) {
            continue;
        }
        let run = scene.run(&[call.at("signal=SIGKILL")]);
        assert!(!run.output.status.success(), "{call:?}");
        if Some(at) > renamed {
            assert_same(&scene.good, &scene.final_name());
            continue;
        }
        let left = names(&scene.above().join("made"));
        let is_hidden = |name: &String| name.starts_with(".bundle.");
        assert!(left.iter().all(is_hidden), "{left:?} at {call:?}");
        // What is left is in nobody's way.
        capture(&scene.home.catalog, &scene.final_name()).unwrap();
        assert_same(&scene.good, &scene.final_name());
    }
}

/// Lets capturing fail for want of room, with one bit more each time until there is enough, and
/// returns how often that was.
fn fail_for_want_of_room(kind: Kind) -> Option<u32> {
    let file_system = Mounted::new(kind)?;
    let home = Home::new();
    let server = home.outside().join("server");
    fs::write(&server, "ELF").unwrap();
    fill(&home.catalog, &server);
    let good = home.outside().join("good");
    capture(&home.catalog, &good).unwrap();
    let dir = file_system.path().join("dir");
    fs::create_dir(&dir).unwrap();
    let out = dir.join("made/bundle");
    let mut ballast = match kind {
        Kind::Btrfs => Ballast::of_blocks(&file_system, 200, 128 << 10),
        Kind::Ext4FewInodes => Ballast::of_inodes(&file_system),
        _ => Ballast::of_blocks(&file_system, 250, 4 << 10),
    };
    let mut failures = 0;
    while let Err(error) = capture(&home.catalog, &out) {
        assert!(cause(&error).is_full(), "{kind:?}: {error}");
        assert_eq!(names(&dir), [""; 0], "{kind:?}: {error}");
        failures += 1;
        ballast.release(&file_system);
    }
    assert_same(&good, &out);
    ballast.remove(&file_system);
    Some(failures)
}

#[test]
fn full_file_system_gets_a_whole_bundle_or_none() {
    let kinds = [Kind::Ext4, Kind::Ext4FewInodes, Kind::Btrfs];
    let failures: Option<Vec<_>> = kinds.into_iter().map(fail_for_want_of_room).collect();
    let Some(failures) = failures else { return };
    // What a file system keeps for itself may do for a bundle.
    assert!(failures.iter().sum::<u32>() > 3, "{failures:?}");
}

#[test]
fn capture_changes_nothing_in_the_catalog() {
    let home = Home::new();
    let server = home.outside().join("server");
    fs::write(&server, "ELF").unwrap();
    fill(&home.catalog, &server);
    let before = listing(home.catalog.root());
    let opened = Catalog::open(home.catalog.root()).unwrap();
    capture(&opened, &home.outside().join("bundle")).unwrap();
    assert_eq!(listing(Path::new(home.catalog.root())), before);
}
