//! What kind of failure an error is.

use super::{Error, UnderError};
use crate::blobs::BlobError;
use crate::durable::{Cause, PathError};
use crate::history::HistoryError;
use crate::objects::ReadObjectError;
use crate::refs::RefError;
use crate::schema::ObjectError;
use crate::snapshots::SnapshotError;

/// What kind of failure an [`Error`] is, for whoever only needs to know what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What was asked for is not there.
    NotFound,
    /// The request was refused; nothing is wrong with the catalog.
    Refused,
    /// Somebody else changed the ref first: look at it, and try again.
    Conflict,
    /// Others are at work for longer than was to be waited: try again.
    Busy,
    /// Something in the catalog is damaged or missing.
    Damage,
    /// The catalog, or the object, cannot be used: there is none, it is of a format or schema that
    /// this version does not know, or the operating system failed or refused.
    Unavailable,
}

impl Error {
    /// Returns what kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoEarlierEntry { .. }
            | Self::NotInHistory { .. }
            | Self::Gone { .. }
            | Self::NoSuchEntry { .. }
            | Self::NoSuchSubject { .. }
            | Self::Under {
                cause: UnderError::NoDirectory,
                ..
            }
            | Self::Blob(BlobError::Missing { .. }) => ErrorKind::NotFound,
            Self::AlreadyACatalog { .. }
            | Self::NotEmpty { .. }
            | Self::Occupied { .. }
            | Self::InsideCatalog { .. }
            | Self::OtherFiles { .. }
            | Self::NoManifest { .. }
            | Self::SeveralManifests { .. }
            | Self::Unplaceable { .. }
            | Self::Blob(BlobError::Drifted { .. })
            | Self::ReadOnly { .. }
            | Self::Pristine { .. }
            | Self::ReadOnlyFeature { .. }
            | Self::Entry { .. }
            | Self::EntryObject { .. }
            | Self::Name(_)
            | Self::SnapshotObject(_)
            | Self::Attachment { .. }
            | Self::Unsigned { .. }
            | Self::RefUnsigned { .. }
            | Self::Snapshot(SnapshotError::Taken { .. } | SnapshotError::IsAnId { .. })
            | Self::Under { .. }
            | Self::AmbiguousId { .. }
            | Self::AmbiguousPrefix { .. } => ErrorKind::Refused,
            #[cfg(feature = "signatures")]
            Self::Policy { .. } => ErrorKind::Unavailable,
            #[cfg(feature = "retention")]
            Self::Retention { .. } => ErrorKind::Unavailable,
            Self::Ref(RefError::Conflict { .. }) | Self::PlanOutdated { .. } => ErrorKind::Conflict,
            Self::Object(ReadObjectError::Refused { cause, .. }) => match cause {
                // Somebody named an object of another kind.
                ObjectError::WrongKind { .. } | ObjectError::TooLarge { .. } => ErrorKind::Refused,
                ObjectError::UnknownSchema { .. } => ErrorKind::Unavailable,
                _ => ErrorKind::Damage,
            },
            Self::Unreadable { cause, .. }
            | Self::UnreadableSnapshot { cause, .. }
            | Self::UnreadableAttachment { cause, .. } => match cause {
                ReadObjectError::Refused {
                    cause: ObjectError::UnknownSchema { .. },
                    ..
                } => ErrorKind::Unavailable,
                ReadObjectError::Refused { .. } => ErrorKind::Damage,
                ReadObjectError::Path(error) => kind_of_path(error),
            },
            Self::Ref(RefError::Damaged { .. })
            | Self::Dangling { .. }
            | Self::Misplaced { .. }
            | Self::MisplacedHistory { .. }
            | Self::Snapshot(SnapshotError::Damaged { .. })
            | Self::DanglingSnapshot { .. }
            | Self::MissingMember { .. }
            | Self::DanglingAttachment { .. }
            | Self::Unsure { .. }
            | Self::MisplacedAttachment { .. }
            | Self::Blob(BlobError::Damaged { .. })
            | Self::History(HistoryError::Damaged { .. } | HistoryError::Disconnected { .. }) => {
                ErrorKind::Damage
            }
            Self::NotACatalog { .. }
            | Self::Format { .. }
            | Self::Blob(BlobError::Output { .. }) => ErrorKind::Unavailable,
            Self::Object(ReadObjectError::Path(error))
            | Self::Ref(RefError::Path(error))
            | Self::History(HistoryError::Path(error))
            | Self::Snapshot(SnapshotError::Path(error))
            | Self::Blob(BlobError::Path(error))
            | Self::Path(error) => kind_of_path(error),
            Self::Artifact(_) => ErrorKind::Refused,
        }
    }
}

fn kind_of_path(error: &PathError) -> ErrorKind {
    match &error.cause {
        Cause::Busy { .. } => ErrorKind::Busy,
        cause if cause.is_damage() => ErrorKind::Damage,
        _ => ErrorKind::Unavailable,
    }
}
