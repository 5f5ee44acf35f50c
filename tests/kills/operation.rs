//! What the program is doing when it is killed.

use std::fs;

use engine_catalog::{
    Artifacts, Catalog, EngineEntry, Expect, Filter, Members, Name, PreparedEngine,
};

use crate::bench::Place;
use crate::support::garbage::strew;
use crate::support::sample::{entry, name};
use crate::support::{document, object_file, object_of, stamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Put,
    PutOver,
    Record,
    Store,
    Materialize,
    Attach,
    Detach,
    CreateSnapshot,
    DeleteSnapshot,
    Retire,
    Rollback,
    Import,
    ImportIndex,
    Capture,
    Repair,
    Heal,
    PutMany,
    Gc,
    Prune,
}

use Operation::*;

/// How many refs [`PutMany`] changes: more than one batch of the program, whose object ids are
/// printed together.
pub(crate) const MANY: usize = 70;

/// How many refs [`Import`] moves forward.
const IMPORTED: usize = 12;

/// Every ref that any operation changes.
pub(crate) fn engines() -> impl Iterator<Item = String> {
    let single = [
        "indexed", "kept", "new", "noted", "over", "pruned", "recorded", "retired", "rolled",
        "stored",
    ];
    let single = single.map(str::to_owned);
    let many = (0..MANY).map(many);
    single
        .into_iter()
        .chain(many)
        .chain((0..IMPORTED).map(imported))
}

/// The engine of the ref that [`PutMany`] changes as the one of this number.
pub(crate) fn many(at: usize) -> String {
    format!("many{at:02}")
}

fn imported(at: usize) -> String {
    format!("imported{at:02}")
}

impl Operation {
    pub(crate) const ALL: [Self; 19] = [
        Put,
        PutOver,
        Record,
        Store,
        Materialize,
        Attach,
        Detach,
        CreateSnapshot,
        DeleteSnapshot,
        Retire,
        Rollback,
        Import,
        ImportIndex,
        Capture,
        Repair,
        Heal,
        PutMany,
        Gc,
        Prune,
    ];

    /// Whether doing it again does nothing.
    pub(crate) fn is_repeatable(self) -> bool {
        !matches!(
            self,
            Detach | DeleteSnapshot | Retire | Rollback | Capture | Materialize
        )
    }

    /// Sees to it that there is something to do, and returns the arguments that do it.
    pub(crate) fn prepare(self, place: &Place, round: u64) -> Vec<String> {
        let catalog = Catalog::open(place.root()).unwrap();
        let args = match self {
            Put => {
                let _ = catalog
                    .retire(&name("new"), Expect::Any, &stamp(1))
                    .unwrap();
                format!("put {}", place.json("put", &[build("new", round)]))
            }
            PutOver => {
                put(&catalog, "over", "first");
                format!("put {}", place.json("over", &[build("over", round)]))
            }
            PutMany => {
                let entries: Vec<_> = (0..MANY).map(|at| build(&many(at), round)).collect();
                format!("put {}", place.json("many", &entries))
            }
            Record => {
                let files = files(place, ["server", "library"], round);
                format!("record --engine recorded --version 1 --created-ms 1 --artifact {files}")
            }
            Store => {
                let files = files(place, ["stored-server", "stored-library"], round);
                format!(
                    "record --store --engine stored --version 1 --created-ms 1 --artifact {files}"
                )
            }
            Materialize => {
                let paths = ["kept-server", "kept-library"];
                let _ = files(place, paths, round);
                let paths = Artifacts::Files(paths.map(|file| place.shared(file)).to_vec());
                let engine = PreparedEngine::new("kept", "1", paths, 1);
                let recorded = catalog.record(&engine, &stamp(1)).unwrap();
                let record = recorded.record();
                catalog.store_files(&record, &mut |_| {}).unwrap();
                format!("materialize kept/1 --to engine-{round}")
            }
            Attach => {
                put(&catalog, "noted", "x");
                let note = place.shared("note");
                fs::write(&note, format!("note {round}")).unwrap();
                format!("attach noted/1 --media-type text/plain {}", note.display())
            }
            Detach => {
                put(&catalog, "noted", "x");
                let note = document(object_of(&entry("noted", "x")), &format!("old {round}"));
                let object = catalog.attach(&note).unwrap();
                format!("attachments remove {object}")
            }
            CreateSnapshot => format!("snapshot create made-{round}"),
            DeleteSnapshot => {
                let (all, name) = (Members::Current(Filter::default()), format!("old-{round}"));
                let named = Name::new(&name).unwrap();
                catalog.create_snapshot(&all, Some(&named)).unwrap();
                format!("snapshot delete {name}")
            }
            Retire => {
                put(&catalog, "retired", "x");
                "retire retired/1".to_owned()
            }
            Rollback => {
                put(&catalog, "rolled", "first");
                put(&catalog, "rolled", &round.to_string());
                "rollback rolled/1".to_owned()
            }
            Import => {
                move_source_on(place, round);
                format!("import {}", place.shared("source").display())
            }
            ImportIndex => {
                let _ = (catalog.retire(&name("indexed"), Expect::Any, &stamp(1))).unwrap();
                let builds = ["older", "newer"].map(|which| EngineEntry {
                    id: format!("{which} {round}"),
                    ..build("indexed", round)
                });
                format!("import {}", place.json("index", &builds))
            }
            Capture => format!("capture --out bundle-{round}"),
            Repair => {
                let source = place.shared("source");
                damage(&catalog, place, round);
                format!("verify --repair --from {}", source.display())
            }
            Heal => {
                let source = place.shared("source");
                damage(&catalog, place, round);
                format!("heal --from {}", source.display())
            }
            Gc => {
                litter(&catalog, place);
                "gc --apply --grace 0s".to_owned()
            }
            Prune => {
                litter(&catalog, place);
                put(&catalog, "pruned", "first");
                put(&catalog, "pruned", &round.to_string());
                "prune --engine pruned --keep-versions 0 --grace 0s --apply".to_owned()
            }
        };
        args.split(' ').map(str::to_owned).collect()
    }
}

/// Writes files that all places share, and returns their paths as arguments.
fn files(place: &Place, names: [&str; 2], round: u64) -> String {
    let files = names.map(|file| place.shared(file));
    for file in &files {
        let content = format!("ELF {round} {}", file.display());
        fs::write(file, content).unwrap();
    }
    files.map(|file| file.display().to_string()).join(" ")
}

fn build(engine: &str, round: u64) -> EngineEntry {
    entry(engine, &round.to_string())
}

fn put(catalog: &Catalog, engine: &str, build: &str) {
    catalog.put(&entry(engine, build), &stamp(1)).unwrap();
}

/// Gives the catalog that is imported something new to bring.
fn move_source_on(place: &Place, round: u64) {
    let entries: Vec<_> = (0..IMPORTED)
        .map(|at| build(&imported(at), round))
        .collect();
    let source = Catalog::open(place.shared("source")).unwrap();
    source.put_all(&entries, &stamp(1)).unwrap();
}

/// Leaves what nothing keeps, a leftover too, and nothing that hides what does: what [`damage`] did is mended.
fn litter(catalog: &Catalog, place: &Place) {
    let source = Catalog::open(place.shared("source")).unwrap();
    assert!(catalog.repair(&[&source], &|_| {}).unwrap().is_clean());
    strew(catalog, object_of(&entry("over", "first")));
    fs::write(place.root().join("tmp/new-left"), "by somebody").unwrap();
}

/// Damages objects that only histories name, and that the source has: one has other bytes, one is
/// gone, and one may be written to.
fn damage(catalog: &Catalog, place: &Place, round: u64) {
    let source = Catalog::open(place.shared("source")).unwrap();
    let olds = ["bytes", "gone", "mode"].map(|what| entry("over", &format!("{what} {round}")));
    for old in &olds {
        for catalog in [catalog, &source] {
            catalog.put(old, &stamp(1)).unwrap();
        }
    }
    put(catalog, "over", "first");
    let files = olds.map(|old| object_file(&place.root(), object_of(&old)));
    fs::remove_file(&files[0]).unwrap();
    fs::write(&files[0], "damaged").unwrap();
    fs::remove_file(&files[1]).unwrap();
    let writable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(&files[2], writable).unwrap();
}
