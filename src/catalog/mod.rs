//! What a library user holds: a [`Catalog`], opened or made.
//!
//! Looking things up is in `lookup.rs`, changing them in `update.rs`, and whether they were changed in
//! `changes.rs`.

mod attach;
mod attached;
mod changes;
mod checked;
#[cfg_attr(not(feature = "signatures"), path = "unguarded.rs")]
mod guard;
mod lookup;
#[cfg(feature = "signatures")]
mod policy;
#[cfg(feature = "retention")]
mod retention;
#[cfg(feature = "signatures")]
mod signatures;
mod snapshots;
#[cfg(feature = "signatures")]
mod trust;
mod update;

use std::path::Path;

pub use attach::Attached;
pub(crate) use checked::{Files, encode_checked};
pub(crate) use guard::Guard;
pub use lookup::{List, State};
#[cfg(feature = "signatures")]
pub use signatures::{AttachSignatureError, JudgedSignature, SignatureVerdict};
pub use snapshots::{Members, NamedSnapshot};
#[cfg(feature = "signatures")]
pub use trust::{Endorsement, Endorsements};
pub use update::Put;
pub(crate) use update::batch_size;

use crate::durable::{Hold, Lock, LockWait, Permissions, Published, Root};
use crate::entry::EngineEntry;
use crate::error::{Error, ErrorKind};
use crate::events;
use crate::hash::ObjectId;
use crate::identity::EngineIdentity;
use crate::layout;
use crate::marker::{Access, Feature, features, new_marker, parse_marker};
use crate::name::RefName;

/// A catalog of prepared engines in a directory.
///
/// Opening one is cheap: it reads one small file. A handle can be shared between threads, and any
/// number of processes may use one catalog at once. Looking things up takes no lock, and reading writes nothing.
///
/// ```
/// use engine_catalog::{Catalog, EngineEntry, Stamp};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// # let root = dir.path().join("engines");
/// let catalog = Catalog::create(&root)?;
/// let entry = EngineEntry::new("llamacpp", "b4321", 1_758_240_000_000);
/// let put = catalog.put(&entry, &Stamp::now("engine-provisioner")?)?;
///
/// // Elsewhere, at any time:
/// let catalog = Catalog::open_read_only(&root)?;
/// let found = catalog.get("llamacpp:b4321")?.expect("it was recorded");
/// assert_eq!(found.object, put.object);
/// assert_eq!(found.entry, entry);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Catalog {
    pub(crate) root: Root,
    access: CatalogAccess,
}

/// What a handle may do.
#[derive(Debug)]
enum CatalogAccess {
    Full,
    /// It was opened to read only.
    ReadOnly,
    /// The format marker has this `ro-compat` feature.
    Feature(String),
}

/// Tells whoever listens what a call that was to write refused, or failed to do.
pub(crate) fn told<T>(call: &'static str, result: Result<T, Error>) -> Result<T, Error> {
    result.inspect_err(|error| tell(call, error))
}

/// As [`told`], of an error that does not end the call.
pub(crate) fn tell(call: &'static str, error: &Error) {
    match error.kind() {
        ErrorKind::Damage | ErrorKind::Unavailable => events::failed(call, error),
        _ => events::refused(call, error),
    }
}

/// An entry, and the object that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The object.
    pub object: ObjectId,
    /// What it says.
    pub entry: EngineEntry,
}

impl Record {
    /// Returns the name of the ref under which the entry is, or was, current.
    #[must_use]
    pub fn name(&self) -> RefName {
        self.entry
            .ref_name()
            .expect("an entry is read only if its names are valid")
    }

    /// Returns the identity under which other systems report this engine.
    #[must_use]
    pub fn identity(&self) -> EngineIdentity {
        self.entry.identity(self.object)
    }
}

impl Catalog {
    /// Makes a catalog at `root`, with the directories above it that are missing, and opens it.
    ///
    /// The format marker comes last: a crash leaves a catalog, or directories that a later call
    /// completes.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyACatalog`], [`Error::NotEmpty`] where files of something else are there, and
    /// [`Error::Path`].
    pub fn create(root: impl AsRef<Path>) -> Result<Self, Error> {
        let root = Root::make(root.as_ref())?;
        let at = || root.path().to_owned();
        let parts = [layout::OBJECTS, layout::REFS, layout::HISTORY, layout::TMP];
        let found = root.list(Path::new("."))?;
        // First, for a catalog may have foreign files and directories that are not made yet.
        if found.iter().any(|(name, _)| name == layout::FORMAT) {
            // It may come from a process that was killed before it was synced.
            let top = root.own_dir()?;
            for synced in [top.sync_file(layout::FORMAT), top.sync()] {
                match synced {
                    // What lies in its place is for opening to judge.
                    Err(error) if error.cause.is_damage() || error.cause.needs_no_sync() => {}
                    synced => synced?,
                }
            }
            return Err(Error::AlreadyACatalog { root: at() });
        }
        for (name, _) in found {
            // A file system of its own has a directory for what its check finds.
            let is_ours = name == layout::LOCK || name == "lost+found";
            if !parts.contains(&name.as_str()) && !is_ours {
                return Err(Error::NotEmpty {
                    root: at(),
                    found: name,
                });
            }
        }
        root.make_dirs(parts.iter().map(Path::new))?;
        root.make_store_lock(Path::new(layout::LOCK))?;
        let marker = root.stage_named(new_marker().as_bytes(), Permissions::ByUmask)?;
        root.sync([marker.file()], [])?;
        let top = root.own_dir()?;
        let published = top.publish(marker, layout::FORMAT)?;
        top.sync()?;
        drop(top);
        match published {
            Published::New => Ok(Self {
                root,
                access: CatalogAccess::Full,
            }),
            Published::Exists => Err(Error::AlreadyACatalog { root: at() }),
        }
    }

    /// Opens the catalog at `root` to read and write.
    ///
    /// A catalog with a `ro-compat` feature that this version does not know opens, and every write
    /// is refused by [`Error::ReadOnlyFeature`].
    ///
    /// # Errors
    ///
    /// [`Error::NotACatalog`], [`Error::Format`] where the format or a feature of it is unknown, and
    /// [`Error::Path`].
    pub fn open(root: impl AsRef<Path>) -> Result<Self, Error> {
        let root = root.as_ref();
        let not_a_catalog = || Error::NotACatalog {
            root: root.to_owned(),
        };
        Self::of(Root::open(root)?.ok_or_else(not_a_catalog)?)
    }

    fn of(opened: Root) -> Result<Self, Error> {
        let root = opened.path();
        let not_a_catalog = || Error::NotACatalog {
            root: root.to_owned(),
        };
        let marker = opened.read(Path::new(layout::FORMAT), layout::MAX_FORMAT_BYTES)?;
        let access = parse_marker(&marker.ok_or_else(not_a_catalog)?);
        let access = access.map_err(|cause| Error::Format {
            root: root.to_owned(),
            cause,
        })?;
        let access = match access {
            Access::Full => CatalogAccess::Full,
            Access::ReadOnly(feature) => CatalogAccess::Feature(feature),
        };
        Ok(Self {
            root: opened,
            access,
        })
    }

    /// Opens the catalog at `root` to read. Nothing that is called on it writes anything, so it
    /// also works on media and directories that cannot be written.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub fn open_read_only(root: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self::open(root)?.into_read_only())
    }

    /// As [`open_read_only`](Self::open_read_only), of a directory that is open.
    pub(crate) fn of_root(root: Root) -> Result<Self, Error> {
        Ok(Self::of(root)?.into_read_only())
    }

    fn into_read_only(self) -> Self {
        Self {
            access: CatalogAccess::ReadOnly,
            ..self
        }
    }

    /// Sets how this handle waits for locks that others hold.
    #[must_use]
    pub fn with_lock_wait(mut self, lock_wait: LockWait) -> Self {
        self.root.set_lock_wait(lock_wait);
        self
    }

    /// Returns the path under which the catalog was opened.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Returns the features that the format marker names, sorted.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub fn features(&self) -> Result<Vec<Feature>, Error> {
        self.features_of(&self.marker()?)
    }

    /// Returns the bytes of the format marker.
    fn marker(&self) -> Result<Vec<u8>, Error> {
        let path = Path::new(layout::FORMAT);
        let marker = self.root.read(path, layout::MAX_FORMAT_BYTES)?;
        let root = || self.root.path().to_owned();
        marker.ok_or_else(|| Error::NotACatalog { root: root() })
    }

    fn features_of(&self, marker: &[u8]) -> Result<Vec<Feature>, Error> {
        let found = features(marker).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let root = || self.root.path().to_owned();
        let mut found = found.map_err(|cause| Error::Format {
            root: root(),
            cause,
        })?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Returns whether no writer has been here since the catalog was copied or captured: there is no
    /// lock, and whoever only looks at it leaves it as it is.
    pub(crate) fn is_pristine(&self) -> bool {
        !self.root.has(Path::new(layout::LOCK))
    }

    /// Requires that this handle may write.
    pub(crate) fn require_writable(&self) -> Result<(), Error> {
        let root = || self.root.path().to_owned();
        match &self.access {
            CatalogAccess::Full => Ok(()),
            CatalogAccess::ReadOnly => Err(Error::ReadOnly { root: root() }),
            CatalogAccess::Feature(feature) => Err(Error::ReadOnlyFeature {
                root: root(),
                feature: feature.clone(),
            }),
        }
    }

    /// Begins a write.
    ///
    /// # Locking
    ///
    /// Takes the store lock as asked, and waits while others hold it in a way that excludes that.
    pub(crate) fn begin_write(&self, hold: Hold) -> Result<Lock, Error> {
        self.require_writable()?;
        Ok(self.root.lock_store(Path::new(layout::LOCK), hold)?)
    }

    /// Begins to read much that belongs together.
    ///
    /// # Locking
    ///
    /// Shares the store lock, so that nothing is collected meanwhile; `None` where there is no file of
    /// that lock, or the catalog was opened to read only, and nothing need be writable or lockable.
    pub(crate) fn begin_long_read(&self) -> Result<Option<Lock>, Error> {
        if let CatalogAccess::ReadOnly = self.access {
            return Ok(None);
        }
        Ok(self.root.share_existing_store(Path::new(layout::LOCK))?)
    }

    /// Returns the root, for modules that write with the stores.
    pub(crate) fn root_dir(&self) -> &Root {
        &self.root
    }
}
