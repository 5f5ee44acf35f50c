//! Section 4: the bytes of objects.

use engine_catalog::{EngineEntry, Object, Schema, encode_entry};

use crate::document::{LAYOUT, assert_says, blocks, quoted, table};
use crate::dump::{dump, undump};
use crate::scratch::entry;
use crate::support::from_hex;

const VECTORS: &str = include_str!("../vectors.json");

#[test]
fn dumps_are_the_known_answers() {
    let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
    let vector = |kind: &str, name: &str| {
        let vectors = vectors[kind].as_array().unwrap();
        let vector = vectors.iter().find(|vector| vector["name"] == name);
        let hex = vector.unwrap()["cbor"].as_str().unwrap();
        from_hex(hex)
    };
    let expected = [
        vector("entries", "empty flags are not absent flags"),
        vector("snapshots", "empty"),
        vector("snapshots", "three"),
    ];
    let dumps = blocks("dump");
    for (shown, bytes) in dumps.iter().zip(&expected) {
        assert_eq!(
            *shown,
            dump(bytes),
            "layout.md shows:\n{shown}\nit should show:\n{}",
            dump(bytes)
        );
        assert_eq!(undump(shown), *bytes);
        // And the library makes these very bytes.
        let object = Object::decode(bytes).unwrap();
        assert_eq!(object.encode().unwrap(), *bytes);
    }
    assert_eq!(dumps.len(), expected.len());
}

#[test]
fn known_answer_is_the_entry_that_the_text_describes() {
    let described = EngineEntry {
        artifacts: vec!["/opt/x".into()],
        build_flags: Some(vec![]),
        ..EngineEntry::new("llamacpp", "b4321", 1_758_240_000_000)
    };
    assert_eq!(
        encode_entry(&described).unwrap(),
        undump(&blocks("dump")[0])
    );
    assert_says(
        "the entry with id `llamacpp:b4321`, engine `llamacpp`, version `b4321`, the artifact \
         `/opt/x`, created at 1,758,240,000,000 and an empty list of build flags",
    );
}

#[test]
fn fields_stand_in_the_order_of_their_encoding() {
    let full = EngineEntry {
        build_ref: Some("b".into()),
        digest: Some("x:y".into()),
        build_flags: Some(vec![]),
        ..entry(1)
    };
    let least = entry(1);
    let keys = |entry: &EngineEntry| {
        let bytes = encode_entry(entry).unwrap();
        let value: ciborium::Value = ciborium::from_reader(&bytes[..]).unwrap();
        let pairs = value.into_map().unwrap().into_iter();
        pairs
            .map(|(key, _)| key.into_text().unwrap())
            .collect::<Vec<_>>()
    };
    let rows = table("### 4.2 Entries: `engine-entry/1`");
    let said: Vec<_> = rows
        .iter()
        .filter(|row| row[0].starts_with('`'))
        .map(|row| (quoted(&row[0])[0].to_owned(), row[1] == "yes"))
        .collect();
    let said_keys: Vec<_> = said.iter().map(|(key, _)| key.clone()).collect();
    let required: Vec<_> = said.iter().filter(|(_, required)| *required).collect();
    let required: Vec<_> = required.into_iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(said_keys, keys(&full));
    assert_eq!(required, keys(&least));

    let cddl = &blocks("cddl")[0];
    let in_cddl: Vec<_> = cddl
        .lines()
        .filter_map(|line| line.trim_start().trim_start_matches("? ").split_once("\":"))
        .map(|(key, _)| key.trim_start_matches('"').to_owned())
        .collect();
    assert_eq!(in_cddl, said_keys);
}

#[test]
fn schemas_are_those_that_the_library_reads() {
    let tags = Schema::ALL
        .iter()
        .map(|schema| format!("`{}`", schema.tag()));
    let tags: Vec<_> = tags.collect();
    assert_says(&format!(
        "The schemas of this format are {}.",
        tags.join(" and ")
    ));
    for schema in Schema::ALL {
        let heading = format!(": `{}`", schema.tag());
        assert!(
            LAYOUT
                .lines()
                .any(|line| line.starts_with("### 4.") && line.ends_with(&heading))
        );
    }
}
