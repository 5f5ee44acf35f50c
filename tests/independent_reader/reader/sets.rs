//! Sections 5.2 and 5.3: named snapshots, and what is attached to an entry.

use std::collections::BTreeMap;

use super::{
    Attachment, Manifest, Object, Reader, Result, Wrong, decode_name, encode_name, is_object_id,
};

/// The id of a snapshot, and its members.
pub(crate) type Snapshot = (String, Vec<Vec<u8>>);

impl Reader {
    /// Section 5.2: every name, and the snapshot that it stands for.
    pub(crate) fn snapshots(&self) -> Result<BTreeMap<String, Snapshot>> {
        let mut found = BTreeMap::new();
        for (file_name, _) in self.list("snapshots")? {
            let Some(name) = decode_name(&file_name) else {
                continue;
            };
            // It stands for an object.
            if name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                continue;
            }
            // It may have been removed since it was listed.
            if let Some(snapshot) = self.snapshot(&name)? {
                found.insert(name, snapshot);
            }
        }
        Ok(found)
    }

    pub(crate) fn snapshot(&self, name: &str) -> Result<Option<Snapshot>> {
        let Some(id) = self.read_id(&format!("snapshots/{}", encode_name(name)))? else {
            return Ok(None);
        };
        match self.object(&id, Some("snapshot/1"))? {
            Some(Ok(Object::Snapshot(members))) => Ok(Some((id, members))),
            other => Err(format!("snapshot {name:?}: {id}: {other:?}")),
        }
    }

    /// Section 5.3: the ids of what is attached to a subject.
    pub(crate) fn attachments(&self, subject: &str) -> Result<Vec<String>> {
        let dir = format!("attachments/{}/{}", &subject[..2], &subject[2..]);
        let mut ids = Vec::new();
        for (id, _) in self.list(&dir)? {
            if !is_object_id(&id) {
                continue;
            }
            // Its content says nothing, but it is a file.
            match self.look(&format!("{dir}/{id}"))? {
                Some(found) if !found.is_file() => return Err(format!("{dir}/{id}: no file")),
                Some(_) => ids.push(id),
                None => {}
            }
        }
        ids.sort();
        Ok(ids)
    }

    /// Section 4.4: the manifests of an entry.
    pub(crate) fn manifests(&self, subject: &str) -> Result<Vec<Manifest>> {
        let described = self.described(subject)?.into_iter();
        let manifests = described.filter_map(|(_, object)| match object {
            Object::Manifest(manifest) => Some(manifest),
            _ => None,
        });
        Ok(manifests.collect())
    }

    /// Section 4.5: the documents that are attached to a subject, with their ids.
    pub(crate) fn documents(&self, subject: &str) -> Result<Vec<(String, Attachment)>> {
        let described = self.described(subject)?.into_iter();
        let documents = described.filter_map(|(id, object)| match object {
            Object::Attachment(attachment) => Some((id, attachment)),
            _ => None,
        });
        Ok(documents.collect())
    }

    /// The objects that describe a subject, of any kind that is known, with their ids.
    fn described(&self, subject: &str) -> Result<Vec<(String, Object)>> {
        let mut found = Vec::new();
        for id in self.attachments(subject)? {
            match self.object(&id, None)? {
                Some(Ok(object)) if object.subject().map(hex).as_deref() == Some(subject) => {
                    found.push((id, object));
                }
                Some(Err(Wrong::UnknownSchema(_))) => {}
                // Garbage collection may have removed it with its link.
                None if !self.attachments(subject)?.contains(&id) => {}
                other => return Err(format!("{id}, attached to {subject}: {other:?}")),
            }
        }
        Ok(found)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
