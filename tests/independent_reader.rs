//! A catalog that the library wrote is read by a reader that was made from `layout.md` alone: the
//! module `reader` below uses std, ciborium and blake3, and nothing of the library.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use engine_catalog::{Catalog, EngineEntry, Expect, ObjectId, Op, RefName, Stamp};

/// Reads catalogs of format 1. Section numbers are those of `layout.md`.
mod reader {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::{Path, PathBuf};

    use ciborium::Value;

    /// What is wrong, in words.
    pub(super) type Result<T> = std::result::Result<T, String>;

    /// An entry, by the table of section 4.2.
    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct Entry {
        pub(super) id: String,
        pub(super) digest: Option<String>,
        pub(super) engine: String,
        pub(super) version: String,
        pub(super) artifacts: Vec<String>,
        pub(super) build_ref: Option<String>,
        pub(super) created_ms: i64,
        pub(super) build_flags: Option<Vec<String>>,
    }

    /// A history line.
    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct Line {
        pub(super) at: i64,
        pub(super) op: String,
        pub(super) old: Option<String>,
        pub(super) new: Option<String>,
        pub(super) actor: String,
    }

    pub(super) struct Reader {
        root: PathBuf,
    }

    impl Reader {
        /// Sections 2 and 7.5.
        pub(super) fn open(root: &Path) -> Result<Self> {
            let reader = Self {
                root: root.to_owned(),
            };
            let marker = reader.file("format", 65_536)?.ok_or("no catalog")?;
            let mut lines = std::str::from_utf8(&marker)
                .map_err(|_| "not a marker")?
                .split_inclusive('\n');
            if lines.next() != Some("engine-catalog 1\n") {
                return Err("another format".into());
            }
            for line in lines {
                let feature = line.strip_suffix('\n').ok_or("not a feature line")?;
                match feature.split_once(' ') {
                    Some(("compat" | "ro-compat", _)) => {}
                    _ => return Err(format!("cannot read a catalog with {feature:?}")),
                }
            }
            Ok(reader)
        }

        /// The content of a file, of no more than `limit` bytes, reached without links.
        fn file(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
            let mut at = self.root.clone();
            for part in path.split('/') {
                at.push(part);
                match fs::symlink_metadata(&at) {
                    Ok(found) if found.is_symlink() => return Err(format!("{path}: a link")),
                    Ok(_) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(format!("{path}: {error}")),
                }
            }
            let found = fs::symlink_metadata(&at).map_err(|error| error.to_string())?;
            if !found.is_file() || found.len() > limit {
                return Err(format!("{path}: no regular file, or too large"));
            }
            fs::read(&at).map(Some).map_err(|error| error.to_string())
        }

        /// The names in a directory, of directories or of files; none where it is absent.
        fn names(&self, path: &str, directories: bool) -> Vec<String> {
            let Ok(entries) = fs::read_dir(self.root.join(path)) else {
                return Vec::new();
            };
            let entries = entries.map(|entry| entry.unwrap());
            let entries = entries.filter(|entry| {
                let kind = entry.file_type().unwrap();
                if directories {
                    kind.is_dir()
                } else {
                    kind.is_file()
                }
            });
            entries
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect()
        }

        /// The pairs of file names below `refs/` or `history/`, with the names they stand for.
        fn pairs(&self, top: &str) -> BTreeMap<(String, String), String> {
            let mut pairs = BTreeMap::new();
            for engine in self.names(top, true) {
                let Some(engine_name) = decode_name(&engine).filter(|name| !name.contains('/'))
                else {
                    continue;
                };
                for version in self.names(&format!("{top}/{engine}"), false) {
                    if let Some(version_name) = decode_name(&version) {
                        let path = format!("{engine}/{version}");
                        pairs.insert((engine_name.clone(), version_name), path);
                    }
                }
            }
            pairs
        }

        /// Section 5: every ref, with the id and the entry that it holds.
        pub(super) fn current(&self) -> Result<BTreeMap<(String, String), (String, Entry)>> {
            let mut current = BTreeMap::new();
            for (name, path) in self.pairs("refs") {
                let Some(id) = self.read_ref(&path)? else {
                    continue;
                };
                let entry = self.entry(&id)?.ok_or(format!("{path}: {id} is missing"))?;
                if (&entry.engine, &entry.version) != (&name.0, &name.1) {
                    return Err(format!("{path}: an entry of another name"));
                }
                current.insert(name, (id, entry));
            }
            Ok(current)
        }

        fn read_ref(&self, path: &str) -> Result<Option<String>> {
            let Some(bytes) = self.file(&format!("refs/{path}"), 65)? else {
                return Ok(None);
            };
            let text = String::from_utf8(bytes).map_err(|_| "not a ref")?;
            let id = text.strip_suffix('\n').filter(|id| is_object_id(id));
            id.map(|id| Some(id.to_owned())).ok_or("not a ref".into())
        }

        /// Section 6: the lines that took effect, of every history.
        pub(super) fn histories(&self) -> Result<BTreeMap<(String, String), Vec<Line>>> {
            let mut histories = BTreeMap::new();
            for (name, path) in self.pairs("history") {
                histories.insert(name, self.history(&path)?);
            }
            Ok(histories)
        }

        fn history(&self, path: &str) -> Result<Vec<Line>> {
            let mut expected = self.read_ref(path)?;
            let bytes = self.file(&format!("history/{path}"), 67_108_864)?;
            let bytes = bytes.unwrap_or_default();
            let texts: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            let mut lines = Vec::new();
            for (at, text) in texts.iter().enumerate() {
                match parse_line(text) {
                    Some(line) => lines.push(line),
                    None if at + 1 == texts.len() => {}
                    None => return Err(format!("{path}: line {} is damaged", at + 1)),
                }
            }
            let mut kept = Vec::new();
            for line in lines.into_iter().rev() {
                if line.new == expected {
                    expected.clone_from(&line.old);
                    kept.insert(0, line);
                }
            }
            Ok(kept)
        }

        /// Sections 4.1 and 4.2.
        pub(super) fn entry(&self, id: &str) -> Result<Option<Entry>> {
            let path = format!("objects/{}/{}", &id[..2], &id[2..]);
            let Some(bytes) = self.file(&path, 1_048_576)? else {
                return Ok(None);
            };
            if blake3::hash(&bytes).to_hex().as_str() != id {
                return Err(format!("{id}: its bytes have another hash"));
            }
            parse_entry(&bytes)
                .map(Some)
                .map_err(|what| format!("{id}: {what}"))
        }
    }

    pub(super) fn is_object_id(text: &str) -> bool {
        text.len() == 64
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    }

    /// Section 3: the file name of a name.
    fn encode_name(name: &str) -> String {
        let mut file_name = String::new();
        for (at, byte) in name.bytes().enumerate() {
            let plain = byte.is_ascii_alphanumeric() || b"_-+".contains(&byte);
            if plain || (byte == b'.' && at > 0) {
                file_name.push(char::from(byte));
            } else {
                file_name.push_str(&format!("%{byte:02X}"));
            }
        }
        file_name
    }

    /// Section 3: the name that a file name stands for.
    pub(super) fn decode_name(file_name: &str) -> Option<String> {
        let (mut bytes, mut rest) = (Vec::new(), file_name);
        while let Some(first) = rest.bytes().next() {
            let length = if first == b'%' {
                bytes.push(u8::from_str_radix(rest.get(1..3)?, 16).ok()?);
                3
            } else {
                bytes.push(first);
                1
            };
            rest = rest.get(length..)?;
        }
        let name = String::from_utf8(bytes).ok()?;
        let is_control = |c: char| matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}');
        let is_name = !name.is_empty() && file_name.len() <= 255 && !name.contains(is_control);
        (is_name && encode_name(&name) == file_name).then_some(name)
    }

    /// Section 6.
    fn parse_line(line: &[u8]) -> Option<Line> {
        let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
        let fields: Vec<_> = line.split(' ').collect();
        let [at, op, old, new, actor] = fields[..] else {
            return None;
        };
        let digits = at.strip_prefix('-').unwrap_or(at);
        let is_number = at == "0" || !digits.starts_with(['0', '+', '-']);
        let ops = ["put", "retire", "rollback", "pull", "import"];
        let is_id = |text: &str| text == "-" || is_object_id(text);
        let id = |text: &str| (text != "-").then(|| text.to_owned());
        let well_formed = is_number
            && ops.contains(&op)
            && is_id(old)
            && is_id(new)
            && (new == "-") == (op == "retire")
            && old != new;
        well_formed.then_some(())?;
        Some(Line {
            at: at.parse().ok()?,
            op: op.to_owned(),
            old: id(old),
            new: id(new),
            actor: decode_name(actor)?,
        })
    }

    fn parse_entry(bytes: &[u8]) -> Result<Entry> {
        let mut rest = bytes;
        let value: Value = ciborium::from_reader(&mut rest).map_err(|error| error.to_string())?;
        if !rest.is_empty() {
            return Err("something follows the item".into());
        }
        // Encoding again finds lengths and integers that are not the shortest, and whatever is
        // indefinite; the order of keys is kept, so it is compared below.
        let mut again = Vec::new();
        ciborium::into_writer(&value, &mut again).map_err(|error| error.to_string())?;
        if again != bytes {
            return Err("not in deterministic encoding".into());
        }
        let Value::Map(pairs) = value else {
            return Err("not a map".into());
        };
        let mut fields = BTreeMap::new();
        let mut last: Option<Vec<u8>> = None;
        for (key, value) in pairs {
            let mut encoded = Vec::new();
            ciborium::into_writer(&key, &mut encoded).map_err(|error| error.to_string())?;
            if last.as_ref().is_some_and(|last| *last >= encoded) {
                return Err("keys that are not ascending, or repeated".into());
            }
            last = Some(encoded);
            fields.insert(key.into_text().map_err(|_| "a key that is no text")?, value);
        }
        let text = |value: Value| value.into_text().map_err(|_| "a field that is no text");
        let texts = |value: Value| -> Result<Vec<String>> {
            let values = value.into_array().map_err(|_| "a field that is no list")?;
            Ok(values
                .into_iter()
                .map(text)
                .collect::<std::result::Result<_, _>>()?)
        };
        let mut field = |key: &str| fields.remove(key).ok_or(format!("no field {key:?}"));
        if text(field("schema")?)? != "engine-entry/1" {
            return Err("another schema".into());
        }
        let entry = Entry {
            id: text(field("id")?)?,
            digest: field("digest").ok().map(text).transpose()?,
            engine: text(field("engine")?)?,
            version: text(field("version")?)?,
            artifacts: texts(field("artifacts")?)?,
            build_ref: field("build_ref").ok().map(text).transpose()?,
            created_ms: {
                let number = field("created_ms")?.into_integer();
                let number = number.map_err(|_| "a time that is no integer")?;
                number.try_into().map_err(|_| "a time out of range")?
            },
            build_flags: field("build_flags").ok().map(texts).transpose()?,
        };
        match fields.into_keys().next() {
            Some(key) => Err(format!("an unknown key {key:?}")),
            None => Ok(entry),
        }
    }
}

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
struct Expected {
    current: BTreeMap<(String, String), (String, reader::Entry)>,
    histories: BTreeMap<(String, String), Vec<reader::Line>>,
    objects: BTreeMap<String, reader::Entry>,
}

/// A catalog, and what it should say.
struct Written {
    _dir: tempfile::TempDir,
    catalog: Catalog,
    at: i64,
    expected: Expected,
}

const ACTOR: &str = "provisioner@node 1/ä";

impl Written {
    fn new() -> Self {
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

    fn put(&mut self, entry: &EngineEntry) {
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
    fn fill(&mut self) {
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
            "source:master-cuda",
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

    fn root(&self) -> &Path {
        self.catalog.root()
    }
}

#[test]
fn reader_made_from_the_specification_finds_everything_that_was_put() {
    let mut written = Written::new();
    written.fill();
    let reader = reader::Reader::open(written.root()).unwrap();
    let expected = &written.expected;
    assert_eq!(reader.current().unwrap(), expected.current);
    assert_eq!(reader.histories().unwrap(), expected.histories);
    for (id, entry) in &expected.objects {
        let found = reader.entry(id).unwrap();
        assert_eq!(found.as_ref(), Some(entry), "superseded entries stay");
    }
    assert!(expected.current.len() > 115 && expected.objects.len() > expected.current.len());
}

#[test]
fn every_file_below_objects_hashes_to_its_name_and_has_mode_0444() {
    let mut written = Written::new();
    written.fill();
    let objects = written.root().join("objects");
    let mut seen = Vec::new();
    for file in walkdir::WalkDir::new(&objects) {
        let file = file.unwrap();
        if file.file_type().is_dir() {
            continue;
        }
        assert!(file.file_type().is_file());
        let below = file.path().strip_prefix(&objects).unwrap();
        let (shard, name) = below.to_str().unwrap().split_once('/').unwrap();
        assert_eq!((shard.len(), name.len()), (2, 62), "{}", below.display());
        let bytes = fs::read(file.path()).unwrap();
        let hash = blake3::hash(&bytes).to_hex();
        assert_eq!(hash.as_str(), format!("{shard}{name}"));
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o444, "{}", below.display());
        seen.push(hash.to_string());
    }
    seen.sort();
    let expected: Vec<_> = written.expected.objects.into_keys().collect();
    assert_eq!(
        seen, expected,
        "nothing is missing and nothing else is there"
    );
}

#[test]
fn reader_made_from_the_specification_passes_over_changes_that_never_happened() {
    let mut written = Written::new();
    let entry = EngineEntry::new("llamacpp", "b1", 1);
    written.put(&entry);
    written.put(&EngineEntry::new("llamacpp", "b1", 2));
    let history = written.root().join("history/llamacpp/b1");
    let whole = fs::read_to_string(&history).unwrap();
    let current = &written.expected.current.values().next().unwrap().0;
    let never = format!("9 put {current} {} x\n", "ab".repeat(32));
    for end in ["", "9 put - ", "\0\0\0\n", &never, &format!("{never}9 re")] {
        fs::write(&history, format!("{whole}{end}")).unwrap();
        let reader = reader::Reader::open(written.root()).unwrap();
        let histories = reader.histories().unwrap();
        assert_eq!(histories, written.expected.histories, "{end:?}");
    }
    fs::write(&history, format!("damaged\n{whole}")).unwrap();
    let reader = reader::Reader::open(written.root()).unwrap();
    assert!(reader.histories().is_err());
}

#[test]
fn reader_made_from_the_specification_refuses_what_the_library_refuses() {
    let mut written = Written::new();
    written.put(&EngineEntry::new("llamacpp", "b1", 1));
    let root = written.root().to_owned();
    let open = || reader::Reader::open(&root);
    let id = written.expected.objects.keys().next().unwrap();
    let path = root.join("objects").join(&id[..2]).join(&id[2..]);
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    fs::remove_file(&path).unwrap();
    assert!(open().unwrap().current().is_err(), "the object is missing");
    fs::write(&path, &bad).unwrap();
    assert!(open().unwrap().current().is_err(), "it has another hash");
    assert!(written.catalog.get("llamacpp:b1").is_err());

    // A valid hash of an encoding that is not deterministic: a longer head of the map.
    let loose = [&[0xb8, good[0] & 31], &good[1..]].concat();
    let loose_id = blake3::hash(&loose).to_hex().to_string();
    let loose_path = root.join("objects").join(&loose_id[..2]);
    fs::create_dir_all(&loose_path).unwrap();
    fs::write(loose_path.join(&loose_id[2..]), &loose).unwrap();
    assert!(open().unwrap().entry(&loose_id).is_err());
    let refused = written.catalog.entry(&loose_id.parse().unwrap());
    assert!(refused.is_err());

    fs::write(root.join("format"), "engine-catalog 2\n").unwrap();
    assert!(open().is_err() && Catalog::open(&root).is_err());
}
