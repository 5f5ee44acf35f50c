//! What can be wrong with a manifest, and with a file of it.

use engine_catalog::{Manifest, ManifestError, ManifestFile, ObjectError, ObjectId, Schema};

use super::any_kind;
use super::attachments::raw_attachment;
use super::kinds::{raw_entry, raw_snapshot};
use super::raw::{Cases, RawMap, array, bytes, head, not_canonical, shape, text};

/// A manifest of one file.
pub(crate) fn manifest() -> Manifest {
    let file = ManifestFile {
        mode: 0o755,
        size: 3,
        blake3: ObjectId::from_bytes([0xcc; 32]),
    };
    Manifest {
        subject: ObjectId::from_bytes([0xdd; 32]),
        files: [("/opt/x".to_owned(), file)].into(),
    }
}

fn raw_file() -> RawMap {
    RawMap(vec![
        ("mode", head(0, 0o755)),
        ("path", text("/opt/x")),
        ("size", head(0, 3)),
        ("blake3", bytes(&[0xcc; 32])),
    ])
}

fn with_files(files: &[Vec<u8>]) -> RawMap {
    RawMap(vec![
        ("files", array(files)),
        ("schema", text("artifacts/1")),
        ("subject", bytes(&[0xdd; 32])),
    ])
}

pub(crate) fn raw_manifest() -> RawMap {
    let map = with_files(&[raw_file().encode()]);
    assert_eq!(map.encode(), manifest().encode().unwrap());
    map
}

/// Bytes that are no manifest.
pub(crate) fn manifest_cases() -> Cases {
    let base = raw_manifest();
    let mut cases = any_kind::cases(&base);
    for subject in [vec![0xdd; 31], vec![0xdd; 33], vec![]] {
        let what = format!("a subject of {} bytes", subject.len());
        cases.add(what, base.with("subject", bytes(&subject)), shape());
    }
    let hex = base.with("subject", text(&"dd".repeat(32)));
    cases.add("a subject in hexadecimal", hex, shape());
    for (what, paths) in [
        ("in descending order", &["/b", "/a"][..]),
        ("unsorted", &["/a", "/c", "/b"]),
        ("in the order of their lengths", &["/b", "/aa"]),
        ("twice", &["/a", "/a"]),
        ("twice among others", &["/a", "/b", "/b", "/c"]),
    ] {
        let files = paths.iter();
        let files: Vec<_> = files.map(|it| raw_file().with("path", text(it))).collect();
        let bytes = with_files(&files).encode();
        cases.add(
            format!("paths {what}"),
            bytes,
            ManifestError::Unsorted.into(),
        );
    }
    for case in file_cases().0 {
        let what = format!("in a file: {}", case.what);
        let manifest = with_files(&[case.bytes]);
        cases.add(what, manifest.encode(), case.error);
    }
    // Not only the first is looked at.
    let files = [
        raw_file().encode(),
        raw_file().with("path", text("relative")),
    ];
    let path = "relative".into();
    let error = ManifestError::Path { path };
    cases.add("a second file", with_files(&files).encode(), error.into());
    let expected = Schema::Artifacts1;
    for (other, found) in [
        (raw_entry(), Schema::EngineEntry1),
        (raw_snapshot(&[]), Schema::Snapshot1),
        (raw_attachment(), Schema::Attachment1),
    ] {
        let wrong_kind = ObjectError::WrongKind { expected, found };
        cases.add(format!("{found}"), other.encode(), wrong_kind.clone());
        let tagged = base.with("schema", text(found.tag()));
        cases.add(format!("the schema {found}"), tagged, wrong_kind);
    }
    cases
}

/// What is no file of a manifest.
fn file_cases() -> Cases {
    let mut cases = Cases::default();
    let base = raw_file();
    any_kind::fields(&base, &mut cases);
    for at in 1..base.0.len() {
        let mut swapped = base.clone();
        swapped.0.swap(at - 1, at);
        let what = format!("fields {} and {at} swapped", at - 1);
        cases.add(what, swapped.encode(), not_canonical());
    }
    cases.add("an unknown key", base.and("zzzzzzz", [0]), shape());
    cases.add(
        "a tag",
        [&[0xc1], &base.encode()[..]].concat(),
        not_canonical(),
    );
    let indefinite = [&[0xbf], &base.fields()[..], &[0xff]].concat();
    cases.add("indefinite length", indefinite, not_canonical());
    let values: Vec<_> = base.0.iter().map(|(_, value)| value.clone()).collect();
    cases.add("an array of the values", array(&values), not_canonical());
    cases.add(
        "a number as key",
        base.with_key("mode", &[0]),
        not_canonical(),
    );
    for path in ["", "opt/x", "./opt/x", "/opt\0/x", "/\0"] {
        let error = ManifestError::Path { path: path.into() };
        let file = base.with("path", text(path));
        cases.add(format!("path {path:?}"), file, error.into());
    }
    let path = || "/opt/x".to_owned();
    for mode in [0o10000, 0o100_755, u32::MAX] {
        let file = base.with("mode", head(0, mode.into()));
        let error = ManifestError::Mode { path: path(), mode };
        cases.add(format!("mode {mode}"), file, error.into());
    }
    for size in [1 << 63, u64::MAX] {
        let file = base.with("size", head(0, size));
        let error = ManifestError::Size { path: path(), size };
        cases.add(format!("size {size}"), file, error.into());
    }
    for (what, number) in [
        ("-1", head(1, 0)),
        ("a bignum", [&[0xc2], &bytes(&[3])[..]].concat()),
        ("a big bignum", [&[0xc2], &bytes(&[1; 9])[..]].concat()),
    ] {
        for key in ["mode", "size"] {
            cases.add(
                format!("{key} {what}"),
                base.with(key, number.clone()),
                shape(),
            );
        }
    }
    cases.add("mode 2^32", base.with("mode", head(0, 1 << 32)), shape());
    for length in [0, 31, 33] {
        let hash = bytes(&vec![0xcc; length]);
        cases.add(
            format!("a hash of {length} bytes"),
            base.with("blake3", hash),
            shape(),
        );
    }
    let hex = base.with("blake3", text(&"cc".repeat(32)));
    cases.add("a hash in hexadecimal", hex, shape());
    let numbers = array(&vec![head(0, 0xcc); 32]);
    cases.add("a hash as an array", base.with("blake3", numbers), shape());
    cases
}
