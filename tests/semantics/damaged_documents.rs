//! Documents of which one is damaged, missing, or attached where it does not belong: the others are found
//! all the same. And how large one may be.

use std::fs;
use std::os::unix::fs::symlink;

use engine_catalog::{
    Attachment, Error, ErrorKind, ObjectError, ObjectId, ReadObjectError, Snapshot,
};

use super::support::{Home, document, entry, files, link, link_file};

/// A catalog with an entry, and documents about it.
fn home() -> (Home, ObjectId, [ObjectId; 4]) {
    let home = Home::new();
    let subject = home.put(&entry("b1", 1));
    let attach = |text| home.catalog.attach(&document(subject, text)).unwrap();
    let mut objects = ["a", "b", "c", "d"].map(attach);
    objects.sort();
    (home, subject, objects)
}

/// Requires that all but one of the documents are found, and returns the error in its place.
fn error_among_others(home: &Home, subject: &ObjectId, objects: &[ObjectId]) -> Error {
    let mut found: Vec<_> = home.catalog.attached(subject, None).unwrap().collect();
    assert_eq!(found.len(), objects.len() + 1, "{found:?}");
    let at = found.iter().position(Result::is_err).unwrap();
    let error = found.remove(at).unwrap_err();
    let others: Vec<_> = found.into_iter().map(|it| it.unwrap().object).collect();
    assert_eq!(others, objects);
    error
}

#[test]
fn document_that_is_damaged_or_missing_is_an_error_among_the_others() {
    for at in 0..4 {
        let (home, subject, objects) = home();
        let (bad, file) = (objects[at], home.object(&objects[at]));
        let others: Vec<_> = objects.into_iter().filter(|it| *it != bad).collect();
        fs::remove_file(&file).unwrap();
        let error = error_among_others(&home, &subject, &others);
        assert!(
            matches!(error, Error::DanglingAttachment { subject: s, object } if (s, object) == (subject, bad))
        );
        fs::write(&file, "damaged").unwrap();
        let error = error_among_others(&home, &subject, &others);
        assert_eq!(
            (error.kind(), error.lacking()),
            (ErrorKind::Damage, Some(bad))
        );
        fs::remove_file(&file).unwrap();
        symlink("/dev/null", &file).unwrap();
        let error = error_among_others(&home, &subject, &others);
        assert!(
            matches!(
                &error,
                Error::UnreadableAttachment {
                    cause: ReadObjectError::Path(_),
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(error.to_string().contains(&subject.to_string()), "{error}");
    }
}

/// The next that attaches it heals it, and moves nothing aside that was not damaged.
#[test]
fn attaching_a_damaged_or_missing_document_again_heals_it() {
    let (home, subject, _) = home();
    let note = document(subject, "a note");
    let object = home.catalog.attach(&note).unwrap();
    let file = home.object(&object);
    for damage in [None, Some("damaged")] {
        fs::remove_file(&file).unwrap();
        if let Some(damage) = damage {
            fs::write(&file, damage).unwrap();
        }
        assert!(home.catalog.attachment(&object).is_err() || damage.is_none());
        assert_eq!(home.catalog.attach(&note).unwrap(), object);
        assert_eq!(
            home.catalog.attachment(&object).unwrap().as_ref(),
            Some(&note)
        );
    }
    let aside = files(&home.at("quarantine"));
    assert_eq!(aside.len(), 1, "{aside:?}");
}

#[test]
fn what_describes_something_else_is_an_error_among_the_others() {
    let (home, subject, objects) = home();
    let other = home.put(&entry("b2", 1));
    let of_another = home.catalog.attach(&document(other, "a note")).unwrap();
    let describes_nothing = home.plant(&Snapshot::default().encode().unwrap());
    for misplaced in [of_another, describes_nothing] {
        link(home.catalog.root(), subject, misplaced);
        let error = error_among_others(&home, &subject, &objects);
        assert!(
            matches!(error, Error::MisplacedAttachment { subject: s, object } if (s, object) == (subject, misplaced))
        );
        fs::remove_file(link_file(home.catalog.root(), subject, misplaced)).unwrap();
    }
    let right = home.catalog.attached(&other, None).unwrap();
    assert_eq!(right.filter_map(Result::ok).count(), 1);
}

#[test]
fn what_a_newer_version_attached_is_passed_over() {
    let (home, subject, objects) = home();
    let newer = home.plant(b"\xa1\x66schema\x6cattachment/2");
    link(home.catalog.root(), subject, newer);
    let found = home.catalog.attached(&subject, None).unwrap();
    let found: Vec<_> = found.map(|it| it.unwrap().object).collect();
    assert_eq!(found, objects);
    let error = home.catalog.attachment(&newer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    // It is not for this version to judge, and so can be described.
    home.catalog.attach(&document(newer, "a note")).unwrap();
}

#[test]
fn link_that_is_no_file_is_an_error_of_the_listing() {
    let (home, subject, _) = home();
    let odd = link_file(home.catalog.root(), subject, ObjectId::of(b"x"));
    fs::create_dir(&odd).unwrap();
    let error = home.catalog.attached(&subject, None).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Damage);
    assert!(error.to_string().contains(odd.to_str().unwrap()), "{error}");
    let error = home.catalog.detach(&subject, &ObjectId::of(b"x"));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Damage, "it stays");
    assert!(odd.is_dir());
}

#[test]
fn document_may_be_as_large_as_its_object_may_and_not_a_byte_larger() {
    let home = Home::new();
    let subject = home.put(&entry("b1", 1));
    let of = |payload| Attachment {
        payload,
        ..document(subject, "")
    };
    // As many bytes say how long it is as of the largest.
    let overhead = of(vec![7; 100_000]).encode().unwrap().len() - 100_000;
    let limit = (64 << 20) - overhead;
    let before = files(home.catalog.root());
    let error = home.catalog.attach(&of(vec![7; limit + 1])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let Error::Attachment {
        cause: ObjectError::TooLarge { size, limit: most },
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!((size, most), ((64 << 20) + 1, 64 << 20));
    assert_eq!(files(home.catalog.root()), before);
    let object = home.catalog.attach(&of(vec![7; limit])).unwrap();
    let found = home.catalog.attachment(&object).unwrap().unwrap();
    assert!(found.payload.len() == limit && found.payload.iter().all(|byte| *byte == 7));
}
