//! Catalogs to try things on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use engine_catalog::{Catalog, EngineEntry, Error, ObjectId, RefName, Stamp};

pub(super) struct Scratch {
    pub(super) dir: tempfile::TempDir,
    pub(super) catalog: Catalog,
}

impl Scratch {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Catalog::create(dir.path().join("root")).unwrap();
        Self { dir, catalog }
    }

    pub(super) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join("root").join(path)
    }

    pub(super) fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        fs::write(path, bytes).unwrap();
    }

    /// Makes a file with that many zeros.
    pub(super) fn write_size(&self, path: &str, size: u64) {
        self.write(path, "");
        let file = fs::File::options().write(true).open(self.path(path));
        file.unwrap().set_len(size).unwrap();
    }

    pub(super) fn link(&self, target: &str, path: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        symlink(target, self.path(path)).unwrap();
    }

    /// Stores any bytes as the object that they are.
    pub(super) fn plant(&self, bytes: &[u8]) -> ObjectId {
        let id = ObjectId::of(bytes);
        self.write(object_path(&id), bytes);
        id
    }

    pub(super) fn put(&self, entry: &EngineEntry) -> ObjectId {
        self.catalog.put(entry, &stamp()).unwrap().object
    }

    pub(super) fn open(&self) -> Result<Catalog, Error> {
        Catalog::open(self.path(""))
    }
}

pub(super) fn object_path(id: &ObjectId) -> PathBuf {
    let hex = id.to_string();
    Path::new("objects").join(&hex[..2]).join(&hex[2..])
}

pub(super) fn stamp() -> Stamp {
    Stamp::new("me", 1).unwrap()
}

pub(super) fn entry(created_ms: i64) -> EngineEntry {
    EngineEntry::new("llamacpp", "b4321", created_ms)
}

pub(super) fn name() -> RefName {
    RefName::new("llamacpp", "b4321").unwrap()
}
