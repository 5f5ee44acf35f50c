//! Section 1: what is where, and how large it may be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use engine_catalog::{
    Cause, Change, Error, Filter, HistoryError, Keep, Members, Name, ObjectError, ObjectId, Op,
    ReadObjectError, RefError, Schema, Snapshot, SnapshotError,
};

use crate::document::{LAYOUT, assert_says, blocks, letter, lines, quoted};
use crate::scratch::{Scratch, attached, entry, name, prepared, stamp};
use crate::support::files;

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
    fill(&scratch);
    let files = files(scratch.catalog.root());
    for below in &files {
        let is_read_only = ["objects/", "blobs/"]
            .iter()
            .any(|top| below.starts_with(top));
        let expected = if is_read_only { 0o444 } else { by_umask };
        assert_eq!(mode(&scratch.at(below)), expected, "{below}");
    }
    let links = files.iter().filter(|path| path.starts_with("attachments/"));
    for link in links {
        assert_eq!(fs::read(scratch.at(link)).unwrap(), b"", "{link}");
    }
}

/// Makes a file of every kind that writers make and leave.
fn fill(scratch: &Scratch) {
    scratch.put(&entry(1));
    let engine = prepared(scratch, 2);
    let recorded = scratch.catalog.record(&engine, &stamp()).unwrap();
    let record = recorded.record();
    let stored = scratch.catalog.store_files(&record, &mut |_| {});
    assert!(stored.is_ok());
    let members = Members::Current(Filter::default());
    let name = Name::new("before the upgrade").unwrap();
    let snapshot = scratch.catalog.create_snapshot(&members, Some(&name));
    assert!(snapshot.is_ok());
}

/// Whether a path is of the form that a line of section 1 gives.
fn is_of_form(path: &str, form: &str) -> bool {
    let is_hex = |text: &str, digits: usize| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        text.len() == digits && text.bytes().all(is_digit)
    };
    let (path, form): (Vec<_>, Vec<_>) = (path.split('/').collect(), form.split('/').collect());
    path.len() == form.len()
        && path.iter().zip(form).all(|(part, form)| match form {
            "<hh>" => is_hex(part, 2),
            "<62 hex>" => is_hex(part, 62),
            "<64 hex>" => is_hex(part, 64),
            "<any name>" => true,
            "<engine>" | "<version>" | "<name>" => Name::from_file_name(part).is_some(),
            plain => *part == plain,
        })
}

#[test]
fn everything_that_is_made_has_a_place_in_section_1_and_every_place_is_used() {
    let scratch = Scratch::new();
    fill(&scratch);
    let tree = &blocks("")[0];
    let forms = tree.lines().filter(|line| !line.starts_with(' '));
    let forms: Vec<_> = forms
        .map(|line| line.split("  ").next().unwrap().trim())
        .collect();
    let mut used = BTreeSet::new();
    for path in files(scratch.catalog.root()) {
        let form = forms.iter().find(|form| is_of_form(&path, form));
        used.insert(*form.unwrap_or_else(|| panic!("{path} has no place")));
    }
    let unused = forms.iter().filter(|form| !used.contains(*form));
    let unused: Vec<_> = unused.copied().collect();
    let only_sometimes = [
        "quarantine/<any name>",
        "tmp/<any name>",
        "cache/<any name>",
        "peers",
        "policy",
        "retention.toml",
        "removed",
    ];
    assert_eq!(unused, only_sometimes);
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
            | Error::Ref(RefError::Path(error))
            | Error::History(HistoryError::Path(error))
            | Error::Snapshot(SnapshotError::Path(error)),
        ) => match error.cause {
            Cause::TooLarge { limit: found, .. } => assert_eq!(found, limit),
            other => panic!("{other:?}"),
        },
        Err(Error::Object(cause) | Error::UnreadableAttachment { cause, .. }) => match cause {
            ReadObjectError::Refused {
                cause: ObjectError::TooLarge { limit: found, .. },
                ..
            } => assert_eq!(found, limit),
            other => panic!("{other:?}"),
        },
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
            "named-snapshot" => {
                scratch.write_size("snapshots/x", over);
                too_large(scratch.catalog.find_snapshot("x").map(drop), *limit);
            }
            // The library reads it where it judges signatures.
            #[cfg(feature = "signatures")]
            "policy" => {
                scratch.write_size(what, over);
                too_large(scratch.catalog.policy().map(drop), *limit);
                scratch.write(what, "");
            }
            #[cfg(not(feature = "signatures"))]
            "policy" => {}
            #[cfg(feature = "retention")]
            "retention.toml" => {
                scratch.write_size(what, over);
                too_large(scratch.catalog.retention().map(drop), *limit);
            }
            #[cfg(not(feature = "retention"))]
            "retention.toml" => {}
            "peers" => {
                scratch.write_size("peers", over);
                too_large(scratch.catalog.peers().map(drop), *limit);
            }
            "removed" => {
                // Nothing depends on it: one that is too large tells nothing.
                let gone = ObjectId::of(b"gone");
                scratch.write("removed", format!("1 object {gone} {gone} me\n"));
                let file = fs::File::options().write(true).open(scratch.at("removed"));
                let file = file.unwrap();
                for (size, is_told) in [(*limit, true), (over, false)] {
                    file.set_len(size).unwrap();
                    let why = scratch.catalog.why(&gone, &Keep::new(0)).unwrap();
                    assert_eq!(why.removed.is_some(), is_told, "{size}");
                }
                scratch.write("removed", "");
            }
            tag => {
                let schema = Schema::ALL.iter().find(|schema| schema.tag() == tag);
                let schema = schema.expect(tag);
                assert_eq!(schema.max_bytes(), *limit, "{tag}");
                scratch.write_size(scratch.object(&id), over);
                let catalog = &scratch.catalog;
                let read = match schema {
                    Schema::EngineEntry1 => catalog.entry(&id).map(drop),
                    Schema::Snapshot1 => catalog.snapshot(&id).map(drop),
                    Schema::Artifacts1 => {
                        scratch.write(attached(&letter("A"), &id), "");
                        catalog.manifests(&letter("A")).map(drop)
                    }
                    Schema::Attachment1 => catalog.attachment(&id).map(drop),
                    other => panic!("{other}"),
                };
                too_large(read, *limit);
            }
        }
    }
    let kinds = Schema::ALL.len();
    assert_eq!(limits.len(), kinds + 8, "a limit is missing or unknown");
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
        "A manifest has at most {} bytes (64 MiB).",
        grouped(Schema::Artifacts1.max_bytes())
    ));
    assert_says(&format!(
        "An attachment has at most {} bytes (64 MiB), of which the document is somewhat less.",
        grouped(Schema::Attachment1.max_bytes())
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
