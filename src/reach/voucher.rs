//! Snapshots that nothing has reached and that somebody may have signed: one keeps itself for a member that is
//! reached. What cannot be read may be such a snapshot, or its signature.

use super::{Reach, Unknown};
use crate::durable::Root;
use crate::hash::ObjectId;
use crate::object::Object;
use crate::objects::{self, ReadObjectError};
use crate::schema::ObjectError;
use crate::snapshot::Snapshot;

/// A snapshot that has a signature, or something that may be one.
pub(super) struct Voucher {
    pub(super) id: ObjectId,
    snapshot: Snapshot,
    /// Why it cannot be told whether it has one.
    pub(super) doubt: Option<Unknown>,
}

impl Voucher {
    /// Returns a member that is reached.
    pub(super) fn member<R>(&self, reach: &Reach<R>) -> Option<ObjectId> {
        let mut members = self.snapshot.objects.iter();
        members.find(|it| reach.objects.contains_key(it)).copied()
    }
}

/// Returns those of what nothing has reached yet; and what cannot be read and may be one, with a signature.
/// Whether a signature is good, and of whom, is for others to judge.
pub(super) fn find<R>(root: &Root, reach: &Reach<R>) -> (Vec<Voucher>, Vec<Unknown>) {
    let (mut vouchers, mut unknown) = (Vec::new(), Vec::new());
    let unreached = reach.links.iter();
    let unreached = unreached.filter(|(subject, _)| !reach.objects.contains_key(subject));
    for (&id, attached) in unreached {
        match read(root, &id) {
            Ok(Some(Object::Snapshot(snapshot))) => {
                let is_signed = is_signed(root, attached);
                if !matches!(is_signed, Ok(false)) {
                    let doubt = is_signed.err();
                    vouchers.push(Voucher {
                        id,
                        snapshot,
                        doubt,
                    });
                }
            }
            Ok(_) => {}
            Err(error) if !matches!(is_signed(root, attached), Ok(false)) => {
                unknown.push(doubt(id, "a signed snapshot", &error));
            }
            Err(_) => {}
        }
    }
    (vouchers, unknown)
}

/// Returns whether one of the objects is a signature.
fn is_signed(root: &Root, attached: &[ObjectId]) -> Result<bool, Unknown> {
    let mut found = Ok(false);
    for object in attached {
        match read(root, object) {
            Ok(Some(Object::Attachment(it))) if it.media_type.is_signature() => return Ok(true),
            Ok(_) => {}
            Err(error) => found = Err(doubt(*object, "the signature of a snapshot", &error)),
        }
    }
    found
}

/// Returns an object; `None` where it is missing, or of a kind that this version does not know.
fn read(root: &Root, id: &ObjectId) -> Result<Option<Object>, ReadObjectError> {
    match objects::read_any(root, id) {
        Err(ReadObjectError::Refused {
            cause: ObjectError::UnknownSchema { .. },
            ..
        }) => Ok(None),
        read => Ok(read?.map(|(object, _)| object)),
    }
}

fn doubt(object: ObjectId, what: &str, error: &ReadObjectError) -> Unknown {
    let error = match error {
        ReadObjectError::Refused { cause, .. } => cause.to_string(),
        ReadObjectError::Path(error) => error.to_string(),
    };
    Unknown::because_of(format_args!(
        "object {object}, which may be {what}: {error}"
    ))
}
