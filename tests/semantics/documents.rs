//! Documents that are attached to something: what is attached, found again, taken off, and refused.

use std::fs;

use engine_catalog::{
    Attached, Attachment, AttachmentError, Error, ErrorKind, Filter, MediaType, Members, Name,
    ObjectError, ObjectId, ReadObjectError,
};

use super::recording::{Build, record};
use super::support::{Home, document, entry, files, link, link_file, listing, object_of};

/// What is attached to a subject; where something is damaged, the error in its place.
fn attached(
    home: &Home,
    subject: &ObjectId,
    kind: Option<&MediaType>,
) -> Vec<Result<Attached, Error>> {
    home.catalog.attached(subject, kind).unwrap().collect()
}

/// The objects that are attached, which are all good.
fn objects(home: &Home, subject: &ObjectId) -> Vec<ObjectId> {
    let found = attached(home, subject, None).into_iter();
    found.map(|found| found.unwrap().object).collect()
}

fn sorted<const N: usize>(mut ids: [ObjectId; N]) -> [ObjectId; N] {
    ids.sort();
    ids
}

#[test]
fn document_is_found_by_what_it_is_about_and_comes_back_byte_for_byte() {
    let home = Home::new();
    let subject = home.put(&entry("b1", 1));
    let every_byte: Vec<u8> = (0..=255).collect();
    let attachment = Attachment {
        subject,
        media_type: "application/spdx+json".parse().unwrap(),
        name: Some(Name::new("sbom/ä.json").unwrap()),
        payload: every_byte,
    };
    let object = home.catalog.attach(&attachment).unwrap();
    assert_eq!(object, ObjectId::of(&attachment.encode().unwrap()));
    let stored = home.catalog.attachment(&object).unwrap();
    assert_eq!(stored.as_ref(), Some(&attachment));
    let found = attached(&home, &subject, None).remove(0).unwrap();
    assert_eq!((found.object, found.attachment), (object, attachment));
    let link = link_file(home.catalog.root(), subject, object);
    assert_eq!(fs::read(link).unwrap(), b"");
    let absent = ObjectId::of(b"absent");
    assert_eq!(home.catalog.attachment(&absent).unwrap(), None);
    assert!(attached(&home, &absent, None).is_empty());
}

#[test]
fn attaching_the_same_again_changes_nothing_and_another_name_or_kind_is_another_document() {
    let home = Home::new();
    let subject = home.put(&entry("b1", 1));
    let first = document(subject, "a note");
    let object = home.catalog.attach(&first).unwrap();
    let before = (files(home.catalog.root()), listing(&home.at("attachments")));
    assert_eq!(home.catalog.attach(&first).unwrap(), object);
    let after = (files(home.catalog.root()), listing(&home.at("attachments")));
    assert_eq!(after, before);
    let named = Attachment {
        name: Some(Name::new("note").unwrap()),
        ..first.clone()
    };
    let of_another_kind = Attachment {
        media_type: "text/markdown".parse().unwrap(),
        ..first
    };
    let others = [named, of_another_kind].map(|it| home.catalog.attach(&it).unwrap());
    let all = sorted([object, others[0], others[1]]);
    assert_eq!(objects(&home, &subject), all);
}

#[test]
fn documents_of_one_media_type_are_found_among_others() {
    let home = Home::new();
    let subject = home.put(&entry("b1", 1));
    let attach = |kind: &str, text: &str| {
        let media_type = kind.parse().unwrap();
        let attachment = Attachment {
            media_type,
            ..document(subject, text)
        };
        home.catalog.attach(&attachment).unwrap()
    };
    let sboms = ["one", "other"].map(|text| attach("application/spdx+json", text));
    attach("text/plain", "one");
    let of = |kind: &str| -> Vec<ObjectId> {
        let found = attached(&home, &subject, Some(&kind.parse().unwrap()));
        found.into_iter().map(|it| it.unwrap().object).collect()
    };
    assert_eq!(of("application/spdx+json"), sorted(sboms));
    assert_eq!(of("text/plain").len(), 1);
    assert_eq!(of("application/json"), []);
}

#[test]
fn entry_snapshot_manifest_and_document_can_all_be_described() {
    let (home, build) = (Home::new(), Build::new());
    let recorded = record(&home, &build.prepared(1)).put.object;
    let manifest = home.catalog.attachments(&recorded).unwrap()[0];
    let all = Members::Current(Filter::default());
    let snapshot = home.catalog.create_snapshot(&all, None).unwrap();
    let mut subjects = vec![recorded, snapshot, manifest];
    for at in 0..4 {
        let document = document(subjects[at], "a note");
        let object = home.catalog.attach(&document).unwrap();
        assert_eq!(objects(&home, &subjects[at]), [object], "{at}");
        subjects.push(object);
    }
}

/// They are told apart by their kind, and neither hides the other.
#[test]
fn documents_and_manifests_of_one_entry_do_not_get_in_each_others_way() {
    let (home, build) = (Home::new(), Build::new());
    let recorded = record(&home, &build.prepared(1));
    let subject = recorded.put.object;
    let manifests = home.catalog.manifests(&subject).unwrap();
    let object = home.catalog.attach(&document(subject, "a note")).unwrap();
    assert_eq!(home.catalog.manifests(&subject).unwrap(), manifests);
    assert_eq!(objects(&home, &subject), [object]);
    assert_eq!(home.catalog.attachments(&subject).unwrap().len(), 2);
    let check = home.catalog.check(&recorded.record()).unwrap();
    assert!(
        matches!(check, engine_catalog::Check::Pass { .. }),
        "{check:?}"
    );
    assert!(record(&home, &build.prepared(2)).put.is_unchanged());
    fs::write(build.at("libggml.so"), "another").unwrap();
    let second = record(&home, &build.prepared(3)).put;
    assert_eq!(second.previous, Some(subject), "another library is seen");
}

#[test]
fn detached_document_stays_in_the_store_and_can_be_attached_again() {
    let home = Home::new();
    let subject = home.put(&entry("b1", 1));
    let note = document(subject, "a note");
    let (object, kept) = (
        home.catalog.attach(&note).unwrap(),
        home.catalog.attach(&document(subject, "another")).unwrap(),
    );
    assert!(home.catalog.detach(&subject, &object).unwrap());
    assert_eq!(objects(&home, &subject), [kept]);
    assert_eq!(
        home.catalog.attachment(&object).unwrap(),
        Some(note.clone())
    );
    assert!(
        !home.catalog.detach(&subject, &object).unwrap(),
        "it is off"
    );
    let nothing = ObjectId::of(b"nothing has this");
    assert!(!home.catalog.detach(&nothing, &object).unwrap());
    assert!(!home.catalog.detach(&subject, &nothing).unwrap());
    assert_eq!(home.catalog.attach(&note).unwrap(), object);
    assert_eq!(objects(&home, &subject), sorted([kept, object]));
}

#[test]
fn only_documents_can_be_taken_off() {
    let (home, build) = (Home::new(), Build::new());
    let subject = record(&home, &build.prepared(1)).put.object;
    let manifest = home.catalog.attachments(&subject).unwrap()[0];
    let newer = home.plant(b"\xa1\x66schema\x6dattachment/99");
    link(home.catalog.root(), subject, newer);
    for object in [manifest, newer, subject] {
        let error = home.catalog.detach(&subject, &object).unwrap_err();
        let Error::Object(ReadObjectError::Refused {
            object: named,
            cause,
        }) = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(named, object);
        assert!(matches!(
            cause,
            ObjectError::WrongKind { .. } | ObjectError::UnknownSchema { .. }
        ));
    }
    assert_eq!(home.catalog.attachments(&subject).unwrap().len(), 2);
}

#[test]
fn link_to_what_is_missing_or_damaged_can_be_taken_off() {
    let home = Home::new();
    let subject = home.put(&entry("b1", 1));
    for damage in ["missing", "damaged"] {
        let object = home.catalog.attach(&document(subject, damage)).unwrap();
        fs::remove_file(home.object(&object)).unwrap();
        if damage == "damaged" {
            fs::write(home.object(&object), damage).unwrap();
        }
        assert!(home.catalog.detach(&subject, &object).unwrap(), "{damage}");
        assert_eq!(home.catalog.attachments(&subject).unwrap(), [], "{damage}");
    }
}

#[test]
fn what_is_not_there_or_damaged_cannot_be_described() {
    let home = Home::new();
    let subject = object_of(&entry("b1", 1));
    let note = document(subject, "a note");
    let before = listing(home.outside());
    let error = home.catalog.attach(&note).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(matches!(error, Error::NoSuchSubject { subject: it } if it == subject));
    // Taking a lock leaves nothing.
    assert_eq!(listing(home.outside()), before);

    home.put(&entry("b1", 1));
    fs::remove_file(home.object(&subject)).unwrap();
    fs::write(home.object(&subject), "damaged").unwrap();
    let before = files(home.catalog.root());
    let error = home.catalog.attach(&note).unwrap_err();
    assert_eq!(
        (error.kind(), error.lacking()),
        (ErrorKind::Damage, Some(subject))
    );
    assert_eq!(files(home.catalog.root()), before);
}

#[test]
fn private_key_is_refused_and_what_only_speaks_of_one_is_not() {
    let home = Home::new();
    let subject = home.put(&entry("b1", 1));
    let before = listing(home.outside());
    for kind in ["", "RSA ", "EC ", "ENCRYPTED ", "OPENSSH ", "PGP "] {
        let text = format!("{}-----BEGIN {kind}PRIVATE KEY-----\nb3Bl", "x".repeat(9));
        let error = home.catalog.attach(&document(subject, &text)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        let Error::Attachment { cause } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(*cause, AttachmentError::PrivateKey.into());
        assert!(!error.to_string().contains("b3Bl"), "it is not echoed");
    }
    assert_eq!(listing(home.outside()), before, "nothing is written");
    for text in [
        "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\nno PRIVATE KEY",
        "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----",
        "keep your PRIVATE KEY to yourself",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN ",
    ] {
        home.catalog.attach(&document(subject, text)).unwrap();
    }
}
