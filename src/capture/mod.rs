//! Proof bundles: a snapshot, all that belongs to it, and what stock tools check it with, as a
//! directory of its own (layout.md section 10.1).
//!
//! A bundle is a function of its content: nothing of the time, the host or the path is in it. It
//! appears under its name whole, or not at all.

mod reports;
mod sums;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::catalog::{Catalog, Record, encode_checked};
use crate::durable::{NewTree, Published, TreeFile, is_vacant};
use crate::error::Error;
use crate::hash::ObjectId;
use crate::layout::{self, Place};
use crate::marker::new_marker;
use crate::name::{Name, RefName};
use crate::snapshot::Snapshot;

use sums::Sums;

/// The name of the snapshot of every bundle.
const CAPTURED: &str = "captured";

/// A proof bundle that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bundle {
    /// Its directory, as it was given.
    pub path: PathBuf,
    /// The object of its snapshot.
    pub snapshot: ObjectId,
    /// Its entries, sorted by engine, version and object.
    pub entries: Vec<Record>,
    /// Names of which it has several entries, and so no ref, sorted.
    pub without_ref: Vec<RefName>,
}

impl Catalog {
    /// Makes a proof bundle of a snapshot: a directory that is a catalog of its own, with the entries
    /// and all that is attached to them, and in it reports in the formats of proof bundles and a
    /// file `B3SUMS` for `b3sum -c`.
    ///
    /// Two bundles of one snapshot are the same, byte for byte and mode for mode, wherever and
    /// whenever they are made, if the same is attached to their entries. The snapshot need not be in
    /// the store.
    ///
    /// When this returns, the bundle survives a power cut. Until then, nothing has its name. It takes
    /// the place of nothing but an empty directory; directories above it are made.
    ///
    /// # Locking
    ///
    /// Shares the store lock, so that nothing is collected meanwhile. A catalog without the file of
    /// that lock, or that was opened to read only, is read without it.
    ///
    /// # Errors
    ///
    /// [`Error::Occupied`] where something is in its place already, [`Error::InsideCatalog`],
    /// [`Error::MissingMember`] where a member is missing, [`Error::Entry`] where one looks like it
    /// contains a credential, those of [`manifests`](Self::manifests), and [`Error::Path`], also where
    /// it is given up for a [`Standstill`](crate::Standstill). Nothing is left of what failed, unless it
    /// could not be removed, or the very last sync failed.
    pub fn capture(&self, out: &Path, snapshot: &Snapshot) -> Result<Bundle, Error> {
        let occupied = || Error::Occupied {
            path: out.to_owned(),
        };
        if !is_vacant(out)? {
            return Err(occupied());
        }
        if self.root_dir().contains(out)? {
            let path = out.to_owned();
            return Err(Error::InsideCatalog { path });
        }
        let _lock = self.begin_long_read()?;
        let bytes = snapshot.encode().map_err(Error::SnapshotObject)?;
        let object = ObjectId::of(&bytes);
        let entries = self.members(snapshot)?;
        // Before anything is made: also what is in the store may have come around the guard.
        for record in &entries {
            encode_checked(&record.entry)?;
        }
        let mut parts = Parts::begin(out)?;
        let marker = new_marker();
        parts.add(Path::new(layout::FORMAT), marker.as_bytes())?;
        parts.add_object(object, &bytes)?;
        for record in &entries {
            let bytes = encode_checked(&record.entry)?.into_bytes();
            parts.add_object(record.object, &bytes)?;
        }
        let subjects = entries.iter().map(|record| record.object);
        for subject in [object].into_iter().chain(subjects) {
            self.visit_attached(subject, &mut |(subject, object), carried| {
                parts.add_object(object, &carried.bytes)?;
                parts.add_at(&layout::attachment(&subject, &object), b"")
            })?;
        }
        let (refs, without_ref) = refs(&entries);
        for (name, object) in &refs {
            parts.add_at(&layout::ref_file(name), object.to_line().as_bytes())?;
        }
        let captured = Name::new(CAPTURED).expect("this is a name");
        parts.add_at(&layout::snapshot(&captured), object.to_line().as_bytes())?;
        for (name, text) in reports::all(object, &entries, &without_ref) {
            parts.add(Path::new(name), text.as_bytes())?;
        }
        match parts.publish()? {
            Published::New => Ok(Bundle {
                path: out.to_owned(),
                snapshot: object,
                entries,
                without_ref,
            }),
            Published::Exists => Err(occupied()),
        }
    }
}

/// Returns what the refs of a bundle hold, and the names that have none because several entries
/// have them.
fn refs(entries: &[Record]) -> (BTreeMap<RefName, ObjectId>, Vec<RefName>) {
    let mut named = BTreeMap::<_, Vec<ObjectId>>::new();
    for record in entries {
        named.entry(record.name()).or_default().push(record.object);
    }
    let (mut refs, mut without) = (BTreeMap::new(), Vec::new());
    for (name, objects) in named {
        match objects[..] {
            [object] => drop(refs.insert(name, object)),
            _ => without.push(name),
        }
    }
    (refs, without)
}

/// The files of a bundle on their way to the disk.
struct Parts {
    tree: NewTree,
    sums: Sums,
    /// Objects and links that are there.
    added: BTreeSet<PathBuf>,
}

impl Parts {
    fn begin(out: &Path) -> Result<Self, Error> {
        Ok(Self {
            tree: NewTree::begin(out)?,
            sums: Sums::default(),
            added: BTreeSet::new(),
        })
    }

    fn add(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        self.add_as(path, bytes, TreeFile::Plain)
    }

    fn add_at(&mut self, place: &Place, bytes: &[u8]) -> Result<(), Error> {
        self.add(&place.path(), bytes)
    }

    fn add_object(&mut self, id: ObjectId, bytes: &[u8]) -> Result<(), Error> {
        self.add_as(&layout::object(&id).path(), bytes, TreeFile::Object)
    }

    /// Adds a file, once.
    fn add_as(&mut self, path: &Path, bytes: &[u8], kind: TreeFile) -> Result<(), Error> {
        if self.added.insert(path.to_owned()) {
            self.tree.add(path, bytes, kind)?;
            self.sums.add(path, bytes);
        }
        Ok(())
    }

    fn publish(mut self) -> Result<Published, Error> {
        let sums = self.sums.to_text();
        let path = Path::new(layout::bundle::SUMS);
        self.tree.add(path, sums.as_bytes(), TreeFile::Plain)?;
        Ok(self.tree.publish()?)
    }
}
