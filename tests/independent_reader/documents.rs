//! Section 4.5: documents that are attached to any object.

use std::fs;

use ciborium::Value;
use engine_catalog::{Attachment, EngineEntry, Filter, Members, Name, ObjectId};

use crate::reader::{self, Reader};
use crate::support::{document, link, link_file, to_cbor};
use crate::verdicts::{assert_same, by_library, by_reader};
use crate::written::Written;

fn attachment(name: Option<&str>, media_type: &str, payload: &[u8]) -> Attachment {
    Attachment {
        subject: ObjectId::from_bytes([5; 32]),
        media_type: media_type.parse().unwrap(),
        name: name.map(|name| Name::new(name).unwrap()),
        payload: payload.to_vec(),
    }
}

#[test]
fn reader_and_library_judge_the_same_attachments_alike() {
    for attachment in [
        attachment(Some("a/ä.json"), "application/spdx+json", b"{}\xff\0"),
        attachment(None, "x/0!#$&-^_.+", b""),
    ] {
        let bytes = attachment.encode().unwrap();
        let seen = assert_same(&bytes, by_reader, by_library);
        for verdict in ["good", "unknown", "refused"] {
            assert!(seen.contains(&verdict), "nothing was {verdict}");
        }
    }
}

#[test]
fn reader_and_library_keep_the_same_rules_of_attachments() {
    let (part, long) = ("a".repeat(127), "a".repeat(128));
    let texts = [
        "",
        "/",
        "a",
        "a/",
        "/a",
        "a/b",
        "A/b",
        "a/B",
        "a/b/c",
        "a/ b",
        "a/b ",
        "a/b;c",
        "+/a",
        "a/.b",
        "a/b.c",
        "0/1",
        "-/a",
        "a/-",
        "a!#$&^_.+-/b",
        "a/ä",
        "a/\u{0}",
        "a/b\n",
        "a/(b",
        "\u{202e}/b",
        "a/~",
        "a/%41",
    ];
    let mut texts: Vec<_> = texts.map(str::to_owned).into();
    texts.extend([&part, &long].map(|it| format!("{it}/{part}")));
    texts.push(format!("{part}/{long}"));
    texts.extend([255, 256].map(|length| "a".repeat(length)));
    let good: Value =
        ciborium::from_reader(&attachment(Some("n"), "a/b", b"x").encode().unwrap()[..]).unwrap();
    for (field, most_good) in [("media_type", 5), ("name", 23)] {
        let mut seen = Vec::new();
        for text in &texts {
            let mut map = good.clone().into_map().unwrap();
            let value = map.iter_mut().find(|(key, _)| key.as_text() == Some(field));
            value.unwrap().1 = text.as_str().into();
            let bytes = to_cbor(&Value::Map(map));
            assert_eq!(by_reader(&bytes), by_library(&bytes), "{field} {text:?}");
            seen.push(by_reader(&bytes));
        }
        let good = seen.iter().filter(|verdict| **verdict == "good").count();
        assert_eq!(good, most_good, "{field}");
    }
}

/// What both find, which has to be the same.
#[track_caller]
fn documents(written: &Written, subject: &ObjectId) -> Option<Vec<String>> {
    let reader = Reader::open(written.root()).unwrap();
    let theirs = reader.documents(&subject.to_string());
    let ours: Result<Vec<_>, _> = written.catalog.attached(subject, None).unwrap().collect();
    match (theirs, ours) {
        (Ok(theirs), Ok(ours)) => {
            let as_read = ours.iter().map(|found| reader::Attachment {
                name: found.attachment.name.as_ref().map(ToString::to_string),
                payload: found.attachment.payload.clone(),
                subject: found.attachment.subject.as_bytes().to_vec(),
                media_type: found.attachment.media_type.to_string(),
            });
            let ids = ours.iter().map(|found| found.object.to_string());
            assert_eq!(theirs, ids.clone().zip(as_read).collect::<Vec<_>>());
            Some(ids.collect())
        }
        (Err(_), Err(_)) => None,
        other => panic!("{subject}: {other:?}"),
    }
}

#[test]
fn reader_and_library_find_the_same_documents_of_any_object() {
    let mut written = Written::new();
    written.put(&EngineEntry::new("llamacpp", "b1", 1));
    let recorded: ObjectId = written.record("1", &[("abc", 0o755)], 1).parse().unwrap();
    written.snapshot("s", &Members::Current(Filter::default()));
    let snapshot: ObjectId = written.expected.snapshots["s"].0.parse().unwrap();
    let attach = |subject, text| written.catalog.attach(&document(subject, text)).unwrap();
    let (one, other) = (attach(recorded, "one"), attach(recorded, "other"));
    let (of_snapshot, of_one) = (attach(snapshot, "one"), attach(one, "one"));
    let mut both = [one, other].map(|id| id.to_string());
    both.sort();
    assert_eq!(documents(&written, &recorded), Some(both.to_vec()));
    for (subject, object) in [(snapshot, of_snapshot), (one, of_one)] {
        assert_eq!(
            documents(&written, &subject),
            Some(vec![object.to_string()])
        );
    }
    assert_eq!(documents(&written, &of_one), Some(vec![]));
    // A manifest is no document, and is hidden by none.
    let manifests = Reader::open(written.root()).unwrap();
    let manifests = manifests.manifests(&recorded.to_string()).unwrap();
    assert_eq!(manifests.len(), 1);
    assert_eq!(written.catalog.manifests(&recorded).unwrap().len(), 1);

    assert!(written.catalog.detach(&recorded, &one).unwrap());
    let left = Some(vec![other.to_string()]);
    assert_eq!(documents(&written, &recorded), left);
    link(written.root(), recorded, of_snapshot);
    assert_eq!(documents(&written, &recorded), None, "it describes another");
    fs::remove_file(link_file(written.root(), recorded, of_snapshot)).unwrap();
    assert_eq!(documents(&written, &recorded), left);
    link(written.root(), recorded, ObjectId::from_bytes([7; 32]));
    assert_eq!(documents(&written, &recorded), None, "it is not there");
}
