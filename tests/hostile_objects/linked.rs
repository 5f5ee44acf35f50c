//! What is wrong with an object is told where a link leads to it, too.

use std::fmt::Debug;
use std::fs;

use engine_catalog::{Error, ErrorKind, Object, ObjectError, ObjectId, ReadObjectError};

use super::attachments::{attachment, attachment_cases};
use super::manifests::{manifest, manifest_cases};
use super::raw::Cases;
use super::support::{Home, link, link_file};

/// Links each of the cases to the subject that they name, and requires that `read` refuses it for the
/// right reason. Of what is good, it returns `good`.
fn refused_where_linked<T: PartialEq + Debug>(
    cases: Cases,
    good: (&[u8], T),
    read: impl Fn(&Home, &ObjectId) -> Result<Vec<T>, Error>,
) {
    let (home, subject) = (Home::new(), ObjectId::from_bytes([0xdd; 32]));
    let attached = |bytes: &[u8]| {
        let planted = home.plant(bytes);
        let root = home.catalog.root();
        link(root, subject, planted);
        let found = read(&home, &subject);
        fs::remove_file(link_file(root, subject, planted)).unwrap();
        fs::remove_file(home.object(&planted)).unwrap();
        (planted, found)
    };
    let (_, found) = attached(good.0);
    assert_eq!(found.unwrap(), [good.1]);
    // What is good, and of the other kind, is none of these and in nobody's way.
    let kinds = [manifest().encode(), attachment().encode()].map(Result::unwrap);
    for other in kinds.iter().filter(|bytes| **bytes != good.0) {
        assert_eq!(attached(other).1.unwrap(), []);
    }
    for case in cases.0 {
        let (what, (planted, found)) = (case.what, attached(&case.bytes));
        match (found, Object::decode(&case.bytes)) {
            // What a newer program has attached is passed over.
            (Ok(found), Err(ObjectError::UnknownSchema { .. })) => assert_eq!(found, []),
            // Good, and in the right place; and of the other kind, where it is not the good one.
            (Ok(found), Ok(other)) if other.subject() == Some(subject) => {
                assert_eq!(found.len(), usize::from(case.bytes == good.0), "{what}");
            }
            (Err(Error::MisplacedAttachment { object, .. }), Ok(_)) => assert_eq!(object, planted),
            (Err(error), Err(expected)) => {
                assert_eq!(error.kind(), ErrorKind::Damage, "{what}");
                let Error::UnreadableAttachment {
                    cause: ReadObjectError::Refused { object, cause },
                    ..
                } = error
                else {
                    panic!("{what}: {error:?}")
                };
                assert_eq!((object, cause), (planted, expected), "{what}");
            }
            (found, _) => panic!("{what}: {found:?}"),
        }
    }
}

#[test]
fn none_of_them_is_returned_as_a_manifest() {
    let bytes = manifest().encode().unwrap();
    let read = |home: &Home, subject: &ObjectId| home.catalog.manifests(subject);
    refused_where_linked(manifest_cases(), (&bytes, manifest()), read);
    refused_where_linked(attachment_cases(), (&bytes, manifest()), read);
}

#[test]
fn none_of_them_is_returned_as_a_document() {
    let bytes = attachment().encode().unwrap();
    let read = |home: &Home, subject: &ObjectId| {
        let attached = home.catalog.attached(subject, None)?;
        attached.map(|it| it.map(|it| it.attachment)).collect()
    };
    refused_where_linked(attachment_cases(), (&bytes, attachment()), read);
    refused_where_linked(manifest_cases(), (&bytes, attachment()), read);
}
