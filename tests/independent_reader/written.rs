//! A catalog that the library wrote, and what a reader should see in it.

use std::collections::BTreeMap;
use std::path::Path;

use engine_catalog::{Catalog, EngineEntry, Expect, ObjectId, Op, RefName, Stamp};

use crate::reader;

fn id_text(id: ObjectId) -> String {
    id.to_string()
}

/// The entry as the reader should see it.
fn as_read(entry: &EngineEntry) -> reader::Entry {
    let entry = entry.clone();
    reader::Entry {
        id: entry.id,
        digest: entry.digest,
        engine: entry.engine,
        version: entry.version,
        artifacts: entry
            .artifacts
            .into_iter()
            .map(|path| path.into_os_string().into_string().unwrap())
            .collect(),
        build_ref: entry.build_ref,
        created_ms: entry.created_ms,
        build_flags: entry.build_flags,
    }
}

/// What a catalog should say, kept beside it while it is written.
#[derive(Default)]
pub(crate) struct Expected {
    pub(crate) current: BTreeMap<reader::Name, (String, reader::Entry)>,
    pub(crate) histories: BTreeMap<reader::Name, Vec<reader::Line>>,
    pub(crate) objects: BTreeMap<String, reader::Entry>,
}

/// A catalog, and what it should say.
pub(crate) struct Written {
    _dir: tempfile::TempDir,
    pub(crate) catalog: Catalog,
    at: i64,
    pub(crate) expected: Expected,
}

const ACTOR: &str = "provisioner@node 1/ä";

impl Written {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::create(dir.path().join("root")).unwrap();
        Self {
            _dir: dir,
            catalog,
            at: -2,
            expected: Expected::default(),
        }
    }

    fn stamp(&mut self) -> Stamp {
        self.at += 1;
        Stamp::new(ACTOR, self.at).unwrap()
    }

    fn note(&mut self, name: &RefName, op: Op, old: Option<ObjectId>, new: Option<ObjectId>) {
        let key = (name.engine().to_string(), name.version().to_string());
        let line = reader::Line {
            at: self.at,
            op: op.as_str().to_owned(),
            old: old.map(id_text),
            new: new.map(id_text),
            actor: ACTOR.to_owned(),
        };
        let history = self.expected.histories.entry(key.clone()).or_default();
        history.push(line);
        match new {
            Some(id) => {
                let entry = self.expected.objects[&id_text(id)].clone();
                self.expected.current.insert(key, (id_text(id), entry));
            }
            None => drop(self.expected.current.remove(&key)),
        }
    }

    pub(crate) fn put(&mut self, entry: &EngineEntry) {
        let stamp = self.stamp();
        let put = self.catalog.put(entry, &stamp).unwrap();
        let objects = &mut self.expected.objects;
        objects.insert(id_text(put.object), as_read(entry));
        let name = entry.ref_name().unwrap();
        self.note(&name, Op::Put, put.previous, Some(put.object));
    }

    fn put_all(&mut self, entries: &[EngineEntry]) {
        let stamp = self.stamp();
        let puts = self.catalog.put_all(entries, &stamp).unwrap();
        for (entry, put) in entries.iter().zip(puts) {
            let objects = &mut self.expected.objects;
            objects.insert(id_text(put.object), as_read(entry));
            let name = entry.ref_name().unwrap();
            self.note(&name, Op::Put, put.previous, Some(put.object));
        }
    }

    fn retire(&mut self, name: &RefName) {
        let stamp = self.stamp();
        let old = self.catalog.retire(name, Expect::Any, &stamp).unwrap();
        self.note(name, Op::Retire, old, None);
    }

    fn rollback(&mut self, name: &RefName) {
        let stamp = self.stamp();
        let put = self.catalog.rollback(name, None, &stamp).unwrap();
        self.note(name, Op::Rollback, put.previous, Some(put.object));
    }

    /// Puts, replaces, retires and rolls back entries with all kinds of names and fields.
    pub(crate) fn fill(&mut self) {
        let versions = [
            "b4321",
            "b4321-grün",
            "feature/x",
            "..",
            ".hidden",
            "%41",
            "a b",
            "0.9.2+cu128",
            "エンジン",
            "-",
            "~",
            "C:\\x",
            "cause:master-cuda",
        ];
        for (at, version) in (0..).zip(versions) {
            self.put(&EngineEntry {
                artifacts: vec![format!("/opt/{version}/bin").into()],
                build_ref: Some(version.to_owned()),
                ..EngineEntry::new("llamacpp", version, at)
            });
        }
        self.put(&EngineEntry::new(
            "x".repeat(255).as_str(),
            "/".repeat(85).as_str(),
            1,
        ));
        self.put(&EngineEntry::new("..", ".", i64::MIN));
        self.put(&EngineEntry {
            digest: Some(format!("sha256:{}", "0f".repeat(32))),
            artifacts: vec!["registry.example/vllm/vllm-openai:v0.9.2".into()],
            ..EngineEntry::new("vllm", "0.9.2", i64::MAX)
        });
        self.put(&EngineEntry {
            id: "any id at all".to_owned(),
            build_flags: Some(vec![
                String::new(),
                "-O3".into(),
                "-O3".into(),
                "a\nb".into(),
            ]),
            artifacts: (0..300).map(|n| format!("/opt/lib{n}.so").into()).collect(),
            ..EngineEntry::new("triton", "2.57", -1)
        });
        let many = (0..100).map(|n| EngineEntry::new("tgi", &format!("v{n}"), n));
        self.put_all(&many.collect::<Vec<_>>());

        // Replaced, also by an entry that differs in what is absent.
        for flags in [None, Some(vec![]), Some(vec!["-DGGML_CUDA=ON".to_owned()])] {
            self.put(&EngineEntry {
                build_flags: flags,
                ..EngineEntry::new("vllm", "replaced", 7)
            });
        }
        let replaced = RefName::new("vllm", "replaced").unwrap();
        self.rollback(&replaced);
        self.rollback(&replaced);
        self.retire(&RefName::new("llamacpp", "feature/x").unwrap());
        let retired = RefName::new("llamacpp", "a b").unwrap();
        self.retire(&retired);
        self.rollback(&retired);
    }

    pub(crate) fn root(&self) -> &Path {
        self.catalog.root()
    }
}
