//! What comes from a catalog elsewhere, until it is checked: a directory in `tmp/` with the shape of a
//! catalog, that holds only what is not here (layout.md section 10.4).
//!
//! The library runs no program: whoever has a [`Staging`] lets a program such as rsync put files there.
//! Nothing in it is trusted, and what it lacks is read from the catalog itself.

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::blobs::Blob;
use crate::catalog::Catalog;
use crate::durable::{Hold, Lock, Root, Scratch};
use crate::error::Error;
use crate::hash::ObjectId;
use crate::import::Blobs;
use crate::layout;
use crate::manifest::Manifest;
use crate::name::RefName;
use crate::object::Object;
use crate::repair::Needed;
use crate::{attachments, objects, refs, snapshots};

/// The file with the list of what is wanted.
const LIST: &str = "list";

/// The digits of the hash of a source by which its directory is called.
const DIGITS: usize = 16;

/// A directory in which the files of another catalog are gathered before anything of them is taken.
///
/// One that is dropped stays, and the next of the same source goes on with it, until it is
/// [finished](Self::finish).
#[must_use = "others may have the directory when this is dropped"]
#[derive(Debug)]
pub struct Staging {
    /// What is here, and so need not come, is not removed meanwhile.
    _objects: Lock,
    scratch: Scratch,
    /// The catalog.
    here: Root,
    /// What was said to be wanted.
    asked: BTreeSet<PathBuf>,
    blobs: Blobs,
    are_histories_of_ours_wanted: bool,
    /// Links that the source has, by their subjects.
    offered: BTreeMap<ObjectId, Vec<ObjectId>>,
}

/// Files of the source that are missing, relative to its root, each sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// The format marker, and the histories of refs, which the source need not have.
    pub texts: Vec<PathBuf>,
    /// Objects.
    pub objects: Vec<PathBuf>,
    /// Blobs, which the source need not have; none unless they are to come along.
    pub blobs: Vec<PathBuf>,
    /// The size of the largest of these blobs in bytes, as manifests say.
    pub largest_blob: u64,
}

impl Wanted {
    /// Returns whether nothing is missing that was not asked for before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.texts, &self.objects, &self.blobs]
            .iter()
            .all(|paths| paths.is_empty())
    }
}

impl Catalog {
    /// Opens the directory in which what `source` has is gathered, with what is left in it of a
    /// transfer that was interrupted. Any text that stands for the source will do.
    ///
    /// # Locking
    ///
    /// Takes the lock of that directory, and shares the one on `objects/`, until the staging is dropped: what
    /// is here already and need not come is not collected meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::Path`], and those of a catalog that cannot be written.
    pub fn stage(&self, source: &str) -> Result<Staging, Error> {
        self.require_writable()?;
        let root = self.root_dir();
        let staged = Staging {
            _objects: root.lock_dir(Path::new(layout::OBJECTS), Hold::Shared)?,
            scratch: self.root_dir().scratch(&name_for(source))?,
            here: self.root_dir().again()?,
            asked: BTreeSet::new(),
            blobs: Blobs::default(),
            are_histories_of_ours_wanted: false,
            offered: BTreeMap::new(),
        };
        // They may be others by now, or none.
        for names in [
            layout::FORMAT,
            layout::REFS,
            layout::HISTORY,
            layout::SNAPSHOTS,
            layout::ATTACHMENTS,
        ] {
            staged.scratch.clear(Path::new(names))?;
        }
        Ok(staged)
    }

    /// Removes what is left in the directory of `source`, where there is one.
    ///
    /// # Locking
    ///
    /// Takes the lock of that directory, if there is one.
    ///
    /// # Errors
    ///
    /// As [`stage`](Self::stage) and [`Staging::finish`].
    pub fn unstage(&self, source: &str) -> Result<(), Error> {
        let path = Path::new(layout::TMP).join(name_for(source));
        match self.root_dir().has(&path) {
            true => self.stage(source)?.finish(),
            false => Ok(()),
        }
    }
}

/// Returns what a ref holds, if that can be told.
fn held(root: &Root, name: &RefName) -> Option<ObjectId> {
    refs::read(root, name).ok().flatten()
}

/// The name in `tmp/` of the directory of a source.
fn name_for(source: &str) -> String {
    format!("pull-{:.DIGITS$}", ObjectId::of(source.as_bytes()))
}

impl Staging {
    /// Sets whether the contents of artifacts are wanted too.
    pub fn set_blobs(&mut self, blobs: Blobs) {
        self.blobs = blobs;
    }

    /// Has the histories wanted too of refs that are here and did not come: they tell which were retired
    /// there. For a staging that all refs of the source come to.
    pub fn want_histories_of_ours(&mut self) {
        self.are_histories_of_ours_wanted = true;
    }

    /// Returns a path that leads to the directory, whatever has its name by then, for as long as this
    /// lives. From there the root of the catalog is `../..`.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.scratch.open_path()
    }

    /// Returns an empty file that keeps the directory taken for as long as anybody has it open: what is
    /// handed to a process outlives this one.
    ///
    /// # Errors
    ///
    /// [`Error::Path`].
    pub fn hold(&self) -> Result<File, Error> {
        Ok(self.scratch.hold()?)
    }

    /// Writes paths into a file in the directory, each with a NUL after it, and returns its name.
    ///
    /// # Errors
    ///
    /// [`Error::Path`].
    pub fn write_list(&self, paths: &[PathBuf]) -> Result<&'static str, Error> {
        use std::os::unix::ffi::OsStrExt;

        let mut bytes = Vec::new();
        for path in paths {
            bytes.extend_from_slice(path.as_os_str().as_bytes());
            bytes.push(0);
        }
        self.scratch.put(LIST, &bytes)?;
        Ok(LIST)
    }

    /// Returns what is still missing: the format marker, and the closure of the refs and named snapshots
    /// that came, which is the histories of refs that are not as here, objects, what is attached to those,
    /// and the contents of artifacts if they are to come along. What was wanted before is not wanted again,
    /// so that a source that does not have it is asked once. It takes as long as what came is large.
    ///
    /// What is here, or has come and is right, is not wanted. What has come before and is damaged is
    /// removed.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where the refs that came cannot be listed. What cannot be read of a single one is
    /// for [`Catalog::import`] to tell.
    pub fn wanted(&mut self) -> Result<Wanted, Error> {
        let (mut wanted, mut stack) = (Wanted::default(), Vec::new());
        self.ask(layout::FORMAT.into(), &mut wanted.texts);
        for name in refs::list(self.scratch.root(), &Default::default())? {
            if let Some(object) = held(self.scratch.root(), &name) {
                if held(&self.here, &name) != Some(object) {
                    self.ask(layout::history(&name).path(), &mut wanted.texts);
                }
                stack.push(object);
            }
        }
        if self.are_histories_of_ours_wanted {
            for name in refs::list(&self.here, &Default::default())? {
                if !self.scratch.root().has(&layout::ref_file(&name).path()) {
                    self.ask(layout::history(&name).path(), &mut wanted.texts);
                }
            }
        }
        let offered = self.offered.keys();
        stack.extend(offered.filter(|subject| self.is_here(subject)).copied());
        for name in snapshots::list(self.scratch.root())? {
            if let Ok(Some(object)) = snapshots::read(self.scratch.root(), &name) {
                if self.is_complete(&object) {
                    self.scratch.clear(&layout::snapshot(&name).path())?;
                } else {
                    stack.push(object);
                }
            }
        }
        let mut seen = BTreeSet::new();
        while let Some(object) = stack.pop() {
            if seen.insert(object) {
                self.follow(&object, &mut stack, &mut wanted)?;
            }
        }
        for paths in [&mut wanted.texts, &mut wanted.objects, &mut wanted.blobs] {
            paths.sort_unstable();
        }
        Ok(wanted)
    }

    fn is_here(&self, object: &ObjectId) -> bool {
        self.here.has(&layout::object(object).path())
    }

    /// Returns whether a snapshot and its members are here, so that it came with all that belongs to it.
    fn is_complete(&self, object: &ObjectId) -> bool {
        let snapshot = objects::read_snapshot(&self.here, object);
        let mut members = snapshot.iter().flatten().flat_map(|it| &it.objects);
        matches!(snapshot, Ok(Some(_))) && members.all(|member| self.is_here(member))
    }

    /// Wants an object and what is attached to it, and comes by what it leads to.
    fn follow(
        &mut self,
        object: &ObjectId,
        stack: &mut Vec<ObjectId>,
        wanted: &mut Wanted,
    ) -> Result<(), Error> {
        for attached in self.offered.remove(object).into_iter().flatten() {
            let link = layout::attachment(object, &attached).path();
            self.scratch.touch(&link)?;
        }
        for root in [self.scratch.root(), &self.here] {
            // What cannot be listed leads to nothing.
            stack.extend(attachments::list(root, object).unwrap_or_default());
        }
        let path = layout::object(object).path();
        let mut found = objects::read_to_carry(self.scratch.root(), object);
        if found.is_err() && !self.asked.contains(&path) {
            self.scratch.clear(&path)?;
            found = Ok(None);
        }
        let found = match found {
            Ok(None) => match objects::read_to_carry(&self.here, object) {
                Ok(Some(carried)) => Some(carried),
                // A good one takes the place of what is damaged here.
                Ok(None) | Err(_) => {
                    self.ask(path, &mut wanted.objects);
                    None
                }
            },
            Ok(found) => found,
            // It came in this transfer, and is not what was asked for: the import tells.
            Err(_) => None,
        };
        match found.and_then(|found| found.object) {
            Some(Object::Snapshot(snapshot)) => stack.extend(snapshot.objects),
            Some(Object::Manifest(manifest)) if self.blobs == Blobs::Bring => {
                self.want_blobs(&manifest, wanted);
            }
            _ => {}
        }
        Ok(())
    }

    /// Wants the contents of files that are neither here nor have come. By their sizes: import hashes them.
    fn want_blobs(&mut self, manifest: &Manifest, wanted: &mut Wanted) {
        for blob in manifest.blobs().into_keys() {
            let is_in = |root: &Root| matches!(blob.has_size(root), Ok(Some(true)));
            if !is_in(&self.here) && !is_in(self.scratch.root()) {
                self.ask(layout::blob(&blob.id).path(), &mut wanted.blobs);
                wanted.largest_blob = wanted.largest_blob.max(blob.size);
            }
        }
    }

    fn ask(&mut self, path: PathBuf, wanted: &mut Vec<PathBuf>) {
        if self.asked.insert(path.clone()) {
            wanted.push(path);
        }
    }

    /// Returns what is to be asked of a source for this alone: its format marker, and what of it has not
    /// come. What has come and is damaged is removed, and so is the marker of another source: several can
    /// be asked in turn for what [`Catalog::repair`] needs.
    ///
    /// # Errors
    ///
    /// [`Error::Path`].
    pub fn want(&self, needed: &Needed) -> Result<Wanted, Error> {
        let format = Path::new(layout::FORMAT);
        self.scratch.clear(format)?;
        let mut wanted = Wanted {
            texts: vec![format.to_owned()],
            largest_blob: needed.blobs.values().copied().max().unwrap_or(0),
            ..Wanted::default()
        };
        for object in &needed.objects {
            let path = layout::object(object).path();
            if self.is_to_come(self.has(object), &path) {
                wanted.objects.push(path);
            }
        }
        for (blob, size) in &needed.blobs {
            let path = layout::blob(blob).path();
            if self.is_to_come(self.has_blob(blob, *size), &path) {
                wanted.blobs.push(path);
            }
        }
        Ok(wanted)
    }

    /// Returns whether it is wanted of which is known whether it has come, and clears its place.
    fn is_to_come(&self, came: Result<bool, Error>, path: &Path) -> bool {
        if came.is_err() {
            // A file may have come in the place of a directory.
            for place in path.ancestors().take(3) {
                if self.scratch.clear(place).is_ok() {
                    break;
                }
            }
        }
        !matches!(came, Ok(true))
    }

    /// Returns whether an object has come, and is right.
    ///
    /// # Errors
    ///
    /// [`Error::Object`] where it has come and is not what its name says.
    pub fn has(&self, object: &ObjectId) -> Result<bool, Error> {
        Ok(objects::read_to_carry(self.scratch.root(), object)?.is_some())
    }

    /// Returns whether a blob of `size` bytes has come, and is right. All of it is read.
    ///
    /// # Errors
    ///
    /// [`Error::Blob`] where it has come and is not what its name says.
    pub fn has_blob(&self, blob: &ObjectId, size: u64) -> Result<bool, Error> {
        let id = *blob;
        Ok(Blob { id, size }.check(self.scratch.root())?)
    }

    /// Returns what came as a catalog that can be read; objects that it lacks are those that are here.
    ///
    /// # Errors
    ///
    /// Those of [`Catalog::open`].
    pub fn catalog(&self) -> Result<Catalog, Error> {
        let mut root = self.scratch.root().again()?;
        root.set_alternate(self.here.again()?);
        Catalog::of_root(root)
    }

    /// Leaves what came for the next time; where no object came, removes the directory.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    pub fn leave(self) -> Result<(), Error> {
        match self.scratch.root().has(Path::new(layout::OBJECTS)) {
            true => Ok(()),
            false => self.finish(),
        }
    }

    /// Removes the directory with all that came.
    ///
    /// # Errors
    ///
    /// [`Error::Path`]; what is left is harmless.
    pub fn finish(self) -> Result<(), Error> {
        Ok(self.scratch.remove()?)
    }
}
