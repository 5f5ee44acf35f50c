//! Section 10.1: what is in a bundle, with which modes, and the known answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use engine_catalog::{EngineEntry, Manifest, ManifestFile, ObjectId, Snapshot};

use crate::document::{assert_says, lines, quoted, table};
use crate::scratch::{Scratch, stamp};

/// A bundle of the entry of section 4.2, with the manifest of section 4.4.
fn bundle() -> Scratch {
    let scratch = Scratch::new();
    let entry = EngineEntry {
        artifacts: vec!["/opt/x".into()],
        build_flags: Some(vec![]),
        ..EngineEntry::new("llamacpp", "b4321", 1_758_240_000_000)
    };
    let put = scratch.catalog.put(&entry, &stamp()).unwrap();
    let subject = put.object;
    let file = ManifestFile {
        mode: 0o755,
        size: 3,
        blake3: ObjectId::of(b"abc"),
    };
    let files = BTreeMap::from([("/opt/x".to_owned(), file)]);
    let bytes = Manifest { subject, files }.encode().unwrap();
    let object = scratch.plant(&bytes);
    let hex = subject.to_string();
    let link = format!("attachments/{}/{}/{object}", &hex[..2], &hex[2..]);
    scratch.write(link, "");
    let objects = [subject].into();
    let out = scratch.outside().join("bundle");
    scratch
        .catalog
        .capture(&out, &Snapshot { objects })
        .unwrap();
    scratch
}

fn mode(path: &Path) -> u32 {
    let found = fs::symlink_metadata(path).unwrap();
    found.permissions().mode() & 0o7777
}

/// The files of a bundle, with their paths in it, sorted.
fn files(bundle: &Path) -> Vec<(String, fs::Metadata)> {
    let found = walkdir::WalkDir::new(bundle)
        .into_iter()
        .map(Result::unwrap);
    let mut files: Vec<_> = found
        .map(|file| {
            let below = file.path().strip_prefix(bundle).unwrap();
            (below.to_str().unwrap().to_owned(), file.metadata().unwrap())
        })
        .filter(|(_, found)| found.is_file())
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

#[test]
fn known_bundle_is_the_one_that_is_shown() {
    let scratch = bundle();
    let out = scratch.outside().join("bundle");
    let shown: Vec<_> = files(&out)
        .iter()
        .map(|(path, _)| {
            let file = out.join(path);
            let hash = ObjectId::of(&fs::read(&file).unwrap());
            format!("{:04o}  {hash}  {path}", mode(&file))
        })
        .collect();
    let expected = lines("bundle");
    assert!(shown == expected, "it should show:\n{}", shown.join("\n"));
}

#[test]
fn files_of_a_bundle_are_those_of_the_table_with_their_modes() {
    let scratch = bundle();
    let out = scratch.outside().join("bundle");
    // `objects/<hh>/<62 hex>` stands for whatever is below `objects/`.
    let known: BTreeMap<String, u32> = table("### 10.1 Bundles")
        .into_iter()
        .filter(|row| row.len() == 3 && row[0].starts_with('`'))
        .map(|row| {
            let path = quoted(&row[0])[0].split('<').next().unwrap().to_owned();
            (path, u32::from_str_radix(&row[2], 8).unwrap())
        })
        .collect();
    let mut seen = BTreeSet::new();
    for (path, _) in files(&out) {
        let is_meant =
            |known: &&String| path == **known || known.ends_with('/') && path.starts_with(*known);
        let known_as = known.keys().find(is_meant).expect(&path);
        assert_eq!(mode(&out.join(&path)), known[known_as], "{path}");
        seen.insert(known_as);
    }
    assert_eq!(seen.len(), known.len(), "{seen:?} of {known:?}");
    assert_says("Directories have mode 0755.");
    for dir in walkdir::WalkDir::new(&out) {
        let dir = dir.unwrap();
        if dir.file_type().is_dir() {
            assert_eq!(mode(dir.path()), 0o755, "{}", dir.path().display());
        }
    }
}

#[test]
fn reports_have_the_keys_and_first_lines_of_the_text() {
    let scratch = bundle();
    let out = scratch.outside().join("bundle");
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let first = |name: &str| read(name).lines().next().unwrap().to_owned();
    assert_says(&format!(
        "The first line is `{}`.",
        first("engine_catalog.ndjson")
    ));
    assert_says(&format!(
        "`engine_catalog.json.meta` is the line `{}`. `engine_catalog.md` starts with that line too.",
        read("engine_catalog.json.meta").trim_end()
    ));
    assert_eq!(
        first("engine_catalog.md"),
        first("engine_catalog.json.meta")
    );
    let ndjson = read("engine_catalog.ndjson");
    let line = ndjson.lines().nth(1).unwrap();
    // In the order in which they stand there.
    let keys = |object: &str| {
        let at = line.find(&format!("\"{object}\":{{")).unwrap();
        let inside = &line[at + object.len() + 4..];
        let inside = &inside[..inside.find('}').unwrap()];
        let keys = inside.split(',').filter_map(|pair| pair.split_once("\":"));
        let keys = keys.map(|(key, _)| format!("`{}`", key.trim_start_matches('"')));
        format!("`{object}` ({})", keys.collect::<Vec<_>>().join(", "))
    };
    assert_says(&format!("{} and {}", keys("identity"), keys("entry")));
}
