//! What the entries that stay name: by whatever path, it stays.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::under::{Found, Spot};
use crate::durable::{FileId, FileKind, look_outside};
use crate::hash::ObjectId;

/// What entries name that stay, each with one of them.
#[derive(Debug, Default)]
pub(super) struct Kept {
    files: BTreeMap<FileId, ObjectId>,
    paths: BTreeMap<PathBuf, ObjectId>,
    /// Everything below them is theirs.
    dirs: BTreeMap<FileId, ObjectId>,
    dir_paths: BTreeMap<PathBuf, ObjectId>,
    /// Which directory is at a path, if any, as far as that was looked up.
    above: RefCell<BTreeMap<PathBuf, Option<FileId>>>,
    /// What was recorded of files of which nothing is at the path now: by another path they may be there, or
    /// again.
    absent: BTreeMap<String, ObjectId>,
    /// What a path leads to could not be told: it may be anything.
    pub(super) unknown: Vec<String>,
}

impl Kept {
    pub(super) fn add(&mut self, entry: ObjectId, found: &Found) {
        let spot = match found {
            Found::Nothing => return,
            Found::Unknown(error) => {
                let shown = format!("entry {entry} names a file that it may share: {error}");
                return self.unknown.push(shown);
            }
            Found::Something(spot) => spot,
        };
        let (ids, paths) = match spot.kind {
            FileKind::Directory => (&mut self.dirs, &mut self.dir_paths),
            _ => (&mut self.files, &mut self.paths),
        };
        ids.entry(spot.id).or_insert(entry);
        paths.entry(spot.canonical.clone()).or_insert(entry);
    }

    /// Takes note of a file that is not at its path, by a digest that was recorded of it.
    pub(super) fn add_absent(&mut self, entry: ObjectId, digest: String) {
        self.absent.entry(digest).or_insert(entry);
    }

    /// Returns an entry that names a file of this content which is not at its path.
    pub(super) fn missing(&self, digest: &str) -> Option<ObjectId> {
        self.absent.get(digest).copied()
    }

    /// Returns an entry that names the file, or a directory that it is in.
    pub(super) fn naming(&self, spot: &Spot) -> Option<ObjectId> {
        let file = || self.files.get(&spot.id);
        let path = || self.paths.get(&spot.canonical);
        let mut above = spot.canonical.ancestors();
        let found = file().or_else(path);
        let found = found.or_else(|| above.find_map(|dir| self.naming_dir(dir)));
        found.copied()
    }

    fn naming_dir(&self, dir: &Path) -> Option<&ObjectId> {
        if self.dirs.is_empty() {
            return None;
        }
        let by_path = self.dir_paths.get(dir);
        by_path.or_else(|| self.dirs.get(&self.id_of(dir)?))
    }

    fn id_of(&self, dir: &Path) -> Option<FileId> {
        let mut known = self.above.borrow_mut();
        if let Some(id) = known.get(dir) {
            return *id;
        }
        let found = look_outside(dir).ok().flatten();
        let id = found.map(|it| it.stat.mark.id());
        known.insert(dir.to_owned(), id);
        id
    }
}
