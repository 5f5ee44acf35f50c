//! The object store: immutable files named by the hash of their bytes (layout.md sections 4, 7).

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::durable::{
    Cause, Dir, FileKind, PathError, Permissions, Published, Root, Staged, files_together,
};
use crate::entry::EngineEntry;
use crate::entry_codec::decode_entry;
use crate::hash::{ObjectId, Prefix};
use crate::layout;
use crate::object::Object;
use crate::quarantine;
use crate::schema::{MAX_OBJECT_BYTES, ObjectError, Schema};
use crate::snapshot::Snapshot;

/// An object that cannot be returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadObjectError {
    /// It is there, and is not what its name and kind promise.
    #[error("object {object} is refused: {cause}")]
    Refused {
        /// The object.
        object: ObjectId,
        /// What is wrong with it.
        cause: ObjectError,
    },
    /// Its file cannot be read.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// Returns what `decode` makes of the object stored as `id`; `None` where there is no such object.
///
/// Every byte is checked: they hash to `id`, decode strictly, and encode to the same bytes.
fn read<T>(
    root: &Root,
    id: &ObjectId,
    max_bytes: u64,
    decode: impl FnOnce(&[u8]) -> Result<T, ObjectError>,
) -> Result<Option<T>, ReadObjectError> {
    let refuse = |cause| ReadObjectError::Refused { object: *id, cause };
    let path = layout::object(id).path();
    let found = match (root.read(&path, max_bytes), root.alternate()) {
        (Ok(None), Some(alternate)) => alternate.read(&path, max_bytes),
        (found, _) => found,
    };
    let bytes = match found {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        // A good object of another kind, or a bad one: none of this kind in any case.
        Err(PathError {
            cause: Cause::TooLarge { size, limit },
            ..
        }) => {
            return Err(refuse(ObjectError::TooLarge { size, limit }));
        }
        Err(error) => return Err(error.into()),
    };
    let object = require_hash(id, &bytes).and_then(|()| decode(&bytes));
    object.map(Some).map_err(refuse)
}

/// Returns the entry stored as `id`; `None` where there is no such object.
pub(crate) fn read_entry(
    root: &Root,
    id: &ObjectId,
) -> Result<Option<EngineEntry>, ReadObjectError> {
    read(root, id, Schema::EngineEntry1.max_bytes(), decode_entry)
}

/// Returns the snapshot stored as `id`; `None` where there is no such object.
pub(crate) fn read_snapshot(
    root: &Root,
    id: &ObjectId,
) -> Result<Option<Snapshot>, ReadObjectError> {
    read(root, id, Schema::Snapshot1.max_bytes(), Snapshot::decode)
}

/// Returns the object stored as `id`, of whatever kind, and its bytes; `None` where there is no such
/// object.
pub(crate) fn read_any(
    root: &Root,
    id: &ObjectId,
) -> Result<Option<(Object, Vec<u8>)>, ReadObjectError> {
    read(root, id, MAX_OBJECT_BYTES, |bytes| {
        Ok((Object::decode(bytes)?, bytes.to_vec()))
    })
}

/// What the file of an object turns out to be when all of it is read.
pub(crate) struct Inspected {
    /// Bytes that were read: none where they are more than any object has.
    pub(crate) bytes: u64,
    /// Permission bits.
    pub(crate) mode: u32,
    /// What is wrong with its content.
    pub(crate) fault: Option<ObjectError>,
}

/// Reads and checks the file of an object; `None` where there is none.
pub(crate) fn inspect(root: &Root, id: &ObjectId) -> Result<Option<Inspected>, PathError> {
    let read = root.read_with_mode(&layout::object(id).path(), MAX_OBJECT_BYTES);
    let (content, mode) = match read {
        Ok(None) => return Ok(None),
        Ok(Some(read)) => read,
        Err(PathError {
            cause: Cause::TooLarge { size, limit },
            ..
        }) => {
            return Ok(Some(Inspected {
                bytes: 0,
                mode: Permissions::OBJECT_BITS,
                fault: Some(ObjectError::TooLarge { size, limit }),
            }));
        }
        Err(error) => return Err(error),
    };
    let object = require_hash(id, &content).and_then(|()| Object::decode(&content));
    Ok(Some(Inspected {
        bytes: content.len() as u64,
        mode,
        fault: object.err(),
    }))
}

/// The bytes of an object that goes elsewhere as it is.
pub(crate) struct Carried {
    pub(crate) bytes: Vec<u8>,
    /// What they say; `None` where they are of a kind that this version does not know.
    pub(crate) object: Option<Object>,
}

/// Returns the object stored as `id`, of whatever kind, to be carried elsewhere; `None` where there is
/// no such object. Of a kind that this version does not know only the hash is checked.
pub(crate) fn read_to_carry(
    root: &Root,
    id: &ObjectId,
) -> Result<Option<Carried>, ReadObjectError> {
    read(root, id, MAX_OBJECT_BYTES, |bytes| {
        let object = match Object::decode(bytes) {
            Ok(object) => Some(object),
            Err(ObjectError::UnknownSchema { .. }) => None,
            Err(error) => return Err(error),
        };
        let bytes = bytes.to_vec();
        Ok(Carried { bytes, object })
    })
}

fn require_hash(id: &ObjectId, bytes: &[u8]) -> Result<(), ObjectError> {
    match ObjectId::of(bytes) {
        found if found == *id => Ok(()),
        found => Err(ObjectError::Hash { found }),
    }
}

/// Returns the ids of all objects that start with `prefix`, sorted.
pub(crate) fn with_prefix(root: &Root, prefix: &Prefix) -> Result<Vec<ObjectId>, PathError> {
    let shard = &prefix.as_str()[..2];
    let files = root.list(&Path::new(layout::OBJECTS).join(shard))?;
    let ids = files
        .into_iter()
        .filter(|(_, kind)| *kind == FileKind::Regular);
    let ids = ids.filter_map(|(name, _)| layout::object_id(shard, &name));
    Ok(ids.filter(|id| prefix.matches(id)).collect())
}

/// Makes every one of `objects` exist and survive, with the given bytes.
///
/// An object that is there already keeps its file where its bytes are right; its ctime is renewed,
/// so that gc counts its age from now. Where they are wrong, the file is moved to quarantine and a
/// good one takes its place in the same step.
///
/// # Locking
///
/// The caller holds the store lock, in either way.
pub(crate) fn write_all(root: &Root, objects: &BTreeMap<ObjectId, &[u8]>) -> Result<(), PathError> {
    let objects: Vec<_> = objects.iter().collect();
    objects
        .chunks(files_together())
        .try_for_each(|some| write_some(root, some))
}

/// As [`write_all`], with one wait for all.
fn write_some(root: &Root, objects: &[(&ObjectId, &&[u8])]) -> Result<(), PathError> {
    let shards = objects.iter().map(|(id, _)| layout::object(id).dir);
    let shards: Vec<_> = shards.collect();
    root.make_dirs(shards.iter().map(PathBuf::as_path))?;
    let mut writes = Vec::with_capacity(objects.len());
    for (id, bytes) in objects {
        writes.push(Write::prepare(root, id, bytes)?);
    }
    // What is there already may come from a copy, or a crashed process, that never synced it.
    root.sync(writes.iter().map(Write::file), [])?;
    let mut dirs = BTreeMap::new();
    for write in writes {
        let dir = write.finish(root)?;
        // Of several descriptors the first is the one through which a failed write is told.
        dirs.entry(dir.path().to_owned()).or_insert(dir);
    }
    root.sync([], dirs.values())
}

/// One object on its way to the disk.
struct Write<'r, 'o> {
    id: &'o ObjectId,
    bytes: &'o [u8],
    dir: Dir<'r>,
    step: Step<'r>,
}

/// What is left to do for an object once its bytes survive.
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

impl<'r, 'o> Write<'r, 'o> {
    fn prepare(root: &'r Root, id: &'o ObjectId, bytes: &'o [u8]) -> Result<Self, PathError> {
        let place = layout::object(id);
        let dir = root.dir(&place.dir)?;
        let copy = || root.stage_named(bytes, Permissions::ReadOnly);
        // Whatever cannot be read as these bytes, a link or a directory too, is damage; unless the
        // reason has nothing to do with the file.
        let step = match root.read(&place.path(), bytes.len() as u64) {
            Ok(None) => Step::Publish(dir.stage(bytes, Permissions::ReadOnly)?),
            Ok(Some(found)) if found == bytes => match dir.renew(&place.name)? {
                Some(file) => Step::Keep(file),
                None => Step::Refresh(copy()?),
            },
            Err(error) if !error.cause.is_damage() && !error.cause.is_unreadable() => {
                return Err(error);
            }
            Ok(Some(_)) | Err(_) => Step::Heal(copy()?),
        };
        Ok(Self {
            id,
            bytes,
            dir,
            step,
        })
    }

    fn file(&self) -> &File {
        match &self.step {
            Step::Keep(file) => file,
            Step::Publish(staged) | Step::Refresh(staged) | Step::Heal(staged) => staged.file(),
        }
    }

    /// Gives the file its name, and returns the directory that is to be synced.
    fn finish(self, root: &'r Root) -> Result<Dir<'r>, PathError> {
        let name = layout::object(self.id).name;
        match self.step {
            Step::Keep(_) => {}
            Step::Publish(staged) => match self.dir.publish(staged, &name)? {
                Published::New => {}
                // Another writer was first, or somebody planted something there just now.
                Published::Exists => {
                    let again = Self::prepare(root, self.id, self.bytes)?;
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
