//! What is in a bundle, and that everything that reads a catalog reads it.

use std::fs;
use std::path::Path;
use std::process::Command;

use engine_catalog::{Catalog, EngineEntry, EngineIdentity, Filter, Name, ObjectId, Snapshot};

use crate::capture;
use crate::sample::{assert_same, entries, fill, names};
use crate::support::mount::{Kind, Mounted};
use crate::support::{Home, entry, files, object_file, object_of, skip};

/// A catalog with everything, and a bundle of it.
fn bundle(home: &Home) -> std::path::PathBuf {
    let server = home.outside().join("server");
    fs::write(&server, "ELF").unwrap();
    fill(&home.catalog, &server);
    let out = home.outside().join("bundle");
    capture(&home.catalog, &out).unwrap();
    out
}

#[test]
fn sums_name_every_file_but_themselves_and_b3sum_checks_them() {
    let home = Home::new();
    let out = bundle(&home);
    let sums = fs::read_to_string(out.join("B3SUMS")).unwrap();
    let named: Vec<_> = sums.lines().map(|line| line[66..].to_owned()).collect();
    let mut expected = files(&out);
    expected.retain(|path| path != "B3SUMS");
    expected.sort();
    assert_eq!(named, expected);
    for line in sums.lines() {
        let hash = ObjectId::of(&fs::read(out.join(&line[66..])).unwrap());
        assert_eq!(line[..66], format!("{hash}  "), "{line}");
    }

    let Some(b3sum) = skip::program("b3sum") else {
        return;
    };
    let check = || {
        let mut command = Command::new(&b3sum);
        command.args(["-c", "B3SUMS"]).current_dir(&out);
        command.output().unwrap().status.success()
    };
    assert!(check());
    fs::write(out.join("engine_catalog.md"), "changed").unwrap();
    assert!(!check());
}

#[test]
fn bundle_has_what_belongs_to_its_entries_and_nothing_else() {
    let home = Home::new();
    let out = bundle(&home);
    let top = names(&out);
    let expected = [
        "B3SUMS",
        "attachments",
        "engine_catalog.json",
        "engine_catalog.json.meta",
        "engine_catalog.md",
        "engine_catalog.ndjson",
        "format",
        "objects",
        "refs",
        "snapshots",
    ];
    assert_eq!(top, expected, "no history, no lock, no tmp");
    assert_eq!(names(&out.join("snapshots")), ["captured"]);
    // Six entries, a manifest, a note of unknown schema, what describes the note, the snapshot.
    assert_eq!(files(&out.join("objects")).len(), 10);
    assert_eq!(files(&out.join("attachments")).len(), 3);
    for directory in ["objects", "attachments"] {
        for file in files(&out.join(directory)) {
            let original = home.at(directory).join(&file);
            // That of the snapshot was never in the catalog.
            if let Ok(original) = fs::read(original) {
                assert_eq!(fs::read(out.join(directory).join(file)).unwrap(), original);
            }
        }
    }
}

/// Requires that looking things up gives in the bundle what it gives in the catalog.
fn assert_reads_alike(bundle: &Catalog, catalog: &Catalog) {
    let list = |it: &Catalog| -> Vec<_> {
        let listed = it.list(&Filter::default()).unwrap();
        listed.map(Result::unwrap).collect()
    };
    let records = list(catalog);
    assert_eq!(list(bundle), records);
    for record in &records {
        let id = &record.entry.id;
        assert_eq!(bundle.get(id).unwrap().as_ref(), Some(record));
        assert!(bundle.exists(id).unwrap());
        let found = bundle.find(&record.name().to_string()).unwrap();
        assert_eq!(found.as_ref(), Some(record));
        let prefix = record.object.to_string()[..16].parse().unwrap();
        assert_eq!(bundle.resolve(&prefix).unwrap(), Some(record.object));
        assert_eq!(bundle.history(&record.name()).unwrap(), []);
        let manifests = bundle.manifests(&record.object).unwrap();
        assert_eq!(manifests, catalog.manifests(&record.object).unwrap());
    }
    let named: Vec<_> = bundle.snapshots().unwrap().into_iter().collect();
    let [Ok(named)] = &named[..] else {
        panic!("{named:?}")
    };
    assert_eq!(named.name, Name::new("captured").unwrap());
    let (object, snapshot) = bundle.find_snapshot("captured").unwrap().unwrap();
    assert_eq!(object, named.object);
    let mut members = records;
    members.sort_by_key(|record| (record.name(), record.object));
    assert_eq!(bundle.members(&snapshot).unwrap(), members);
}

#[test]
fn everything_that_reads_a_catalog_reads_a_bundle() {
    let home = Home::new();
    let out = bundle(&home);
    for opened in [Catalog::open(&out), Catalog::open_read_only(&out)] {
        assert_reads_alike(&opened.unwrap(), &home.catalog);
    }
}

#[test]
fn bundle_on_read_only_media_is_read_and_captured_again() {
    let Some(media) = Mounted::new(Kind::Ext4) else {
        return;
    };
    let home = Home::new();
    let out = bundle(&home);
    let burnt = media.path().join("bundle");
    capture(&home.catalog, &burnt).unwrap();
    media.remount("ro");
    for (at, opened) in [Catalog::open(&burnt), Catalog::open_read_only(&burnt)]
        .into_iter()
        .enumerate()
    {
        let opened = opened.unwrap();
        assert_reads_alike(&opened, &home.catalog);
        let again = home.outside().join(format!("again-{at}"));
        capture(&opened, &again).unwrap();
        assert_same(&again, &out);
    }
}

#[test]
fn reports_say_what_the_entries_say() {
    let home = Home::new();
    let out = bundle(&home);
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let ndjson = read("engine_catalog.ndjson");
    let mut lines = ndjson.lines();
    let first = lines.next().unwrap();
    assert_eq!(first, r#"{"_meta":"proof_bundle","_note":"autogenerated"}"#);
    let records = home.catalog.list(&Filter::default()).unwrap();
    let records: Vec<_> = records.map(Result::unwrap).collect();
    let mut of_json = Vec::new();
    for (line, record) in lines.by_ref().zip(&records) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value.as_object().unwrap().len(), 2, "{line}");
        let entry: EngineEntry = serde_json::from_value(value["entry"].clone()).unwrap();
        assert_eq!(entry, record.entry);
        let identity = serde_json::from_value::<EngineIdentity>(value["identity"].clone());
        assert_eq!(identity.unwrap(), record.identity());
        of_json.push(value);
    }
    assert_eq!((of_json.len(), lines.next()), (records.len(), None));
    assert!(!ndjson.contains('\u{202e}'), "controls are escaped");

    let json: serde_json::Value = serde_json::from_str(&read("engine_catalog.json")).unwrap();
    assert_eq!(json["entries"].as_array().unwrap(), &of_json);
    let snapshot = fs::read_to_string(out.join("snapshots/captured")).unwrap();
    assert_eq!(json["snapshot"], snapshot.trim());
    assert!(read("engine_catalog.json").contains("\n  \"entries\""));

    let header = "# AUTOGENERATED: Proof Bundle\n";
    assert_eq!(read("engine_catalog.json.meta"), header);
    let markdown = read("engine_catalog.md");
    assert!(markdown.starts_with(header));
    assert!(!markdown.contains('\u{202e}'));
}

#[test]
fn markdown_is_a_table_that_a_person_reads() {
    let home = Home::new();
    let [first, second] = [0, 1].map(|at| entries().remove(at));
    for entry in [&first, &second, &entries().remove(2)] {
        home.put(entry);
    }
    // Two builds of one name.
    let rebuilt = EngineEntry {
        created_ms: 5,
        ..second.clone()
    };
    home.put(&rebuilt);
    let out = home.outside().join("bundle");
    let current = home.catalog.list(&Filter::default()).unwrap();
    let mut objects: std::collections::BTreeSet<_> =
        current.map(|record| record.unwrap().object).collect();
    objects.insert(object_of(&second));
    let bundle = home.catalog.capture(&out, &Snapshot { objects }).unwrap();
    assert_eq!(bundle.without_ref, [second.ref_name().unwrap()]);
    assert_eq!(names(&out.join("refs/llamacpp")), ["b4321-gr%C3%BCn"]);
    let markdown = fs::read_to_string(out.join("engine_catalog.md")).unwrap();
    insta::assert_snapshot!(markdown, @r#"
    # AUTOGENERATED: Proof Bundle

    Snapshot `814567d49bb658c2a461d81e1f8bcbf465f1ddea5812c7fa25448e24de9c1b4f` of an engine catalog: 4 entries.

    | engine | version | digest | build ref | object | flags |
    |---|---|---|---|---|---|
    | llamacpp | b4321-grün | - | vb4321-grün | `b955841b772637d3c11781ce901e0035e947325572f9a594165904a9585dfb18` | -DGGML_CUDA=ON "-DX=a\|b c" |
    | llamacpp | b4330 | - | vb4330 | `6f8165b5bb63ec836d7c80d476092b3dcfca3315b31ba3ff817a0687558734c1` |  |
    | llamacpp | b4330 | - | vb4330 | `ddbb08ac604765bacaec9a271bbd06889e82e0da3863d6db128927079ffba725` |  |
    | llamacpp-source:master-cuda | feature/x | - | vfeature/x | `04896c249446560289257d386014b739cc32fbf7489fdc590fd4f33ce345526a` | \\u{202e} |

    Several entries have these names, so this bundle has no ref for them:

    - llamacpp/b4330

    This directory is an engine catalog: `engine-catalog --root . list` reads it, and
    `b3sum -c B3SUMS` checks every file.
    "#);
}

#[test]
fn empty_catalog_gives_a_bundle_of_nothing() {
    let home = Home::new();
    let out = home.outside().join("bundle");
    let bundle = capture(&home.catalog, &out).unwrap();
    assert_eq!(bundle.snapshot, Snapshot::default().id().unwrap());
    let opened = Catalog::open_read_only(&out).unwrap();
    assert_eq!(opened.list(&Filter::default()).unwrap().count(), 0);
    let markdown = fs::read_to_string(out.join("engine_catalog.md")).unwrap();
    assert!(markdown.contains("0 entries") && !markdown.contains('|'));
}

#[test]
fn snapshot_need_not_be_in_the_store_nor_its_entries_be_current() {
    let home = Home::new();
    let old = home.put(&entry("b1", 1));
    home.put(&entry("b1", 2));
    let snapshot = Snapshot {
        objects: [old].into(),
    };
    let out = home.outside().join("bundle");
    home.catalog.capture(&out, &snapshot).unwrap();
    let opened = Catalog::open_read_only(&out).unwrap();
    let found = opened.get("llamacpp:b1").unwrap().unwrap();
    assert_eq!(found.object, old);
    let stored = object_file(home.catalog.root(), snapshot.id().unwrap());
    assert!(!Path::exists(&stored), "capturing writes nothing there");
}
