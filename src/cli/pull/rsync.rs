//! What rsync is asked for, round by round: names and refs, then what they lead to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use engine_catalog::{Staging, Wanted};

use super::child::{self, Limits, Seen};
use super::source::divide;
use crate::cli::bar::TransferBar;
use crate::cli::failure::Failure;

/// The most bytes of a ref, and of the name of a snapshot (layout.md section 1).
const MAX_NAMED: u64 = 65;
/// The most bytes of a history, and of an object.
const MAX_OBJECT: u64 = 64 << 20;
/// The most bytes of a link; it is read by its name alone.
const MAX_LINK: u64 = 1 << 10;

/// Seconds after which a source that says nothing is given up.
const PATIENCE: u64 = 120;

/// What the first round shows of the source: these names at these depths.
const NAMES: [&str; 6] = [
    // Not only directories: what lies in the place of one is told of.
    "+ /refs",
    "+ /refs/*",
    "+ /refs/*/*",
    "+ /snapshots",
    "+ /snapshots/*",
    "- *",
];

/// Which names are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Names {
    All,
    Different,
}

/// Transfers from one source.
pub(in crate::cli) struct Rsync<'a> {
    spec: &'a str,
    limits: Limits,
    /// What the caller asked for.
    options: Vec<OsString>,
    seen: Seen,
    bar: TransferBar,
}

/// What came from a source.
pub(in crate::cli) struct Transferred {
    /// Objects.
    pub(super) objects: u64,
    /// Bytes of all files.
    pub(super) bytes: u64,
    /// What has a name that was asked for, and was not taken.
    pub(super) passed_over: usize,
    /// Whether rsync could not read all that it was asked for.
    pub(super) is_partial: bool,
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
            limits,
            options: options.map(OsString::from).collect(),
            seen: Seen::default(),
            bar: TransferBar::default(),
        }
    }

    /// Brings the refs and names of snapshots, or only those that differ from ours: rsync compares their
    /// contents, because refs all have the same size.
    pub(in crate::cli) fn bring_names(
        &mut self,
        staging: &Staging,
        which: Names,
    ) -> Result<(), Failure> {
        let mut compare = vec!["-r", "-c", "-m", "--delete"];
        if which == Names::Different {
            // From the staging it is so far to the root.
            compare.push("--compare-dest=../../");
        }
        let filters = NAMES.map(|rule| format!("--filter={rule}"));
        let args = compare.into_iter().map(OsString::from);
        let args = args.chain(filters.map(OsString::from));
        self.run(staging, self.spec, args.collect(), MAX_NAMED)
    }

    /// Brings the texts that are wanted. They come before the objects that they name, as a reader reads.
    pub(in crate::cli) fn bring_texts(
        &mut self,
        staging: &Staging,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        self.bring_list(staging, &wanted.texts, &["--ignore-times"], MAX_OBJECT)
    }

    /// Brings the links and objects that are wanted.
    pub(in crate::cli) fn bring(
        &mut self,
        staging: &Staging,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        let deeper = "--filter=- attachments/*/*/*/";
        let links = ["-r", "--size-only", deeper];
        self.bring_list(staging, &wanted.links, &links, MAX_LINK)?;
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
        // Not every source has a history, or anything attached.
        let mut args = vec![OsString::from("--ignore-missing-args")];
        args.extend(from.map(OsString::from));
        args.extend(options.iter().map(OsString::from));
        self.run(staging, source, args, max_size)
    }

    fn run(
        &mut self,
        staging: &Staging,
        source: &str,
        mut args: Vec<OsString>,
        max_size: u64,
    ) -> Result<(), Failure> {
        args.extend(
            [
                "--no-links".to_owned(),
                // Nothing of theirs decides who may read here.
                "--chmod=D0700,F0600".to_owned(),
                format!("--max-size={max_size}"),
                format!("--timeout={PATIENCE}"),
                "--info=nonreg1,skip1,del0".to_owned(),
                format!("--out-format={}", child::LINE),
            ]
            .map(OsString::from),
        );
        args.extend(self.options.iter().cloned());
        args.extend(["--".into(), format!("{source}/").into()]);
        args.push(staging.path().join("").into());
        let (seen, bar) = (&mut self.seen, &mut self.bar);
        child::run(
            self.spec,
            staging,
            args,
            max_size,
            &self.limits,
            seen,
            &mut |seen| bar.show(seen.objects, seen.bytes),
        )
    }

    /// Returns what came.
    pub(in crate::cli) fn finish(self) -> Transferred {
        Transferred {
            objects: self.seen.objects,
            bytes: self.seen.bytes,
            passed_over: self.seen.passed_over,
            is_partial: self.seen.is_partial,
        }
    }
}
