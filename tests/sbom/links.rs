//! What a document says of an entry.

use engine_catalog::{EngineEntry, Linkage, Untold, Verdict};
use serde_json::json;

use crate::samples::*;
use crate::support::{Home, name};

/// What a document says of the engine of two files.
fn of_both(document: &serde_json::Value) -> Linkage {
    let home = Home::new();
    link(&home.catalog, &record(&home, &FILES), document)
}

/// How many files are named, and how many are not.
fn counts(linkage: &Linkage) -> (usize, usize) {
    (linkage.named.len(), linkage.unnamed.len())
}

#[test]
fn files_are_named_by_their_hashes_whatever_they_are_called() {
    let both = [
        ("x", "SHA256", SERVER_SHA256),
        ("y", "SHA256", LIBRARY_SHA256),
    ];
    let linkage = of_both(&spdx(&both));
    assert_eq!(linkage.verdict, Verdict::NamesFiles);
    assert_eq!(counts(&linkage), (2, 0));

    let linkage = of_both(&spdx(&both[..1]));
    assert_eq!(linkage.verdict, Verdict::NamesFiles);
    assert_eq!(counts(&linkage), (1, 1));
    assert!(linkage.named[0].ends_with("/bin/server"), "{linkage:?}");
    assert!(linkage.unnamed[0].ends_with("/lib/ggml.so"), "{linkage:?}");

    let linkage = of_both(&spdx(&[("z", "SHA256", OTHER)]));
    assert_eq!(linkage.verdict, Verdict::NamesNone);
    assert_eq!(counts(&linkage), (0, 2));
}

#[test]
fn every_algorithm_that_files_are_compared_by_names_them() {
    for (algorithm, value) in [
        ("SHA-256", SERVER_SHA256),
        ("SHA-512", SERVER_SHA512),
        ("BLAKE3", SERVER_BLAKE3),
    ] {
        let linkage = of_both(&cyclonedx("file", "x", "", (algorithm, value)));
        assert_eq!(counts(&linkage), (1, 1), "{algorithm}");
        assert!(linkage.named[0].ends_with("/bin/server"), "{linkage:?}");
    }
}

#[test]
fn strongest_hash_decides_where_a_document_gives_several() {
    let hashes = |sha256: &str, sha512: &str| {
        json!([{"algorithm": "SHA256", "checksumValue": sha256},
               {"algorithm": "SHA512", "checksumValue": sha512}])
    };
    let mut document = spdx(&[("x", "SHA256", OTHER)]);
    document["files"][0]["checksums"] = hashes(OTHER, SERVER_SHA512);
    assert_eq!(counts(&of_both(&document)), (1, 1));
    document["files"][0]["checksums"] = hashes(SERVER_SHA256, &"0".repeat(128));
    assert_eq!(counts(&of_both(&document)), (0, 2));
}

#[test]
fn digest_of_the_entry_is_named_by_any_component() {
    let home = Home::new();
    let record = record_with(&home, &FILES, Some(&format!("sha256:{SERVER_SHA256}")));
    for document in [
        spdx(&[("x", "SHA256", SERVER_SHA256)]),
        cyclonedx("library", "x", "1", ("SHA-256", SERVER_SHA256)),
        statement(&[("x", OTHER), ("y", SERVER_SHA256)]),
    ] {
        let linkage = link(&home.catalog, &record, &document);
        assert_eq!(linkage.verdict, Verdict::NamesDigest, "{document}");
    }
}

#[test]
fn file_of_the_same_path_and_another_hash_is_a_contradiction() {
    for called in ["./lib/ggml.so", "ggml.so", "/lib/ggml.so"] {
        let document = spdx(&[
            ("bin/server", "SHA256", SERVER_SHA256),
            (called, "SHA256", OTHER),
        ]);
        let linkage = of_both(&document);
        assert_eq!(linkage.verdict, Verdict::Contradicts, "{called}");
        let [found] = &*linkage.contradictions else {
            panic!("{linkage:?}");
        };
        assert_eq!(found.name, called);
        assert!(found.path.as_ref().unwrap().ends_with("/lib/ggml.so"));
        assert_eq!(found.says, format!("sha256:{OTHER}"));
        assert_eq!(found.recorded, format!("sha256:{LIBRARY_SHA256}"));
    }
    // Each is there, under the name of the other.
    let swapped = spdx(&[
        ("server", "SHA256", LIBRARY_SHA256),
        ("ggml.so", "SHA256", SERVER_SHA256),
    ]);
    assert_eq!(of_both(&swapped).contradictions.len(), 2);
}

#[test]
fn name_that_may_be_of_another_file_contradicts_nothing() {
    let other_place = spdx(&[("share/ggml.so", "SHA256", OTHER)]);
    assert_eq!(of_both(&other_place).verdict, Verdict::NamesNone);
    // The longer path is that of the file.
    let of_two = [
        ("ggml.so", "SHA256", OTHER),
        ("lib/ggml.so", "SHA256", LIBRARY_SHA256),
    ];
    assert_eq!(of_both(&spdx(&of_two)).verdict, Verdict::NamesFiles);

    let home = Home::new();
    let twice = [("a/__init__.py", SERVER), ("b/__init__.py", LIBRARY)];
    let record = record(&home, &twice);
    let ambiguous = spdx(&[("__init__.py", "SHA256", OTHER)]);
    assert_eq!(
        link(&home.catalog, &record, &ambiguous).verdict,
        Verdict::NamesNone
    );
}

#[test]
fn hashes_that_prove_nothing_are_not_compared() {
    let sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";
    let linkage = of_both(&spdx(&[("bin/server", "SHA1", sha1), ("x", "MD5", "00")]));
    let algorithms = vec!["md5".to_owned(), "sha1".to_owned()];
    let expected = Verdict::CannotTell(Untold::OtherHashes { algorithms });
    assert_eq!(linkage.verdict, expected);
    assert_eq!(
        of_both(&spdx(&[])).verdict,
        Verdict::CannotTell(Untold::NoHashes)
    );
}

#[test]
fn statement_of_another_thing_contradicts_an_entry_that_is_one_thing() {
    let home = Home::new();
    let image = EngineEntry {
        digest: Some(format!("sha256:{SERVER_SHA256}")),
        artifacts: vec!["registry.example/vllm:1".into()],
        ..EngineEntry::new("vllm", "1", 1)
    };
    home.put(&image);
    let image = home.catalog.current(&name("vllm/1")).unwrap().unwrap();
    let one = record(&home, &FILES[..1]);
    for record in [&image, &one] {
        let linkage = link(&home.catalog, record, &statement(&[("vllm", OTHER)]));
        assert_eq!(linkage.verdict, Verdict::Contradicts, "{}", record.name());
        assert_eq!(linkage.contradictions[0].path, None);
        assert_eq!(linkage.contradictions[0].says, format!("sha256:{OTHER}"));
        assert_eq!(
            linkage.contradictions[0].recorded,
            format!("sha256:{SERVER_SHA256}")
        );
        let right = statement(&[("other", OTHER), ("vllm", SERVER_SHA256)]);
        let linkage = link(&home.catalog, record, &right);
        assert_eq!(linkage.contradictions, [], "{}", record.name());
    }
    // It may be about the package that the files came in.
    assert_eq!(
        of_both(&statement(&[("b1.tar.gz", OTHER)])).verdict,
        Verdict::NamesNone
    );
}

#[test]
fn package_of_the_same_name_and_version_is_compared_with_an_entry_that_is_one_thing() {
    let home = Home::new();
    let one = record(&home, &FILES[..1]);
    let hash = ("SHA-256", OTHER);
    for (name, version, expected) in [
        ("llamacpp", "b1", Verdict::Contradicts),
        ("llamacpp", "b2", Verdict::NamesNone),
        ("ggml", "b1", Verdict::NamesNone),
    ] {
        let document = cyclonedx("library", name, version, hash);
        let linkage = link(&home.catalog, &one, &document);
        assert_eq!(linkage.verdict, expected, "{name} {version}");
    }
    let document = cyclonedx("library", "llamacpp", "b1", hash);
    assert_eq!(of_both(&document).verdict, Verdict::NamesNone);
}

#[test]
fn nothing_is_told_of_an_entry_of_which_nothing_is_known() {
    let home = Home::new();
    home.put(&EngineEntry::new("vllm", "1", 1));
    let record = home.catalog.current(&name("vllm/1")).unwrap().unwrap();
    let linkage = link(&home.catalog, &record, &statement(&[("vllm", OTHER)]));
    assert_eq!(linkage.verdict, Verdict::CannotTell(Untold::NothingKnown));
}
