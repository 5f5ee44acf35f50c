//! What rsync is asked for, round by round: names and refs, then what they lead to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use engine_catalog::{Staging, Wanted};

use super::child::{self, Limits, Seen, Told};
use super::source::divide;
use crate::cli::Status;
use crate::cli::bar::TransferBar;
use crate::cli::failure::{Failure, say};

/// The most bytes of a ref, and of the name of a snapshot (layout.md section 1).
const MAX_NAMED: u64 = 65;
/// The most bytes of a history, and of an object.
const MAX_OBJECT: u64 = 64 << 20;
/// The most bytes of what is written by whoever rsync runs to reach the source, such as the key of another
/// machine, while rsync itself writes nothing.
const MAX_OF_OTHERS: u64 = 16 << 20;

/// Seconds after which a source that says nothing is given up.
const PATIENCE: u64 = 120;

/// What is shown of refs and of named snapshots: these names at these depths.
const NAMES: [&str; 6] = [
    // Not only directories: what lies in the place of one is told of.
    "+ /refs",
    "+ /refs/*",
    "+ /refs/*/*",
    "+ /snapshots",
    "+ /snapshots/*",
    "- *",
];

/// What is shown of links.
const LINKS: [&str; 5] = [
    "+ /attachments",
    "+ /attachments/*",
    "+ /attachments/*/*",
    "+ /attachments/*/*/*",
    "- *",
];

/// From the staging it is so far to the root.
const HERE: &str = "../../";

/// Which refs and names of snapshots are brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Names {
    /// Every one. Those that are as here come from here.
    All,
    /// Those that are not as here.
    Different,
}

/// What tells whether a ref, or the name of a snapshot, is as here. The size is the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum By {
    /// When it was written, in nanoseconds.
    Times,
    /// What it holds.
    Contents,
}

/// Takes up what rsync tells of.
type Take<'t> = &'t mut dyn FnMut(&mut Seen, &Told<'_>);

fn to_args(options: &[&str]) -> Vec<OsString> {
    options.iter().map(OsString::from).collect()
}

/// Counts a file that came.
fn transferred(seen: &mut Seen, told: &Told<'_>) {
    if told.name.ends_with('/') {
        return;
    }
    seen.bytes = seen.bytes.saturating_add(told.size);
    seen.objects += u64::from(told.name.starts_with("objects/"));
}

/// Transfers from one source.
pub(in crate::cli) struct Rsync<'a> {
    pub(super) spec: &'a str,
    began: Instant,
    limits: Limits,
    /// What the caller asked for.
    options: Vec<OsString>,
    seen: Seen,
    bar: TransferBar,
}

impl<'a> Rsync<'a> {
    pub(super) fn new(
        spec: &'a str,
        limits: Limits,
        rsh: Option<&str>,
        further: &[String],
    ) -> Self {
        let rsh = rsh.map(|rsh| format!("--rsh={rsh}"));
        let options = rsh.iter().chain(further);
        Self {
            spec,
            began: Instant::now(),
            limits,
            options: options.map(OsString::from).collect(),
            seen: Seen::default(),
            bar: TransferBar::default(),
        }
    }

    /// Brings refs and names of snapshots, with the times at which they were written.
    pub(in crate::cli) fn bring_names(
        &mut self,
        staging: &Staging,
        which: Names,
        by: By,
    ) -> Result<(), Failure> {
        let compare = match by {
            By::Times => "--modify-window=-1",
            By::Contents => "--checksum",
        };
        let options = ["--times", "--omit-dir-times", compare];
        let mut args = to_args(&options);
        let mut wanted = match which {
            // None of them has come.
            Names::All => self.find_different(staging, "", &options, &NAMES)?,
            Names::Different => self.find_different(staging, HERE, &options, &NAMES)?,
        };
        if wanted.is_empty() && self.seen.is_partial {
            let message = format!("rsync could not read {}", self.spec);
            return Err(Failure::Unusable(message));
        }
        match (which, by) {
            (Names::All, _) => args.push(format!("--copy-dest={HERE}").into()),
            (Names::Different, By::Times) => wanted.extend(staging.doubtful()?),
            (Names::Different, By::Contents) => {}
        }
        self.bring_list(staging, &wanted, args, MAX_NAMED)?;
        // The times were told before the files were read: what has changed since has another now.
        let args = to_args(&[
            "--times",
            "--omit-dir-times",
            "--modify-window=-1",
            "--dry-run",
        ]);
        let changed =
            self.find(|rsync, take| rsync.run_list(staging, &wanted, args, MAX_OF_OTHERS, take))?;
        staging.forget_times(&changed)?;
        if which == Names::Different {
            staging.pass_over_same()?;
        }
        Ok(())
    }

    /// Finds the links that are not here. They are empty, and told apart by their names.
    pub(in crate::cli) fn find_links(&mut self, staging: &mut Staging) -> Result<(), Failure> {
        let links = self.find_different(staging, HERE, &["--size-only"], &LINKS)?;
        staging.offer_links(&links);
        Ok(())
    }

    /// Returns what of all that is shown of the source is not as in the directory `than`, as seen from the
    /// staging. Nothing is transferred.
    fn find_different(
        &mut self,
        staging: &Staging,
        than: &str,
        options: &[&str],
        shown: &[&str],
    ) -> Result<Vec<PathBuf>, Failure> {
        let mut args = to_args(&["-r", "--dry-run"]);
        args.extend(to_args(options));
        args.extend(shown.iter().map(|rule| format!("--filter={rule}").into()));
        // What is a directory as deep as files are is told of.
        let deepest = shown.iter().map(|rule| rule.matches('/').count()).max();
        let (mut odd, spec) = (0, self.spec);
        let different = self.find(|rsync, take| {
            rsync.run(
                staging,
                than,
                spec,
                args,
                MAX_OF_OTHERS,
                &mut |seen, told| match told.name.strip_suffix('/') {
                    None => take(seen, told),
                    Some(dir) if Some(dir.split('/').count()) == deepest => {
                        say("error", &format!("in {spec}: {dir} is a directory"));
                        odd += 1;
                    }
                    Some(_) => {}
                },
            )
        })?;
        self.seen.passed_over += odd;
        Ok(different)
    }

    /// Returns the files that a run tells of which transfers none.
    fn find(
        &mut self,
        run: impl FnOnce(&mut Self, Take<'_>) -> Result<(), Failure>,
    ) -> Result<Vec<PathBuf>, Failure> {
        let (files, mut found) = (self.seen.files, Vec::new());
        run(self, &mut |_, told| {
            if !told.name.ends_with('/') {
                found.push(told.name.into());
            }
        })?;
        // They count when they come.
        self.seen.files = files;
        Ok(found)
    }

    /// Brings the texts that are wanted. They come before the objects that they name, as a reader reads.
    pub(in crate::cli) fn bring_texts(
        &mut self,
        staging: &Staging,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        let options = vec!["--ignore-times".into()];
        self.bring_list(staging, &wanted.texts, options, MAX_OBJECT)
    }

    /// Brings the objects and blobs that are wanted.
    pub(in crate::cli) fn bring(
        &mut self,
        staging: &Staging,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        self.bar.expect(wanted.objects.len());
        self.bring_list(staging, &wanted.objects, Vec::new(), MAX_OBJECT)?;
        self.bring_list(staging, &wanted.blobs, Vec::new(), wanted.largest_blob)
    }

    /// Brings files of at most so many bytes.
    fn bring_list(
        &mut self,
        staging: &Staging,
        paths: &[PathBuf],
        mut args: Vec<OsString>,
        max_size: u64,
    ) -> Result<(), Failure> {
        args.push(format!("--max-size={max_size}").into());
        self.run_list(staging, paths, args, max_size, &mut transferred)
    }

    fn run_list(
        &mut self,
        staging: &Staging,
        paths: &[PathBuf],
        mut args: Vec<OsString>,
        max_size: u64,
        take: Take<'_>,
    ) -> Result<(), Failure> {
        if paths.is_empty() {
            return Ok(());
        }
        let (source, below) = divide(self.spec);
        // What stands before the dot does not count as part of the name.
        let below = |path: &PathBuf| Path::new(below).join(".").join(path);
        let list = staging.write_list(&paths.iter().map(below).collect::<Vec<_>>())?;
        let list = staging.path().join(list);
        let from = ["-0".to_owned(), format!("--files-from={}", list.display())];
        // Not every source has a history.
        args.push("--ignore-missing-args".into());
        args.extend(from.map(OsString::from));
        self.run(staging, "", source, args, max_size, take)
    }

    /// Has rsync bring files to `to`, as seen from the staging, each of at most so many bytes.
    fn run(
        &mut self,
        staging: &Staging,
        to: &str,
        source: &str,
        own: Vec<OsString>,
        max_size: u64,
        take: Take<'_>,
    ) -> Result<(), Failure> {
        let mut args = vec![OsString::from(format!("--timeout={PATIENCE}"))];
        args.extend(self.options.iter().cloned());
        // Of what the caller asked for none may change what rsync says, and what is done with that.
        args.extend(to_args(&[
            "--no-verbose",
            "--no-progress",
            "--debug=none",
            "--info=none,nonreg1,skip1",
            "--no-links",
            // Nothing of theirs decides who may read here.
            "--chmod=D0700,F0600",
            child::OUT_FORMAT,
        ]));
        args.extend(own);
        args.extend(["--".into(), format!("{source}/").into()]);
        args.push(staging.path().join(to).join("").into());
        let (seen, bar) = (&mut self.seen, &mut self.bar);
        child::run(
            self.spec,
            staging,
            args,
            max_size,
            &self.limits,
            seen,
            &mut |seen, told| {
                take(seen, told);
                bar.show(seen.objects, seen.bytes);
            },
        )
    }

    /// Says what came.
    pub(in crate::cli) fn say(&self, command: &str) {
        let Seen { objects, bytes, .. } = self.seen;
        let (spec, seconds) = (self.spec, self.began.elapsed().as_secs_f64());
        let message =
            format!("{objects} objects came from {spec}, {bytes} bytes in all, in {seconds:.1} s");
        say(command, &message);
    }

    /// Says what came, and returns how the command ends that has come so far.
    pub(in crate::cli) fn finish(
        self,
        command: &str,
        ended: Result<Status, Failure>,
    ) -> Result<Status, Failure> {
        self.say(command);
        let status = ended?;
        if self.seen.is_partial {
            let message = format!("rsync could not read all of {}", self.spec);
            return Err(Failure::Unusable(message));
        }
        match self.seen.passed_over {
            0 => Ok(status),
            count => Err(Failure::Damaged(count)),
        }
    }
}
