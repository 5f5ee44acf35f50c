//! Section 1: what is where, and how large it may be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use engine_catalog::{Cause, Change, Error, Name, ObjectError, Op, Schema, Snapshot};

use crate::document::{LAYOUT, assert_says, letter, lines, quoted};
use crate::scratch::{Scratch, entry, name};

#[test]
fn creating_makes_what_section_1_says_with_the_modes_it_says() {
    let scratch = Scratch::new();
    let sentence = LAYOUT
        .split("\n- ")
        .find(|item| item.starts_with("Creating a catalog makes"))
        .unwrap();
    let sentence = sentence.split("(section").next().unwrap();
    let said: BTreeSet<_> = quoted(sentence)
        .into_iter()
        .map(|name| name.trim_end_matches('/').to_owned())
        .collect();
    let made: BTreeSet<_> = fs::read_dir(scratch.catalog.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(made, said);
    assert_eq!(fs::read(scratch.at("lock")).unwrap(), b"");

    // The umask of this process, as the files that are not objects show it.
    let probe = scratch.outside().join("probe");
    fs::write(&probe, "").unwrap();
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777;
    let by_umask = mode(&probe);
    scratch.put(&entry(1));
    for file in walkdir::WalkDir::new(scratch.catalog.root()) {
        let file = file.unwrap();
        let below = file.path().strip_prefix(scratch.catalog.root()).unwrap();
        if !file.file_type().is_file() {
            continue;
        }
        let expected = if below.starts_with("objects") {
            0o444
        } else {
            by_umask
        };
        assert_eq!(mode(file.path()), expected, "{}", below.display());
    }
}

#[test]
fn limits_are_those_that_the_library_enforces() {
    let mut limits: BTreeMap<String, u64> = BTreeMap::new();
    for line in lines("limits") {
        let (what, bytes) = line.split_once(' ').unwrap();
        limits.insert(what.to_owned(), bytes.trim().parse().unwrap());
    }
    let too_large = |result: Result<(), Error>, limit: u64| match result {
        Err(
            Error::Path(error)
            | Error::Ref(engine_catalog::RefError::Path(error))
            | Error::History(engine_catalog::HistoryError::Path(error))
            | Error::Object(engine_catalog::ReadObjectError::Path(error)),
        ) => match error.cause {
            Cause::TooLarge { limit: found, .. } => assert_eq!(found, limit),
            other => panic!("{other:?}"),
        },
        Err(Error::Object(engine_catalog::ReadObjectError::Refused {
            cause: ObjectError::TooLarge { limit: found, .. },
            ..
        })) => assert_eq!(found, limit),
        other => panic!("{other:?}"),
    };
    let scratch = Scratch::new();
    let id = scratch.put(&entry(1));
    for (what, limit) in &limits {
        let over = limit + 1;
        match what.as_str() {
            "format" => {
                let marker = fs::read(scratch.at("format")).unwrap();
                scratch.write_size("format", over);
                too_large(scratch.open().map(drop), *limit);
                scratch.write("format", marker);
            }
            "ref" => {
                scratch.write_size("refs/llamacpp/b4321", over);
                too_large(scratch.catalog.current(&name()).map(drop), *limit);
                scratch.write("refs/llamacpp/b4321", format!("{id}\n"));
            }
            "history" => {
                scratch.write_size("history/llamacpp/b4321", over);
                too_large(scratch.catalog.history(&name()).map(drop), *limit);
            }
            tag => {
                let schema = Schema::ALL.iter().find(|schema| schema.tag() == tag);
                assert_eq!(schema.expect(tag).max_bytes(), *limit, "{tag}");
                if schema == Some(&Schema::EngineEntry1) {
                    scratch.write_size(scratch.object(&id), over);
                    too_large(scratch.catalog.entry(&id).map(drop), *limit);
                }
            }
        }
    }
    let kinds = Schema::ALL.len();
    assert_eq!(limits.len(), kinds + 3, "a limit is missing or unknown");
}

#[test]
fn numbers_in_the_prose_follow_from_the_limits() {
    let grouped = |n: u64| {
        let digits = n.to_string();
        let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
        groups
            .iter()
            .map(|group| std::str::from_utf8(group).unwrap())
            .collect::<Vec<_>>()
            .join(",")
    };
    let (entry, snapshot) = (
        Schema::EngineEntry1.max_bytes(),
        Schema::Snapshot1.max_bytes(),
    );
    assert_says(&format!(
        "An entry has at most {} bytes (1 MiB).",
        grouped(entry)
    ));
    // The count of so many members takes four bytes more than that of none.
    let empty = Snapshot::default().encode().unwrap().len() as u64;
    let one = Snapshot {
        objects: [letter("A")].into(),
    };
    let member = one.encode().unwrap().len() as u64 - empty;
    let members = (snapshot - empty - 4) / member;
    assert!(members > 0xffff, "the count takes four bytes");
    assert_says(&format!(
        "A snapshot has at most {} bytes (64 MiB), which is {} members.",
        grouped(snapshot),
        grouped(members)
    ));
    assert_says(&format!(
        "No object of any kind has more than {} bytes (64 MiB).",
        grouped(snapshot)
    ));
    let longest = Change {
        at_ms: i64::MIN,
        op: Op::Rollback,
        old: Some(letter("A")),
        new: Some(letter("B")),
        actor: Name::new(&"a".repeat(255)).unwrap(),
    };
    let bytes = longest.to_string().len() + 1;
    assert_says(&format!("a line has at most {bytes} bytes with its `LF`"));
}
