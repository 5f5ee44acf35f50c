//! What an object is for whatever names it.

use crate::durable::Root;
use crate::hash::ObjectId;
use crate::object::Object;
use crate::objects::{ReadObjectError, read_any};
use crate::schema::{ObjectError, Schema};

/// What a name leads to.
pub(super) enum Judgement {
    /// Nothing.
    Missing,
    /// A good object.
    Good(Object),
    /// An object that a newer program can read: nothing can be said of what names it.
    Unknown,
    /// Something that cannot be read as an object, and why.
    Damaged(String),
}

pub(super) fn judge(root: &Root, id: &ObjectId) -> Judgement {
    match read_any(root, id) {
        Ok(None) => Judgement::Missing,
        Ok(Some((object, _))) => Judgement::Good(object),
        Err(ReadObjectError::Refused {
            cause: ObjectError::UnknownSchema { .. },
            ..
        }) => Judgement::Unknown,
        Err(ReadObjectError::Refused { cause, .. }) => Judgement::Damaged(cause.to_string()),
        Err(ReadObjectError::Path(error)) => Judgement::Damaged(error.cause.to_string()),
    }
}

pub(super) fn missing(id: &ObjectId) -> String {
    format!("object {id} is missing")
}

pub(super) fn damaged(id: &ObjectId, why: &str) -> String {
    format!("object {id} is damaged: {why}")
}

pub(super) fn wrong_kind(id: &ObjectId, object: &Object, expected: Schema) -> String {
    format!(
        "object {id} is of kind {}, expected {expected}",
        object.schema()
    )
}
