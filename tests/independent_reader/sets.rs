//! Named snapshots and attachments that are not as they should be: the reader and the library take and
//! refuse the same.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use engine_catalog::{Catalog, EngineEntry, Members};

use crate::reader::{Reader, encode_name};
use crate::verdicts::variants;
use crate::written::Written;

/// What both say of a thing by that name, as long as they agree.
#[track_caller]
fn agreed<T: PartialEq + std::fmt::Debug>(
    what: &str,
    reader: Result<T, String>,
    library: Result<T, engine_catalog::Error>,
) -> Option<T> {
    match (reader, library) {
        (Ok(reader), Ok(library)) => {
            assert_eq!(reader, library, "{what}");
            Some(reader)
        }
        (Err(_), Err(_)) => None,
        other => panic!("{what}: {other:?}"),
    }
}

/// The id of the snapshot that has a name.
fn snapshot(root: &Path, name: &str) -> Option<Option<String>> {
    let reader = Reader::open(root).unwrap().snapshot(name);
    let library = Catalog::open(root).unwrap().find_snapshot(name);
    agreed(
        name,
        reader.map(|it| it.map(|it| it.0)),
        library.map(|it| it.map(|it| it.0.to_string())),
    )
}

/// What is attached to a subject.
fn attachments(root: &Path, subject: &str) -> Option<Vec<String>> {
    let reader = Reader::open(root).unwrap().attachments(subject);
    let id = subject.parse().unwrap();
    let library = Catalog::open(root).unwrap().attachments(&id);
    let texts = |ids: Vec<engine_catalog::ObjectId>| ids.iter().map(ToString::to_string).collect();
    agreed(subject, reader, library.map(texts))
}

/// How many manifests a subject has.
fn manifests(root: &Path, subject: &str) -> Option<usize> {
    let reader = Reader::open(root).unwrap().manifests(subject);
    let id = subject.parse().unwrap();
    let library = Catalog::open(root).unwrap().manifests(&id);
    let count = |it: Vec<engine_catalog::Manifest>| it.len();
    agreed(subject, reader.map(|it| it.len()), library.map(count))
}

/// Puts bytes where the object with their hash belongs.
fn plant(root: &Path, bytes: &[u8]) -> String {
    let id = blake3::hash(bytes).to_hex().to_string();
    let shard = root.join("objects").join(&id[..2]);
    fs::create_dir_all(&shard).unwrap();
    fs::write(shard.join(&id[2..]), bytes).unwrap();
    id
}

#[test]
fn reader_and_library_judge_named_snapshots_alike() {
    let mut written = Written::new();
    written.put(&EngineEntry::new("llamacpp", "b1", 1));
    written.snapshot("x", &Members::Objects([].into()));
    let root = written.root().to_owned();
    let good = written.expected.snapshots["x"].0.clone();
    let file = root.join("snapshots/x");
    for content in variants(format!("{good}\n").as_bytes()) {
        fs::write(&file, &content).unwrap();
        assert_eq!(snapshot(&root, "x"), None, "{content:?}");
    }

    let entry = written.expected.objects.keys().next().unwrap();
    let newer = plant(&root, b"\xa1\x66schema\x6asnapshot/2");
    let damaged = plant(&root, b"damaged");
    for id in [entry, &newer, &damaged, &"ab".repeat(32)] {
        fs::write(&file, format!("{id}\n")).unwrap();
        assert_eq!(snapshot(&root, "x"), None, "{id}");
    }
    fs::write(&file, format!("{good}\n")).unwrap();
    assert_eq!(snapshot(&root, "x"), Some(Some(good.clone())));
    assert_eq!(snapshot(&root, "y"), Some(None));

    // By which names it is found.
    for name in ["a/b", "..", "%41", "\u{fc}", "~"] {
        fs::copy(&file, root.join("snapshots").join(encode_name(name))).unwrap();
        assert_eq!(snapshot(&root, name), Some(Some(good.clone())));
    }
    for foreign in [".x", "%41", "a b", "%c3%bc"] {
        fs::write(root.join("snapshots").join(foreign), "foreign").unwrap();
    }
    let reader = Reader::open(&root).unwrap().snapshots().unwrap();
    let library = written.catalog.snapshots().unwrap();
    let library = library.into_iter().map(|it| it.unwrap().name.to_string());
    assert_eq!(
        reader.into_keys().collect::<Vec<_>>(),
        library.collect::<Vec<_>>()
    );

    // What is no file.
    symlink(&file, root.join("snapshots/link")).unwrap();
    fs::create_dir(root.join("snapshots/dir")).unwrap();
    for name in ["link", "dir"] {
        assert_eq!(snapshot(&root, name), None, "{name}");
    }
}

#[test]
fn reader_and_library_judge_attachments_alike() {
    let mut written = Written::new();
    let subject = written.record("1", &[("abc", 0o755)], 1);
    let other = written.record("2", &[("abc", 0o755)], 1);
    let root = written.root().to_owned();
    let links = |of: &str| root.join("attachments").join(&of[..2]).join(&of[2..]);
    let [own, others] = [&subject, &other].map(|it| attachments(&root, it).unwrap());
    assert_eq!((own.len(), others.len()), (1, 1));

    // Names that are no object id are foreign.
    let mut foreign = 0;
    for name in variants(own[0].as_bytes()) {
        let Ok(name) = String::from_utf8(name) else {
            continue;
        };
        let link = links(&subject).join(&name);
        if name.contains(['/', '\0']) || fs::write(&link, "").is_err() {
            continue;
        }
        let found = attachments(&root, &subject).unwrap();
        foreign += usize::from(found == own);
        fs::remove_file(link).unwrap();
    }
    assert!(foreign > 100, "{foreign}");

    // What a link may lead to.
    let entry = subject.clone();
    let newer = plant(&root, b"\xa1\x66schema\x6aattached/1");
    let damaged = plant(&root, b"damaged");
    for (object, expected) in [
        (&newer, Some(1)),
        (&others[0], None),
        (&entry, None),
        (&damaged, None),
        (&"ab".repeat(32), None),
    ] {
        let link = links(&subject).join(object);
        fs::write(&link, "").unwrap();
        assert_eq!(manifests(&root, &subject), expected, "{object}");
        fs::remove_file(link).unwrap();
    }

    // The content of a link says nothing; what is no file is damage.
    let link = links(&subject).join(&own[0]);
    fs::write(&link, "content").unwrap();
    assert_eq!(manifests(&root, &subject), Some(1));
    fs::remove_file(&link).unwrap();
    assert_eq!(manifests(&root, &subject), Some(0));
    fs::create_dir(&link).unwrap();
    assert_eq!(attachments(&root, &subject), None);
    fs::remove_dir(&link).unwrap();
    symlink(links(&other).join(&others[0]), &link).unwrap();
    assert_eq!(attachments(&root, &subject), None);
}
