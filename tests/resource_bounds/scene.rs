//! A small sound catalog, the commands that read it, and what each of them takes there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::{Artifacts, Catalog, Filter, Members, Name, ObjectId, PreparedEngine};
use tempfile::TempDir;

use crate::bounded::{Bounded, Limits, Run};
use crate::support::sample::entry;
use crate::support::{listing, object_file, stamp};

/// Every command that reads, or that brings in: `{out}` and `{own}` stand for what is not there yet,
/// and for another catalog, `{root}` for the catalog itself.
pub(crate) const COMMANDS: [(&str, &[&str]); 25] = [
    ("get", &["get", "e0/1"]),
    ("get by id", &["get", "e0:1"]),
    ("get unknown", &["get", "nobody-knows"]),
    ("list", &["list"]),
    ("export", &["export"]),
    ("history", &["history", "e0/1"]),
    ("diff", &["diff", "e0/1", "e1/1"]),
    ("verify", &["verify", "--json"]),
    ("check", &["check", "tgi/1"]),
    ("check all", &["check", "--all"]),
    ("why", &["why", "{object}"]),
    ("doctor", &["doctor", "--json"]),
    ("snapshot list", &["snapshot", "list"]),
    ("snapshot show", &["snapshot", "show", "s"]),
    ("snapshot diff", &["snapshot", "diff", "s", "s"]),
    ("snapshot id", &["snapshot", "create", "--print-id"]),
    ("capture", &["capture", "--out", "{out}"]),
    ("import", &["--root", "{own}", "import", "{root}"]),
    ("compare", &["--root", "{own}", "compare", "{root}"]),
    ("blobs list", &["blobs", "list"]),
    ("blobs of an engine", &["blobs", "list", "tgi/1"]),
    ("materialize", &["materialize", "tgi/1", "--to", "{out}"]),
    (
        "import blobs",
        &["--root", "{own}", "import", "--blobs", "{root}"],
    ),
    (
        "repair from",
        &["--root", "{own}", "verify", "--repair", "--from", "{root}"],
    ),
    (
        "heal from",
        &["--root", "{own}", "heal", "--from", "{root}"],
    ),
];

/// The commands that exit with 1 where all is well.
pub(crate) const FINDING: [&str; 3] = ["compare", "diff", "get unknown"];

/// A catalog, and what is around it.
pub(crate) struct Scene {
    pub(crate) bounded: Bounded,
    dir: TempDir,
    pub(crate) catalog: Catalog,
    /// The object of `e0/1`.
    pub(crate) object: ObjectId,
}

impl Scene {
    /// Three refs, one with a manifest and one retired, and a snapshot; beside it another catalog that
    /// lacks an object.
    pub(crate) fn new() -> Option<Self> {
        let bounded = Bounded::new()?;
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let dir = dir.expect("there is room");
        let catalog = Catalog::create(dir.path().join("root")).expect("there is room");
        let entries = ["e0", "e1"].map(|engine| entry(engine, "build"));
        let put = catalog.put_all(&entries, &stamp(1));
        let object = put.expect("there is room")[0].object;
        let server = dir.path().join("server");
        fs::write(&server, "ELF").expect("there is room");
        let engine = PreparedEngine::new("tgi", "1", Artifacts::Files(vec![server]), 1);
        let recorded = catalog.record(&engine, &stamp(1)).expect("it is there");
        let record = recorded.record();
        let stored = catalog.store_files(&record, &mut |_| {});
        stored.expect("it is as it was recorded");
        let all = Members::Current(Filter::default());
        let name = Name::new("s").expect("it is a name");
        let made = catalog.create_snapshot(&all, Some(&name));
        made.expect("there is room");
        Some(Self {
            bounded,
            dir,
            catalog,
            object,
        })
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.catalog.root().join(path)
    }

    /// The directory around the root.
    pub(crate) fn outside(&self) -> &Path {
        self.dir.path()
    }

    /// Runs a command, and requires that it ends in order.
    pub(crate) fn run(&self, limits: Limits, what: &str, args: &[&str]) -> Run {
        self.with(args, |root, words| {
            let run = self.bounded.run(limits, root, self.outside(), words);
            run.assert_orderly(&format!("{what}: {words:?}"));
            run
        })
    }

    /// Calls `act` with the root and the words of a command, which may use other places.
    pub(crate) fn with<T>(&self, args: &[&str], act: impl FnOnce(&Path, &[&str]) -> T) -> T {
        let scratch = tempfile::tempdir_in(self.outside()).expect("there is room");
        let (out, own) = (scratch.path().join("out"), scratch.path().join("own"));
        if args.contains(&"{own}") {
            // It lacks the entry that the catalog has.
            let own = Catalog::create(&own).expect("there is room");
            let put = own.put(&entry("e0", "build"), &stamp(1));
            let object = put.expect("there is room").object;
            fs::remove_file(object_file(own.root(), object)).expect("it is there");
        }
        let text = |path: &Path| path.to_str().expect("it is text").to_owned();
        let words: Vec<_> = args
            .iter()
            .map(|word| match *word {
                "{object}" => self.object.to_string(),
                "{out}" => text(&out),
                "{own}" => text(&own),
                "{root}" => text(self.catalog.root()),
                word => word.to_owned(),
            })
            .collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        // The root is given once.
        match words[..] {
            ["--root", root, ref words @ ..] => act(Path::new(root), words),
            _ => act(self.catalog.root(), &words),
        }
    }

    /// Runs every command, and requires that nothing changes in the catalog or around it.
    pub(crate) fn run_all(&self, limits: Limits, what: &str) -> BTreeMap<&'static str, Run> {
        let before = listing(self.outside());
        let run = |(command, args): (&'static str, &[&str])| {
            let run = self.run(limits, what, args);
            (command, run)
        };
        let runs = COMMANDS.into_iter().map(run).collect();
        let mut after = listing(self.outside());
        // Its times: the scratch of each command was made and removed there. And doctor tries out
        // what can be done in tmp/.
        for place in [self.outside().to_owned(), self.at("tmp")] {
            after.insert(place.clone(), before[&place].clone());
        }
        assert!(after == before, "{what}: something changed");
        runs
    }
}

/// What each command takes on a small sound catalog, in KiB.
pub(crate) fn small_peaks() -> Option<BTreeMap<&'static str, u64>> {
    let runs = Scene::new()?.run_all(Limits::default(), "sound");
    for (command, run) in &runs {
        let expected = i32::from(FINDING.contains(command));
        assert_eq!(run.status, Some(expected), "{command}: {run:?}");
    }
    let peaks = runs
        .into_iter()
        .map(|(command, run)| (command, run.peak_kib));
    Some(peaks.collect())
}

/// The most memory that a command may take beyond what it takes on a small sound catalog, in KiB.
pub(crate) const SLACK_KIB: u64 = 6 << 10;

/// Requires that no command took more than on a small catalog, and as much as `beyond_kib` more.
pub(crate) fn assert_small(
    runs: &BTreeMap<&'static str, Run>,
    small: &BTreeMap<&'static str, u64>,
    beyond_kib: u64,
    what: &str,
) {
    for (command, run) in runs {
        let most = small[command] + SLACK_KIB + beyond_kib;
        let peak = run.peak_kib;
        assert!(
            peak <= most,
            "{what}, {command}: {peak} KiB, of at most {most}"
        );
    }
}
