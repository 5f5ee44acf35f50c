//! A disk that may lose power: what of it would certainly survive, and what may or may not.
//!
//! The model is that of layout.md section 9, and grants nothing more. Every name that was made,
//! replaced or removed since its directory was synced may be as before or as after, each for itself,
//! also the two names of one renaming. Every content that was written since its file was synced may be
//! absent, partly there, zeros, or there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A file or directory, whatever its names.
pub(crate) type Inode = usize;

/// The directory that holds everything.
pub(crate) const TOP: Inode = 0;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Directory,
    File(Content),
}

/// What a file holds: what certainly survives, and what it held after each write since.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Content {
    pub(crate) durable: Vec<u8>,
    pub(crate) pending: Vec<Vec<u8>>,
}

impl Content {
    fn current(&self) -> &Vec<u8> {
        self.pending.last().unwrap_or(&self.durable)
    }
}

/// What a name stands for: what certainly survives, and what it stood for after each change since.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Name {
    pub(crate) durable: Option<Inode>,
    pub(crate) pending: Vec<Option<Inode>>,
}

impl Name {
    fn current(&self) -> Option<Inode> {
        self.pending.last().copied().unwrap_or(self.durable)
    }
}

/// The disk below one directory.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Disk {
    top: PathBuf,
    pub(crate) inodes: Vec<Kind>,
    pub(crate) names: BTreeMap<(Inode, OsString), Name>,
}

impl Disk {
    /// The disk below `top` as it is now, all of which survives.
    pub(crate) fn of(top: &Path) -> Self {
        let mut disk = Self {
            top: top.to_owned(),
            inodes: vec![Kind::Directory],
            names: BTreeMap::new(),
        };
        for found in walkdir::WalkDir::new(top).min_depth(1) {
            let found = found.expect("the test can read its own directory");
            let kind = if found.file_type().is_dir() {
                Kind::Directory
            } else {
                let durable = std::fs::read(found.path()).expect("it can be read");
                let pending = Vec::new();
                Kind::File(Content { durable, pending })
            };
            let inode = disk.add(kind);
            disk.set(found.path(), Some(inode));
        }
        disk.sync_all();
        disk
    }

    /// Makes it uncertain whether a file survives, as of one that was written a moment ago.
    pub(crate) fn make_uncertain(&mut self, path: &Path) {
        let inode = self.at(path).expect("it is there");
        let parent = path.parent().and_then(|parent| self.at(parent));
        let key = (
            parent.expect("it is there"),
            path.file_name().expect("it has a name").to_owned(),
        );
        let pending = vec![Some(inode)];
        let durable = None;
        self.names.insert(key, Name { durable, pending });
        if let Kind::File(content) = &mut self.inodes[inode] {
            content.pending = vec![std::mem::take(&mut content.durable)];
        }
    }

    pub(crate) fn add(&mut self, kind: Kind) -> Inode {
        self.inodes.push(kind);
        self.inodes.len() - 1
    }

    /// Whether `path` lies below the directory that is modelled.
    pub(crate) fn contains(&self, path: &Path) -> bool {
        path.starts_with(&self.top)
    }

    /// What is at `path` now.
    pub(crate) fn at(&self, path: &Path) -> Option<Inode> {
        let below = path.strip_prefix(&self.top).ok()?;
        below.iter().try_fold(TOP, |dir, name| {
            self.names.get(&(dir, name.to_owned()))?.current()
        })
    }

    /// Makes `path` stand for something else, or for nothing.
    pub(crate) fn set(&mut self, path: &Path, inode: Option<Inode>) {
        let parent = path.parent().and_then(|parent| self.at(parent));
        let parent = parent.expect("the directory of what is named is there");
        let name = path.file_name().expect("what is named has a name");
        let name = self.names.entry((parent, name.to_owned())).or_default();
        name.pending.push(inode);
    }

    /// What a file holds now.
    pub(crate) fn current(&self, inode: Inode) -> &[u8] {
        match &self.inodes[inode] {
            Kind::File(content) => content.current(),
            Kind::Directory => panic!("a directory is read as a file"),
        }
    }

    /// Changes the content of a file.
    pub(crate) fn write(&mut self, inode: Inode, change: impl FnOnce(&mut Vec<u8>)) {
        let Kind::File(content) = &mut self.inodes[inode] else {
            panic!("a directory is written to");
        };
        let mut bytes = content.current().clone();
        change(&mut bytes);
        content.pending.push(bytes);
    }

    /// Makes survive what a file holds, or which names a directory has.
    pub(crate) fn sync(&mut self, inode: Inode) {
        if let Kind::File(content) = &mut self.inodes[inode] {
            content.durable = content.current().clone();
            content.pending.clear();
        }
        for ((dir, _), name) in &mut self.names {
            if *dir == inode {
                name.durable = name.current();
                name.pending.clear();
            }
        }
    }

    /// Makes everything survive.
    pub(crate) fn sync_all(&mut self) {
        for inode in 0..self.inodes.len() {
            self.sync(inode);
        }
    }
}
