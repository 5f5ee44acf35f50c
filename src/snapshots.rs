//! Named snapshots: small files that say which snapshot a name stands for (layout.md section 5.2).
//!
//! A name is given once and never moved: to give it to another snapshot, it is removed first.

use std::path::{Path, PathBuf};

use crate::durable::{PathError, Permissions, Published, Root};
use crate::hash::ObjectId;
use crate::layout;
use crate::name::Name;

/// A named snapshot that cannot be read or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Its file does not hold an object id and a line feed.
    #[error(
        "snapshot {name} is damaged: {} does not hold 64 hexadecimal digits and a line feed",
        path.display()
    )]
    Damaged {
        /// The name.
        name: Name,
        /// Its file.
        path: PathBuf,
    },
    /// The name is that of another snapshot.
    #[error("the name {name} is taken: it is that of snapshot {found}")]
    Taken {
        /// The name.
        name: Name,
        /// The snapshot that has it.
        found: ObjectId,
    },
    /// The name would be taken for the id of an object.
    #[error("{name} is no name for a snapshot: it is the id of an object")]
    IsAnId {
        /// The name.
        name: Name,
    },
    /// Its file cannot be read or written.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// Returns the object of the snapshot with this name; `None` where there is none.
pub(crate) fn read(root: &Root, name: &Name) -> Result<Option<ObjectId>, SnapshotError> {
    let path = layout::snapshot(name).path();
    let Some(bytes) = root.read(&path, layout::REF_BYTES)? else {
        return Ok(None);
    };
    let id = ObjectId::from_line(&bytes);
    id.map(Some).ok_or_else(|| SnapshotError::Damaged {
        name: name.clone(),
        path: root.path().join(path),
    })
}

/// Returns all names, sorted. Files whose names are not of the format are foreign and passed over.
pub(crate) fn list(root: &Root) -> Result<Vec<Name>, PathError> {
    let files = root.list(Path::new(layout::SNAPSHOTS))?.into_iter();
    let mut names: Vec<_> = files.filter_map(|(file, _)| name_of(&file)).collect();
    names.sort_unstable();
    Ok(names)
}

/// Returns the name that a file of this name gives to a snapshot; `None` where it is foreign.
pub(crate) fn name_of(file: &str) -> Option<Name> {
    Name::from_file_name(file).filter(|name| !is_id(name))
}

/// Returns whether the name would be taken for the id of an object.
fn is_id(name: &Name) -> bool {
    name.as_str().parse::<ObjectId>().is_ok()
}

/// Returns whether `object` has the name already.
///
/// # Errors
///
/// [`SnapshotError::Taken`] where another snapshot has it, [`SnapshotError::IsAnId`] where it is none.
pub(crate) fn has_name(root: &Root, name: &Name, object: ObjectId) -> Result<bool, SnapshotError> {
    if is_id(name) {
        return Err(SnapshotError::IsAnId { name: name.clone() });
    }
    match read(root, name)? {
        Some(found) if found != object => {
            let name = name.clone();
            Err(SnapshotError::Taken { name, found })
        }
        found => Ok(found.is_some()),
    }
}

/// Gives the snapshot `object`, which survives already, a name. When this returns without an error,
/// the name survives. A name that it has already is no error.
///
/// # Locking
///
/// The caller holds the store lock, exclusively.
pub(crate) fn create(root: &Root, name: &Name, object: ObjectId) -> Result<(), SnapshotError> {
    let place = layout::snapshot(name);
    let dir = root.dir(&place.dir)?;
    let staged = root.stage_named(object.to_line().as_bytes(), Permissions::ByUmask)?;
    root.sync([staged.file()], [])?;
    if dir.publish(staged, &place.name)? == Published::Exists {
        if !has_name(root, name, object)? {
            // Somebody removes it by hand.
            return create(root, name, object);
        }
        dir.sync_file(&place.name)?;
    }
    Ok(dir.sync()?)
}

/// Removes a name, and returns the object of its snapshot; `None` where there was none. When this
/// returns without an error, the removal survives.
///
/// # Locking
///
/// The caller holds the store lock, exclusively.
pub(crate) fn remove(root: &Root, name: &Name) -> Result<Option<ObjectId>, SnapshotError> {
    let found = read(root, name)?;
    let place = layout::snapshot(name);
    if root.has(&place.dir) {
        let dir = root.dir(&place.dir)?;
        if found.is_some() {
            dir.remove(&place.name)?;
        }
        // Also where there is none: whoever removed it may have been killed before this.
        dir.sync()?;
    }
    Ok(found)
}
