//! Attaching documents to objects, and finding them by what they are about.

use std::collections::{BTreeMap, BTreeSet};

use super::{Catalog, told};
use crate::attachment::{Attachment, MediaType};
use crate::durable::Hold;
use crate::error::Error;
use crate::hash::ObjectId;
use crate::object::Object;
use crate::objects::ReadObjectError;
use crate::schema::ObjectError;
use crate::{attachments, objects};

/// A document that is attached to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attached {
    /// The object that holds it.
    pub object: ObjectId,
    /// The document, and what it is about.
    pub attachment: Attachment,
}

impl Catalog {
    /// Attaches a document to an object: stores it as an object of its own, and links it to its subject.
    /// Attaching the same again changes nothing. Returns its object.
    ///
    /// When this returns, all of it survives a power cut, and so does the subject.
    ///
    /// # Locking
    ///
    /// Shares the store lock.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchSubject`] where the subject is not in the store, [`Error::Attachment`] where it is
    /// refused, and those of a catalog that cannot be written.
    pub fn attach(&self, attachment: &Attachment) -> Result<ObjectId, Error> {
        told("attach", self.try_attach(attachment))
    }

    fn try_attach(&self, attachment: &Attachment) -> Result<ObjectId, Error> {
        let refused = |cause| Error::Attachment { cause };
        let checked = attachment.check_secrets().map_err(ObjectError::from);
        checked.map_err(refused)?;
        let bytes = attachment.encode().map_err(refused)?;
        let (subject, object) = (attachment.subject, ObjectId::of(&bytes));
        let _lock = self.begin_write(Hold::Shared)?;
        let Some(found) = objects::read_to_carry(self.root_dir(), &subject)? else {
            return Err(Error::NoSuchSubject { subject });
        };
        // The subject may come from a writer that was killed before it synced it.
        let both = BTreeMap::from([(subject, &*found.bytes), (object, &*bytes)]);
        objects::write_all(self.root_dir(), &both)?;
        attachments::add_all(self.root_dir(), &BTreeSet::from([(subject, object)]))?;
        Ok(object)
    }

    /// Returns the documents that are attached to `subject`, sorted by their objects; of one media type, if
    /// one is given. Manifests of files are not among them, nor what a newer version has attached.
    ///
    /// # Errors
    ///
    /// [`Error::Path`] where the links cannot be listed. One that cannot be read is an error of the
    /// iterator, which goes on after it: [`Error::DanglingAttachment`], [`Error::UnreadableAttachment`] or
    /// [`Error::MisplacedAttachment`].
    pub fn attached<'a>(
        &'a self,
        subject: &ObjectId,
        media_type: Option<&MediaType>,
    ) -> Result<impl Iterator<Item = Result<Attached, Error>> + use<'a>, Error> {
        self.attached_below(subject, media_type, None)
    }

    /// As [`attached`](Self::attached), less the objects that have more bytes than a limit.
    pub(super) fn attached_below<'a>(
        &'a self,
        subject: &ObjectId,
        media_type: Option<&MediaType>,
        limit: Option<u64>,
    ) -> Result<impl Iterator<Item = Result<Attached, Error>> + use<'a>, Error> {
        let wanted = media_type.cloned();
        let attached = self.each_attached(subject, limit)?;
        Ok(attached.filter_map(move |read| match read {
            Ok((object, Object::Attachment(attachment))) => {
                let wanted = wanted.as_ref();
                let is_wanted = wanted.is_none_or(|it| *it == attachment.media_type);
                is_wanted.then_some(Ok(Attached { object, attachment }))
            }
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }))
    }

    /// Returns the document that an object holds; `None` where there is no such object.
    ///
    /// # Errors
    ///
    /// [`Error::Object`] where it cannot be returned, or is no attachment.
    pub fn attachment(&self, object: &ObjectId) -> Result<Option<Attachment>, Error> {
        Ok(objects::read_attachment(self.root_dir(), object)?)
    }

    /// Removes the link from an object to a document about it, and returns whether there was one. The
    /// document stays in the store until nothing keeps it; and it comes back with the next import from a
    /// catalog that has the link.
    ///
    /// # Locking
    ///
    /// Shares the store lock.
    ///
    /// # Errors
    ///
    /// [`Error::Object`] where it is of a kind that is not removed, as the manifest of the files of an entry;
    /// and those of a catalog that cannot be written.
    pub fn detach(&self, subject: &ObjectId, object: &ObjectId) -> Result<bool, Error> {
        told("detach", self.try_detach(subject, object))
    }

    fn try_detach(&self, subject: &ObjectId, object: &ObjectId) -> Result<bool, Error> {
        let _lock = self.begin_write(Hold::Shared)?;
        // What is missing, or damaged, may go.
        match objects::read_attachment(self.root_dir(), object) {
            Err(ReadObjectError::Refused { object, cause })
                if matches!(
                    cause,
                    ObjectError::WrongKind { .. } | ObjectError::UnknownSchema { .. }
                ) =>
            {
                Err(ReadObjectError::Refused { object, cause }.into())
            }
            Err(ReadObjectError::Path(error)) if !error.cause.is_damage() => Err(error.into()),
            _ => Ok(attachments::remove(self.root_dir(), (*subject, *object))?),
        }
    }
}
