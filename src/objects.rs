//! The object store: immutable files named by the hash of their bytes (layout.md sections 4, 7).

use std::collections::BTreeMap;
use std::path::Path;

use crate::attachment::Attachment;
use crate::durable::{Cause, Dir, FileKind, PathError, Permissions, Root, Staged, files_together};
use crate::entry::EngineEntry;
use crate::entry_codec::decode_entry;
use crate::hash::{ObjectId, Prefix};
use crate::hashed::{Hashed, write_together};
use crate::layout::{self, Place};
use crate::object::Object;
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

/// Returns the attachment stored as `id`; `None` where there is no such object.
pub(crate) fn read_attachment(
    root: &Root,
    id: &ObjectId,
) -> Result<Option<Attachment>, ReadObjectError> {
    read(root, id, MAX_OBJECT_BYTES, Attachment::decode)
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
    let objects = objects.iter().map(|(id, bytes)| Wanted { id, bytes });
    let mut objects: Vec<_> = objects.collect();
    objects
        .chunks_mut(files_together())
        .try_for_each(|some| write_together(root, some))
}

/// An object that is to exist.
struct Wanted<'o> {
    id: &'o ObjectId,
    bytes: &'o [u8],
}

impl Hashed for Wanted<'_> {
    type Error = PathError;

    fn place(&self) -> Place {
        layout::object(self.id)
    }

    fn is_there(&mut self, root: &Root) -> Result<Option<bool>, PathError> {
        let found = root.read(&self.place().path(), self.bytes.len() as u64)?;
        Ok(found.map(|found| found == self.bytes))
    }

    fn stage<'r>(&mut self, dir: &Dir<'r>) -> Result<Staged<'r>, PathError> {
        dir.stage(self.bytes, Permissions::ReadOnly)
    }

    fn stage_named<'r>(&mut self, root: &'r Root) -> Result<Staged<'r>, PathError> {
        root.stage_named(self.bytes, Permissions::ReadOnly)
    }
}
