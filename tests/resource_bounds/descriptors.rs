//! 64 open files are enough, however many entries there are and however much is attached to one.

use std::fs;
use std::path::Path;

use engine_catalog::{Artifacts, Catalog, EngineEntry, PreparedEngine};

use crate::bounded::Limits;
use crate::scene::{FINDING, Scene};
use crate::support::{attach, stamp};

/// More than any batch.
const ENTRIES: usize = 70;
const ATTACHED: usize = 300;

/// An object of a schema that nobody knows: `{"n": n, "schema": "note/9"}`.
pub(crate) fn note(n: usize) -> Vec<u8> {
    let n = u16::try_from(n).expect("they are few").to_be_bytes();
    [b"\xa2\x61n\x19".as_slice(), &n, b"\x66schema\x66note/9"].concat()
}

fn fill(catalog: &Catalog, server: &Path) {
    for n in 0..ENTRIES {
        let artifacts = Artifacts::Files(vec![server.to_owned()]);
        let engine = PreparedEngine::new(&format!("engine-{n}"), "1", artifacts, 1);
        catalog.record(&engine, &stamp(1)).expect("it is there");
    }
}

#[test]
fn sixty_four_open_files_are_enough_for_many_entries_and_attachments() {
    let Some(scene) = Scene::new() else { return };
    fill(&scene.catalog, &scene.outside().join("server"));
    for n in 0..ATTACHED {
        attach(scene.catalog.root(), scene.object, &note(n));
    }
    let runs = scene.run_all(Limits::default(), "many");
    for (command, run) in &runs {
        let expected = i32::from(FINDING.contains(command));
        assert_eq!(run.status, Some(expected), "{command}: {run:?}");
    }
    let imported = &runs["import"];
    let created = format!("{} created", ENTRIES + 2);
    assert!(imported.stderr.contains(&created), "{imported:?}");
}

#[test]
fn sixty_four_open_files_are_enough_to_put_many_entries_at_once() {
    let Some(scene) = Scene::new() else { return };
    let file = scene.outside().join("entries.json");
    let entries = (0..ENTRIES).map(|n| {
        let EngineEntry {
            id,
            engine,
            version,
            ..
        } = EngineEntry::new(&format!("engine-{n}"), "1", 1);
        serde_json::json!({
            "id": id, "engine": engine, "version": version, "artifacts": [], "created_ms": 1,
        })
    });
    let lines: String = entries.map(|entry| format!("{entry}\n")).collect();
    fs::write(&file, lines).expect("there is room");
    let run = scene.run(Limits::default(), "many", &["put", "entries.json"]);
    assert_eq!(
        (run.status, run.stdout.lines().count()),
        (Some(0), ENTRIES),
        "{run:?}"
    );
}
