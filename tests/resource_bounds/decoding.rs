//! Objects that hash to their names and claim what they do not have: lengths of 2^63, and items nested
//! a hundred thousand deep. Nothing is reserved for a claim, and no stack runs out.

use std::fs;

use engine_catalog::{ObjectId, Snapshot};

use crate::bounded::Limits;
use crate::scene::{Scene, assert_small, small_peaks};
use crate::support::{attach, link, object_file};

const DEEP: usize = 100_000;

/// A map of one key with an item that claims 2^63 of what follows, by its major type.
fn claims(major: u8) -> Vec<u8> {
    let schema = b"\xa2\x66schema\x6eengine-entry/1\x67objects";
    [schema.as_slice(), &[major << 5 | 27, 0x80], &[0; 7]].concat()
}

fn nested(opens: &[u8], closes: &[u8]) -> Vec<u8> {
    [opens.repeat(DEEP), closes.repeat(DEEP)].concat()
}

/// Where something nested is for the decoder to pass over, as a value and as a key.
fn in_a_map(key: &[u8], nested: &[u8]) -> Vec<u8> {
    [
        b"\xa2".as_slice(),
        key,
        nested,
        b"\x66schema\x6aartifacts/1",
    ]
    .concat()
}

fn hostile() -> Vec<(String, Vec<u8>)> {
    let mut objects: Vec<_> = [(2, "bytes"), (3, "text"), (4, "array"), (5, "map")]
        .map(|(major, what)| (format!("{what} of 2^63"), claims(major)))
        .into();
    let head = |major: u8| [&[major << 5 | 27, 0x80][..], &[0; 7]].concat();
    for major in 2..=6 {
        objects.push((
            format!("nothing but 2^63 of major type {major}"),
            head(major),
        ));
    }
    let arrays = nested(b"\x81", b"");
    for (what, bytes) in [
        ("arrays", [arrays.clone(), b"\x00".to_vec()].concat()),
        (
            "maps",
            [nested(b"\xa1\x61a", b""), b"\x00".to_vec()].concat(),
        ),
        (
            "maps as keys",
            [nested(b"\xa1", b""), b"\x00".to_vec(), b"\x00".repeat(DEEP)].concat(),
        ),
        ("tags", [nested(b"\xc1", b""), b"\x00".to_vec()].concat()),
        ("endless arrays", nested(b"\x9f", b"\xff")),
        ("endless texts", nested(b"\x7f", b"\xff")),
    ] {
        objects.push((format!("nested {what}"), bytes.clone()));
        objects.push((
            format!("nested {what} in a map"),
            in_a_map(b"\x61a", &bytes),
        ));
        objects.push((
            format!("nested {what} as files"),
            in_a_map(b"\x65files", &bytes),
        ));
    }
    objects
}

/// As an entry, a snapshot, a member of one, an attachment, and in a history.
#[test]
fn nothing_is_reserved_for_what_an_object_claims_and_no_stack_runs_out() {
    let Some(small) = small_peaks() else { return };
    let Some(scene) = Scene::new() else { return };
    let root = scene.catalog.root();
    let mut members = std::collections::BTreeSet::new();
    for (at, (what, bytes)) in hostile().into_iter().enumerate() {
        let object = attach(root, scene.object, &bytes);
        assert!(members.insert(object), "{what} is there already");
        let line = format!("{object}\n");
        fs::create_dir(scene.at(&format!("refs/x{at}"))).expect("there is room");
        fs::write(scene.at(&format!("refs/x{at}/1")), &line).expect("there is room");
        fs::write(scene.at(&format!("snapshots/x{at}")), &line).expect("there is room");
        link(root, object, scene.object);
    }
    let ids = members.iter().map(ObjectId::to_string).collect::<Vec<_>>();
    let set = Snapshot { objects: members };
    let set = set.encode().expect("it is small");
    let set_id = ObjectId::of(&set);
    let file = object_file(root, set_id);
    fs::create_dir_all(file.parent().expect("it has one")).expect("there is room");
    fs::write(file, set).expect("there is room");
    fs::write(scene.at("snapshots/all"), format!("{set_id}\n")).expect("there is room");
    let limits = Limits {
        stack_kib: 1 << 10,
        ..Limits::default()
    };
    let runs = scene.run_all(limits, "claims");
    assert_small(&runs, &small, 0, "claims");
    for id in &ids {
        assert!(
            runs["verify"]
                .stdout
                .contains(&format!("\"object\":\"{id}\"")),
            "{id}"
        );
        let run = scene.run(limits, "claims", &["get", id]);
        assert_eq!(run.status, Some(3), "{run:?}");
        assert!(run.stderr.contains(id), "{run:?}");
    }
    for spec in ["all", "x0"] {
        let run = scene.run(limits, "claims", &["snapshot", "show", spec]);
        assert_eq!(run.status, Some(3), "{run:?}");
    }
    println!(
        "{} objects: {:?}",
        ids.len(),
        runs.values().map(|run| run.peak_kib).max()
    );
}
