//! What the test files share: a catalog in a directory of its own, entries, the places of files, and
//! a listing that shows every change.

#![allow(
    dead_code,
    reason = "each test file is a program and uses a part of this"
)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub(crate) mod ballast;
pub(crate) mod child;
pub(crate) mod crowd;
pub(crate) mod documents;
pub(crate) mod garbage;
pub(crate) mod mount;
pub(crate) mod nobody;
pub(crate) mod observe;
pub(crate) mod patience;
pub(crate) mod sample;
pub(crate) mod skip;
pub(crate) mod strace;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ciborium::Value;
use engine_catalog::{
    Artifacts, Attachment, Catalog, EngineEntry, Error, Expect, Filter, Manifest, ManifestFile,
    Members, Name, ObjectId, PreparedEngine, RefName, Staging, Stamp,
};

/// A catalog in a directory that holds nothing else.
pub(crate) struct Home {
    dir: tempfile::TempDir,
    pub(crate) catalog: Catalog,
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::create(dir.path().join("catalog")).unwrap();
        Self { dir, catalog }
    }

    /// The directory around the root.
    pub(crate) fn outside(&self) -> &Path {
        self.dir.path()
    }

    /// What is at `path` below the root.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.catalog.root().join(path)
    }

    /// The file of an object.
    pub(crate) fn object(&self, id: &ObjectId) -> PathBuf {
        object_file(self.catalog.root(), *id)
    }

    pub(crate) fn put(&self, entry: &EngineEntry) -> ObjectId {
        self.catalog.put(entry, &stamp(1)).unwrap().object
    }

    /// Puts bytes where the object with their hash belongs, whatever they are.
    pub(crate) fn plant(&self, bytes: &[u8]) -> ObjectId {
        let id = ObjectId::of(bytes);
        let file = self.object(&id);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
        id
    }

    /// Points the ref at `path` below `refs/` at an object, behind the catalog's back.
    pub(crate) fn point(&self, path: &str, id: &ObjectId) {
        let file = self.at("refs").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, format!("{id}\n")).unwrap();
    }
}

/// The file of an object in the catalog at `root`.
pub(crate) fn object_file(root: &Path, id: ObjectId) -> PathBuf {
    let hex = id.to_string();
    root.join("objects").join(&hex[..2]).join(&hex[2..])
}

/// Attaches an object of whatever content, behind the catalog's back.
pub(crate) fn attach(root: &Path, subject: ObjectId, bytes: &[u8]) -> ObjectId {
    let object = ObjectId::of(bytes);
    let file = object_file(root, object);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, bytes).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o444)).unwrap();
    link(root, subject, object);
    object
}

/// Links an object to another, behind the catalog's back.
pub(crate) fn link(root: &Path, subject: ObjectId, object: ObjectId) {
    let link = link_file(root, subject, object);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    fs::write(link, "").unwrap();
}

/// The file of the link from an object to one that describes it.
pub(crate) fn link_file(root: &Path, subject: ObjectId, object: ObjectId) -> PathBuf {
    let hex = subject.to_string();
    let links = root.join("attachments").join(&hex[..2]).join(&hex[2..]);
    links.join(object.to_string())
}

pub(crate) fn stamp(at_ms: i64) -> Stamp {
    Stamp::new("tester@here", at_ms).unwrap()
}

/// A small entry of `llamacpp` with id `llamacpp:<version>`; different times make different objects.
pub(crate) fn entry(version: &str, created_ms: i64) -> EngineEntry {
    EngineEntry::new("llamacpp", version, created_ms)
}

pub(crate) fn name(text: &str) -> RefName {
    text.parse().unwrap()
}

/// An engine with a file. As that differs from machine to machine, so do its objects; they are in other
/// shards than the object that tests look for.
fn engine_with_files() -> PreparedEngine {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let shard = |id: &ObjectId| id.to_string()[..2].to_owned();
    let taken = shard(&object_of(&entry("b1", 2)));
    let engine = |created_ms| {
        let files = Artifacts::Files(vec![file.into()]);
        PreparedEngine::new("tgi", "1", files, created_ms)
    };
    let is_elsewhere = |engine: &PreparedEngine| {
        let home = Home::new();
        let object = home.catalog.record(engine, &stamp(1)).unwrap().put.object;
        let attached = home.catalog.attachments(&object).unwrap();
        shard(&object) != taken && attached.iter().all(|id| shard(id) != taken)
    };
    (1..).map(engine).find(is_elsewhere).unwrap()
}

/// Every call that writes, one after another, with its result, in a catalog that has `llamacpp/b1`.
pub(crate) fn every_write(catalog: &Catalog) -> Vec<(&'static str, Result<(), Error>)> {
    let (b1, stamp) = (name("llamacpp/b1"), stamp(3));
    let image = Artifacts::Image("registry.example/x".into());
    let prepared = PreparedEngine::new("vllm", "1", image, 1);
    let of_files = engine_with_files();
    let all = Members::Current(Filter::default());
    let nobody = Members::Objects([].into());
    let snapshot = Name::new("s1").unwrap();
    let note = document(object_of(&entry("b1", 2)), "a note");
    vec![
        ("put-same", catalog.put(&entry("b1", 2), &stamp).map(drop)),
        ("put-new", catalog.put(&entry("b1", 3), &stamp).map(drop)),
        (
            "put_if",
            catalog
                .put_if(&entry("b2", 9), Expect::Absent, &stamp)
                .map(drop),
        ),
        (
            "put_all",
            catalog
                .put_all(&[entry("b1", 4), entry("b3", 1)], &stamp)
                .map(drop),
        ),
        ("record", catalog.record(&prepared, &stamp).map(drop)),
        ("record_files", catalog.record(&of_files, &stamp).map(drop)),
        ("store_files", store_files(catalog, &of_files)),
        ("rollback", catalog.rollback(&b1, None, &stamp).map(drop)),
        ("attach", catalog.attach(&note).map(drop)),
        ("detach", detach(catalog, &note)),
        ("retire", catalog.retire(&b1, Expect::Any, &stamp).map(drop)),
        ("delete", catalog.delete("llamacpp:b2", &stamp).map(drop)),
        ("snapshot", catalog.create_snapshot(&all, None).map(drop)),
        (
            "snapshot_named",
            catalog.create_snapshot(&nobody, Some(&snapshot)).map(drop),
        ),
        (
            "remove_snapshot",
            catalog.remove_snapshot(&snapshot).map(drop),
        ),
        ("import", with_another(|it| import(catalog, it))),
        ("restore", with_another(|it| restore(catalog, it))),
        (
            "stage",
            catalog.stage("elsewhere").and_then(Staging::finish),
        ),
        ("collect_garbage", collect_garbage(catalog, &stamp)),
        ("carry_out", carry_out(catalog)),
    ]
}

/// Does something with a catalog that has what no other has.
fn with_another<T>(act: impl FnOnce(&Catalog) -> T) -> T {
    let another = Home::new();
    another.put(&entry("b4", 1));
    act(&another.catalog)
}

fn import(catalog: &Catalog, from: &Catalog) -> Result<(), Error> {
    let mut imported = catalog.import(from, &stamp(3))?;
    imported.problems.pop().map_or(Ok(()), |it| Err(it.cause))
}

fn restore(catalog: &Catalog, from: &Catalog) -> Result<(), Error> {
    let object = object_of(&entry("b4", 1));
    catalog.restore(&[object].into(), &[from]).map(drop)
}

fn collect_garbage(catalog: &Catalog, stamp: &Stamp) -> Result<(), Error> {
    let collected = catalog.collect_garbage(&garbage::options(), stamp);
    collected.map(drop)
}

/// Also the earlier builds go.
fn carry_out(catalog: &Catalog) -> Result<(), Error> {
    let plan = catalog.plan_gc(&garbage::pruning("nobody", "llamacpp"))?;
    let then = stamp(plan.options.keep.now_ms);
    catalog.carry_out(&plan, &then).map(drop)
}

/// Takes a document off its subject, whether it was attached or not.
fn detach(catalog: &Catalog, document: &Attachment) -> Result<(), Error> {
    let object = ObjectId::of(&document.encode().unwrap());
    catalog.detach(&document.subject, &object).map(drop)
}

/// Stores the files of an engine, whether it is recorded or not.
fn store_files(catalog: &Catalog, engine: &PreparedEngine) -> Result<(), Error> {
    let recorded = Home::new().catalog.record(engine, &stamp(1)).unwrap();
    let record = recorded.record();
    catalog.store_files(&record, &mut |_| {}).map(drop)
}

/// Describes everything below `top`, and itself, so that any write to any of it shows: kind, mode,
/// inode, size, times, and content.
pub(crate) fn listing(top: &Path) -> BTreeMap<PathBuf, String> {
    const SMALL: u64 = 1 << 20;
    let entries = walkdir::WalkDir::new(top).follow_root_links(false);
    let describe = |entry: walkdir::DirEntry| {
        let (path, stat) = (entry.path(), entry.metadata().unwrap());
        let content = if stat.is_symlink() {
            format!("{:?}", fs::read_link(path).unwrap())
        } else if stat.is_file() && stat.len() <= SMALL {
            ObjectId::of(&fs::read(path).unwrap()).to_string()
        } else {
            String::new()
        };
        let times = [
            stat.mtime(),
            stat.mtime_nsec(),
            stat.ctime(),
            stat.ctime_nsec(),
        ];
        let (mode, inode, size) = (stat.mode(), stat.ino(), stat.len());
        let shown = format!("{mode:o} inode {inode} size {size} times {times:?} {content}");
        (path.to_owned(), shown)
    };
    entries
        .into_iter()
        .map(|entry| describe(entry.unwrap()))
        .collect()
}

/// The regular files below `top`, with the paths that lead to them from there.
pub(crate) fn files(top: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(top).sort_by_file_name().into_iter();
    let files = entries.map(Result::unwrap);
    let files = files.filter(|entry| entry.file_type().is_file());
    let below = |path: &Path| path.strip_prefix(top).unwrap().display().to_string();
    files.map(|entry| below(entry.path())).collect()
}

/// A map as another CBOR implementation sees it, its keys in the bytewise order of their encodings.
pub(crate) fn ordered_map(mut fields: Vec<(&str, Value)>) -> Value {
    fields.sort_by_key(|(key, _)| to_cbor(&Value::from(*key)));
    Value::Map(
        fields
            .into_iter()
            .map(|(key, value)| (Value::from(key), value))
            .collect(),
    )
}

/// The value that an entry's object has to hold.
pub(crate) fn entry_value(entry: &EngineEntry) -> Value {
    let list = |texts: Vec<&str>| Value::Array(texts.into_iter().map(Value::from).collect());
    let artifacts = entry.artifacts.iter().map(|path| path.to_str().unwrap());
    let mut fields = vec![
        ("schema", Value::from("engine-entry/1")),
        ("id", Value::from(&*entry.id)),
        ("engine", Value::from(&*entry.engine)),
        ("version", Value::from(&*entry.version)),
        ("artifacts", list(artifacts.collect())),
        ("created_ms", Value::from(entry.created_ms)),
    ];
    if let Some(build_ref) = &entry.build_ref {
        fields.push(("build_ref", Value::from(&**build_ref)));
    }
    if let Some(digest) = &entry.digest {
        fields.push(("digest", Value::from(&**digest)));
    }
    if let Some(flags) = &entry.build_flags {
        let flags = flags.iter().map(String::as_str);
        fields.push(("build_flags", list(flags.collect())));
    }
    ordered_map(fields)
}

/// The value that a snapshot's object has to hold.
pub(crate) fn snapshot_value<'a>(members: impl IntoIterator<Item = &'a ObjectId>) -> Value {
    let members = members.into_iter();
    let members = members.map(|id| Value::Bytes(id.as_bytes().to_vec()));
    ordered_map(vec![
        ("schema", Value::from("snapshot/1")),
        ("objects", Value::Array(members.collect())),
    ])
}

/// The value that a manifest's object has to hold.
pub(crate) fn manifest_value(manifest: &Manifest) -> Value {
    let id = |id: &ObjectId| Value::Bytes(id.as_bytes().to_vec());
    let file = |(path, file): (&String, &ManifestFile)| {
        ordered_map(vec![
            ("path", Value::from(&**path)),
            ("mode", Value::from(file.mode)),
            ("size", Value::from(file.size)),
            ("blake3", id(&file.blake3)),
        ])
    };
    ordered_map(vec![
        ("schema", Value::from("artifacts/1")),
        ("subject", id(&manifest.subject)),
        (
            "files",
            Value::Array(manifest.files.iter().map(file).collect()),
        ),
    ])
}

/// The value that an attachment's object has to hold.
pub(crate) fn attachment_value(attachment: &Attachment) -> Value {
    let subject = attachment.subject.as_bytes().to_vec();
    let mut fields = vec![
        ("schema", Value::from("attachment/1")),
        ("subject", Value::Bytes(subject)),
        ("media_type", Value::from(attachment.media_type.as_str())),
        ("payload", Value::Bytes(attachment.payload.clone())),
    ];
    if let Some(name) = &attachment.name {
        fields.push(("name", Value::from(name.as_str())));
    }
    ordered_map(fields)
}

/// A document about an object.
pub(crate) fn document(subject: ObjectId, text: &str) -> Attachment {
    Attachment {
        subject,
        media_type: "text/plain".parse().unwrap(),
        name: None,
        payload: text.into(),
    }
}

pub(crate) fn to_cbor(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

pub(crate) fn from_cbor(bytes: &[u8]) -> Value {
    ciborium::from_reader(bytes).unwrap()
}

/// The object that holds an entry.
pub(crate) fn object_of(entry: &EngineEntry) -> ObjectId {
    ObjectId::of(&engine_catalog::encode_entry(entry).unwrap())
}

/// The bytes that hexadecimal digits stand for.
pub(crate) fn from_hex(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let digits = pairs.map(|pair| std::str::from_utf8(pair).unwrap());
    digits
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}
