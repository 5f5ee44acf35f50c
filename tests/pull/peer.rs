//! Another catalog that rsync reaches, by a shell in the place of ssh, and a catalog that pulls from it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use engine_catalog::{Catalog, VerifyScope};

use crate::program::Program;
use crate::support::{Home, entry, listing, skip};

/// Where the remote shell leads: it drops the name of the host and runs the rest.
const SHELL: &str = "#!/bin/sh\nshift\nexec sh -c \"$*\"\n";

/// Ours, and theirs with the way to it.
pub(crate) struct Peer {
    pub(crate) theirs: Home,
    pub(crate) ours: Program,
    rsh: PathBuf,
    /// Where `rsync` is looked for, if not where it is.
    path: Option<PathBuf>,
}

impl Peer {
    /// Ours has an entry, theirs is empty; `None` where there is no rsync.
    pub(crate) fn new() -> Option<Self> {
        skip::program("rsync")?;
        let (theirs, ours) = (Home::new(), Program::with_catalog());
        let rsh = script(theirs.outside(), "shell", SHELL);
        let peer = Self {
            theirs,
            ours,
            rsh,
            path: None,
        };
        peer.catalog()
            .put(&entry("ours", 1), &crate::support::stamp(1))
            .unwrap();
        Some(peer)
    }

    pub(crate) fn catalog(&self) -> Catalog {
        Catalog::open(self.ours.root()).unwrap()
    }

    /// What `pull` calls theirs.
    pub(crate) fn source(&self) -> String {
        format!("peer:{}", self.theirs.catalog.root().display())
    }

    /// The argument that leads to theirs.
    pub(crate) fn rsh(&self) -> String {
        format!("--rsh={}", self.rsh.display())
    }

    /// The arguments that pull from theirs.
    pub(crate) fn args(&self, more: &[&str]) -> Vec<String> {
        let fixed = ["pull".to_owned(), self.rsh(), self.source()];
        let more = more.iter().map(|&arg| arg.to_owned());
        fixed.into_iter().chain(more).collect()
    }

    /// Has a script in the place of the shell.
    pub(crate) fn speaks_by(&mut self, text: &str) {
        self.rsh = script(self.theirs.outside(), "speech", text);
    }

    /// Has a script in the place of rsync here.
    pub(crate) fn runs(&mut self, text: &str) {
        let bin = self.theirs.outside().join("bin");
        fs::create_dir(&bin).unwrap();
        script(&bin, "rsync", text);
        let system = std::env::var("PATH").unwrap();
        self.path = Some(format!("{}:{system}", bin.display()).into());
    }

    pub(crate) fn pull(&self, more: &[&str]) -> Output {
        let mut command = self.ours.command();
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        command.args(self.args(more)).output().unwrap()
    }

    /// Pulls what does harm: nothing outside of `tmp/` changes, the error names the source and every one
    /// of `named`, and pulling from somebody else works.
    pub(crate) fn harms_nothing(&self, more: &[&str], named: &[&str]) {
        let before = self.outside_tmp();
        let output = self.pull(more);
        let message = String::from_utf8(output.stderr).expect("messages are text");
        assert_eq!(output.status.code(), Some(3), "{message}");
        let source = self.source();
        for named in named.iter().copied().chain([&*source]) {
            assert!(message.contains(named), "{named} is not in:\n{message}");
        }
        assert_eq!(self.outside_tmp(), before, "{message}");

        let good = Home::new();
        good.put(&entry("good", 1));
        let good = good.catalog.root().display().to_string();
        let (_, status) = self.ours.stdout(&["pull", &good]);
        assert_eq!(status, 0, "a good source is not kept out");
        assert!(self.catalog().exists("llamacpp:good").unwrap());
        assert_sound(&self.catalog());
    }

    /// Everything around our catalog but its `tmp/`.
    pub(crate) fn outside_tmp(&self) -> Vec<(PathBuf, String)> {
        let tmp = self.ours.root().join("tmp");
        let found = listing(self.ours.dir()).into_iter();
        found.filter(|(path, _)| !path.starts_with(&tmp)).collect()
    }

    /// The directories of transfers that were not finished.
    pub(crate) fn staged(&self) -> Vec<PathBuf> {
        let found = fs::read_dir(self.ours.root().join("tmp")).unwrap();
        found.map(|entry| entry.unwrap().path()).collect()
    }
}

/// Nothing is wrong with a catalog, and nothing is left over in it.
pub(crate) fn assert_sound(catalog: &Catalog) {
    let report = catalog.verify(&VerifyScope::default(), &|_| {});
    let findings = report.unwrap().findings;
    assert!(findings.is_empty(), "{findings:#?}");
}

/// Makes a script, and returns its path.
fn script(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}
