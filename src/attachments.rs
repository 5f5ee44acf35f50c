//! Attachments: empty files that link an object, their subject, to the objects that describe it
//! (layout.md section 5.3).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::durable::{Dir, FileKind, PathError, Permissions, Published, Root, Staged};
use crate::hash::ObjectId;
use crate::layout;

/// A link from a subject to an object that describes it.
pub(crate) type Link = (ObjectId, ObjectId);

/// Returns the objects that describe `subject`, sorted. Files whose names are not of the format are
/// foreign and passed over; a link that is no file is damage.
pub(crate) fn list(root: &Root, subject: &ObjectId) -> Result<Vec<ObjectId>, PathError> {
    let dir = layout::attachments(subject);
    let mut objects = Vec::new();
    for (name, kind) in root.list(&dir)? {
        let Ok(object) = name.parse() else { continue };
        if kind != FileKind::Regular {
            let path = root.path().join(&dir).join(name);
            return Err(PathError::new("open", &path, kind));
        }
        objects.push(object);
    }
    objects.sort_unstable();
    Ok(objects)
}

/// Makes every link exist and survive. The objects survive already.
///
/// # Locking
///
/// The caller holds the store lock, shared.
pub(crate) fn add_all(root: &Root, links: &BTreeSet<Link>) -> Result<(), PathError> {
    if links.is_empty() {
        return Ok(());
    }
    let places: Vec<_> = links
        .iter()
        .map(|(subject, object)| layout::attachment(subject, object))
        .collect();
    root.make_dirs(places.iter().map(|place| place.dir.as_path()))?;
    let mut dirs = BTreeMap::<PathBuf, Dir<'_>>::new();
    let mut staged = Vec::with_capacity(places.len());
    for place in &places {
        let dir = root.dir(&place.dir)?;
        staged.push(dir.stage(b"", Permissions::ByUmask)?);
        dirs.entry(place.dir.clone()).or_insert(dir);
    }
    root.sync(staged.iter().map(Staged::file), [])?;
    for (place, mut staged) in places.iter().zip(staged) {
        let dir = &dirs[&place.dir];
        // The name says all: a file that has it is as good as this one.
        while dir.publish(staged, &place.name)? == Published::Exists
            && !dir.has_file(&place.name)?
        {
            // Somebody removes it by hand.
            staged = dir.stage(b"", Permissions::ByUmask)?;
            root.sync([staged.file()], [])?;
        }
    }
    root.sync([], dirs.values())
}
