//! Section 4: the bytes of objects.

use ciborium::Value;
use engine_catalog::{
    Attachment, EngineEntry, Manifest, ManifestFile, MediaType, Name, Object, ObjectId, Schema,
    Snapshot, encode_entry,
};

use crate::document::{LAYOUT, assert_says, blocks, quoted, table};
use crate::dump::{dump, undump};
use crate::scratch::entry;
use crate::support::{attachment_value, from_cbor, from_hex, manifest_value, to_cbor};

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
        vector("manifests", "one file"),
        vector("attachments", "a name and a document"),
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

/// The manifest that the text describes.
fn described_manifest() -> Manifest {
    let file = ManifestFile {
        mode: 0o755,
        size: 3,
        blake3: ObjectId::of(b"abc"),
    };
    Manifest {
        subject: ObjectId::of(&undump(&blocks("dump")[0])),
        files: [("/opt/x".to_owned(), file)].into(),
    }
}

#[test]
fn known_answer_is_the_manifest_that_the_text_describes() {
    let (described, shown) = (described_manifest(), undump(&blocks("dump")[3]));
    assert_eq!(described.encode().unwrap(), shown);
    let value = manifest_value(&described);
    assert_eq!(to_cbor(&value), shown, "another implementation agrees");
    assert_eq!(from_cbor(&shown), value);
    assert_says(
        "The manifest of the entry of section 4.2, whose file `/opt/x` has mode 0755 and consists \
         of the three bytes `abc`:",
    );
}

/// The attachment that the text describes.
fn described_attachment() -> Attachment {
    Attachment {
        subject: ObjectId::of(&undump(&blocks("dump")[0])),
        media_type: "text/plain".parse().unwrap(),
        name: Some(Name::new("note.txt").unwrap()),
        payload: b"abc".to_vec(),
    }
}

#[test]
fn known_answer_is_the_attachment_that_the_text_describes() {
    let (described, shown) = (described_attachment(), undump(&blocks("dump")[4]));
    assert_eq!(described.encode().unwrap(), shown);
    let value = attachment_value(&described);
    assert_eq!(to_cbor(&value), shown, "another implementation agrees");
    assert_eq!(from_cbor(&shown), value);
    assert_says(
        "The document that is called `note.txt`, is plain text and consists of the three bytes \
         `abc`, about the entry of section 4.2:",
    );
}

/// The keys of a map, and then those of the first map in each of its lists.
fn keys(value: &Value) -> Vec<String> {
    let pairs = value.as_map().unwrap();
    let own = pairs.iter().map(|(key, _)| key.as_text().unwrap());
    let lists = pairs.iter().filter_map(|(_, value)| value.as_array());
    let inner = lists.filter_map(|list| list.first().filter(|value| value.is_map()));
    own.map(str::to_owned).chain(inner.flat_map(keys)).collect()
}

/// The keys that the CDDL of a kind names, in order.
fn keys_in_cddl(kind: Schema) -> Vec<String> {
    let tag = format!("\"{}\"", kind.tag());
    let cddl = blocks("cddl").into_iter().find(|cddl| cddl.contains(&tag));
    let cddl = cddl.unwrap();
    let fields = cddl
        .lines()
        .filter_map(|line| line.trim_start().trim_start_matches("? ").split_once("\":"));
    fields
        .map(|(key, _)| key.trim_start_matches('"').to_owned())
        .collect()
}

/// Requires that the table of a section lists the keys of these objects, one that has every field and
/// one that has as few as can be, in the order of their encoding.
#[track_caller]
fn assert_table(heading: &str, full: &[u8], least: &[u8]) {
    let rows = table(heading);
    let said: Vec<_> = rows
        .iter()
        .filter(|row| row[0].starts_with('`'))
        .map(|row| (quoted(&row[0])[0].to_owned(), row[1] == "yes"))
        .collect();
    let required = said.iter().filter(|(_, required)| *required);
    let required: Vec<_> = required.map(|(key, _)| key.clone()).collect();
    let said: Vec<_> = said.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(said, keys(&from_cbor(full)));
    assert_eq!(required, keys(&from_cbor(least)));
}

#[test]
fn fields_stand_in_the_order_of_their_encoding() {
    let full = EngineEntry {
        build_ref: Some("b".into()),
        digest: Some("x:y".into()),
        build_flags: Some(vec![]),
        ..entry(1)
    };
    let full = encode_entry(&full).unwrap();
    let least = encode_entry(&entry(1)).unwrap();
    assert_table("### 4.2 Entries: `engine-entry/1`", &full, &least);
    let manifest = described_manifest().encode().unwrap();
    let heading = "### 4.4 Manifests of artifacts: `artifacts/1`";
    assert_table(heading, &manifest, &manifest);
    let attachment = described_attachment().encode().unwrap();
    let nameless = Attachment {
        name: None,
        ..described_attachment()
    };
    let heading = "### 4.5 Attachments: `attachment/1`";
    assert_table(heading, &attachment, &nameless.encode().unwrap());
    let snapshot = Snapshot::default().encode().unwrap();
    for (kind, full) in [
        (Schema::EngineEntry1, &full),
        (Schema::Snapshot1, &snapshot),
        (Schema::Artifacts1, &manifest),
        (Schema::Attachment1, &attachment),
    ] {
        assert_eq!(keys_in_cddl(kind), keys(&from_cbor(full)), "{kind}");
    }
    assert_eq!(blocks("cddl").len(), Schema::ALL.len());
}

#[test]
fn numbers_in_the_cddl_of_manifests_are_their_limits() {
    let cddl = &blocks("cddl")[2];
    assert!(cddl.contains(&format!("\"mode\": 0..{},", Manifest::MAX_MODE)));
    assert!(cddl.contains(&format!("\"size\": uint .le {},", i64::MAX)));
    let mut manifest = described_manifest();
    let file = manifest.files.get_mut("/opt/x").unwrap();
    (file.mode, file.size) = (Manifest::MAX_MODE, i64::MAX.unsigned_abs());
    assert!(manifest.encode().is_ok());
}

#[test]
fn numbers_in_the_grammar_of_media_types_are_their_limits() {
    let cddl = &blocks("cddl")[3];
    let more = MediaType::MAX_PART - 1;
    let part = format!("[a-z0-9][a-z0-9!#$&^_.+-]{{0,{more}}}");
    assert!(cddl.contains(&format!("\"{part}/{part}\"")), "{cddl}");
    let all = "0!#$&^_.+-".to_owned() + &"z".repeat(MediaType::MAX_PART - 10);
    let parse = |text: String| text.parse::<MediaType>();
    assert!(parse(format!("{all}/{all}")).is_ok());
    assert!(parse(format!("{all}z/{all}")).is_err() && parse(format!("{all}/{all}z")).is_err());
}

#[test]
fn schemas_are_those_that_the_library_reads() {
    let tags = Schema::ALL
        .iter()
        .map(|schema| format!("`{}`", schema.tag()));
    let tags: Vec<_> = tags.collect();
    let (last, others) = tags.split_last().unwrap();
    assert_says(&format!(
        "The schemas of this format are {} and {last}.",
        others.join(", ")
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
