//! Documents about something, about what else describes it, and whether another catalog has the same.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;

use engine_catalog::{Attachment, Catalog, Name, ObjectId};

use super::{document, object_file};

/// What a document is about, and its object.
pub(crate) type Link = (ObjectId, ObjectId);

/// Attaches documents to an object, and to one of them, and returns the links.
pub(crate) fn describe(catalog: &Catalog, subject: ObjectId) -> Vec<Link> {
    let sbom = Attachment {
        media_type: "application/spdx+json".parse().unwrap(),
        name: Some(Name::new("sbom.json").unwrap()),
        payload: (0..=255).cycle().take(70_000).collect(),
        ..document(subject, "")
    };
    let attach = |attachment: &Attachment| {
        let object = catalog.attach(attachment).unwrap();
        (attachment.subject, object)
    };
    let sbom = attach(&sbom);
    let note = attach(&document(subject, "a note"));
    let of_sbom = attach(&document(sbom.1, "looked at"));
    let of_that = attach(&document(of_sbom.1, "so did I"));
    vec![sbom, note, of_sbom, of_that]
}

/// Requires that the documents of `from` are found in `to`, and are stored bit for bit.
pub(crate) fn assert_came(from: &Catalog, to: &Catalog, links: &[Link]) {
    for &(subject, object) in links {
        let [theirs, ours] = [from, to].map(|it| {
            let attached = it.attached(&subject, None).unwrap();
            attached.map(Result::unwrap).collect::<Vec<_>>()
        });
        assert_eq!(ours, theirs);
        assert!(ours.iter().any(|it| it.object == object), "{object}");
        let [theirs, ours] = [from, to].map(|it| fs::read(object_file(it.root(), object)).unwrap());
        assert!(ours == theirs, "{object} is another file");
    }
}
