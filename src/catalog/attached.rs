//! What describes an entry: the objects that are attached to it.

use std::collections::BTreeSet;

use super::{Catalog, Files};
use crate::attachments::Link;
use crate::error::{Error, ErrorKind};
use crate::hash::ObjectId;
use crate::manifest::Manifest;
use crate::object::Object;
use crate::objects::Carried;
use crate::{attachments, layout, objects};

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
        self.each_manifest(subject)?.collect()
    }

    /// As [`manifests`](Self::manifests), and goes on after one that may be a manifest and cannot be read.
    pub(crate) fn each_manifest<'a>(
        &'a self,
        subject: &ObjectId,
    ) -> Result<impl Iterator<Item = Result<Manifest, Error>> + use<'a>, Error> {
        let attached = self.each_attached(subject, None)?;
        Ok(attached.filter_map(|read| match read {
            Ok((_, Object::Manifest(manifest))) => Some(Ok(manifest)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        }))
    }

    /// Returns the objects that are attached to `subject`, sorted, of whatever kind that is known; less those
    /// that have more bytes than a limit, which are not read.
    pub(super) fn each_attached<'a>(
        &'a self,
        subject: &ObjectId,
        limit: Option<u64>,
    ) -> Result<impl Iterator<Item = Result<(ObjectId, Object), Error>> + use<'a>, Error> {
        let subject = *subject;
        let objects = attachments::list(&self.root, &subject)?.into_iter();
        let size = |object: &ObjectId| {
            let stat = self.root.stat(&layout::object(object).path());
            stat.ok().flatten().map_or(0, |it| it.size)
        };
        let is_small = move |object: &ObjectId| limit.is_none_or(|limit| size(object) <= limit);
        let read = objects.filter(is_small).map(move |object| {
            let carried = self.carry((subject, object))?;
            let known = carried.and_then(|it| it.object);
            Ok(known.map(|it| (object, it)))
        });
        Ok(read.filter_map(Result::transpose))
    }

    /// Calls `visit` with everything that is attached to `subject`, and to that, each link once. What a
    /// newer version has attached comes along as it is. One object is held at a time.
    ///
    /// # Errors
    ///
    /// As [`manifests`](Self::manifests), and those of `visit`.
    pub(crate) fn visit_attached<E: From<Error>>(
        &self,
        subject: ObjectId,
        visit: &mut dyn FnMut(Link, Carried) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut seen = BTreeSet::from([subject]);
        let mut subjects = vec![subject];
        while let Some(subject) = subjects.pop() {
            for object in attachments::list(&self.root, &subject).map_err(Error::from)? {
                let link = (subject, object);
                let Some(carried) = self.carry(link)? else {
                    continue;
                };
                if seen.insert(object) {
                    subjects.push(object);
                }
                visit(link, carried)?;
            }
        }
        Ok(())
    }

    /// Returns an object that is attached to another, of whatever kind; `None` where it was removed
    /// meanwhile, by gc with its subject. What a newer version has attached is not for this one to judge.
    pub(super) fn carry(&self, (subject, object): Link) -> Result<Option<Carried>, Error> {
        let carried = objects::read_to_carry(&self.root, &object)
            .map_err(|cause| Error::UnreadableAttachment { subject, cause })?;
        let Some(carried) = carried else {
            if !attachments::list(&self.root, &subject)?.contains(&object) {
                return Ok(None);
            }
            return Err(Error::DanglingAttachment { subject, object });
        };
        let says = carried.object.as_ref().map(Object::subject);
        if says.is_some_and(|says| says != Some(subject)) {
            return Err(Error::MisplacedAttachment { subject, object });
        }
        Ok(Some(carried))
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
                let is_same = |manifest: &Manifest| manifest.files == files.recorded;
                Ok(manifests.is_empty() || manifests.iter().any(is_same))
            }
            Err(error) if error.kind() == ErrorKind::Damage => Ok(true),
            Err(error) => Err(error),
        }
    }
}
