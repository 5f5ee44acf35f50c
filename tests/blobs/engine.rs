//! A small engine on the disk: a program, a library and a read-only file in directories of their own.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use engine_catalog::{
    Artifacts, Catalog, Manifest, MaterializeOptions, Materialized, ObjectId, PreparedEngine,
    Record, StoredFiles,
};
use walkdir::WalkDir;

use crate::support::stamp;

/// Its files, by the paths below its directory, with their modes.
pub(crate) const FILES: [(&str, &str, u32); 3] = [
    ("bin/llama-server", "ELF server", 0o755),
    ("lib/libggml.so", "ELF library", 0o644),
    ("share/LICENSE", "MIT", 0o444),
];

/// Makes the files below `dir`, and returns their paths.
pub(crate) fn make(dir: &Path) -> Vec<PathBuf> {
    let files = FILES.iter().map(|(path, content, mode)| {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("there is room");
        fs::write(&path, content).expect("there is room");
        set_mode(&path, *mode);
        path
    });
    files.collect()
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its owner may");
}

/// Records files as a version of llama.cpp.
pub(crate) fn record(catalog: &Catalog, version: &str, files: Vec<PathBuf>) -> Record {
    let engine = PreparedEngine::new("llamacpp", version, Artifacts::Files(files), 1);
    let recorded = catalog
        .record(&engine, &stamp(1))
        .expect("it can be recorded");
    recorded.record()
}

/// Records the engine in `dir`, and stores its files.
pub(crate) fn store(catalog: &Catalog, dir: &Path) -> (Record, StoredFiles) {
    let record = record(catalog, "b4321", make(dir));
    let stored = catalog.store_files(&record, &mut |_| {});
    (record, stored.expect("it is as it was recorded"))
}

/// The only manifest of an entry.
pub(crate) fn manifest(catalog: &Catalog, record: &Record) -> Manifest {
    let mut manifests = catalog.manifests(&record.object).expect("it can be read");
    assert_eq!(manifests.len(), 1);
    manifests.remove(0)
}

/// The file of a blob in the catalog at `root`.
pub(crate) fn blob_file(root: &Path, content: &[u8]) -> PathBuf {
    let hex = ObjectId::of(content).to_string();
    root.join("blobs").join(&hex[..2]).join(&hex[2..])
}

pub(crate) fn materialize(
    catalog: &Catalog,
    record: &Record,
    to: &Path,
) -> Result<Materialized, engine_catalog::Error> {
    catalog.materialize(record, to, &MaterializeOptions::default(), &mut |_| {})
}

/// The regular files below a directory: content and mode, by path.
pub(crate) fn tree(dir: &Path) -> BTreeMap<String, (Vec<u8>, u32)> {
    let found = WalkDir::new(dir).into_iter();
    let found = found.map(|it| it.expect("it can be read"));
    let files = found.filter(|it| it.file_type().is_file());
    let describe = |file: walkdir::DirEntry| {
        let below = file.path().strip_prefix(dir).expect("it is below");
        let mode = file.metadata().expect("it is there").permissions().mode();
        let content = fs::read(file.path()).expect("it can be read");
        (below.display().to_string(), (content, mode & 0o7777))
    };
    files.map(describe).collect()
}

/// What [`tree`] says of the engine.
pub(crate) fn whole() -> BTreeMap<String, (Vec<u8>, u32)> {
    let files = FILES.iter();
    let files = files.map(|(path, content, mode)| {
        let content = content.as_bytes().to_vec();
        ((*path).to_owned(), (content, *mode))
    });
    files.collect()
}
