//! The golden catalog and the golden bundle, which never change within format 1.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::reader::Reader;

fn golden(which: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    tests.join("golden").join(which)
}

/// What is current: the object of each `engine/version`.
const CURRENT: [(&str, &str); 4] = [
    (
        ".hidden/feature/x y",
        "1e7d5b409332f8d766c5241ce3f2167c01c03be11c6712cc4719e9445ca6f3b4",
    ),
    (
        "llamacpp/b4321",
        "3572de8861164cb7d785b74fd7781ce07b72072a36da13ad3acf238d8c72033f",
    ),
    (
        "llamacpp/b4321-grün",
        "c257d9fb354a33e934f5d50d5465f567f6014be7d8e60ac389f710c27eb3fd05",
    ),
    (
        "vllm/0.9.2+cu128",
        "dd34839944a00b7fc04955add42f4e7f990d9b76afe69d0588791e44996e9312",
    ),
];

/// A document about the entry of `llamacpp/b4321`.
const SBOM: &str = "d5307aa55756dc06c5042ef8ad5e6ecc365a161cbed185d1c7e9d20b18067d5a";

fn current(reader: &Reader) -> BTreeMap<String, String> {
    let current = reader.current().unwrap().into_iter();
    let current = current.map(|((engine, version), (id, _))| (format!("{engine}/{version}"), id));
    current.collect()
}

#[test]
fn golden_catalog_says_what_it_always_said() {
    let reader = Reader::open(&golden("catalog")).unwrap();
    let expected = CURRENT.map(|(name, id)| (name.to_owned(), id.to_owned()));
    assert_eq!(current(&reader), expected.into());
    let histories = reader.histories().unwrap();
    let lines: Vec<_> = histories.values().map(Vec::len).collect();
    assert_eq!(lines, [1, 3, 1, 2, 1]);
    assert_eq!(reader.snapshots().unwrap().len(), 2);
    for which in ["catalog", "bundle"] {
        let reader = Reader::open(&golden(which)).unwrap();
        assert_eq!(reader.manifests(CURRENT[1].1).unwrap().len(), 1);
        let documents = reader.documents(CURRENT[1].1).unwrap();
        let [(id, document)] = &documents[..] else {
            panic!("{which}: {documents:?}")
        };
        assert_eq!(id, SBOM);
        assert_eq!(document.name.as_deref(), Some("エンジン/sbom.json"));
        assert_eq!(document.media_type, "application/spdx+json");
        assert_eq!(document.payload, b"{}");
        let about_it = reader.documents(id).unwrap();
        assert_eq!(
            (about_it.len(), &*about_it[0].1.payload),
            (1, &b"looked at"[..])
        );
    }
}

#[test]
fn golden_bundle_is_read_as_a_catalog_and_its_reports_say_the_same() {
    let root = golden("bundle");
    let reader = Reader::open(&root).unwrap();
    assert_eq!(
        current(&reader),
        current(&Reader::open(&golden("catalog")).unwrap())
    );
    let json = fs::read(root.join("engine_catalog.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let entries = json["entries"].as_array().unwrap().iter();
    let said = entries.map(|it| {
        let text = |it: &serde_json::Value| it.as_str().unwrap().to_owned();
        let (engine, version) = (text(&it["entry"]["engine"]), text(&it["entry"]["version"]));
        (
            format!("{engine}/{version}"),
            text(&it["identity"]["object"]),
        )
    });
    assert_eq!(said.collect::<BTreeMap<_, _>>(), current(&reader));
    let captured = &reader.snapshots().unwrap()["captured"];
    assert_eq!(json["snapshot"].as_str(), Some(captured.0.as_str()));
}

#[test]
fn golden_bundle_is_what_its_sums_say() {
    let root = golden("bundle");
    let sums = fs::read_to_string(root.join("B3SUMS")).unwrap();
    let listed: BTreeMap<_, _> = sums
        .lines()
        .map(|line| line.split_once("  ").unwrap())
        .map(|(hash, path)| (root.join(path), hash.to_owned()))
        .collect();
    let files = walkdir::WalkDir::new(&root).into_iter().map(Result::unwrap);
    let files = files.filter(|it| it.file_type().is_file() && it.file_name() != "B3SUMS");
    let found = files.map(|file| {
        let hash = blake3::hash(&fs::read(file.path()).unwrap());
        (file.into_path(), hash.to_string())
    });
    assert_eq!(found.collect::<BTreeMap<_, _>>(), listed);
}
