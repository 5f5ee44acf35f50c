//! The files that are recorded: what they may be, what their digest has to be, how they are named.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use engine_catalog::{Algorithm, ArtifactError, EntryError, Error, ErrorKind, PreparedEngine};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::recording::{BLAKE3_ABC, Build, SHA256_ABC, prepared, record};
use super::support::{Home, listing, stamp};

const SHA512_ABC: &str = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

/// Requires that recording fails for the artifact, and writes nothing.
fn refused(home: &Home, prepared: &PreparedEngine) -> ArtifactError {
    let before = listing(home.catalog.root());
    let result = home.catalog.record(prepared, &stamp(1));
    assert_eq!(listing(home.catalog.root()), before);
    match result {
        Err(Error::Artifact(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn given_digest_has_to_be_that_of_the_first_file() {
    let (home, build) = (Home::new(), Build::new());
    for (digest, algorithm) in [
        (BLAKE3_ABC, Algorithm::Blake3),
        (SHA256_ABC, Algorithm::Sha256),
        (SHA512_ABC, Algorithm::Sha512),
    ] {
        let given = |digest: &str| PreparedEngine {
            digest: Some(digest.to_owned()),
            version: algorithm.name().to_owned(),
            ..build.prepared(1)
        };
        if !cfg!(feature = "sha2") && algorithm != Algorithm::Blake3 {
            let error = refused(&home, &given(digest));
            assert!(matches!(error, ArtifactError::Unsupported(found) if found == algorithm));
            continue;
        }
        let wrong = format!("{}0", &digest[..digest.len() - 1]);
        let error = refused(&home, &given(&wrong));
        let ArtifactError::Mismatch {
            path,
            expected,
            found,
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(
            (path, expected, &*found),
            (build.at("llama-server"), wrong, digest)
        );

        let entry = record(&home, &given(digest)).entry;
        assert_eq!(entry.digest.as_deref(), Some(digest));
        assert_eq!(entry.id, format!("llamacpp:{algorithm}@{digest}"));
    }
}

#[test]
fn digest_of_an_unknown_algorithm_is_kept_as_given() {
    let (home, build) = (Home::new(), Build::new());
    let digest = "git-tree:4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    let given = PreparedEngine {
        digest: Some(digest.into()),
        ..build.prepared(1)
    };
    let recorded = record(&home, &given);
    assert_eq!(recorded.entry.digest.as_deref(), Some(digest));
}

#[test]
fn artifacts_have_to_be_regular_files() {
    let (home, build) = (Home::new(), Build::new());
    for (kind, name) in [(FileType::Fifo, "fifo"), (FileType::Socket, "socket")] {
        mknodat(CWD, build.at(name), kind, Mode::from_raw_mode(0o600), 0).unwrap();
    }
    symlink(build.at("fifo"), build.at("link-to-fifo")).unwrap();
    symlink(build.at("nothing"), build.at("link-to-nothing")).unwrap();
    fs::create_dir(build.at("dir")).unwrap();
    // Each first and second, which is not hashed.
    let both = |bad: &str| {
        [
            prepared(vec![build.at(bad)], 1),
            prepared(vec![build.at("llama-server"), build.at(bad)], 1),
        ]
    };
    for (bad, found) in [
        ("fifo", "fifo"),
        ("link-to-fifo", "fifo"),
        ("socket", "socket"),
        ("dir", "dir"),
    ] {
        for prepared in both(bad) {
            let error = refused(&home, &prepared);
            assert!(
                matches!(&error, ArtifactError::NotAFile(path) if *path == build.at(found)),
                "{error:?}"
            );
        }
    }
    for missing in ["nothing", "link-to-nothing", "llama-server/x"] {
        for prepared in both(missing) {
            let error = refused(&home, &prepared);
            assert!(
                matches!(&error, ArtifactError::Path(error) if error.path == build.at(missing)),
                "{error:?}"
            );
        }
    }
    assert!(matches!(
        refused(&home, &prepared(vec![], 1)),
        ArtifactError::None
    ));
}

#[test]
fn file_that_changes_while_it_is_hashed_is_not_recorded() {
    let (home, build) = (Home::new(), Build::new());
    let record = |change: &dyn Fn()| {
        let mut is_first = true;
        let mut progress = |_: engine_catalog::Progress<'_>| {
            if std::mem::take(&mut is_first) {
                change();
            }
        };
        let error = home
            .catalog
            .record_with_progress(&build.prepared(1), &stamp(1), &mut progress);
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        error
    };
    let [server, library] = ["llama-server", "libggml.so"].map(|file| build.at(file));
    for changed in [&server, &library] {
        let error = record(&|| fs::write(changed, "abcd").unwrap());
        assert!(matches!(&error, Error::Artifact(ArtifactError::Changed(path)) if path == changed));
        // Another file of the same name is another file, too.
        let other = build.at("other");
        fs::write(&other, "abcde").unwrap();
        let error = record(&|| fs::rename(&other, changed).unwrap());
        assert!(matches!(&error, Error::Artifact(ArtifactError::Changed(path)) if path == changed));
    }
    // Which shows first, the change or the absence, is left open.
    let error = record(&|| fs::remove_file(&library).unwrap());
    assert!(matches!(
        error,
        Error::Artifact(ArtifactError::Changed(_) | ArtifactError::Path(_))
    ));
}

#[test]
fn paths_are_resolved_and_each_file_is_named_once() {
    let (home, build) = (Home::new(), Build::new());
    fs::create_dir(build.at("sub")).unwrap();
    symlink("llama-server", build.at("current")).unwrap();
    symlink(build.0.path(), build.at("sub/up")).unwrap();
    fs::hard_link(build.at("libggml.so"), build.at("libggml.so.0")).unwrap();
    let files = [
        "sub/../current",
        "libggml.so",
        "sub/up/sub/up/llama-server",
        "libggml.so.0",
        "sub/up/libggml.so",
    ];
    let recorded = record(
        &home,
        &prepared(files.map(|file| build.at(file)).to_vec(), 1),
    );
    let expected = ["llama-server", "libggml.so", "libggml.so.0"].map(|file| build.at(file));
    assert_eq!(recorded.entry.artifacts, expected);
    assert_eq!(recorded.entry.digest.as_deref(), Some(BLAKE3_ABC));
    // The same build, however its files are named.
    let plain = record(&home, &prepared(expected.to_vec(), 2));
    assert!(plain.put.is_unchanged());
}

#[test]
fn path_that_only_turns_out_not_to_be_utf8_is_refused() {
    let (home, build) = (Home::new(), Build::new());
    let odd = build.at("x").with_file_name(OsStr::from_bytes(b"\xff"));
    fs::rename(build.at("llama-server"), &odd).unwrap();
    symlink(&odd, build.at("llama-server")).unwrap();
    let before = listing(home.catalog.root());
    let result = home.catalog.record(&build.prepared(1), &stamp(1));
    let Err(Error::Entry { cause, .. }) = result else {
        panic!("{result:?}")
    };
    assert_eq!(cause, EntryError::NotUtf8 { path: odd });
    assert_eq!(listing(home.catalog.root()), before);
}
