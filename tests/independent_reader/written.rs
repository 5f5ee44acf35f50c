//! A catalog that the library wrote, and what a reader should see in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use engine_catalog::{
    Artifacts, Catalog, EngineEntry, Expect, Filter, Members, Name, ObjectId, Op, PreparedEngine,
    RefName, Stamp,
};

use crate::reader;
use crate::support::from_hex;

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
    /// The entries, current or not.
    pub(crate) objects: BTreeMap<String, reader::Entry>,
    pub(crate) snapshots: BTreeMap<String, reader::Snapshot>,
    /// By their subjects.
    pub(crate) manifests: BTreeMap<String, Vec<reader::Manifest>>,
}

/// A catalog, and what it should say.
pub(crate) struct Written {
    dir: tempfile::TempDir,
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
            dir,
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

    /// Records an engine of files with these contents and modes, and returns its entry's id.
    pub(crate) fn record(&mut self, version: &str, files: &[(&str, u32)], ms: i64) -> String {
        let dir = self.dir.path().canonicalize().unwrap().join(version);
        fs::create_dir_all(&dir).unwrap();
        let (mut paths, mut manifest) = (Vec::new(), Vec::new());
        for (at, (content, mode)) in files.iter().enumerate() {
            let path = dir.join(format!("file-{at}"));
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            manifest.push(reader::File {
                mode: (*mode).into(),
                path: path.to_str().unwrap().to_owned(),
                size: i64::try_from(content.len()).unwrap(),
                blake3: blake3::hash(content.as_bytes()).as_bytes().to_vec(),
            });
            paths.push(path);
        }
        let stamp = self.stamp();
        let engine = PreparedEngine::new("recorded", version, Artifacts::Files(paths), ms);
        let recorded = self.catalog.record(&engine, &stamp).unwrap();
        let (put, entry) = (recorded.put, recorded.entry);
        let id = id_text(put.object);
        self.expected.objects.insert(id.clone(), as_read(&entry));
        if !put.is_unchanged() {
            let name = entry.ref_name().unwrap();
            self.note(&name, Op::Put, put.previous, Some(put.object));
        }
        let manifest = reader::Manifest {
            files: manifest,
            subject: put.object.as_bytes().to_vec(),
        };
        let manifests = self.expected.manifests.entry(id.clone()).or_default();
        if !manifests.contains(&manifest) {
            manifests.push(manifest);
        }
        id
    }

    /// Gives a name to a snapshot of these entries.
    pub(crate) fn snapshot(&mut self, name: &str, members: &Members) {
        let ids: Vec<String> = match members {
            Members::Objects(ids) => ids.iter().copied().map(id_text).collect(),
            _ => self
                .expected
                .current
                .values()
                .map(|it| it.0.clone())
                .collect(),
        };
        let mut ids: Vec<_> = ids.into_iter().map(|id| from_hex(&id)).collect();
        ids.sort();
        let named = Name::new(name).unwrap();
        let id = self.catalog.create_snapshot(members, Some(&named)).unwrap();
        let snapshot = (id_text(id), ids);
        self.expected.snapshots.insert(name.to_owned(), snapshot);
    }

    pub(crate) fn remove_snapshot(&mut self, name: &str) {
        let named = Name::new(name).unwrap();
        assert!(self.catalog.remove_snapshot(&named).unwrap().is_some());
        self.expected.snapshots.remove(name);
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
        self.fill_sets();
    }

    /// Makes snapshots with all kinds of names, and entries that have manifests.
    fn fill_sets(&mut self) {
        self.snapshot("nothing", &Members::Objects([].into()));
        self.record("1", &[("abc", 0o755), ("", 0o444), ("def", 0o4711)], 1);
        self.record("1", &[("abc", 0o755), ("", 0o444), ("def", 0o4711)], 2);
        let first = self.record("1", &[("abc", 0o755)], 3);
        // The same entry with another file is one entry with two manifests.
        self.record("2", &[("abc", 0o755), ("def", 0o600)], 4);
        let twice = self.record("2", &[("abc", 0o755), ("ghi", 0o600)], 4);
        assert_eq!(self.expected.manifests[&twice].len(), 2);

        self.snapshot("all", &Members::Current(Filter::default()));
        self.snapshot("two/of ..them\u{fc}", &{
            let ids = [&first, &twice].map(|id| id.parse().unwrap());
            Members::Objects(ids.into())
        });
        self.snapshot(".again", &Members::Current(Filter::default()));
        self.remove_snapshot("nothing");
        let same = &self.expected.snapshots;
        assert_eq!(same["all"], same[".again"]);
    }

    pub(crate) fn root(&self) -> &Path {
        self.catalog.root()
    }
}
