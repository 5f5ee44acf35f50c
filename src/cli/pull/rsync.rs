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
/// The most bytes of a link; it is read by its name alone.
const MAX_LINK: u64 = 1 << 10;

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

/// The arguments for all that is shown of a source.
fn tree(options: &[&str], shown: &[&str]) -> Vec<OsString> {
    let mut args = vec!["-r".into(), "-m".into()];
    args.extend(options.iter().map(OsString::from));
    args.extend(shown.iter().map(|rule| format!("--filter={rule}").into()));
    args
}

/// Counts a file that came.
fn transferred(seen: &mut Seen, told: &Told<'_>) {
    seen.bytes = seen.bytes.saturating_add(told.size);
    seen.objects += u64::from(told.name.starts_with("objects/"));
}

/// Transfers from one source.
pub(in crate::cli) struct Rsync<'a> {
    pub(super) spec: &'a str,
    pub(super) began: Instant,
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
        match which {
            Names::Different => {
                let different = self.find_different(staging, &options, &NAMES)?;
                self.bring_list(staging, &different, &options, MAX_NAMED)
            }
            Names::All => {
                let mut args = tree(&options, &NAMES);
                args.push(format!("--copy-dest={HERE}").into());
                args.push(format!("--max-size={MAX_NAMED}").into());
                self.run(staging, "", self.spec, args, MAX_NAMED, &mut transferred)
            }
        }
    }

    /// Brings the links that are not here. They are empty, and told apart by their names.
    pub(in crate::cli) fn bring_links(&mut self, staging: &Staging) -> Result<(), Failure> {
        let options = ["--size-only"];
        let different = self.find_different(staging, &options, &LINKS)?;
        self.bring_list(staging, &different, &options, MAX_LINK)
    }

    /// Returns what of all that is shown of the source is not as here. Nothing is transferred.
    fn find_different(
        &mut self,
        staging: &Staging,
        options: &[&str],
        shown: &[&str],
    ) -> Result<Vec<PathBuf>, Failure> {
        let mut args = tree(options, shown);
        args.push("--dry-run".into());
        let mut different = Vec::new();
        let files = self.seen.files;
        self.run(staging, HERE, self.spec, args, 0, &mut |_, told| {
            different.push(told.name.into());
        })?;
        // They count when they come.
        self.seen.files = files;
        Ok(different)
    }

    /// Brings the texts that are wanted. They come before the objects that they name, as a reader reads.
    pub(in crate::cli) fn bring_texts(
        &mut self,
        staging: &Staging,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        self.bring_list(staging, &wanted.texts, &["--ignore-times"], MAX_OBJECT)
    }

    /// Brings the objects and blobs that are wanted.
    pub(in crate::cli) fn bring(
        &mut self,
        staging: &Staging,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        self.bar.expect(wanted.objects.len());
        self.bring_list(staging, &wanted.objects, &[], MAX_OBJECT)?;
        self.bring_list(staging, &wanted.blobs, &[], wanted.largest_blob)
    }

    fn bring_list(
        &mut self,
        staging: &Staging,
        paths: &[PathBuf],
        options: &[&str],
        max_size: u64,
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
        let mut args = vec![OsString::from("--ignore-missing-args")];
        args.extend(from.map(OsString::from));
        args.extend(options.iter().map(OsString::from));
        args.push(format!("--max-size={max_size}").into());
        self.run(staging, "", source, args, max_size, &mut transferred)
    }

    /// Has rsync bring files to `to`, as seen from the staging, each of at most so many bytes.
    fn run(
        &mut self,
        staging: &Staging,
        to: &str,
        source: &str,
        mut args: Vec<OsString>,
        max_size: u64,
        take: &mut dyn FnMut(&mut Seen, &Told<'_>),
    ) -> Result<(), Failure> {
        args.extend(
            [
                "--no-links".to_owned(),
                // Nothing of theirs decides who may read here.
                "--chmod=D0700,F0600".to_owned(),
                format!("--timeout={PATIENCE}"),
                "--info=nonreg1,skip1,del0".to_owned(),
                format!("--out-format={}", child::LINE),
            ]
            .map(OsString::from),
        );
        args.extend(self.options.iter().cloned());
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
