//! What describes an entry: the objects that are attached to it.

use std::collections::BTreeSet;

use super::{Catalog, Files};
use crate::attachments::Link;
use crate::error::{Error, ErrorKind};
use crate::hash::ObjectId;
use crate::manifest::Manifest;
use crate::object::Object;
use crate::objects::ReadObjectError;
use crate::schema::ObjectError;
use crate::{attachments, objects};

/// An object that is attached to another, to be carried to another catalog.
pub(crate) struct Attached {
    /// What it describes, and the object itself.
    pub(crate) link: Link,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Catalog {
    /// Returns the objects that are attached to `subject`, of whatever kind, sorted.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where the links cannot be listed.
    pub fn attachments(&self, subject: &ObjectId) -> Result<Vec<ObjectId>, Error> {
        Ok(attachments::list(&self.root, subject)?)
    }

    /// Returns the manifests of the files of an entry, sorted by their object ids; none for an image,
    /// or an entry that [`put`](Self::put) stored. There are several where files changed between
    /// two records of what is else the same entry.
    ///
    /// # Errors
    ///
    /// [`Error::DanglingAttachment`] where the object of a link is missing,
    /// [`Error::UnreadableAttachment`] where it cannot be returned, and [`Error::MisplacedAttachment`]
    /// where it describes something else.
    pub fn manifests(&self, subject: &ObjectId) -> Result<Vec<Manifest>, Error> {
        let mut manifests = Vec::new();
        for object in attachments::list(&self.root, subject)? {
            let subject = *subject;
            match objects::read_any(&self.root, &object) {
                Ok(Some((Object::Manifest(manifest), _))) if manifest.subject == subject => {
                    manifests.push(manifest);
                }
                Ok(Some(_)) => return Err(Error::MisplacedAttachment { subject, object }),
                // Removed, by gc with its subject.
                Ok(None) if !attachments::list(&self.root, &subject)?.contains(&object) => {}
                Ok(None) => return Err(Error::DanglingAttachment { subject, object }),
                // What a newer version has attached is not for this one to judge.
                Err(ReadObjectError::Refused {
                    cause: ObjectError::UnknownSchema { .. },
                    ..
                }) => {}
                Err(cause) => return Err(Error::UnreadableAttachment { subject, cause }),
            }
        }
        Ok(manifests)
    }

    /// Returns everything that is attached to `subject`, and to that, each link once. What a newer
    /// version has attached comes along as it is.
    ///
    /// # Errors
    ///
    /// As [`manifests`](Self::manifests).
    pub(crate) fn carry_attached(&self, subject: ObjectId) -> Result<Vec<Attached>, Error> {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::from([subject]));
        let mut subjects = vec![subject];
        while let Some(subject) = subjects.pop() {
            for object in attachments::list(&self.root, &subject)? {
                let carried = objects::read_to_carry(&self.root, &object)
                    .map_err(|cause| Error::UnreadableAttachment { subject, cause })?;
                let Some(carried) = carried else {
                    // Removed, by gc with its subject.
                    if !attachments::list(&self.root, &subject)?.contains(&object) {
                        continue;
                    }
                    return Err(Error::DanglingAttachment { subject, object });
                };
                let says = carried.object.map(|it| it.subject());
                if says.is_some_and(|says| says != Some(subject)) {
                    return Err(Error::MisplacedAttachment { subject, object });
                }
                if seen.insert(object) {
                    subjects.push(object);
                }
                let link = (subject, object);
                let bytes = carried.bytes;
                found.push(Attached { link, bytes });
            }
        }
        Ok(found)
    }

    /// Returns whether nothing says that an entry has other files than these: it has no manifest, or
    /// one of its manifests says the same. A damaged one says nothing.
    pub(crate) fn may_have_files(
        &self,
        object: &ObjectId,
        files: Option<&Files>,
    ) -> Result<bool, Error> {
        let Some(files) = files else { return Ok(true) };
        match self.manifests(object) {
            Ok(manifests) => {
                let is_same = |manifest: &Manifest| manifest.files == *files;
                Ok(manifests.is_empty() || manifests.iter().any(is_same))
            }
            Err(error) if error.kind() == ErrorKind::Damage => Ok(true),
            Err(error) => Err(error),
        }
    }
}
