//! Entries that are to be stored: checked, encoded, and with what describes them.

use std::collections::BTreeMap;

use crate::artifact::{Artifact, ArtifactError, check_unchanged};
use crate::attachments::Link;
use crate::entry::EngineEntry;
use crate::entry_codec::encode_entry;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::manifest::{Manifest, ManifestFile};
use crate::name::RefName;
use crate::schema::ObjectError;
use crate::secrets::find_secret;

/// The files of an entry.
#[derive(Debug)]
pub(crate) struct Files {
    /// What a manifest says of them, by absolute path.
    pub(crate) recorded: BTreeMap<String, ManifestFile>,
    /// The files that were hashed.
    pub(crate) sealed: Vec<Artifact>,
}

/// An entry that was checked and encoded.
pub(crate) struct Checked {
    pub(super) name: RefName,
    pub(super) object: ObjectId,
    bytes: Vec<u8>,
    /// What describes it.
    attached: BTreeMap<ObjectId, Vec<u8>>,
    /// What has to be as it was when it was hashed.
    sealed: Vec<Artifact>,
}

impl Checked {
    /// Adds a manifest of the entry's files, if it has any.
    pub(super) fn with_files(mut self, files: Option<&Files>) -> Result<Self, Error> {
        let Some(files) = files else {
            return Ok(self);
        };
        let manifest = Manifest {
            subject: self.object,
            files: files.recorded.clone(),
        };
        let bytes = manifest.encode().map_err(|cause| Error::EntryObject {
            id: self.name.to_string(),
            cause,
        })?;
        self.attached.insert(ObjectId::of(&bytes), bytes);
        self.sealed.clone_from(&files.sealed);
        Ok(self)
    }

    /// Requires that its files are still there, and as they were when they were hashed: those of an engine that has
    /// gone may have been removed since.
    ///
    /// # Locking
    ///
    /// The caller holds the store lock, so that nothing removes them until the entry names them.
    pub(super) fn require_files(&self) -> Result<(), ArtifactError> {
        check_unchanged(&self.sealed)
    }

    /// Returns the bytes of the entry's object.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn objects(&self) -> impl Iterator<Item = (ObjectId, &[u8])> {
        let attached = self
            .attached
            .iter()
            .map(|(id, bytes)| (*id, bytes.as_slice()));
        attached.chain([(self.object, self.bytes.as_slice())])
    }

    pub(super) fn links(&self) -> impl Iterator<Item = Link> {
        self.attached.keys().map(|object| (self.object, *object))
    }
}

pub(crate) fn encode_checked(entry: &EngineEntry) -> Result<Checked, Error> {
    // Secrets first: other errors repeat what they complain of.
    entry.refuse_secrets().map_err(|cause| {
        let id_is_clean = find_secret(&entry.id).is_none();
        let id = if id_is_clean { &entry.id } else { "…" }.to_owned();
        Error::Entry { id, cause }
    })?;
    let bytes = encode_entry(entry).map_err(|cause| {
        let id = entry.id.clone();
        match cause {
            ObjectError::Entry(cause) => Error::Entry { id, cause },
            cause => Error::EntryObject { id, cause },
        }
    })?;
    let name = entry.ref_name()?;
    Ok(Checked {
        name,
        object: ObjectId::of(&bytes),
        bytes,
        attached: BTreeMap::new(),
        sealed: Vec::new(),
    })
}
