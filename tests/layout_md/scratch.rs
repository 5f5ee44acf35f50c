//! Catalogs to try things on.

use std::fs;
use std::ops::Deref;
use std::os::unix::fs::symlink;
use std::path::Path;

use engine_catalog::{
    Artifacts, Catalog, EngineEntry, Error, ObjectId, PreparedEngine, RefName, Stamp,
};

use crate::support::{self, Home};

/// A catalog of one engine and version, whose files can be given any content.
pub(super) struct Scratch(Home);

impl Deref for Scratch {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.0
    }
}

impl Scratch {
    pub(super) fn new() -> Self {
        Self(Home::new())
    }

    pub(super) fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.catalog.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        fs::write(path, bytes).unwrap();
    }

    /// Makes a file with that many zeros.
    pub(super) fn write_size(&self, path: impl AsRef<Path>, size: u64) {
        self.write(&path, "");
        let path = self.catalog.root().join(path);
        let file = fs::File::options().write(true).open(path);
        file.unwrap().set_len(size).unwrap();
    }

    pub(super) fn link(&self, target: &str, path: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        symlink(target, self.at(path)).unwrap();
    }

    pub(super) fn open(&self) -> Result<Catalog, Error> {
        Catalog::open(self.catalog.root())
    }
}

pub(super) fn stamp() -> Stamp {
    support::stamp(1)
}

pub(super) fn entry(created_ms: i64) -> EngineEntry {
    support::entry("b4321", created_ms)
}

/// What makes an entry of the same name as [`entry`], of one file.
pub(super) fn prepared(scratch: &Scratch, created_ms: i64) -> PreparedEngine {
    let server = scratch.outside().join("llama-server");
    fs::write(&server, "abc").unwrap();
    let files = Artifacts::Files(vec![server]);
    PreparedEngine::new("llamacpp", "b4321", files, created_ms)
}

/// Where the link is that attaches an object to a subject (section 5.3).
pub(super) fn attached(subject: &ObjectId, object: &ObjectId) -> String {
    let hex = subject.to_string();
    format!("attachments/{}/{}/{object}", &hex[..2], &hex[2..])
}

pub(super) fn name() -> RefName {
    support::name("llamacpp/b4321")
}
