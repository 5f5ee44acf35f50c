//! Holds `layout.md` to the library: every example, limit and error in it is checked through the
//! public API. An example is a fenced block whose info string says how it is read; editing one, or
//! changing what the library does with it, fails here.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "layout_md/document.rs"]
mod document;
#[path = "layout_md/dump.rs"]
mod dump;
#[path = "layout_md/rejected.rs"]
mod rejected;
#[path = "layout_md/scratch.rs"]
mod scratch;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use engine_catalog::{
    Cause, Change, EngineEntry, Error, Expect, MarkerError, Name, Object, ObjectError, Op, Schema,
    Snapshot, encode_entry,
};

use document::{LAYOUT, assert_says, blocks, expand, json_string, letter, lines, quoted, table};
use dump::{dump, undump};
use rejected::assert_variants;
use scratch::{Scratch, entry, name, object_path, stamp};

const VECTORS: &str = include_str!("vectors.json");

// ---- the text itself ---------------------------------------------------------------------------

#[test]
fn every_section_that_the_sources_cite_exists() {
    let headings: BTreeSet<_> = LAYOUT
        .lines()
        .filter(|line| line.starts_with("## ") || line.starts_with("### "))
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    let sources = walkdir::WalkDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut cited = 0;
    for file in sources.into_iter().map(Result::unwrap) {
        if file.path().extension().is_none_or(|end| end != "rs") {
            continue;
        }
        let text = fs::read_to_string(file.path()).unwrap();
        let words = text.replace("//!", " ").replace("///", " ");
        let words: Vec<_> = words.split_whitespace().collect();
        for window in words.windows(2) {
            if window[0] != "section" && window[0] != "sections" {
                continue;
            }
            let number = window[1].trim_matches(|c: char| !c.is_ascii_digit());
            // Those of RFC 8949 and of layout.md cannot be confused.
            if number.is_empty() || number == "4.2.1" {
                continue;
            }
            cited += 1;
            assert!(
                headings.contains(number),
                "{} cites section {number}",
                file.path().display()
            );
        }
    }
    assert!(cited > 5, "only {cited} citations were found");
    for section in 1..=13 {
        assert!(headings.contains(section.to_string().as_str()), "{section}");
    }
}

#[test]
fn every_example_block_is_checked() {
    let known = [
        "",
        "ebnf",
        "cddl", // read by people
        "limits",
        "markers",
        "names",
        "refused-names",
        "foreign-names",
        "dump",
        "history-lines",
        "refused-history-lines",
        "history-walks",
        "disconnected-histories",
    ];
    let mut inside = false;
    for line in LAYOUT.lines() {
        if let Some(info) = line.strip_prefix("```") {
            inside = !inside;
            assert!(!inside || known.contains(&info), "nothing checks {info:?}");
        }
    }
}

// ---- section 1 ---------------------------------------------------------------------------------

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
    let made: BTreeSet<_> = fs::read_dir(scratch.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(made, said);
    assert_eq!(fs::read(scratch.path("lock")).unwrap(), b"");

    // The umask of this process, as the files that are not objects show it.
    let probe = scratch.dir.path().join("probe");
    fs::write(&probe, "").unwrap();
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777;
    let by_umask = mode(&probe);
    scratch.put(&entry(1));
    for file in walkdir::WalkDir::new(scratch.path("")) {
        let file = file.unwrap();
        let below = file.path().strip_prefix(scratch.path("")).unwrap();
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
                let marker = fs::read(scratch.path("format")).unwrap();
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
                let schema = Schema::ALL.into_iter().find(|schema| schema.tag() == tag);
                assert_eq!(schema.expect(tag).max_bytes(), *limit, "{tag}");
                if schema == Some(Schema::EngineEntry1) {
                    scratch.write_size(object_path(&id).to_str().unwrap(), over);
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

// ---- section 2 ---------------------------------------------------------------------------------

#[test]
fn markers_are_judged_as_section_2_says() {
    let scratch = Scratch::new();
    let mut seen = BTreeSet::new();
    for line in lines("markers") {
        let (marker, expected) = json_string(&line);
        scratch.write("format", &marker);
        let found = match scratch.open() {
            Ok(catalog) => match catalog.put(&entry(1), &stamp()) {
                Ok(_) => "read and write".to_owned(),
                Err(Error::ReadOnlyFeature { feature, .. }) => {
                    catalog.get("llamacpp:b4321").unwrap();
                    format!("read only: {feature}")
                }
                Err(other) => panic!("{marker:?}: {other:?}"),
            },
            Err(Error::Format { source, .. }) => {
                let variant = match source {
                    MarkerError::NotAMarker => "NotAMarker",
                    MarkerError::Version { .. } => "Version",
                    MarkerError::Feature { .. } => "Feature",
                    MarkerError::Line { .. } => "Line",
                    other => panic!("{other:?}"),
                };
                format!("refused: {variant}")
            }
            Err(other) => panic!("{marker:?}: {other:?}"),
        };
        assert_eq!(found, expected, "{marker:?}");
        seen.insert(found);
    }
    assert_eq!(seen.len(), 6, "an outcome has no example: {seen:?}");
}

#[test]
fn new_catalog_has_the_first_marker_of_the_examples() {
    let scratch = Scratch::new();
    let (first, _) = json_string(&lines("markers")[0]);
    assert_eq!(fs::read_to_string(scratch.path("format")).unwrap(), first);
}

// ---- section 3 ---------------------------------------------------------------------------------

#[test]
fn names_and_file_names_stand_for_each_other() {
    for line in lines("names") {
        let (text, file_name) = json_string(&line);
        let name = Name::new(&text).unwrap();
        assert_eq!(name.to_file_name(), file_name, "{text:?}");
        assert_eq!(Name::from_file_name(file_name), Some(name), "{file_name}");
    }
}

#[test]
fn names_become_the_paths_of_refs_and_histories() {
    let scratch = Scratch::new();
    for line in lines("names") {
        let (text, file_name) = json_string(&line);
        scratch.put(&EngineEntry::new("llamacpp", &text, 1));
        for top in ["refs", "history"] {
            let path = scratch.path(top).join("llamacpp").join(file_name);
            assert!(path.is_file(), "{}", path.display());
        }
        if !text.contains('/') {
            scratch.put(&EngineEntry::new(&text, "b4321", 1));
            let path = scratch.path("refs").join(file_name).join("b4321");
            assert!(path.is_file(), "{}", path.display());
        }
    }
}

#[test]
fn texts_that_are_no_names_are_refused() {
    for line in lines("refused-names") {
        let (part, rest) = json_string(&line);
        let (times, expected) = match rest.strip_prefix("* ") {
            Some(rest) => rest.split_once(' ').unwrap(),
            None => ("1", rest),
        };
        let text = part.repeat(times.parse().unwrap());
        let error = Name::new(&text).unwrap_err();
        assert_variants(&error, &[expected.trim()], &line);
    }
}

#[test]
fn foreign_file_names_stand_for_nothing_and_are_passed_over() {
    let scratch = Scratch::new();
    let current = scratch.put(&entry(1));
    for file_name in lines("foreign-names") {
        assert_eq!(Name::from_file_name(&file_name), None, "{file_name:?}");
        scratch.write(format!("refs/llamacpp/{file_name}"), "foreign");
        scratch.write(format!("refs/{file_name}/b1"), "foreign");
        scratch.write(format!("objects/{file_name}"), "foreign");
    }
    scratch.write("refs/a%2Fb/1", "foreign");
    let listed = scratch.catalog.list(&engine_catalog::Filter::default());
    let listed: Vec<_> = listed
        .unwrap()
        .map(|record| record.unwrap().object)
        .collect();
    assert_eq!(listed, [current]);
}

// ---- section 4 ---------------------------------------------------------------------------------

#[test]
fn dumps_are_the_known_answers() {
    let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
    let vector = |kind: &str, name: &str| {
        let vectors = vectors[kind].as_array().unwrap();
        let vector = vectors.iter().find(|vector| vector["name"] == name);
        let hex = vector.unwrap()["cbor"].as_str().unwrap();
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(byte).collect::<Vec<u8>>()
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
    let tags = Schema::ALL.map(|schema| format!("`{}`", schema.tag()));
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

// ---- section 6 ---------------------------------------------------------------------------------

#[test]
fn history_lines_are_parsed_and_written_as_they_are() {
    for line in lines("history-lines") {
        let change: Change = line.parse().expect(&line);
        assert_eq!(change.to_string(), line);
    }
}

#[test]
fn other_history_lines_are_refused() {
    let good: Result<Change, _> = expand("1 put - A me").parse();
    assert!(good.is_ok());
    for line in lines("refused-history-lines") {
        assert!(expand(&line).parse::<Change>().is_err(), "{line:?}");
    }
}

#[test]
fn lines_that_took_effect_and_undo_are_those_of_the_examples() {
    let walks = &blocks("history-walks")[0];
    let mut walked = 0;
    for walk in walks.split("\n\n") {
        let scratch = Scratch::new();
        let (mut all, mut kept, mut undo) = (String::new(), Vec::new(), None);
        for line in walk.lines() {
            match line.split_once(' ').unwrap() {
                ("ref", "none") => {}
                ("ref", id) => scratch.write("refs/llamacpp/b4321", format!("{}\n", letter(id))),
                ("undo", "none") => undo = Some(None),
                ("undo", id) => undo = Some(Some(letter(id))),
                (sign @ ("+" | "-"), line) => {
                    let line = expand(line);
                    all.push_str(&format!("{line}\n"));
                    if sign == "+" {
                        kept.push(line);
                    }
                }
                _ => panic!("{line}"),
            }
        }
        scratch.write("history/llamacpp/b4321", &all);
        let history = scratch.catalog.history(&name()).unwrap();
        let found: Vec<_> = history.iter().map(ToString::to_string).collect();
        assert_eq!(found, kept, "{walk}");

        // The objects are not there, so rolling back says where it would have gone.
        let target = match scratch.catalog.rollback(&name(), None, &stamp()) {
            Err(Error::Gone { object, .. }) => Some(object),
            Err(Error::NoEarlierEntry { .. }) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(Some(target), undo, "{walk}");

        // A torn end is passed over, and a malformed line before another is not.
        for torn in ["1 put", "\0\0\0\0\n", "1 put - A me\n"] {
            scratch.write("history/llamacpp/b4321", format!("{all}{torn}"));
            let history = scratch.catalog.history(&name()).unwrap();
            assert_eq!(history.len(), kept.len(), "{torn:?}");
            scratch.write("history/llamacpp/b4321", format!("{torn}\n{all}"));
            assert!(scratch.catalog.history(&name()).is_err(), "{torn:?}");
        }
        walked += 1;
    }
    assert!(walked >= 5, "{walked}");
}

#[test]
fn undo_leads_further_back_after_an_entry_was_put_retired_and_put_again() {
    let scratch = Scratch::new();
    let first = scratch.put(&entry(1));
    scratch.put(&entry(2));
    let retired = scratch.catalog.retire(&name(), Expect::Any, &stamp());
    retired.unwrap();
    scratch.put(&entry(2));
    let put = scratch.catalog.rollback(&name(), None, &stamp()).unwrap();
    assert_eq!(put.object, first);
}

#[test]
fn history_with_a_second_hard_link_is_copied_before_anything_is_appended() {
    let scratch = Scratch::new();
    let first = scratch.put(&entry(1));
    let other = scratch.dir.path().join("backup");
    fs::hard_link(scratch.path("history/llamacpp/b4321"), &other).unwrap();
    let before = fs::read_to_string(&other).unwrap();
    let second = scratch.put(&entry(2));
    assert_eq!(fs::read_to_string(&other).unwrap(), before);
    let history = scratch.catalog.history(&name()).unwrap();
    let news: Vec<_> = history.iter().map(|change| change.new).collect();
    assert_eq!(news, [Some(first), Some(second)]);
}

#[test]
fn histories_that_do_not_lead_to_the_ref_are_refused_and_kept() {
    for text in blocks("disconnected-histories")[0].split("\n\n") {
        let (current, lines) = text.split_once('\n').unwrap();
        let scratch = Scratch::new();
        if let Some(id) = current.strip_prefix("ref ").filter(|id| *id != "none") {
            scratch.write("refs/llamacpp/b4321", format!("{}\n", letter(id)));
        }
        let lines: String = lines.lines().map(|line| expand(line) + "\n").collect();
        for torn in ["", "1 put", "\0\0\n"] {
            let kept = format!("{lines}{torn}");
            scratch.write("history/llamacpp/b4321", &kept);
            assert!(
                matches!(
                    scratch.catalog.history(&name()),
                    Err(Error::History(
                        engine_catalog::HistoryError::Disconnected { .. }
                    ))
                ),
                "{text}"
            );
            scratch.put(&entry(1));
            let after = fs::read_to_string(scratch.path("history/llamacpp/b4321")).unwrap();
            assert!(after.starts_with(&kept), "{after:?}");
            assert!(
                after[kept.len()..]
                    .trim_start_matches('\n')
                    .starts_with("1 put "),
                "{after:?}"
            );
            // For the next round.
            let held = current.strip_prefix("ref ").unwrap();
            if held == "none" {
                fs::remove_file(scratch.path("refs/llamacpp/b4321")).unwrap();
            } else {
                scratch.write("refs/llamacpp/b4321", format!("{}\n", letter(held)));
            }
        }
    }
}

#[test]
fn rollback_to_an_entry_of_another_name_is_refused() {
    let scratch = Scratch::new();
    let own = scratch.put(&entry(1));
    let other = scratch.put(&EngineEntry::new("vllm", "0.9.2", 1));
    scratch.write(
        "history/llamacpp/b4321",
        format!("1 put - {other} me\n2 put {other} {own} me\n"),
    );
    assert!(scratch.catalog.rollback(&name(), None, &stamp()).is_err());
    assert!(scratch.catalog.current(&name()).is_ok());
}

#[test]
fn change_whose_line_would_exceed_the_limit_of_a_history_is_refused() {
    let scratch = Scratch::new();
    let line = format!("\n{}\n", expand("1 put - A me"));
    let size = (64 << 20) - line.len() as u64;
    scratch.write_size("history/llamacpp/b4321", size);
    let history = fs::File::options()
        .append(true)
        .open(scratch.path("history/llamacpp/b4321"));
    std::io::Write::write_all(&mut history.unwrap(), line.as_bytes()).unwrap();
    assert!(scratch.catalog.put(&entry(1), &stamp()).is_err());
}
