//! A catalog that the library wrote is read by a reader that was made from `layout.md` alone
//! (`reader/`). What is wrong is told from what is right as the examples of `layout.md` say, and as
//! the library does.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../layout_md/document.rs"]
#[allow(dead_code, reason = "the other test uses all of it")]
mod document;
mod documents;
#[path = "../layout_md/dump.rs"]
#[allow(dead_code, reason = "the other test uses all of it")]
mod dump;
mod examples;
mod golden;
mod reader;
mod sets;
#[path = "../support/mod.rs"]
mod support;
mod verdicts;
mod written;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use document::blocks;
use dump::undump;
use engine_catalog::{Catalog, EngineEntry, Snapshot};
use reader::Wrong;
use written::Written;

#[test]
fn reader_made_from_the_specification_finds_everything_that_was_put() {
    let mut written = Written::new();
    written.fill();
    let reader = reader::Reader::open(written.root()).unwrap();
    let expected = &written.expected;
    assert_eq!(reader.current().unwrap(), expected.current);
    assert_eq!(reader.histories().unwrap(), expected.histories);
    for (id, entry) in &expected.objects {
        let found = reader.entry(id).unwrap();
        assert_eq!(found.as_ref(), Some(entry), "superseded entries stay");
    }
    assert!(expected.current.len() > 115 && expected.objects.len() > expected.current.len());

    assert_eq!(reader.snapshots().unwrap(), expected.snapshots);
    for id in expected.objects.keys() {
        let [mut found, mut attached] = [
            reader.manifests(id).unwrap(),
            expected.manifests.get(id).cloned().unwrap_or_default(),
        ];
        found.sort();
        attached.sort();
        assert_eq!(found, attached);
    }
    assert!(expected.snapshots.len() > 2 && expected.manifests.len() > 2);
}

#[test]
fn every_file_below_objects_hashes_to_its_name_and_has_mode_0444() {
    let mut written = Written::new();
    written.fill();
    let objects = written.root().join("objects");
    let mut seen = Vec::new();
    for file in walkdir::WalkDir::new(&objects) {
        let file = file.unwrap();
        if file.file_type().is_dir() {
            continue;
        }
        assert!(file.file_type().is_file());
        let below = file.path().strip_prefix(&objects).unwrap();
        let (shard, name) = below.to_str().unwrap().split_once('/').unwrap();
        assert_eq!((shard.len(), name.len()), (2, 62), "{}", below.display());
        let bytes = fs::read(file.path()).unwrap();
        let hash = blake3::hash(&bytes).to_hex();
        assert_eq!(hash.as_str(), format!("{shard}{name}"));
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o444, "{}", below.display());
        seen.push(hash.to_string());
    }
    seen.sort();
    let expected = &written.expected;
    let reader = reader::Reader::open(written.root()).unwrap();
    let mut named: Vec<_> = expected.objects.keys().cloned().collect();
    let attached = expected.manifests.keys();
    named.extend(attached.flat_map(|id| reader.attachments(id).unwrap()));
    named.extend(expected.snapshots.values().map(|(id, _)| id.clone()));
    // One lost its name.
    let empty = undump(&blocks("dump")[1]);
    named.push(blake3::hash(&empty).to_hex().to_string());
    named.sort();
    named.dedup();
    assert_eq!(seen, named, "nothing is missing and nothing else is there");
}

#[test]
fn reader_made_from_the_specification_passes_over_changes_that_never_happened() {
    let mut written = Written::new();
    let entry = EngineEntry::new("llamacpp", "b1", 1);
    written.put(&entry);
    written.put(&EngineEntry::new("llamacpp", "b1", 2));
    let history = written.root().join("history/llamacpp/b1");
    let whole = fs::read_to_string(&history).unwrap();
    let current = &written.expected.current.values().next().unwrap().0;
    let never = format!("9 put {current} {} x\n", "ab".repeat(32));
    for end in ["", "9 put - ", "\0\0\0\n", &never, &format!("{never}9 re")] {
        fs::write(&history, format!("{whole}{end}")).unwrap();
        let reader = reader::Reader::open(written.root()).unwrap();
        let histories = reader.histories().unwrap();
        assert_eq!(histories, written.expected.histories, "{end:?}");
    }
    fs::write(&history, format!("damaged\n{whole}")).unwrap();
    let reader = reader::Reader::open(written.root()).unwrap();
    assert!(reader.histories().is_err());
}

#[test]
fn reader_made_from_the_specification_refuses_what_the_library_refuses() {
    let mut written = Written::new();
    written.put(&EngineEntry::new("llamacpp", "b1", 1));
    let root = written.root().to_owned();
    let open = || reader::Reader::open(&root);
    let id = written.expected.objects.keys().next().unwrap();
    let path = root.join("objects").join(&id[..2]).join(&id[2..]);
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    fs::remove_file(&path).unwrap();
    assert!(open().unwrap().current().is_err(), "the object is missing");
    fs::write(&path, &bad).unwrap();
    assert!(open().unwrap().current().is_err(), "it has another hash");
    assert!(written.catalog.get("llamacpp:b1").is_err());

    // A valid hash of an encoding that is not deterministic: a longer head of the map.
    let plant = |bytes: &[u8]| {
        let id = blake3::hash(bytes).to_hex().to_string();
        let shard = root.join("objects").join(&id[..2]);
        fs::create_dir_all(&shard).unwrap();
        fs::write(shard.join(&id[2..]), bytes).unwrap();
        id
    };
    let loose = plant(&[&[0xb8, good[0] & 31], &good[1..]].concat());
    assert!(open().unwrap().entry(&loose).is_err());
    let refused = written.catalog.entry(&loose.parse().unwrap());
    assert!(refused.is_err());

    // What is wrong with an object is told apart (section 4.6).
    let entry = Some("engine-entry/1");
    let wrong = |id: &str| {
        open()
            .unwrap()
            .object(id, entry)
            .unwrap()
            .unwrap()
            .unwrap_err()
    };
    assert_eq!(wrong(id), Wrong::Hash);
    assert!(matches!(wrong(&loose), Wrong::Broken(_)));
    assert!(matches!(wrong(&plant(b"\xa0")), Wrong::NoObject(_)));
    let snapshot = Snapshot::default().encode().unwrap();
    assert!(matches!(wrong(&plant(&snapshot)), Wrong::OtherKind(_)));
    // Whatever its form.
    let newer = b"\xbf\x66schema\x6eengine-entry/2\xff";
    assert_eq!(
        wrong(&plant(newer)),
        Wrong::UnknownSchema("engine-entry/2".into())
    );

    fs::write(root.join("format"), "engine-catalog 2\n").unwrap();
    assert!(open().is_err() && Catalog::open(&root).is_err());
}

#[test]
fn reader_made_from_the_specification_refuses_what_is_of_the_wrong_kind_or_not_connected() {
    let mut written = Written::new();
    written.put(&EngineEntry::new("llamacpp", "b1", 1));
    let root = written.root().to_owned();
    let reader = || reader::Reader::open(&root).unwrap();
    fs::write(root.join("refs/file"), "foreign").unwrap();
    fs::write(root.join("refs/llamacpp/.b1.X"), "foreign").unwrap();
    assert_eq!(reader().current().unwrap(), written.expected.current);

    let history = root.join("history/llamacpp/b1");
    let lines = fs::read_to_string(&history).unwrap();
    let ids = ["ab".repeat(32), "cd".repeat(32)];
    fs::write(&history, format!("1 put {} {} x\n", ids[0], ids[1])).unwrap();
    assert!(reader().histories().is_err(), "it does not lead to the ref");
    fs::write(&history, lines).unwrap();
    assert_eq!(reader().histories().unwrap(), written.expected.histories);

    let file = root.join("refs/llamacpp/b1");
    fs::rename(&file, root.join("moved")).unwrap();
    symlink("../../moved", &file).unwrap();
    assert!(reader().current().is_err() && reader().histories().is_err());
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(reader().current().is_err() && reader().histories().is_err());
}
