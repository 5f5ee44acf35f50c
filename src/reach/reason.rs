//! What keeps an object: a name, or another object that is kept.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use serde::Serialize;

use crate::hash::ObjectId;
use crate::name::{Name, RefName};

/// Something that keeps an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "by", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Reason {
    /// A ref holds it: it is the current entry.
    Ref {
        /// The ref.
        #[serde(with = "crate::as_text")]
        name: RefName,
    },
    /// A named snapshot is it.
    Snapshot {
        /// The name.
        #[serde(with = "crate::as_text")]
        name: Name,
    },
    /// It is a member of a snapshot that is kept.
    Member {
        /// The snapshot.
        snapshot: ObjectId,
    },
    /// It is attached to an object that is kept.
    Attachment {
        /// That object.
        subject: ObjectId,
    },
    /// It is a snapshot that was signed, and has a member that is kept: its signatures vouch for that.
    Voucher {
        /// That member.
        member: ObjectId,
    },
    /// A ref has held it, and retention keeps what its history says.
    History {
        /// The ref.
        #[serde(with = "crate::as_text")]
        name: RefName,
    },
    /// A damaged history mentions it that was moved aside: what has a name there may have been in it.
    MovedAside {
        /// The name of the file in `quarantine/`.
        file: String,
    },
    /// It came not long ago: what names it may be still to come.
    Young,
    /// It is the blob of a file that a manifest names which is kept.
    File {
        /// The manifest.
        manifest: ObjectId,
    },
}

impl Reason {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Ref { .. } => Kind::Ref,
            Self::Snapshot { .. } => Kind::Snapshot,
            Self::Member { .. } => Kind::Member,
            Self::Attachment { .. } => Kind::Attachment,
            Self::Voucher { .. } => Kind::Voucher,
            Self::History { .. } => Kind::History,
            Self::MovedAside { .. } => Kind::MovedAside,
            Self::Young => Kind::Young,
            Self::File { .. } => Kind::File,
        }
    }

    /// Returns the object by whose being kept this keeps another; `None` where it is a name.
    #[must_use]
    pub fn through(&self) -> Option<ObjectId> {
        match self {
            Self::Ref { .. }
            | Self::Snapshot { .. }
            | Self::History { .. }
            | Self::MovedAside { .. }
            | Self::Young => None,
            Self::Member { snapshot: above }
            | Self::Voucher { member: above }
            | Self::Attachment { subject: above }
            | Self::File { manifest: above } => Some(*above),
        }
    }
}

impl Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ref { name } => write!(f, "ref {name}"),
            Self::Snapshot { name } => write!(f, "named snapshot {name}"),
            Self::Voucher { member } => write!(f, "object {member}, for which it vouches"),
            Self::History { name } => write!(f, "history of {name}"),
            Self::MovedAside { file } => write!(f, "quarantine/{file}, which mentions it"),
            Self::Young => f.write_str("its age"),
            Self::Member { snapshot } => write!(f, "snapshot {snapshot}, as a member"),
            Self::Attachment { subject } => write!(f, "object {subject}, as an attachment"),
            Self::File { manifest } => write!(f, "manifest {manifest}, as the content of a file"),
        }
    }
}

/// What is remembered of what keeps an object.
pub(crate) trait Reasons: Default {
    fn add(&mut self, reason: Reason);

    /// Returns whether all of them are of one kind.
    fn is_only(&self, kind: Kind) -> bool;

    /// Returns a reason of a kind that is wanted, as it is shown, if there is one.
    fn find(&self, wanted: impl Fn(Kind) -> bool) -> Option<String>;
}

/// All of them.
impl Reasons for BTreeSet<Reason> {
    fn add(&mut self, reason: Reason) {
        self.insert(reason);
    }

    fn is_only(&self, kind: Kind) -> bool {
        self.iter().all(|reason| reason.kind() == kind)
    }

    fn find(&self, wanted: impl Fn(Kind) -> bool) -> Option<String> {
        let found = self.iter().find(|reason| wanted(reason.kind()));
        found.map(ToString::to_string)
    }
}

/// A kind of reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ref,
    Snapshot,
    Member,
    Attachment,
    Voucher,
    History,
    MovedAside,
    Young,
    File,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Ref,
        Self::Snapshot,
        Self::Member,
        Self::Attachment,
        Self::Voucher,
        Self::History,
        Self::MovedAside,
        Self::Young,
        Self::File,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ref => "a ref",
            Self::Snapshot => "a named snapshot",
            Self::Member => "a snapshot",
            Self::Attachment => "what it is attached to",
            Self::Voucher => "a member that it vouches for",
            Self::History => "a history",
            Self::MovedAside => "a history in quarantine",
            Self::Young => "its age",
            Self::File => "a manifest",
        }
    }
}

/// Of which kinds they are, in two bytes: a store has many objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds(u16);

impl Reasons for Kinds {
    fn add(&mut self, reason: Reason) {
        self.0 |= 1 << reason.kind() as u16;
    }

    fn is_only(&self, kind: Kind) -> bool {
        self.0 == 1 << kind as u16
    }

    fn find(&self, wanted: impl Fn(Kind) -> bool) -> Option<String> {
        let mut kinds = Kind::ALL.into_iter();
        let found = kinds.find(|kind| self.0 & (1 << *kind as u16) != 0 && wanted(*kind));
        found.map(|kind| kind.as_str().to_owned())
    }
}
