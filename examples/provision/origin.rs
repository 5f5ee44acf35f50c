//! Where the source comes from, and what names it so that it is this source and no other.
//!
//! A git ref moves, so it is resolved to its commit first, which names the same files wherever the
//! repository is cloned from. A source directory changes, and git does not tell one uncommitted change
//! from another, so the digest of its files names it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::plan::Step;
use crate::request::refuse_secret;
use crate::tree::Tree;
use crate::{Result, libraries, say, tool};

#[derive(Debug)]
pub(crate) enum Origin {
    Git {
        url: String,
        reference: String,
        commit: String,
    },
    Directory {
        path: PathBuf,
        tree: Tree,
        /// Where builds go, which may be in it.
        except: PathBuf,
    },
}

/// What git sets for its hooks and the like. With it, every git works on the repository of whoever called
/// this, wherever it is started.
const OF_ANOTHER_REPOSITORY: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_SHALLOW_FILE",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

/// Returns git, which asks nobody for a password.
pub(crate) fn git() -> Command {
    let mut git = Command::new("git");
    git.env("GIT_TERMINAL_PROMPT", "0");
    leave(&mut git);
    git
}

fn leave(command: &mut Command) {
    for name in OF_ANOTHER_REPOSITORY {
        command.env_remove(name);
    }
}

/// Has git, also where cmake calls it, not take another repository for that of the source: the one around
/// `source`, or that of whoever called this.
pub(crate) fn stay_within(command: &mut Command, source: &Path) {
    leave(command);
    if let Some(above) = source.parent() {
        command.env("GIT_CEILING_DIRECTORIES", above);
    }
}

/// Returns the name that git has for the source in a directory.
pub(crate) fn describe(source: &Path) -> Result<String> {
    let mut git = git();
    git.arg("-C").arg(source);
    git.args(["describe", "--tags", "--always", "--dirty"]);
    stay_within(&mut git, source);
    Ok(tool::answer(&mut git)?.trim_end().to_owned())
}

impl Origin {
    /// Asks the repository which commit a branch, a tag or a full commit id is.
    pub(crate) fn git(url: &str, reference: &str) -> Result<Self> {
        // Git repeats the URL in what it complains of.
        refuse_secret("git URL", url)?;
        refuse_secret("git ref", reference)?;
        let origin = |commit: &str| Self::Git {
            url: url.to_owned(),
            reference: reference.to_owned(),
            commit: commit.to_owned(),
        };
        let is_hex = reference
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if is_hex && matches!(reference.len(), 40 | 64) {
            return Ok(origin(reference));
        }
        // An annotated tag is an object of its own; what it is of stands behind `^{}`.
        let names = [
            format!("refs/tags/{reference}^{{}}"),
            format!("refs/tags/{reference}"),
            format!("refs/heads/{reference}"),
            reference.to_owned(),
        ];
        let listed = tool::answer(git().args(["ls-remote", "--", url]).args(&names))?;
        let lines: Vec<_> = listed
            .lines()
            .filter_map(|it| it.split_once('\t'))
            .collect();
        let of_name = |name: &String| lines.iter().find(|(_, found)| found == name);
        match names.iter().find_map(of_name) {
            Some((commit, _)) => Ok(origin(commit)),
            None => Err(format!(
                "{url} has no branch or tag {reference}; a commit is given by its whole id"
            )
            .into()),
        }
    }

    /// Reads a source directory, less the one where builds go.
    pub(crate) fn directory(path: &Path, except: &Path) -> Result<Self> {
        let (path, except) = (libraries::real(path)?, except.to_owned());
        let tree = Tree::read(&path, &except)?;
        Ok(Self::Directory { path, tree, except })
    }

    /// Returns what names the source.
    pub(crate) fn term(&self) -> (&'static str, String) {
        match self {
            Self::Git { commit, .. } => ("commit", commit.clone()),
            Self::Directory { tree, .. } => ("tree", tree.digest().to_string()),
        }
    }

    /// Returns what the record says of where it was made from.
    pub(crate) fn build_ref(&self) -> String {
        match self {
            Self::Git { url, commit, .. } => format!("{url}@{commit}"),
            Self::Directory { tree, .. } => format!("tree:{}", tree.digest()),
        }
    }

    /// Returns the directory with the source, for a build in `place`.
    pub(crate) fn source_dir(&self, place: &Path) -> PathBuf {
        match self {
            Self::Git { .. } => place.join("source"),
            Self::Directory { path, .. } => path.clone(),
        }
    }

    pub(crate) fn steps(&self, place: &Path) -> Vec<Step> {
        match self {
            Self::Git {
                url,
                reference,
                commit,
            } => {
                let to = self.source_dir(place);
                let detail = format!("{reference} ({commit}) of {url} to {}", to.display());
                vec![Step::new("checkout", detail)]
            }
            Self::Directory { .. } => vec![],
        }
    }

    /// Brings the source to where [`source_dir`](Self::source_dir) says.
    pub(crate) fn check_out(&self, place: &Path) -> Result<()> {
        let Self::Git { url, commit, .. } = self else {
            return Ok(());
        };
        let dir = self.source_dir(place);
        let within = || {
            let mut git = git();
            stay_within(&mut git, &dir);
            git.arg("-C").arg(&dir);
            git
        };
        // Git moves HEAD when everything is there. Since then somebody may have edited it, to see whether
        // that mends the build.
        if dir.is_dir() {
            let head = tool::answer(within().args(["rev-parse", "HEAD"]));
            let changes = tool::answer(within().args(["status", "--porcelain"]));
            if head.is_ok_and(|head| head.trim_end() == commit)
                && changes.is_ok_and(|changes| changes.is_empty())
            {
                return Ok(());
            }
            say("what was checked out is not as it was: checking it out anew");
            fs::remove_dir_all(&dir)?;
        }
        tool::run(
            git()
                .args(["clone", "--quiet", "--no-checkout", "--", url])
                .arg(&dir),
        )?;
        tool::run(within().args(["checkout", "--quiet", "--detach", commit]))?;
        if dir.join(".gitmodules").exists() {
            tool::run(within().args(["submodule", "update", "--init", "--recursive"]))?;
        }
        Ok(())
    }

    /// Requires that the source is still what was asked for: what was built from anything else would be
    /// recorded under a false name.
    pub(crate) fn require_unchanged(&self) -> Result<()> {
        let Self::Directory { path, tree, except } = self else {
            return Ok(());
        };
        match tree.difference(&Tree::read(path, except)?) {
            None => Ok(()),
            Some(file) => Err(format!(
                "{} changed while it was built: run this again for the source as it is now",
                path.join(file).display()
            )
            .into()),
        }
    }
}
