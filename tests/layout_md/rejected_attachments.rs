//! The rows of section 11 about documents that are attached to something.

use std::fmt::Debug;

use engine_catalog::{Attachment, AttachmentError, Name, Object, ObjectError};

use crate::document::letter;
use crate::rejected::{assert_variants, replaced};
use crate::scratch::{Scratch, entry, prepared, stamp};
use crate::support::document;

/// Gives the input of a row to the library, and returns the error; `None` for the other rows.
pub(super) fn provoke(row: u32) -> Option<Box<dyn Debug>> {
    let scratch = Scratch::new();
    let catalog = &scratch.catalog;
    let subject = scratch.put(&entry(1));
    let attach = |attachment: &Attachment| catalog.attach(attachment).unwrap_err();
    let good = Attachment {
        name: Some(Name::new("note.txt").unwrap()),
        ..document(subject, "abc")
    };
    let decode = |from: &[u8], to: &[u8]| {
        let bytes = replaced(&good.encode().unwrap(), from, to);
        let error = Attachment::decode(&bytes).unwrap_err();
        assert_eq!(Object::decode(&bytes).unwrap_err(), error);
        error
    };
    let error: Box<dyn Debug> = match row {
        66 => {
            for bad in [
                &b"Text/plain"[..],
                b"text-plain",
                b"text/pla;n",
                b"text/.lain",
            ] {
                let error = decode(b"text/plain", bad);
                assert_variants(&error, &["Attachment", "MediaType"], "66");
            }
            let error = "text/plain; charset=utf-8".parse::<engine_catalog::MediaType>();
            Box::new(ObjectError::from(AttachmentError::from(error.unwrap_err())))
        }
        67 => {
            let empty = decode(b"\x68note.txt", b"\x60");
            assert_variants(&empty, &["Attachment", "Name", "Empty"], "67");
            Box::new(decode(b"note.txt", b"note\ntxt"))
        }
        68 => Box::new(attach(&document(letter("A"), "abc"))),
        69 => {
            scratch.write(scratch.object(&subject), "damaged");
            Box::new(attach(&good))
        }
        70 => Box::new(attach(&Attachment {
            payload: vec![0; 64 << 20],
            ..good
        })),
        71 => {
            let key = "a note\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl";
            Box::new(attach(&document(subject, key)))
        }
        72 => {
            let recorded = catalog.record(&prepared(&scratch, 2), &stamp()).unwrap();
            let subject = recorded.put.object;
            let manifest = catalog.attachments(&subject).unwrap()[0];
            Box::new(catalog.detach(&subject, &manifest).unwrap_err())
        }
        _ => return None,
    };
    Some(error)
}
