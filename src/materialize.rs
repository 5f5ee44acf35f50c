//! Materializing an engine: its files are written from blobs to a directory, which appears whole or not at
//! all (layout.md section 10.5).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::artifact::Progress;
use crate::blobs::{Blob, BlobError};
use crate::catalog::{Catalog, Record};
use crate::durable::{Means, NewTree, Opened, PathError, Published, TreeFile, is_vacant};
use crate::entry::EngineEntry;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::manifest::{Manifest, ManifestFile};

/// Set-user-id, set-group-id and sticky.
const SPECIAL_BITS: u32 = 0o7000;

/// How an engine is materialized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaterializeOptions {
    /// Where the bytes of files are.
    pub placing: Placing,
    /// What becomes of the bits that give a program the rights of its owner.
    pub special_bits: SpecialBits,
    /// Which of several manifests of the entry says what the files are.
    pub manifest: Option<ObjectId>,
}

/// Where the bytes of materialized files are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placing {
    /// In files of their own, which share blocks with the blobs where the file system can do that.
    #[default]
    Copy,
    /// Those with mode 0444 are further names of the blobs, where that is possible: whoever writes to one
    /// damages the blob. Others are copied.
    Link,
}

/// What becomes of set-user-id, set-group-id and the sticky bit of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecialBits {
    /// They are left out: a manifest from elsewhere makes no program that runs with the rights of others.
    #[default]
    LeaveOut,
    /// They are as they were recorded.
    Keep,
}

/// An engine that was materialized.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Materialized {
    /// Where it is, as an absolute path without symbolic links.
    pub dir: PathBuf,
    /// The entry, with the paths that its files have there. It is not recorded.
    pub entry: EngineEntry,
    /// How many files there are.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// How many of these bytes take no room of their own, because files share blocks with blobs or are
    /// further names of them.
    pub shared_bytes: u64,
    /// The files that lack set-user-id, set-group-id or the sticky bit, which they were recorded with.
    pub without_special_bits: Vec<PathBuf>,
}

impl Catalog {
    /// Writes the files of an entry from the store to the directory `to`, which must not exist, or be
    /// empty. They lie below it as they lay below the directory that all of them had in common, with the
    /// modes that were recorded; directories have mode 0755.
    ///
    /// Every byte is hashed as it is written. The directory appears under its name when all of it
    /// survives a power cut, and where this fails nothing of it is left.
    ///
    /// # Locking
    ///
    /// Shares the store lock, where there is one, so that nothing is collected meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::NoManifest`] and [`Error::SeveralManifests`] where it is not known which files the entry
    /// has, [`BlobError::Missing`] and [`BlobError::Damaged`] where their contents are not in the store,
    /// [`Error::Unplaceable`] where a path that was recorded leads nowhere below a directory,
    /// [`Error::Occupied`], [`Error::InsideCatalog`] and [`Error::Path`].
    pub fn materialize(
        &self,
        record: &Record,
        to: &Path,
        options: &MaterializeOptions,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Materialized, Error> {
        let path = || to.to_owned();
        if !is_vacant(to)? {
            return Err(Error::Occupied { path: path() });
        }
        if self.root.contains(to)? {
            return Err(Error::InsideCatalog { path: path() });
        }
        let _lock = self.begin_long_read()?;
        let manifest = self.chosen(record, options.manifest)?;
        let places = places(&manifest)?;
        // Before gigabytes are written.
        for (blob, path) in manifest.blobs() {
            self.open_blob(&blob, path)?;
        }
        let mut writing = Writing {
            tree: NewTree::begin(to)?,
            options,
            progress,
            without_special_bits: Vec::new(),
            shared_bytes: 0,
        };
        for (place, (path, file)) in &places {
            let (id, size) = (file.blake3, file.size);
            let blob = Blob { id, size };
            let opened = self.open_blob(&blob, Path::new(path))?;
            writing.add(place, &opened, blob, file.mode)?;
        }
        let Writing {
            tree,
            without_special_bits,
            shared_bytes,
            ..
        } = writing;
        if tree.publish()? == Published::Exists {
            return Err(Error::Occupied { path: path() });
        }
        let dir = to.canonicalize();
        let dir = dir.map_err(|error| PathError::new("look at", to, error))?;
        let by_path: BTreeMap<_, _> = places
            .iter()
            .map(|(place, (path, _))| (Path::new(path), dir.join(place)))
            .collect();
        let artifacts = record.entry.artifacts.iter();
        let artifacts = artifacts.filter_map(|path| by_path.get(&**path).cloned());
        Ok(Materialized {
            entry: EngineEntry {
                artifacts: artifacts.collect(),
                ..record.entry.clone()
            },
            files: places.len(),
            bytes: places.values().map(|(_, file)| file.size).sum(),
            shared_bytes,
            without_special_bits: without_special_bits
                .into_iter()
                .map(|place| dir.join(place))
                .collect(),
            dir,
        })
    }

    fn open_blob(&self, blob: &Blob, path: &Path) -> Result<Opened, BlobError> {
        let opened = blob.open(&self.root)?;
        opened.ok_or_else(|| BlobError::Missing {
            blob: blob.id,
            path: path.to_owned(),
        })
    }

    /// Returns the manifest that says what the files of an entry are: the one that was asked for, or the
    /// only one, or the only one whose blobs are all in the store.
    fn chosen(&self, record: &Record, asked: Option<ObjectId>) -> Result<Manifest, Error> {
        let object = record.object;
        let id_of = |manifest: &Manifest| {
            let bytes = manifest
                .encode()
                .expect("a manifest that was read can be encoded");
            ObjectId::of(&bytes)
        };
        let mut manifests = self.describing(record)?;
        manifests.retain(|it| !it.files.is_empty() && asked.is_none_or(|asked| id_of(it) == asked));
        if manifests.len() > 1 {
            let ids = manifests.iter().map(id_of).collect();
            let has_all = |manifest: &Manifest| {
                let mut blobs = manifest.blobs().into_keys();
                blobs.all(|blob| matches!(blob.has_size(&self.root), Ok(Some(true))))
            };
            manifests.retain(has_all);
            if manifests.len() != 1 {
                return Err(Error::SeveralManifests {
                    object,
                    manifests: ids,
                });
            }
        }
        manifests.pop().ok_or(Error::NoManifest { object })
    }
}

/// A directory that is being filled.
struct Writing<'a> {
    tree: NewTree,
    options: &'a MaterializeOptions,
    progress: &'a mut dyn FnMut(Progress<'_>),
    without_special_bits: Vec<PathBuf>,
    shared_bytes: u64,
}

impl Writing<'_> {
    fn add(&mut self, place: &Path, from: &Opened, blob: Blob, mode: u32) -> Result<(), BlobError> {
        let total = blob.size;
        let mut tell = |done| {
            (self.progress)(Progress {
                path: place,
                done,
                total,
            });
        };
        if self.options.placing == Placing::Link && mode == 0o444 {
            let mut done = 0;
            let found = from.read_through(total, &mut |chunk| {
                done += chunk.len() as u64;
                tell(done);
                Ok(())
            });
            blob.require(found.map_err(|error| blob.judge(error))?)?;
            if self.tree.add_link(place, from)? {
                self.shared_bytes += total;
                return Ok(());
            }
        }
        let kept = match self.options.special_bits {
            SpecialBits::Keep => mode,
            SpecialBits::LeaveOut => mode & !SPECIAL_BITS,
        };
        if kept != mode {
            self.without_special_bits.push(place.to_owned());
        }
        let kind = TreeFile::OfMode(kept);
        let added = self.tree.add_copy(place, from, total, kind, &mut tell);
        let (found, means) = added.map_err(|error| blob.judge(error))?;
        blob.require(found)?;
        if means == Means::Shared {
            self.shared_bytes += total;
        }
        Ok(())
    }
}

/// Where the files of a manifest lie below a directory, with the paths that were recorded: as they lay
/// below the last directory that all of them lay in.
fn places(manifest: &Manifest) -> Result<BTreeMap<PathBuf, (&str, ManifestFile)>, Error> {
    let mut common: Option<PathBuf> = None;
    for path in manifest.files.keys() {
        let above = placeable(path)?.parent();
        let above = above.ok_or_else(|| unplaceable(path))?;
        common = Some(match common {
            None => above.to_owned(),
            Some(common) => {
                let both = common.components().zip(above.components());
                both.take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
            }
        });
    }
    let common = common.unwrap_or_default();
    let mut places = BTreeMap::new();
    for (path, file) in &manifest.files {
        let place = Path::new(path).strip_prefix(&common);
        let place = place.map_err(|_| unplaceable(path))?;
        // Two paths may be one, but for the slashes in them.
        if places
            .insert(place.to_owned(), (path.as_str(), *file))
            .is_some()
        {
            return Err(unplaceable(path));
        }
    }
    // A file is no directory for another.
    let is_above = |place: &&PathBuf| {
        let mut above = place.ancestors().skip(1);
        above.any(|above| places.contains_key(above))
    };
    match places.keys().find(is_above) {
        Some(place) => Err(unplaceable(places[place].0)),
        None => Ok(places),
    }
}

/// Requires that a path leads to one place: it goes down from the root, and never up.
fn placeable(path: &str) -> Result<&Path, Error> {
    let mut components = Path::new(path).components();
    let is_from_root = components.next() == Some(Component::RootDir);
    if is_from_root && components.all(|it| matches!(it, Component::Normal(_))) {
        Ok(Path::new(path))
    } else {
        Err(unplaceable(path))
    }
}

fn unplaceable(path: &str) -> Error {
    Error::Unplaceable {
        path: path.to_owned(),
    }
}
