//! The examples of `layout.md`, given to the reader that was made from it.

use crate::document::{blocks, expand, json_string, letter, lines};
use crate::dump::undump;
use crate::reader::{
    Access, Attachment, Entry, File, Manifest, Object, check_name, committed, decode_name,
    encode_name, judge_marker, leads_to, parse_history, parse_line, parse_object, undo,
};

#[test]
fn reader_judges_the_markers_of_section_2() {
    for line in lines("markers") {
        let (marker, expected) = json_string(&line);
        let found = match judge_marker(marker.as_bytes()) {
            Ok(Access::ReadWrite) => "read and write".to_owned(),
            Ok(Access::ReadOnly(feature)) => format!("read only: {feature}"),
            Err(why) => format!("refused: {why:?}"),
        };
        assert_eq!(found, expected, "{marker:?}");
    }
}

#[test]
fn reader_knows_the_names_of_section_3() {
    for line in lines("names") {
        let (name, file_name) = json_string(&line);
        assert_eq!(check_name(&name), Ok(()), "{name:?}");
        assert_eq!(encode_name(&name), file_name);
        assert_eq!(decode_name(file_name), Some(name));
    }
    for line in lines("refused-names") {
        let (part, rest) = json_string(&line);
        let (times, expected) = match rest.strip_prefix("* ") {
            Some(rest) => rest.split_once(' ').unwrap(),
            None => ("1", rest),
        };
        let found = check_name(&part.repeat(times.parse().unwrap()));
        assert_eq!(format!("{:?}", found.unwrap_err()), expected.trim());
    }
    for file_name in lines("foreign-names") {
        assert_eq!(decode_name(&file_name), None, "{file_name:?}");
    }
}

#[test]
fn reader_decodes_the_dumps_of_section_4() {
    let [entry, empty, three, manifest, attachment] = &blocks("dump")[..] else {
        panic!("other dumps than of an entry, two snapshots, a manifest and an attachment");
    };
    let parse = |dump: &str| {
        let id = dump.trim_end().rsplit(' ').next().unwrap();
        parse_object(&undump(dump), id, None).unwrap()
    };
    let described = Entry {
        id: "llamacpp:b4321".into(),
        digest: None,
        engine: "llamacpp".into(),
        version: "b4321".into(),
        artifacts: vec!["/opt/x".into()],
        build_ref: None,
        created_ms: 1_758_240_000_000,
        build_flags: Some(vec![]),
    };
    assert_eq!(parse(entry), Object::Entry(described));
    assert_eq!(parse(empty), Object::Snapshot(vec![]));
    let Object::Snapshot(members) = parse(three) else {
        panic!("no snapshot");
    };
    assert_eq!(members.len(), 3);
    let file = File {
        mode: 0o755,
        path: "/opt/x".into(),
        size: 3,
        blake3: blake3::hash(b"abc").as_bytes().to_vec(),
    };
    let described = Manifest {
        files: vec![file],
        subject: blake3::hash(&undump(entry)).as_bytes().to_vec(),
    };
    assert_eq!(parse(manifest), Object::Manifest(described));
    let described = Attachment {
        name: Some("note.txt".into()),
        payload: b"abc".to_vec(),
        subject: blake3::hash(&undump(entry)).as_bytes().to_vec(),
        media_type: "text/plain".into(),
    };
    assert_eq!(parse(attachment), Object::Attachment(described));
}

#[test]
fn reader_parses_the_lines_of_section_6() {
    for line in lines("history-lines") {
        assert!(parse_line(format!("{line}\n").as_bytes()).is_some());
    }
    for line in lines("refused-history-lines") {
        let line = format!("{}\n", expand(&line));
        assert_eq!(parse_line(line.as_bytes()), None);
    }
}

/// What a ref holds, by the line that says so.
fn held(line: &str) -> Option<String> {
    let text = line.split(' ').nth(1).unwrap();
    (text != "none").then(|| letter(text).to_string())
}

#[test]
fn reader_walks_the_histories_of_section_6() {
    for walk in blocks("history-walks")[0].split("\n\n") {
        let (all, kept): (Vec<_>, Vec<_>) = walk
            .lines()
            .filter_map(|line| {
                line.strip_prefix("+ ")
                    .map(|it| (it, true))
                    .or(line.strip_prefix("- ").map(|it| (it, false)))
            })
            .map(|(line, is_kept)| {
                let line = expand(line) + "\n";
                (line.clone(), is_kept.then_some(line))
            })
            .unzip();
        let lines = |texts: Vec<String>| parse_history(texts.concat().as_bytes()).unwrap();
        let (all, kept) = (lines(all), lines(kept.into_iter().flatten().collect()));
        let held_now = held(walk.lines().next().unwrap());
        assert!(leads_to(&all, held_now.as_deref()), "{walk}");
        assert_eq!(committed(all, held_now), kept, "{walk}");
        assert_eq!(undo(&kept), held(walk.lines().last().unwrap()), "{walk}");
    }
    for text in blocks("disconnected-histories")[0].split("\n\n") {
        let (first, rest) = text.split_once('\n').unwrap();
        let rest: String = rest.lines().map(|line| expand(line) + "\n").collect();
        let lines = parse_history(rest.as_bytes()).unwrap();
        assert!(!leads_to(&lines, held(first).as_deref()), "{text}");
    }
}
