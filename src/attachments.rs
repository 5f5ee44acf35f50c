//! Attachments: empty files that link an object, their subject, to the objects that describe it
//! (layout.md section 5.3).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::durable::{
    Cause, Dir, FileKind, PathError, Permissions, Published, Root, Staged, files_together,
};
use crate::hash::ObjectId;
use crate::layout::{self, Place};

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

/// All links of a catalog, as far as they can be listed.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// The objects that describe each subject, sorted.
    pub(crate) by_subject: BTreeMap<ObjectId, Vec<ObjectId>>,
    /// What cannot be listed, or is of the wrong kind: links may be hidden there.
    pub(crate) damage: Vec<PathError>,
}

impl Links {
    /// Lists a directory below `attachments/`, and keeps what `known` knows by its name.
    fn list<T>(
        &mut self,
        root: &Root,
        dir: &Path,
        expected: FileKind,
        known: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let found = root.list(dir).unwrap_or_else(|error| {
            self.damage.push(error);
            Vec::new()
        });
        let mut names = Vec::with_capacity(found.len());
        for (name, kind) in found {
            match known(&name) {
                Some(name) if kind == expected => names.push(name),
                Some(_) => {
                    let path = root.path().join(dir).join(&name);
                    let cause = match expected {
                        FileKind::Directory => Cause::NotADirectory,
                        _ => Cause::NotRegular(kind),
                    };
                    self.damage.push(PathError::new("read", &path, cause));
                }
                None => {}
            }
        }
        names
    }
}

/// Returns all links. Foreign files are passed over.
pub(crate) fn list_all(root: &Root) -> Links {
    let mut links = Links::default();
    let top = Path::new(layout::ATTACHMENTS);
    let shard = |name: &str| layout::is_shard(name).then(|| name.to_owned());
    for shard in links.list(root, top, FileKind::Directory, shard) {
        let subject = |name: &str| layout::object_id(&shard, name);
        for subject in links.list(root, &top.join(&shard), FileKind::Directory, subject) {
            let dir = layout::attachments(&subject);
            let objects = links.list(root, &dir, FileKind::Regular, |name| name.parse().ok());
            links.by_subject.insert(subject, objects);
        }
    }
    links
}

/// Makes every link exist and survive. The objects survive already.
///
/// # Locking
///
/// The caller holds the store lock, in either way.
pub(crate) fn add_all(root: &Root, links: &BTreeSet<Link>) -> Result<(), PathError> {
    let places = links
        .iter()
        .map(|(subject, object)| layout::attachment(subject, object));
    let places: Vec<_> = places.collect();
    places
        .chunks(files_together())
        .try_for_each(|some| add_some(root, some))
}

/// Removes a link, so that it stays away, and returns whether there was one.
///
/// # Locking
///
/// The caller holds the store lock, in either way.
pub(crate) fn remove(root: &Root, (subject, object): Link) -> Result<bool, PathError> {
    let place = layout::attachment(&subject, &object);
    if !root.has(&place.dir) {
        return Ok(false);
    }
    let dir = root.dir(&place.dir)?;
    let is_there = dir.has_file(&place.name)?;
    dir.remove(&place.name)?;
    // Also where it is gone already: whoever removed it may have died before this.
    dir.sync()?;
    Ok(is_there)
}

/// As [`add_all`], with one wait for all.
fn add_some(root: &Root, places: &[Place]) -> Result<(), PathError> {
    root.make_dirs(places.iter().map(|place| place.dir.as_path()))?;
    let mut dirs = BTreeMap::<PathBuf, Dir<'_>>::new();
    let mut staged = Vec::with_capacity(places.len());
    for place in places {
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
