//! Section 11: every input that it lists is given to the library.

use std::fmt::Debug;
use std::fs;
use std::os::unix::ffi::OsStringExt;

use engine_catalog::{
    Catalog, EngineEntry, Error, Expect, ObjectId, Snapshot, decode_entry, encode_entry,
};

use crate::document::{expand, letter, quoted, table};
use crate::scratch::{Scratch, entry, name, stamp};
use crate::support::mount::Mounted;
use crate::{rejected_attachments, rejected_sets};

/// Requires that `error` is made of these variants, from the outside in.
pub(super) fn assert_variants(error: &impl Debug, variants: &[&str], input: &str) {
    let text = format!("{error:?}");
    let words: Vec<_> = text
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .collect();
    let mut rest = words.iter();
    for variant in variants {
        assert!(
            rest.any(|word| word == variant),
            "{input}: {text} is not {variants:?}"
        );
    }
}

/// The bytes with the first occurrence of `from` replaced.
pub(super) fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|part| part == from);
    let at = at.unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// Gives the input of a row of section 11 to the library, and returns the error; `None` where this
/// machine cannot make the input.
fn provoke(row: u32) -> Option<Box<dyn Debug>> {
    let scratch = Scratch::new();
    let catalog = &scratch.catalog;
    let root = scratch.catalog.root();
    let marker = |text: &str| {
        scratch.write("format", text);
        scratch.open().unwrap_err()
    };
    let refused = |change: fn(&mut EngineEntry)| {
        let mut entry = entry(1);
        change(&mut entry);
        catalog.put(&entry, &stamp()).unwrap_err()
    };
    let current = || catalog.current(&name()).unwrap_err();
    let good = encode_entry(&entry(1)).unwrap();
    let ref_path = "refs/llamacpp/b4321";
    let history_path = "history/llamacpp/b4321";
    let error: Box<dyn Debug> = match row {
        1 => {
            assert!(matches!(
                Catalog::open(scratch.outside().join("absent")),
                Err(Error::NotACatalog { .. })
            ));
            fs::remove_file(root.join("format")).unwrap();
            Box::new(scratch.open().unwrap_err())
        }
        2 => Box::new(marker("something else\n")),
        3 => Box::new(marker("engine-catalog 2\n")),
        4 => Box::new(marker("engine-catalog 1\nincompat zstd\n")),
        5 => Box::new(marker("engine-catalog 1\nzstd\n")),
        6 => {
            scratch.write("format", "engine-catalog 1\nro-compat packs\n");
            let catalog = scratch.open().unwrap();
            Box::new(catalog.put(&entry(1), &stamp()).unwrap_err())
        }
        7 => Box::new(Catalog::create(root).unwrap_err()),
        8 => {
            let other = scratch.outside().join("other");
            fs::create_dir(&other).unwrap();
            fs::write(other.join("HEAD"), "").unwrap();
            Box::new(Catalog::create(&other).unwrap_err())
        }
        9 => {
            let id = scratch.put(&entry(1));
            let shard = format!("objects/{}", &id.to_string()[..2]);
            fs::rename(root.join(&shard), root.join("objects/moved")).unwrap();
            scratch.link("moved", &shard);
            Box::new(catalog.entry(&id).unwrap_err())
        }
        10 => {
            fs::create_dir_all(root.join(ref_path)).unwrap();
            Box::new(current())
        }
        11 => {
            let _mounted = Mounted::over(&root.join("objects"))?;
            Box::new(catalog.put(&entry(1), &stamp()).unwrap_err())
        }
        12 => Box::new(marker(&"engine-catalog 1\n".repeat(4096))),
        13 => {
            scratch.write(ref_path, format!("{}\n\n", letter("A")));
            Box::new(current())
        }
        14 => {
            scratch.write_size(history_path, (64 << 20) + 1);
            Box::new(catalog.history(&name()).unwrap_err())
        }
        15 => Box::new(
            catalog
                .entry(&scratch.plant(&vec![0; (1 << 20) + 1]))
                .unwrap_err(),
        ),
        16 => Box::new(refused(|entry| {
            entry.build_flags = Some(vec!["-O3".repeat(1 << 19)]);
        })),
        17 => {
            let id = scratch.put(&entry(1));
            scratch.write(scratch.object(&id), &good[1..]);
            Box::new(catalog.entry(&id).unwrap_err())
        }
        18 => {
            for bytes in [&good[..good.len() - 1], b"", b"\xff"] {
                assert!(decode_entry(bytes).is_err());
            }
            Box::new(decode_entry(&[&good[..], &good[..]].concat()).unwrap_err())
        }
        19 => {
            for (from, to) in [
                (&b"\x66engine\x68"[..], &b"\x66engime\x68"[..]),
                (b"\x69artifacts\x80", b"\x69artifacts\x01"),
                (b"\x66engine\x68", b"\x62id\x68"),
                (b"created_ms\x01", b"created_ms\xf4"),
            ] {
                let error = decode_entry(&replaced(&good, from, to)).unwrap_err();
                assert_variants(&error, &["Cbor", "Shape"], &format!("{to:?}"));
            }
            let more = replaced(&good, b"\xa6", b"\xa7");
            Box::new(decode_entry(&[&more[..], b"\x61x\x01"].concat()).unwrap_err())
        }
        20 => {
            for (from, to) in [
                (&b"\xa6"[..], &b"\xb8\x06"[..]),
                (b"created_ms\x01", b"created_ms\x18\x01"),
                (b"created_ms\x01", b"created_ms\xc1\x01"),
                (b"artifacts\x80", b"artifacts\x9f\xff"),
            ] {
                let error = decode_entry(&replaced(&good, from, to)).unwrap_err();
                assert_variants(&error, &["Cbor", "NotCanonical"], &format!("{to:?}"));
            }
            let more = replaced(&good, b"\xa6", b"\xa7");
            let null = [&more[..], b"\x6bbuild_flags\xf6"].concat();
            Box::new(decode_entry(&null).unwrap_err())
        }
        21 => {
            let other = replaced(&good, b"engine-entry/1", b"engine-entry/2");
            Box::new(decode_entry(&other).unwrap_err())
        }
        22 => Box::new(decode_entry(&Snapshot::default().encode().unwrap()).unwrap_err()),
        23 => {
            let objects = [letter("A"), letter("B")].into();
            let good = Snapshot { objects }.encode().unwrap();
            for other in [[0xbb; 32], [0xcc; 32]] {
                let bad = replaced(&good, &[0xaa; 32], &other);
                assert_variants(&Snapshot::decode(&bad).unwrap_err(), &["Unsorted"], "23");
            }
            let bad = replaced(&good, &[0xbb; 32], &[0x0b; 32]);
            Box::new(Snapshot::decode(&bad).unwrap_err())
        }
        24 => Box::new(refused(|entry| entry.engine.clear())),
        25 => Box::new(refused(|entry| entry.engine = "a/b".into())),
        26 => Box::new(refused(|entry| entry.version = "a\nb".into())),
        27 => Box::new(refused(|entry| entry.version = "/".repeat(86))),
        28 => {
            let error = refused(|entry| entry.build_ref = Some(String::new()));
            assert_variants(&error, &["Entry", "Empty", "build_ref"], "28");
            Box::new(refused(|entry| entry.id.clear()))
        }
        29 => {
            let error = refused(|entry| entry.build_ref = Some("a\tb".into()));
            assert_variants(&error, &["Entry", "Control", "build_ref"], "29");
            Box::new(refused(|entry| entry.id.push('\n')))
        }
        30 => Box::new(refused(|entry| entry.digest = Some("sha256".into()))),
        31 => Box::new(refused(|entry| entry.digest = Some("sha256:0f".into()))),
        32 => {
            let error = refused(|entry| entry.artifacts = vec!["/a\0b".into()]);
            assert_variants(&error, &["Entry", "ArtifactPath"], "32");
            Box::new(refused(|entry| entry.artifacts = vec!["".into()]))
        }
        33 => Box::new(refused(|entry| {
            let path = std::ffi::OsString::from_vec(b"/opt/\xff".to_vec());
            entry.artifacts = vec![path.into()];
        })),
        34 => Box::new(refused(|entry| {
            entry.build_ref = Some("https://me:hunter2@host.example/x".into());
        })),
        35 => {
            for bad in ["", "\n", &"a".repeat(64), &"A".repeat(64), "../../x\n"] {
                scratch.write(ref_path, bad);
                assert_variants(&current(), &["Ref", "Damaged"], bad);
            }
            scratch.write(ref_path, format!("{} ", letter("A")));
            Box::new(current())
        }
        36 => {
            scratch.write(ref_path, format!("{}\n", letter("A")));
            Box::new(current())
        }
        37 => {
            let other = scratch.put(&EngineEntry::new("vllm", "0.9.2", 1));
            scratch.write(ref_path, format!("{other}\n"));
            Box::new(current())
        }
        38 => {
            scratch.put(&entry(1));
            let put = catalog.put_if(&entry(2), Expect::Absent, &stamp());
            Box::new(put.unwrap_err())
        }
        39 => {
            let good = expand("1 put - A me");
            scratch.write(history_path, format!("{good}\nbad\n{good}\n"));
            Box::new(catalog.history(&name()).unwrap_err())
        }
        48 => {
            let id = scratch.put(&entry(1));
            scratch.write(scratch.object(&id), &good[1..]);
            Box::new(current())
        }
        49 => {
            let other = scratch.put(&EngineEntry::new("vllm", "0.9.2", 1));
            let own = scratch.put(&entry(1));
            let lines = format!("1 put - {other} me\n2 put {other} {own} me\n");
            scratch.write(history_path, lines);
            Box::new(catalog.rollback(&name(), None, &stamp()).unwrap_err())
        }
        47 => {
            scratch.write(history_path, format!("{}\n", expand("1 put A B me")));
            Box::new(catalog.history(&name()).unwrap_err())
        }
        40 => {
            scratch.put(&entry(1));
            let rolled_back = catalog.rollback(&name(), Some(letter("A")), &stamp());
            Box::new(rolled_back.unwrap_err())
        }
        41 => {
            let first = scratch.put(&entry(1));
            scratch.put(&entry(2));
            fs::remove_file(scratch.object(&first)).unwrap();
            Box::new(catalog.rollback(&name(), None, &stamp()).unwrap_err())
        }
        42 => {
            scratch.put(&entry(1));
            Box::new(catalog.rollback(&name(), None, &stamp()).unwrap_err())
        }
        43 => {
            scratch.put(&entry(1));
            let mut other = EngineEntry::new("vllm", "0.9.2", 1);
            other.id = entry(1).id;
            scratch.put(&other);
            Box::new(catalog.get(&other.id).unwrap_err())
        }
        44 => {
            for end in ["00", "01"] {
                scratch.write(format!("objects/ab/{}{end}", "0".repeat(60)), "");
            }
            Box::new(catalog.resolve(&"ab00".parse().unwrap()).unwrap_err())
        }
        45 => Box::new("A".repeat(64).parse::<ObjectId>().unwrap_err()),
        46 => Box::new("a".repeat(63).parse::<ObjectId>().unwrap_err()),
        other => {
            let provoked = rejected_sets::provoke(other);
            let provoked = provoked.or_else(|| rejected_attachments::provoke(other));
            let provoked = provoked.or_else(|| crate::garbage::provoke(other));
            #[cfg(feature = "signatures")]
            let provoked = provoked.or_else(|| crate::policies::provoke(other));
            #[cfg(feature = "retention")]
            let provoked = provoked.or_else(|| crate::retention::provoke(other));
            // Who cannot judge signatures does not write to a catalog with a policy.
            #[cfg(not(feature = "signatures"))]
            if [73, 74].contains(&other) {
                return None;
            }
            #[cfg(not(feature = "retention"))]
            if other == 75 {
                return None;
            }
            assert!(
                provoked.is_some(),
                "row {other} of section 11 is not checked"
            );
            return provoked;
        }
    };
    Some(error)
}

#[test]
fn rejected_input_gives_the_errors_of_section_11() {
    let rows = table("## 11 Rejected input");
    let mut number = 0;
    for row in rows.iter().filter(|row| row[0] != "no.") {
        number += 1;
        assert_eq!(row[0], number.to_string(), "the rows are numbered");
        let variants: Vec<_> = quoted(&row[2])
            .into_iter()
            .map(|path| path.split_once("::").unwrap().1)
            .collect();
        assert!(!variants.is_empty(), "{row:?}");
        if let Some(error) = provoke(number) {
            assert_variants(&error, &variants, &row[1]);
        }
    }
    assert_eq!(number, 77);
}
