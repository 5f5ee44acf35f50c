//! Files that are named by the hash of their content: which there are, and how one comes to exist and survive
//! (layout.md sections 7.1, 7.4). That a file has the name is not proof of its content.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::durable::{Dir, FileKind, PathError, Published, Root, Staged};
use crate::hash::ObjectId;
use crate::layout::{self, Place};
use crate::quarantine;

/// A file that is named by a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HashedFile {
    pub(crate) id: ObjectId,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its ctime: milliseconds since the Unix epoch.
    pub(crate) changed_ms: i64,
}

/// Returns the files below `top` that are named by hashes, sorted. Others are foreign, and passed over.
pub(crate) fn list(root: &Root, top: &str) -> Result<Vec<HashedFile>, PathError> {
    let mut found = Vec::new();
    for (shard, kind) in root.list(Path::new(top))? {
        if kind != FileKind::Directory {
            continue;
        }
        for (name, stat) in root.list_stats(&Path::new(top).join(&shard))? {
            if let (Some(id), FileKind::Regular) = (layout::object_id(&shard, &name), stat.kind) {
                found.push(HashedFile {
                    id,
                    bytes: stat.size,
                    changed_ms: stat.ctime_ms,
                });
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// What is to exist under the name of its content.
pub(crate) trait Hashed {
    type Error: From<PathError>;

    fn place(&self) -> Place;

    /// Returns whether the file that has the name holds this; `None` where nothing has it.
    fn is_there(&mut self, root: &Root) -> Result<Option<bool>, PathError>;

    /// Writes it to a new file that can be published in `dir`.
    fn stage<'r>(&mut self, dir: &Dir<'r>) -> Result<Staged<'r>, Self::Error>;

    /// Writes it to a new file that can take the place of another.
    fn stage_named<'r>(&mut self, root: &'r Root) -> Result<Staged<'r>, Self::Error>;
}

/// Makes every one of `items` exist and survive, with one wait for all.
///
/// # Locking
///
/// The caller holds the store lock, in either way.
pub(crate) fn write_together<H: Hashed>(root: &Root, items: &mut [H]) -> Result<(), H::Error> {
    let dirs: Vec<_> = items.iter().map(|item| item.place().dir).collect();
    root.make_dirs(dirs.iter().map(PathBuf::as_path))?;
    let mut writes = Vec::with_capacity(items.len());
    for item in items {
        writes.push(Write::prepare(root, item)?);
    }
    // What is there already may come from a copy, or a crashed process, that never synced it.
    root.sync(writes.iter().map(Write::file), [])?;
    let mut dirs = BTreeMap::new();
    for write in writes {
        let dir = write.finish(root)?;
        // Of several descriptors the first is the one through which a failed write is told.
        dirs.entry(dir.path().to_owned()).or_insert(dir);
    }
    Ok(root.sync([], dirs.values())?)
}

/// One of them on its way to the disk.
struct Write<'r, 'i, H> {
    item: &'i mut H,
    dir: Dir<'r>,
    step: Step<'r>,
}

/// What is left to do once its bytes survive.
enum Step<'r> {
    /// Nothing: the file that has the name is right.
    Keep(File),
    /// To give a new file the name, unless another writer does so first.
    Publish(Staged<'r>),
    /// To put a new file in the place of a right one that belongs to another user, whose ctime
    /// could not be renewed.
    Refresh(Staged<'r>),
    /// To put a new file in the place of a damaged one.
    Heal(Staged<'r>),
}

impl<'r, 'i, H: Hashed> Write<'r, 'i, H> {
    fn prepare(root: &'r Root, item: &'i mut H) -> Result<Self, H::Error> {
        let place = item.place();
        let dir = root.dir(&place.dir)?;
        // Whatever cannot be read as these bytes, a link or a directory too, is damage; unless the
        // reason has nothing to do with the file.
        let step = match item.is_there(root) {
            Ok(None) => Step::Publish(item.stage(&dir)?),
            Ok(Some(true)) => match dir.renew(&place.name)? {
                Some(file) => Step::Keep(file),
                None => Step::Refresh(item.stage_named(root)?),
            },
            Err(error) if !error.cause.is_damage() && !error.cause.is_unreadable() => {
                return Err(error.into());
            }
            Ok(Some(false)) | Err(_) => Step::Heal(item.stage_named(root)?),
        };
        Ok(Self { item, dir, step })
    }

    fn file(&self) -> &File {
        match &self.step {
            Step::Keep(file) => file,
            Step::Publish(staged) | Step::Refresh(staged) | Step::Heal(staged) => staged.file(),
        }
    }

    /// Gives the file its name, and returns the directory that is to be synced.
    fn finish(self, root: &'r Root) -> Result<Dir<'r>, H::Error> {
        let name = self.item.place().name;
        match self.step {
            Step::Keep(_) => {}
            Step::Publish(staged) => match self.dir.publish(staged, &name)? {
                Published::New => {}
                // Another writer was first, or somebody planted something there just now.
                Published::Exists => {
                    let again = Self::prepare(root, self.item)?;
                    root.sync([again.file()], [])?;
                    return again.finish(root);
                }
            },
            Step::Refresh(staged) => self.dir.replace(staged, &name)?,
            Step::Heal(staged) => {
                quarantine::keep(root, &self.dir, &name)?;
                self.dir.replace(staged, &name)?;
            }
        }
        Ok(self.dir)
    }
}
