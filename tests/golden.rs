//! Catalogs of format 1 that were written once and never change: every later version reads them, and
//! writes the same bytes for the same calls.
//!
//! They lie in `tests/golden/`; `tests/independent_reader/` reads them too. Git keeps neither empty
//! directories nor modes, so these are not compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::{
    Attachment, Catalog, EngineEntry, Expect, Filter, Manifest, ManifestFile, Members, Name,
    ObjectId, Slug, State, VerifyScope,
};
use support::{document, link, name, object_file, object_of, stamp};

mod support;

/// The times of all entries and changes lie close behind this one.
const START: i64 = 1_758_240_000_000;

fn golden(which: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(which)
}

/// The content of every file, by path, less what is not copied either.
fn contents(top: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = walkdir::WalkDir::new(top).into_iter().map(Result::unwrap);
    let files = files.filter(|file| file.file_type().is_file());
    let files = files.map(|file| {
        let path = file.path().strip_prefix(top).unwrap().to_owned();
        (path, fs::read(file.path()).unwrap())
    });
    files
        .filter(|(path, _)| path != Path::new("lock"))
        .collect()
}

/// An entry with every field.
fn full(engine: &str, version: &str, step: i64) -> EngineEntry {
    EngineEntry {
        build_ref: Some(version.to_owned()),
        digest: Some(format!("blake3:{}", blake3::hash(b"abc").to_hex())),
        build_flags: Some(vec!["-DGGML_CUDA=ON".into(), "-O3".into()]),
        artifacts: vec!["/opt/x".into(), "/opt/エンジン/lib.so".into()],
        ..EngineEntry::new(engine, version, START + step)
    }
}

/// A document about an entry, with every field.
fn sbom(subject: ObjectId) -> Attachment {
    Attachment {
        media_type: "application/spdx+json".parse().unwrap(),
        name: Some(Name::new("エンジン/sbom.json").unwrap()),
        ..document(subject, "{}")
    }
}

/// What the golden catalog was made of: names that need escapes, every op, a snapshot, a manifest, and
/// documents: about an entry, with a name that needs escapes, and about that document.
fn write(root: &Path) -> Catalog {
    let catalog = Catalog::create(root).unwrap();
    let put = |entry: &EngineEntry, step: i64| catalog.put(entry, &stamp(START + step)).unwrap();
    let first = put(&full("llamacpp", "b4321", 0), 0).object;
    put(&full("llamacpp", "b4321", 1), 1);
    catalog
        .rollback(&name("llamacpp/b4321"), None, &stamp(START + 2))
        .unwrap();
    put(&EngineEntry::new("llamacpp", "b4321-grün", -1), 3);
    put(&EngineEntry::new(".hidden", "feature/x y", i64::MIN), 4);
    put(&full("vllm", "0.9.2+cu128", i64::from(i32::MAX)), 5);
    put(&EngineEntry::new("tgi", "3.2", START), 6);
    catalog
        .retire(&name("tgi/3.2"), Expect::Any, &stamp(START + 7))
        .unwrap();
    let manifest = Manifest {
        subject: first,
        files: [("/opt/x", 0o755), ("/opt/エンジン/lib.so", 0o644)]
            .map(|(path, mode)| {
                let blake3 = ObjectId::of(b"abc");
                (
                    path.to_owned(),
                    ManifestFile {
                        mode,
                        size: 3,
                        blake3,
                    },
                )
            })
            .into(),
    };
    // As `record` does, which would look at the files.
    let bytes = manifest.encode().unwrap();
    let object = ObjectId::of(&bytes);
    let file = object_file(root, object);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
    link(root, first, object);
    let sbom = catalog.attach(&sbom(first)).unwrap();
    catalog.attach(&document(sbom, "looked at")).unwrap();
    let all = Members::Current(Filter::default());
    let llamacpp = Members::Objects([first].into());
    for (members, snapshot) in [(all, "all of it"), (llamacpp, "llamacpp")] {
        let snapshot = Name::new(snapshot).unwrap();
        catalog.create_snapshot(&members, Some(&snapshot)).unwrap();
    }
    catalog
}

/// Requires that what is at `written` is what is golden. Where `WRITE_GOLDEN` is set and nothing is
/// golden yet, it is from then on.
fn assert_golden(which: &str, written: &Path) {
    let (written, golden) = (contents(written), golden(which));
    if std::env::var_os("WRITE_GOLDEN").is_some() && !golden.exists() {
        for (path, bytes) in &written {
            let path = golden.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    let golden = contents(&golden);
    assert!(golden.keys().eq(written.keys()), "{:#?}", written.keys());
    for (path, bytes) in &golden {
        assert!(written[path] == *bytes, "{}", path.display());
    }
}

#[test]
fn golden_catalog_is_what_this_version_writes() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("root");
    write(&root);
    assert_golden("catalog", &root);
}

#[cfg(feature = "bundle")]
#[test]
fn golden_bundle_is_what_this_version_captures() {
    let scratch = tempfile::tempdir().unwrap();
    let catalog = write(&scratch.path().join("root"));
    let (_, snapshot) = catalog.find_snapshot("all of it").unwrap().unwrap();
    let out = scratch.path().join("bundle");
    catalog.capture(&out, &snapshot).unwrap();
    assert_golden("bundle", &out);
}

#[test]
fn golden_catalog_and_bundle_have_no_fault() {
    for which in ["catalog", "bundle"] {
        let catalog = Catalog::open_read_only(golden(which)).unwrap();
        let report = catalog.verify(&VerifyScope::Everything, &|_| {}).unwrap();
        // Git keeps no modes, and a bundle no histories.
        let expected = [
            Slug::ObjectMode,
            Slug::HistoryMissing,
            Slug::HistoryObjectMissing,
        ];
        let faults = report.findings.iter();
        let faults: Vec<_> = faults.filter(|it| !expected.contains(&it.slug)).collect();
        assert!(faults.is_empty(), "{which}: {faults:#?}");
    }
}

#[test]
fn golden_catalog_is_read() {
    let catalog = Catalog::open_read_only(golden("catalog")).unwrap();
    let records = catalog.list(&Filter::default()).unwrap();
    let records: Vec<_> = records.map(Result::unwrap).collect();
    let first = full("llamacpp", "b4321", 0);
    let expected = [
        EngineEntry::new(".hidden", "feature/x y", i64::MIN),
        first.clone(),
        EngineEntry::new("llamacpp", "b4321-grün", -1),
        full("vllm", "0.9.2+cu128", i64::from(i32::MAX)),
    ];
    let entries = records.iter().map(|record| &record.entry);
    assert!(entries.eq(&expected), "{records:#?}");

    let retired = catalog.get("tgi:3.2").unwrap().unwrap();
    assert_eq!(catalog.state(&retired).unwrap(), State::Retired);
    let changes = catalog.history(&name("llamacpp/b4321")).unwrap();
    let ops: Vec<_> = changes.iter().map(|change| change.op.as_str()).collect();
    assert_eq!(ops, ["put", "put", "rollback"]);

    let manifests = catalog.manifests(&object_of(&first)).unwrap();
    let files: Vec<_> = manifests[0].files.keys().map(String::as_str).collect();
    assert_eq!(
        (manifests.len(), files),
        (1, vec!["/opt/x", "/opt/エンジン/lib.so"])
    );
    let subject = object_of(&first);
    let expected = sbom(subject);
    let attached = catalog.attached(&subject, Some(&expected.media_type));
    let [sbom] = &attached.unwrap().map(Result::unwrap).collect::<Vec<_>>()[..] else {
        panic!("other documents than one")
    };
    assert_eq!(sbom.attachment, expected);
    let about_it = catalog.attached(&sbom.object, None).unwrap();
    let about_it: Vec<_> = about_it.map(|it| it.unwrap().attachment.payload).collect();
    assert_eq!(about_it, [b"looked at"]);
    let (_, snapshot) = catalog.find_snapshot("all of it").unwrap().unwrap();
    assert!(catalog.members(&snapshot).unwrap() == records);
    assert_eq!(catalog.snapshots().unwrap().len(), 2);
}
