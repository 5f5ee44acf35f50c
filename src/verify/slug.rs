//! What kinds of finding there are: their stable names, how bad they are, and what to do about them
//! (layout.md section 11.1).

use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Something is damaged or missing.
    Error,
    /// Everything can be read, and something is not as it should be.
    Warning,
    /// Worth knowing; nothing is wrong.
    Notice,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Notice];

    /// Returns the word for it, which does not change.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Declares the kinds of finding: each with its meaning, its severity, its stable name and advice.
macro_rules! slugs {
    ($($(#[$doc:meta])+ $variant:ident $severity:ident $slug:literal $advice:literal)+) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Slug {
            $($(#[$doc])+ $variant,)+
        }

        impl Slug {
            /// Every kind of finding.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns its name, which does not change.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $slug,)+
                }
            }

            /// Returns how bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$variant => Severity::$severity,)+
                }
            }

            /// Returns what to do about it.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self {
                    $(Self::$variant => $advice,)+
                }
            }
        }
    };
}

slugs! {
    /// The bytes of an object do not hash to its name.
    ObjectHash Error "object-hash"
        "repair restores the object from any copy of it, and otherwise moves the file aside"
    /// The bytes of an object hash to its name, and are no canonical object.
    ObjectForm Error "object-form"
        "no program that follows the format wrote it; repair moves it aside"
    /// The file of an object is larger than its kind, or any kind, may be.
    ObjectTooLarge Error "object-too-large"
        "repair restores the object from any copy of it, and otherwise moves the file aside"
    /// An object that was asked for is not in the store.
    ObjectMissing Error "object-missing"
        "repair restores what refs, snapshots and histories name from any copy of it"
    /// The content of an artifact does not hash to its name.
    BlobHash Error "blob-hash"
        "copy the file from another copy of the catalog"
    /// A ref does not hold an object id and a line feed.
    RefMalformed Error "ref-malformed"
        "repair restores it from its history; without one, copy it from another copy of the catalog"
    /// The object of a ref is not in the store.
    RefDangling Error "ref-dangling"
        "repair restores the object from any copy of it; or record the engine again"
    /// The object of a ref is damaged.
    RefObjectDamaged Error "ref-object-damaged"
        "repair restores the object from any copy of it; or record the engine again"
    /// The object of a ref is no entry.
    RefWrongKind Error "ref-wrong-kind"
        "repair restores the ref from its history"
    /// The object of a ref is an entry of another engine or version.
    RefMisplaced Error "ref-misplaced"
        "repair restores the ref from its history"
    /// A line of a history is malformed, and not the torn end of an append.
    HistoryMalformed Error "history-malformed"
        "the ref is not affected; repair keeps the lines that took effect"
    /// A history does not lead to what the ref holds.
    HistoryDisconnected Error "history-disconnected"
        "the ref or the history was changed by hand or by a copy; repair restores a ref that is gone, and otherwise sets the history aside"
    /// A named snapshot does not hold an object id and a line feed.
    SnapshotMalformed Error "snapshot-malformed"
        "copy the file from another copy of the catalog, or remove the file and create the snapshot again"
    /// The object of a named snapshot is not in the store.
    SnapshotDangling Error "snapshot-dangling"
        "repair restores the object from any copy of it"
    /// The object of a named snapshot is damaged.
    SnapshotObjectDamaged Error "snapshot-object-damaged"
        "repair restores the object from any copy of it"
    /// The object of a named snapshot is no snapshot.
    SnapshotWrongKind Error "snapshot-wrong-kind"
        "copy the file from another copy of the catalog, or remove the file and create the snapshot again"
    /// A member of a named snapshot is not in the store.
    MemberMissing Error "member-missing"
        "repair restores the object from any copy of it"
    /// A member of a named snapshot is damaged.
    MemberDamaged Error "member-damaged"
        "repair restores the object from any copy of it"
    /// A member of a named snapshot is no entry.
    MemberWrongKind Error "member-wrong-kind"
        "the snapshot was not made by this program; its other members are not affected"
    /// The object of an attachment is not in the store.
    LinkDangling Error "link-dangling"
        "repair restores the object from any copy of it"
    /// The object of an attachment is damaged.
    LinkObjectDamaged Error "link-object-damaged"
        "repair restores the object from any copy of it"
    /// The object of an attachment does not describe what it is attached to.
    LinkMisplaced Error "link-misplaced"
        "repair moves the link aside, and attaches the object to what it describes"
    /// Something is not a regular file, or not a directory, where one belongs.
    FileType Error "file-type"
        "see what it is and where it came from; repair puts a file in its place where it knows the content"
    /// Fewer keys than are required have signed a current entry, or a snapshot that it is a member of.
    SignaturesLacking Error "signatures-lacking"
        "whoever vouches for it signs it: `sign`; or attach a signature that was made elsewhere"
    /// The policy of the catalog is wrong, so that no ref can come to hold anything else.
    PolicyMalformed Error "policy-malformed"
        "`policy set` puts a right one in its place"
    /// Something cannot be read, for a reason that says nothing of its content.
    Unreadable Error "unreadable"
        "check permissions, mounts and the disk, and verify again"
    /// An object has another mode than 0444.
    ObjectMode Warning "object-mode"
        "repair sets the mode"
    /// The link of an attachment is not empty.
    LinkNotEmpty Warning "link-not-empty"
        "repair moves it aside and puts an empty one in its place"
    /// A manifest is not of the files that its entry names.
    ManifestForeign Warning "manifest-foreign"
        "check does not use it; the entry is not affected"
    /// An id is that of two current entries.
    AmbiguousId Warning "ambiguous-id"
        "looking the id up is refused: retire one of the two, or record it with another id"
    /// Two names in a directory differ only in case.
    CaseCollision Warning "case-collision"
        "a copy to a file system that ignores case would lose one of the two"
    /// An object is of a schema that this version does not know; so nothing is said of what names it.
    UnknownSchema Notice "unknown-schema"
        "a newer version of the program can read it"
    /// A history ends with a write that was cut short.
    HistoryTorn Notice "history-torn"
        "the change did not take effect; the next change removes the end"
    /// A history begins with an entry, and there is no such ref.
    RefAbsent Notice "ref-absent"
        "its first put is under way, or was cut short; if it was not, copy the ref from another copy of the catalog, or record the engine again"
    /// A ref has no history.
    HistoryMissing Notice "history-missing"
        "nothing says how the entry became current; the next change begins a history"
    /// A history names an object that is not in the store.
    HistoryObjectMissing Notice "history-object-missing"
        "it cannot be rolled back to; repair restores it where there is a copy"
    /// What an attachment describes is not in the store.
    LinkSubjectMissing Notice "link-subject-missing"
        "it does no harm; repair restores the subject where there is a copy"
    /// A signature was not made by its key over the object that it is attached to, or cannot be read.
    SignatureBad Notice "signature-bad"
        "it does not count; `attachments remove` takes it off"
    /// A signature is by a key that no line of the allowed signers names.
    SignerUnknown Notice "signer-unknown"
        "it does not count; add a line for its key if you trust it"
    /// A signature, or its key, is for something else than objects of a catalog.
    SignatureNamespace Notice "signature-namespace"
        "it does not count; sign with `-n engine-catalog`"
    /// The key of a signature is not valid at this time.
    SignatureExpired Notice "signature-expired"
        "it does not count; whoever vouches for the object signs it with a valid key"
    /// Something whose name the format gives to nothing.
    ForeignFile Notice "foreign-file"
        "readers pass over it; remove it if you know that it is of no use"
    /// A file in `tmp/`: of a writer at work, or of one that was killed.
    Leftover Notice "leftover"
        "gc removes it once it is old; while no writer is at work, it can be removed"
    /// Something that repair, or a writer, moved aside.
    Quarantined Notice "quarantined"
        "it was damaged; remove it when you need it no more"
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
