//! A catalog to trace a call on, and the rules that the call has to follow.

use std::path::PathBuf;

use engine_catalog::Catalog;

use super::disk_model::{Disk, Event, events};
use super::rules::Rules;
use super::support::sample::entry;
use super::support::strace::{self, Run};
use super::support::{child, object_file, object_of, skip, stamp};

/// A catalog in a scratch directory, and what a traced call did to it.
pub(crate) struct Scene {
    pub(crate) strace: PathBuf,
    pub(crate) scratch: tempfile::TempDir,
    pub(crate) root: PathBuf,
}

impl Scene {
    /// A catalog with `builds` put one after the other; `None` where nothing can be traced.
    pub(crate) fn with(builds: &[&str]) -> Option<Self> {
        let scene = Self::empty()?;
        let catalog = Catalog::create(&scene.root).expect("it can be made");
        for build in builds {
            catalog
                .put(&entry("e", build), &stamp(1))
                .expect("it can be put");
        }
        Some(scene)
    }

    /// No catalog yet.
    pub(crate) fn empty() -> Option<Self> {
        let strace = skip::program("strace")?;
        let scratch = tempfile::tempdir().expect("there is room");
        let root = scratch.path().join("root");
        Some(Self {
            strace,
            scratch,
            root,
        })
    }

    pub(crate) fn run(&self, role: &str, inject: &[String]) -> Run {
        let run = strace::run(&self.strace, inject, role, &self.root);
        assert!(run.output.status.success(), "{}", child::shown(&run.output));
        assert!(!run.calls.is_empty(), "nothing was traced");
        run
    }

    /// Runs the helper process and requires that it follows the rules. Returns what it did.
    pub(crate) fn check(&self, role: &str, inject: &[String], rules: &Rules) -> Vec<Event> {
        let mut disk = Disk::of(self.scratch.path());
        if self.root.join("format").exists() {
            // Whoever made the catalog saw to it.
            disk.apply(&Event::Sync(self.scratch.path().into()));
        }
        let events = events(&self.run(role, inject).calls);
        let broken = rules.broken(&mut disk, &events);
        assert!(broken.is_empty(), "{broken:#?}\nin {events:#?}");
        events
    }

    pub(crate) fn object(&self, build: &str) -> PathBuf {
        object_file(&self.root, object_of(&entry("e", build)))
    }

    pub(crate) fn reference(&self) -> PathBuf {
        self.root.join("refs/e/1")
    }

    pub(crate) fn history(&self) -> PathBuf {
        self.root.join("history/e/1")
    }

    /// The rules for one change of the one ref, to `build` or to nothing.
    pub(crate) fn rules(&self, build: Option<&str>) -> Rules {
        let object = build.map(|build| self.object(build));
        let first: Vec<_> = object.into_iter().chain([self.history()]).collect();
        Rules {
            root: self.root.clone(),
            at_the_end: [&first[..], &[self.reference()]].concat(),
            before: vec![(self.reference(), first)],
        }
    }
}
