//! What can go wrong with a catalog, as its users match on it.

mod kind;
mod under;

use std::path::PathBuf;

pub use kind::ErrorKind;
pub use under::UnderError;

use crate::artifact::ArtifactError;
use crate::blobs::BlobError;
use crate::durable::PathError;
use crate::entry::EntryError;
use crate::hash::{ObjectId, Prefix};
use crate::history::HistoryError;
use crate::marker::MarkerError;
use crate::name::{Name, RefName, RefNameError};
use crate::objects::ReadObjectError;
#[cfg(feature = "signatures")]
use crate::policy::PolicyError;
use crate::refs::RefError;
#[cfg(feature = "retention")]
use crate::retention::RetentionError;
use crate::schema::ObjectError;
use crate::snapshots::SnapshotError;

/// Why a catalog did not do what it was asked. Nothing was acknowledged, and what was there before
/// is still there; only where a disk fails as it is to make a change survive, a ref may have changed
/// already.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no catalog at this root.
    #[error("there is no catalog at {}", root.display())]
    NotACatalog {
        /// Where one was looked for.
        root: PathBuf,
    },
    /// There is a catalog at this root already.
    #[error("there is a catalog at {} already", root.display())]
    AlreadyACatalog {
        /// Where one was to be made.
        root: PathBuf,
    },
    /// A catalog is not made among files of something else.
    #[error("{} is not empty: it contains {found:?}", root.display())]
    NotEmpty {
        /// Where one was to be made.
        root: PathBuf,
        /// Something that is there.
        found: String,
    },
    /// A bundle, or an engine, is not put where something is already, but for an empty directory.
    #[error("there is something at {} already", path.display())]
    Occupied {
        /// Where it was to be made.
        path: PathBuf,
    },
    /// The catalog is of a format that this program does not support. Nothing was loaded.
    #[error("the catalog at {} is not supported: {cause}", root.display())]
    Format {
        /// Where the catalog is.
        root: PathBuf,
        /// What its format marker says.
        cause: MarkerError,
    },
    /// A bundle, or an engine, is not put inside of the catalog that it is of.
    #[error("{} lies in the catalog itself", path.display())]
    InsideCatalog {
        /// Where it was to be.
        path: PathBuf,
    },
    /// The catalog was opened to be read only.
    #[error("the catalog at {} is open for reading only", root.display())]
    ReadOnly {
        /// Where the catalog is.
        root: PathBuf,
    },
    /// Nothing but a writer writes to a catalog in which none has been, such as a proof bundle.
    #[error("the catalog at {} stays as it is: no writer has been there", root.display())]
    Pristine {
        /// Where the catalog is.
        root: PathBuf,
    },
    /// The catalog has a feature that allows this program to read it, and not to write.
    #[error("the catalog at {} can only be read: it has the feature {feature:?}, which this program does not know", root.display())]
    ReadOnlyFeature {
        /// Where the catalog is.
        root: PathBuf,
        /// Name of the feature.
        feature: String,
    },
    /// An entry was refused.
    #[error("entry {id:?} is refused: {cause}")]
    Entry {
        /// Id of the entry, less what may be a secret.
        id: String,
        /// What is wrong with it.
        cause: EntryError,
    },
    /// An entry was refused because of the object that it would become.
    #[error("entry {id:?} is refused: {cause}")]
    EntryObject {
        /// Id of the entry.
        id: String,
        /// What is wrong with its object.
        cause: ObjectError,
    },
    /// A text is no engine, version, or pair of them.
    #[error(transparent)]
    Name(#[from] RefNameError),
    /// An object cannot be returned.
    #[error(transparent)]
    Object(#[from] ReadObjectError),
    /// A ref cannot be read or changed.
    #[error(transparent)]
    Ref(#[from] RefError),
    /// A ref holds an object that cannot be returned as an entry.
    #[error("ref {name} cannot be read: {cause}")]
    Unreadable {
        /// The ref.
        name: RefName,
        /// The object, and what is wrong with it.
        cause: ReadObjectError,
    },
    /// A ref holds an object that is not there.
    #[error("ref {name} holds object {object}, which is missing")]
    Dangling {
        /// The ref.
        name: RefName,
        /// The missing object.
        object: ObjectId,
    },
    /// A ref holds an entry of another engine or version.
    #[error("ref {name} is damaged: its object {object} is an entry of {found}")]
    Misplaced {
        /// The ref.
        name: RefName,
        /// What it holds.
        object: ObjectId,
        /// Where that entry belongs.
        found: RefName,
    },
    /// The history of a ref holds an entry of another engine or version.
    #[error("the history of {name} is damaged: its object {object} is an entry of {found}")]
    MisplacedHistory {
        /// The ref.
        name: RefName,
        /// What its history holds.
        object: ObjectId,
        /// Where that entry belongs.
        found: RefName,
    },
    /// A history cannot be returned.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// There is nothing to roll back to.
    #[error("the history of {name} has no earlier entry")]
    NoEarlierEntry {
        /// The ref.
        name: RefName,
    },
    /// A ref is rolled back only to an entry that it held before.
    #[error("{object} is not in the history of {name}")]
    NotInHistory {
        /// The ref.
        name: RefName,
        /// What it was to be rolled back to.
        object: ObjectId,
    },
    /// An entry of the history is no longer in the store.
    #[error("object {object} of the history of {name} is no longer in the store")]
    Gone {
        /// The ref.
        name: RefName,
        /// The object.
        object: ObjectId,
    },
    /// An object is to be taken for an entry, and none with its id is in the store.
    #[error("there is no entry {object} in the store")]
    NoSuchEntry {
        /// The object.
        object: ObjectId,
    },
    /// An entry of a snapshot is not there.
    #[error("entry {object} of the snapshot is missing")]
    MissingMember {
        /// The object.
        object: ObjectId,
    },
    /// A manifest from elsewhere says something else of an entry than the one that is here: it would
    /// have drifted files pass.
    #[error(
        "manifest {object} of entry {subject} is refused: the one that is here says something else"
    )]
    OtherFiles {
        /// The entry.
        subject: ObjectId,
        /// The manifest.
        object: ObjectId,
    },
    /// Nothing says which files an entry has, and what they are: it is of an image, was put without a
    /// manifest, or has not the manifest that was asked for.
    #[error("entry {object} has no manifest of its files")]
    NoManifest {
        /// The entry.
        object: ObjectId,
    },
    /// Several manifests say what the files of an entry are, and it is not clear which is meant.
    #[error("entry {object} has {} manifests of its files: {}", manifests.len(), some_of(manifests))]
    SeveralManifests {
        /// The entry.
        object: ObjectId,
        /// The manifests, sorted.
        manifests: Vec<ObjectId>,
    },
    /// The path of a file leads to no place of its own below a directory.
    #[error("file {path:?} has no place below a directory")]
    Unplaceable {
        /// The path that was recorded.
        path: String,
    },
    /// A blob cannot be stored or returned.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A snapshot is too large to be an object.
    #[error("the snapshot is refused: {0}")]
    SnapshotObject(ObjectError),
    /// A named snapshot cannot be read or made.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A name stands for a snapshot that is not there.
    #[error("snapshot {name} is object {object}, which is missing")]
    DanglingSnapshot {
        /// The name.
        name: Name,
        /// The missing object.
        object: ObjectId,
    },
    /// A name stands for an object that cannot be returned as a snapshot.
    #[error("snapshot {name} cannot be read: {cause}")]
    UnreadableSnapshot {
        /// The name.
        name: Name,
        /// The object, and what is wrong with it.
        cause: ReadObjectError,
    },
    /// An object that is attached to another is not there.
    #[error("object {object}, which is attached to {subject}, is missing")]
    DanglingAttachment {
        /// What it describes.
        subject: ObjectId,
        /// The missing object.
        object: ObjectId,
    },
    /// An object that is attached to another cannot be returned.
    #[error("what is attached to {subject} cannot be read: {cause}")]
    UnreadableAttachment {
        /// What it describes.
        subject: ObjectId,
        /// The object, and what is wrong with it.
        cause: ReadObjectError,
    },
    /// An object that is attached to another describes something else.
    #[error("object {object}, which is attached to {subject}, does not describe it")]
    MisplacedAttachment {
        /// What it is attached to.
        subject: ObjectId,
        /// The object.
        object: ObjectId,
    },
    /// One id is that of two current entries.
    #[error("id {id:?} is current under two refs, {first} and {second}")]
    AmbiguousId {
        /// The id.
        id: String,
        /// One of the refs.
        first: RefName,
        /// The other.
        second: RefName,
    },
    /// Several objects have names with this prefix.
    #[error("{prefix} is the start of {} object ids: {}", candidates.len(), some_of(candidates))]
    AmbiguousPrefix {
        /// The prefix.
        prefix: Prefix,
        /// The objects, sorted.
        candidates: Vec<ObjectId>,
    },
    /// What is to be attached was refused.
    #[error("the attachment is refused: {cause}")]
    Attachment {
        /// What is wrong with it.
        cause: ObjectError,
    },
    /// Something is to be attached to an object that is not there.
    #[error("object {subject}, which it is to be attached to, is not in the store")]
    NoSuchSubject {
        /// The object.
        subject: ObjectId,
    },
    /// Fewer keys than are required have signed an entry, or a snapshot that it is a member of.
    #[error("entry {object} is signed by {}, {required} required", keys(*found))]
    Unsigned {
        /// The entry.
        object: ObjectId,
        /// How many distinct keys are required.
        required: usize,
        /// How many have signed.
        found: usize,
    },
    /// A ref was to come to hold an entry that fewer keys have signed than are required, and has stayed as it
    /// was. The entry is stored, and so is what is attached to it.
    #[error(
        "{name} stays as it is: entry {object} is signed by {}, {required} required",
        keys(*found)
    )]
    RefUnsigned {
        /// The ref.
        name: RefName,
        /// What it was to hold.
        object: ObjectId,
        /// How many distinct keys are required.
        required: usize,
        /// How many have signed the entry, or a snapshot that it is a member of.
        found: usize,
    },
    /// The policy of a catalog is wrong.
    #[cfg(feature = "signatures")]
    #[error("the policy of {} is refused: {cause}", root.display())]
    Policy {
        /// The catalog.
        root: PathBuf,
        /// What is wrong with it.
        cause: PolicyError,
    },
    /// What a catalog says is to be kept of which engines is wrong.
    #[cfg(feature = "retention")]
    #[error("{} is refused: {cause}", path.display())]
    Retention {
        /// The file that says it.
        path: PathBuf,
        /// What is wrong with it.
        cause: RetentionError,
    },
    /// Damage may hide what keeps objects, so that none can be removed.
    #[error("nothing is removed, because it cannot be told what is kept: {reason}{}", and_more(*more))]
    Unsure {
        /// What is damaged, and how.
        reason: String,
        /// How much else is.
        more: usize,
    },
    /// A plan was made of another state of the catalog.
    #[error("plan {plan} is not carried out: the catalog has changed since, in {what}")]
    PlanOutdated {
        /// The plan.
        plan: ObjectId,
        /// Where it has changed.
        what: String,
    },
    /// Files of engines are not removed below such a directory.
    #[error("no files of engines are removed below {}: {cause}", under.display())]
    Under {
        /// The directory.
        under: PathBuf,
        /// What is wrong with it.
        cause: UnderError,
    },
    /// An artifact cannot be recorded.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A file operation failed.
    #[error(transparent)]
    Path(#[from] PathError),
}

impl Error {
    /// Returns the object that is damaged or missing and for want of which something failed: another copy
    /// of it would help.
    #[must_use]
    pub fn lacking(&self) -> Option<ObjectId> {
        match self {
            Self::Object(ReadObjectError::Refused { object, .. })
            | Self::Unreadable {
                cause: ReadObjectError::Refused { object, .. },
                ..
            }
            | Self::UnreadableSnapshot {
                cause: ReadObjectError::Refused { object, .. },
                ..
            }
            | Self::UnreadableAttachment {
                cause: ReadObjectError::Refused { object, .. },
                ..
            }
            | Self::Dangling { object, .. }
            | Self::DanglingSnapshot { object, .. }
            | Self::DanglingAttachment { object, .. }
            | Self::MissingMember { object }
                if self.kind() == ErrorKind::Damage =>
            {
                Some(*object)
            }
            _ => None,
        }
    }
}

/// So many keys, in words.
fn keys(count: usize) -> String {
    match count {
        0 => "no accepted key".to_owned(),
        1 => "1 accepted key".to_owned(),
        count => format!("{count} accepted keys"),
    }
}

fn and_more(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!("; and {count} more"),
    }
}

/// The first few of a long list.
fn some_of(candidates: &[ObjectId]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<_> = candidates
        .iter()
        .take(SHOWN)
        .map(ToString::to_string)
        .collect();
    let more = if candidates.len() > SHOWN {
        ", …"
    } else {
        ""
    };
    shown.join(", ") + more
}
