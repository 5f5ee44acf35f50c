//! The calls that write, each of which is to fail for want of room.

use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::{
    Action, Artifacts, Catalog, Error, Expect, Filter, MaterializeOptions, Members, Name, ObjectId,
    PathError, PreparedEngine,
};

use crate::collecting;
use crate::support::observe::cause;
use crate::support::sample::{entry, name};
use crate::support::{object_file, object_of, stamp};

/// How many entries are put together.
const MANY: usize = 12;

/// The engines that [`spoil`] damages, which no other call touches.
const SPOILED: [&str; 3] = ["s0", "s1", "s2"];

/// Why a call did not do what it was asked.
pub(crate) enum Why {
    Error(Error),
    /// What repair says of each thing that it tried and could not do.
    Unrepaired(Vec<String>),
}

impl From<Error> for Why {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Why {
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Error(error) => cause(error).is_full(),
            Self::Unrepaired(messages) => {
                let is_full = |text: &String| text.contains("No space left on device");
                !messages.is_empty() && messages.iter().all(is_full)
            }
        }
    }

    /// Which step failed: what was attempted, and in which part of the catalog at `root`.
    pub(crate) fn step(&self, root: &Path) -> String {
        match self {
            Self::Error(error) => {
                let PathError { action, path, .. } = cause(error);
                let below = path.strip_prefix(root).unwrap_or(Path::new("elsewhere"));
                let part = below.iter().next().unwrap_or_default();
                format!("{action} {}", part.display())
            }
            Self::Unrepaired(messages) => format!("{} repairs", messages.len()),
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error(error) => write!(f, "{error}"),
            Self::Unrepaired(messages) => write!(f, "{messages:?}"),
        }
    }
}

/// What a call that fails may have done nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// Nothing: it is done, or it is not.
    Nothing,
    /// At most so many changes of refs.
    SomeRefs(usize),
    /// Some damage is repaired; what was sound is as it was.
    SomeDamage,
}

/// A call that writes.
pub(crate) struct Call {
    pub(crate) what: &'static str,
    pub(crate) leaves: Leaves,
    /// What it finds.
    pub(crate) prepare: Box<dyn Fn(&Catalog)>,
    pub(crate) act: Box<Act>,
}

type Act = dyn Fn(&Catalog) -> Result<(), Why>;

impl Call {
    pub(crate) fn new(
        what: &'static str,
        act: impl Fn(&Catalog) -> Result<(), Why> + 'static,
    ) -> Self {
        Self {
            what,
            leaves: Leaves::Nothing,
            prepare: Box::new(|_| {}),
            act: Box::new(act),
        }
    }

    fn leaving(self, leaves: Leaves) -> Self {
        Self { leaves, ..self }
    }

    pub(crate) fn after(self, prepare: impl Fn(&Catalog) + 'static) -> Self {
        let prepare = Box::new(prepare);
        Self { prepare, ..self }
    }
}

/// Calls that write, to refs that are there and to new ones. What `record` records lies in `scratch`,
/// and so does what is imported, and what repair takes copies from.
pub(crate) fn calls(scratch: &Path) -> Vec<Call> {
    let server = scratch.join("server");
    fs::write(&server, "ELF").expect("there is room");
    let engine = PreparedEngine::new("tgi", "1", Artifacts::Files(vec![server.clone()]), 1);
    let large = scratch.join("large");
    fs::write(&large, vec![1; 40 << 10]).expect("there is room");
    let files = Artifacts::Files(vec![server.clone(), large]);
    let stored = PreparedEngine::new("stored", "1", files, 1);
    let kept = Catalog::create(scratch.join("kept")).expect("there is room");
    record_and_store(&kept, &stored).expect("there is room");
    let many: Vec<_> = (0..MANY).map(|n| entry(&format!("e{n}"), "new")).collect();
    let (source, copies) = (source(scratch, server), copies(scratch));
    let mut calls = vec![
        Call::new("put", |it| {
            Ok(it.put(&entry("e0", "newer"), &stamp(1)).map(drop)?)
        }),
        Call::new("put new", |it| {
            Ok(it.put(&entry("new", "new"), &stamp(1)).map(drop)?)
        }),
        Call::new("record", move |it| {
            Ok(it.record(&engine, &stamp(1)).map(drop)?)
        }),
        Call::new("record and store", move |it| {
            Ok(record_and_store(it, &stored)?)
        })
        .leaving(Leaves::SomeRefs(1)),
        Call::new("materialize", move |it| {
            let record = kept.find("stored/1")?.expect("it was recorded");
            let to = it.root().with_file_name("bundles").join("engine");
            let options = MaterializeOptions::default();
            let written = kept.materialize(&record, &to, &options, &mut |_| {});
            let above = to.parent().expect("it has one");
            assert_eq!(written.is_ok(), above.exists(), "whole, or nothing of it");
            Ok(written.map(drop)?)
        }),
        Call::new("snapshot", |it| {
            Ok(it.create_snapshot(&all(), Some(&snapshot("s"))).map(drop)?)
        }),
        Call::new("put all", move |it| {
            Ok(it.put_all(&many, &stamp(1)).map(drop)?)
        })
        .leaving(Leaves::SomeRefs(MANY - 1)),
        Call::new("retire", |it| {
            Ok(it.retire(&name("e1"), Expect::Any, &stamp(1)).map(drop)?)
        }),
        Call::new("retire at the end of a block", |it| {
            Ok(it
                .retire(&name("block"), Expect::Any, &stamp(1))
                .map(drop)?)
        })
        .after(|it| fill_block(it, "block")),
        Call::new("rollback", |it| {
            Ok(it.rollback(&name("e2"), None, &stamp(1)).map(drop)?)
        }),
        Call::new("import", move |it| {
            let imported = it.import(&source, &stamp(1))?;
            assert!(imported.problems.is_empty(), "{:?}", imported.problems);
            Ok(())
        })
        // All of them, and not the snapshot, which comes last.
        .leaving(Leaves::SomeRefs(4)),
        Call::new("capture", capture_beside),
        Call::new("create", |it| {
            let root = it.root().with_file_name("other");
            let created = Catalog::create(&root).map(drop);
            let opened = Catalog::open(&root);
            let is_one = !matches!(opened, Err(Error::NotACatalog { .. }));
            assert_eq!(is_one, created.is_ok(), "there is a catalog, or none");
            Ok(created?)
        }),
        Call::new("repair", move |it| repair(it, &copies))
            .leaving(Leaves::SomeDamage)
            .after(spoil),
    ];
    calls.extend(collecting::calls());
    calls
}

fn record_and_store(catalog: &Catalog, engine: &PreparedEngine) -> Result<(), Error> {
    let recorded = catalog.record(engine, &stamp(1))?;
    let record = recorded.record();
    catalog.store_files(&record, &mut |_| {}).map(drop)
}

pub(crate) fn all() -> Members {
    Members::Current(Filter::default())
}

pub(crate) fn snapshot(text: &str) -> Name {
    Name::new(text).expect("it is a name")
}

/// Makes the catalog that is imported: with a manifest and a named snapshot.
fn source(scratch: &Path, server: PathBuf) -> Catalog {
    let source = Catalog::create(scratch.join("source")).expect("there is room");
    let entries = ["i0", "i1", "i2"].map(|engine| entry(engine, "theirs"));
    let put = source.put_all(&entries, &stamp(1));
    put.expect("they can be put");
    let engine = PreparedEngine::new("i3", "1", Artifacts::Files(vec![server]), 1);
    source.record(&engine, &stamp(1)).expect("it is there");
    let named = source.create_snapshot(&all(), Some(&snapshot("theirs")));
    named.expect("it can be made");
    source
}

/// Captures the entries of one engine to a directory of its own beside the root.
fn capture_beside(catalog: &Catalog) -> Result<(), Why> {
    let dir = catalog.root().with_file_name("bundles");
    let engine = "e0".parse().expect("it is a pattern");
    let engine = Filter {
        engine: Some(engine),
        ..Filter::default()
    };
    let members = catalog.snapshot_of(&Members::Current(engine))?;
    let captured = catalog.capture(&dir.join("bundle"), &members);
    if captured.is_err() {
        // The directory above was made for it.
        assert!(!dir.exists(), "something is left of the bundle");
    }
    Ok(captured.map(drop)?)
}

/// Puts builds until the next line of the history would not fit into its last block.
pub(crate) fn fill_block(catalog: &Catalog, engine: &str) {
    const BLOCK: u64 = 4096;
    const LINE: u64 = 90;
    const BUILDS: [&str; 2] = ["one", "other"];
    let history = catalog.root().join("history").join(engine).join("1");
    for build in 0.. {
        let put = catalog.put(&entry(engine, BUILDS[build % 2]), &stamp(1));
        put.expect("there is room");
        let length = history.metadata().expect("it is there").len();
        if BLOCK - length % BLOCK < LINE {
            return;
        }
    }
}

/// A catalog with all that [`spoil`] damages.
fn copies(scratch: &Path) -> Catalog {
    let copies = Catalog::create(scratch.join("copies")).expect("there is room");
    let entries = SPOILED.map(|engine| entry(engine, "old"));
    let put = copies.put_all(&entries, &stamp(1));
    put.expect("they can be put");
    copies
}

/// Damages an object, a ref and a history.
fn spoil(catalog: &Catalog) {
    let root = catalog.root();
    let entries = SPOILED.map(|engine| entry(engine, "old"));
    let put = catalog.put_all(&entries, &stamp(1));
    put.expect("they can be put");
    let object = object_file(root, object_of(&entries[0]));
    fs::remove_file(&object).expect("it is there");
    for (file, content) in [
        (object, "spoiled"),
        (root.join("refs/s1/1"), "torn"),
        (root.join("history/s2/1"), "no line\n"),
    ] {
        fs::write(file, content).expect("there is room");
    }
}

fn repair(catalog: &Catalog, copies: &Catalog) -> Result<(), Why> {
    let report = catalog.repair(&[copies], &|_| {})?;
    let failed = report.repairs.iter().filter_map(|it| match &it.action {
        Action::Failed { message } => Some(message.clone()),
        _ => None,
    });
    let failed: Vec<_> = failed.collect();
    if !failed.is_empty() {
        return Err(Why::Unrepaired(failed));
    }
    assert!(report.is_clean(), "{:?}", report.after.findings);
    for engine in SPOILED {
        let current = catalog.current(&name(engine)).expect("it can be read");
        let object: Option<ObjectId> = current.map(|it| it.object);
        assert_eq!(object, Some(object_of(&entry(engine, "old"))));
        let history = catalog.history(&name(engine));
        assert_eq!(
            history.expect("it can be read").len(),
            usize::from(engine != "s2")
        );
    }
    Ok(())
}
