//! The reader and the library take and refuse the same bytes, for the same reasons.

use engine_catalog::{
    EngineEntry, Manifest, ManifestFile, MarkerError, Name, Object, ObjectError, ObjectId,
    Snapshot, encode_entry,
};

use crate::reader::{NotReadable, Wrong, decode_name, judge_marker, parse_line, parse_object};

/// How bytes are judged, in the words of section 4.6.
pub(crate) fn by_reader(bytes: &[u8]) -> &'static str {
    let id = blake3::hash(bytes).to_hex();
    match parse_object(bytes, &id, None) {
        Ok(_) => "good",
        Err(Wrong::UnknownSchema(_)) => "unknown",
        Err(_) => "refused",
    }
}

pub(crate) fn by_library(bytes: &[u8]) -> &'static str {
    match Object::decode(bytes) {
        Ok(_) => "good",
        Err(ObjectError::UnknownSchema { .. }) => "unknown",
        Err(_) => "refused",
    }
}

/// Texts that differ from `bytes` in one place.
pub(crate) fn variants(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut other = bytes.to_vec();
            other[at] ^= 1 << bit;
            found.push(other);
        }
        found.push([&bytes[..at], &bytes[at + 1..]].concat());
        for more in *b"\x00/ \xff-\n" {
            found.push([&bytes[..at], &[more], &bytes[at..]].concat());
        }
    }
    found
}

/// Requires that both say the same of every variant, and returns how often each was said.
#[track_caller]
pub(crate) fn assert_same<T: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    reader: impl Fn(&[u8]) -> T,
    library: impl Fn(&[u8]) -> T,
) -> Vec<T> {
    let variants = variants(bytes).into_iter();
    let judge = |bytes: Vec<u8>| {
        let (found, expected) = (reader(&bytes), library(&bytes));
        assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(&bytes));
        found
    };
    variants.map(judge).collect()
}

#[test]
fn reader_and_library_judge_the_same_objects_alike() {
    let entry = EngineEntry {
        digest: Some(format!("sha256:{}", "0f".repeat(32))),
        artifacts: vec!["/opt/x".into(), "/opt/ä".into()],
        build_ref: Some("b".into()),
        build_flags: Some(vec!["-O3".into()]),
        ..EngineEntry::new("llamacpp", "a/b", 70_000)
    };
    let snapshot = Snapshot {
        objects: [[1; 32], [2; 32]].map(ObjectId::from_bytes).into(),
    };
    let file = |mode, size| ManifestFile {
        mode,
        size,
        blake3: ObjectId::from_bytes([3; 32]),
    };
    let manifest = Manifest {
        subject: ObjectId::from_bytes([4; 32]),
        files: [
            ("/a".into(), file(0o7777, 3)),
            ("/b".into(), file(0, i64::MAX.unsigned_abs())),
        ]
        .into(),
    };
    for bytes in [
        encode_entry(&entry).unwrap(),
        snapshot.encode().unwrap(),
        manifest.encode().unwrap(),
    ] {
        let seen = assert_same(&bytes, by_reader, by_library);
        for verdict in ["good", "unknown", "refused"] {
            assert!(seen.contains(&verdict), "nothing was {verdict}");
        }
    }
}

#[test]
fn reader_and_library_keep_the_same_rules_of_entries() {
    // Every text of an entry is in turn each of these.
    let mut texts: Vec<String> = [
        "", "/", "a/b", "\0", "\n", "~", "a:b", "x:", "A:b", "a..b:c", "a+b:c=_-",
    ]
    .map(str::to_owned)
    .into();
    texts.extend(
        [
            "\u{7f}", "\u{85}", "\u{61c}", "\u{200e}", "\u{200b}", "\u{2028}", "\u{202e}",
            "\u{2069}", "\u{206a}",
        ]
        .map(|c| format!("a{c}")),
    );
    for (algorithm, digits) in [
        ("blake3", 64),
        ("sha256", 64),
        ("sha512", 128),
        ("sha384", 9),
    ] {
        for digits in [digits - 1, digits] {
            texts.push(format!("{algorithm}:{}", "0".repeat(digits)));
            texts.push(format!("{algorithm}:{}", "A".repeat(digits)));
        }
    }
    texts.extend([255, 256].map(|length| "a".repeat(length)));
    texts.extend([85, 86].map(|length| "%".repeat(length)));
    type Change = fn(&mut Vec<(ciborium::Value, ciborium::Value)>, &str);
    let put: [(&str, Change); 5] = [
        ("id", |map, text| set(map, "id", text.into())),
        ("engine", |map, text| set(map, "engine", text.into())),
        ("version", |map, text| set(map, "version", text.into())),
        ("digest", |map, text| set(map, "digest", text.into())),
        ("artifacts", |map, text| {
            set(map, "artifacts", ciborium::Value::Array(vec![text.into()]));
        }),
    ];
    let good = EngineEntry {
        digest: Some("x:y".into()),
        ..EngineEntry::new("e", "v", 1)
    };
    let good: ciborium::Value = ciborium::from_reader(&encode_entry(&good).unwrap()[..]).unwrap();
    for (field, change) in put {
        let mut seen = Vec::new();
        for text in &texts {
            let mut map = good.clone().into_map().unwrap();
            change(&mut map, text);
            let mut bytes = Vec::new();
            ciborium::into_writer(&ciborium::Value::Map(map), &mut bytes).unwrap();
            assert_eq!(by_reader(&bytes), by_library(&bytes), "{field} {text:?}");
            seen.push(by_reader(&bytes));
        }
        assert!(
            seen.contains(&"good") && seen.contains(&"refused"),
            "{field}"
        );
    }
}

#[test]
fn reader_and_library_keep_the_same_rules_of_manifests() {
    use ciborium::{Value, cbor};
    let hash = |length| Value::Bytes(vec![7; length]);
    let file = |path: &str, mode: i64, size: Value, length| {
        let (mode, blake3) = (Value::from(mode), hash(length));
        cbor!({"mode" => mode, "path" => path, "size" => size, "blake3" => blake3}).unwrap()
    };
    let size = |size: i128| Value::Integer(size.try_into().unwrap());
    let mut cases = Vec::new();
    for path in [
        "", "/", "a", "/a", "/a/../b", "/\0", "/\n", "./a", "//", "/\u{e4}",
    ] {
        cases.push(vec![file(path, 0, size(0), 32)]);
    }
    for mode in [-1, 0, 4095, 4096, 0o100_644, 1 << 32] {
        cases.push(vec![file("/a", mode, size(0), 32)]);
    }
    for bytes in [-1, 0, (1 << 63) - 1, 1 << 63, (1 << 64) - 1] {
        cases.push(vec![file("/a", 0, size(bytes), 32)]);
    }
    for length in [0, 31, 32, 33] {
        cases.push(vec![file("/a", 0, size(0), length)]);
    }
    for paths in [
        ["/a", "/b"],
        ["/b", "/a"],
        ["/a", "/a"],
        ["/b", "/aa"],
        ["/", "/\u{e4}"],
    ] {
        cases.push(paths.map(|path| file(path, 0, size(0), 32)).to_vec());
    }
    cases.push(vec![]);
    let mut seen = Vec::new();
    for (files, subject) in cases.iter().map(|files| (files, 32)).chain([(&vec![], 31)]) {
        let (files, subject) = (Value::Array(files.clone()), hash(subject));
        let value = cbor!({"files" => files, "schema" => "artifacts/1", "subject" => subject});
        let mut bytes = Vec::new();
        ciborium::into_writer(&value.unwrap(), &mut bytes).unwrap();
        assert_eq!(by_reader(&bytes), by_library(&bytes), "{files:?}");
        seen.push(by_reader(&bytes));
    }
    let good = seen.iter().filter(|verdict| **verdict == "good").count();
    assert_eq!((good, seen.len()), (14, 32));
}

fn set(map: &mut [(ciborium::Value, ciborium::Value)], key: &str, value: ciborium::Value) {
    let field = map.iter_mut().find(|(it, _)| it.as_text() == Some(key));
    field.unwrap().1 = value;
}

#[test]
fn reader_and_library_judge_the_same_texts_alike() {
    let marker = b"engine-catalog 1\ncompat a-1\nro-compat b\n";
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    engine_catalog::Catalog::create(&root).unwrap();
    let opened = |bytes: &[u8]| {
        std::fs::write(root.join("format"), bytes).unwrap();
        match engine_catalog::Catalog::open_read_only(&root) {
            Ok(_) => None,
            Err(engine_catalog::Error::Format { cause, .. }) => Some(match cause {
                MarkerError::NotAMarker | MarkerError::Version { .. } => "first line",
                MarkerError::Feature { .. } => "feature",
                MarkerError::Line { .. } => "line",
                other => panic!("{other:?}"),
            }),
            Err(other) => panic!("{other:?}"),
        }
    };
    let judged = |bytes: &[u8]| match judge_marker(bytes).err()? {
        // Section 2 leaves open which of the two a line is that begins as a marker and is no text.
        NotReadable::NotAMarker | NotReadable::Version => Some("first line"),
        NotReadable::Feature => Some("feature"),
        NotReadable::Line => Some("line"),
    };
    assert_same(marker, judged, opened);

    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let library = |bytes: &[u8]| Name::from_file_name(&text(bytes)?).map(|it| it.to_string());
    for file_name in ["b4321-gr%C3%BCn", "%2E.%0A", "a%E2%80%AE", "%41+_."] {
        let reader = |bytes: &[u8]| decode_name(&text(bytes)?);
        assert_same(file_name.as_bytes(), reader, library);
    }

    for line in [
        "-17 put - A me%40host\n",
        "0 rollback A B x\n",
        "1 retire A - %2E\n",
    ] {
        let line = line
            .replace('A', &"a0".repeat(32))
            .replace('B', &"9f".repeat(32));
        let reader = |bytes: &[u8]| parse_line(bytes).is_some();
        let library = |bytes: &[u8]| {
            let line = text(bytes).and_then(|line| Some(line.strip_suffix('\n')?.to_owned()));
            line.is_some_and(|line| line.parse::<engine_catalog::Change>().is_ok())
        };
        assert_same(line.as_bytes(), reader, library);
    }
}
