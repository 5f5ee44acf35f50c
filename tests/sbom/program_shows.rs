//! What a person, or a script, is told: output and exit status of `sbom` and `attach`.

use std::fs;

use engine_catalog::{Attachment, Catalog, ObjectId};
use insta::assert_snapshot;
use serde_json::Value;

use crate::program::Program;
use crate::samples::*;

/// A catalog with the engine of two files, and a file for each document.
fn with_engine(documents: &[(&str, Value)]) -> Program {
    let program = Program::with_catalog();
    for (file, content) in FILES {
        let file = program.dir().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    let record = [
        "record",
        "--engine",
        "llamacpp",
        "--version",
        "b1",
        "--created-ms",
        "1",
    ];
    let files = ["--artifact", "bin/server", "lib/ggml.so"];
    assert_eq!(program.stdout(&[&record[..], &files].concat()).1, 0);
    for (file, document) in documents {
        fs::write(program.dir().join(file), document.to_string()).unwrap();
    }
    program
}

/// What a command shows, with what differs each time replaced.
fn shows(program: &Program, args: &[&str]) -> String {
    let dir = program.dir().canonicalize().unwrap();
    let shown = program.shows(args).replace(dir.to_str().unwrap(), "[DIR]");
    let is_digits = |word: &str| word.len() >= 12 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let lines = shown.lines().map(|line| match line.split_once("  ") {
        Some((object, rest)) if is_digits(object) => format!("[OBJECT]  {rest}\n"),
        _ if is_digits(line) => "[OBJECT]\n".to_owned(),
        _ => format!("{line}\n"),
    });
    lines.collect()
}

fn attach(program: &Program, args: &[&str]) -> String {
    shows(program, &[&["attach", "llamacpp/b1"], args].concat())
}

#[test]
fn document_says_itself_what_it_is_and_sbom_shows_it() {
    let both = [
        ("bin/server", "SHA256", SERVER_SHA256),
        ("ggml.so", "SHA256", LIBRARY_SHA256),
    ];
    let program = with_engine(&[
        ("any-name", spdx(&both)),
        ("one", statement(&[("x", SERVER_SHA256)])),
    ]);
    assert_snapshot!(shows(&program, &["sbom", "llamacpp/b1"]), @"
    | error: nothing that is attached to llamacpp/b1 is an SBOM or a statement
    [exit status 1]
    ");
    assert_snapshot!(attach(&program, &["any-name"]), @"[OBJECT]");
    assert_snapshot!(shows(&program, &["sbom", "llamacpp/b1"]), @"
    [OBJECT]  any-name
      SPDX 2.3: 2 files, 2 hashes
      licences: MIT (2)
      names 2 of 2 files
    ");
    attach(&program, &["one"]);
    let shown = shows(&program, &["sbom", "llamacpp/b1"]);
    let one = shown
        .split_inclusive("[OBJECT]")
        .find(|it| it.contains("Statement"))
        .unwrap();
    assert_snapshot!(one.trim_end_matches("[OBJECT]"), @"
    one
    in-toto Statement v1: SLSA provenance v1, 1 subject, 1 hash
    names 1 of 2 files
    not named: [DIR]/lib/ggml.so
    ");
    let types = program.stdout(&["attachments", "llamacpp/b1"]).0;
    assert!(
        types.contains("application/spdx+json") && types.contains("application/vnd.in-toto+json")
    );
}

#[test]
fn what_contradicts_the_entry_is_not_attached() {
    let wrong = [("server", OTHER)];
    let program = with_engine(&[
        ("wrong.json", statement(&wrong)),
        ("none.json", statement(&[("b1.tar.gz", OTHER)])),
    ]);
    assert_snapshot!(attach(&program, &["wrong.json"]), @r#"
    | error: wrong.json: it contradicts llamacpp/b1: "server" is sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 by the document, and [DIR]/bin/server is sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad; what is given as application/octet-stream is attached unread
    [exit status 1]
    "#);
    let named = ["--media-type", "application/vnd.in-toto+json", "wrong.json"];
    assert_eq!(attach(&program, &named), attach(&program, &["wrong.json"]));
    assert_eq!(program.stdout(&["attachments", "llamacpp/b1"]).0, "");
    let unread = ["--media-type", "application/octet-stream", "wrong.json"];
    assert_snapshot!(attach(&program, &unread), @"[OBJECT]");
    assert_snapshot!(attach(&program, &["none.json"]), @"
    [OBJECT]
    | note: of llamacpp/b1: names neither the digest nor a file
    ");
}

#[test]
fn what_is_not_what_it_is_called_is_not_attached() {
    let cyclonedx = cyclonedx("library", "x", "1", ("SHA-256", OTHER));
    let newer = |version| {
        let mut document = cyclonedx.clone();
        document["specVersion"] = version;
        document
    };
    let mut broken = spdx(&[]);
    broken["files"] = "x".into();
    let program = with_engine(&[
        ("bom.spdx.json", cyclonedx.clone()),
        ("newer.json", newer("1.8".into())),
        ("broken.json", broken),
        ("notes", "notes".into()),
    ]);
    let spdx = ["--media-type", "application/spdx+json"];
    assert_snapshot!(attach(&program, &["notes"]), @"
    | error: notes: it is no JSON object: it does not begin with {; say what it is by --media-type
    [exit status 1]
    ");
    assert_snapshot!(attach(&program, &["broken.json"]), @r#"
    | error: broken.json: it is SPDX, and "/files" is not as that has it: invalid type: string "x", expected a sequence; say what it is by --media-type
    [exit status 1]
    "#);
    assert_snapshot!(attach(&program, &["newer.json"]), @r#"
    | error: newer.json: it is CycloneDX "1.8", and 1.2 to 1.7 are read; say what it is by --media-type
    [exit status 1]
    "#);
    assert_snapshot!(attach(&program, &[spdx[0], spdx[1], "bom.spdx.json"]), @"
    | error: bom.spdx.json: it is not application/spdx+json: it is application/vnd.cyclonedx+json; what is given as application/octet-stream is attached unread
    [exit status 1]
    ");
    assert_snapshot!(attach(&program, &[spdx[0], spdx[1], "notes"]), @"
    | error: notes: it is not application/spdx+json: it is no JSON object: it does not begin with {; what is given as application/octet-stream is attached unread
    [exit status 1]
    ");
    assert_eq!(program.stdout(&["attachments", "llamacpp/b1"]).0, "");
    // A newer program can read it.
    let cyclonedx = [
        "--media-type",
        "application/vnd.cyclonedx+json",
        "newer.json",
    ];
    assert_snapshot!(attach(&program, &cyclonedx), @r#"
    [OBJECT]
    | note: it is attached unread: it is CycloneDX "1.8", and 1.2 to 1.7 are read
    "#);
    assert_snapshot!(shows(&program, &["sbom", "llamacpp/b1"]), @r#"
    [OBJECT]  newer.json
      cannot be told: it is CycloneDX "1.8", and 1.2 to 1.7 are read
    "#);
}

/// Attaches a document as it comes from a catalog that did not look.
fn attach_unread(program: &Program, media_type: &str, payload: &[u8]) -> ObjectId {
    let catalog = Catalog::open(program.root()).unwrap();
    let attachment = Attachment {
        subject: catalog.find("llamacpp/b1").unwrap().unwrap().object,
        media_type: media_type.parse().unwrap(),
        name: None,
        payload: payload.to_vec(),
    };
    catalog.attach(&attachment).unwrap()
}

#[test]
fn document_that_is_none_shows_in_the_exit_status() {
    let program = with_engine(&[]);
    attach_unread(&program, "application/spdx+json", b"{}");
    assert_snapshot!(shows(&program, &["sbom", "llamacpp/b1"]), @"
    [OBJECT]  -
      is not application/spdx+json: it is neither SPDX nor CycloneDX JSON, nor an in-toto statement, a DSSE envelope or a Sigstore bundle of one
    [exit status 1]
    ");
    let json = program.stdout(&["sbom", "llamacpp/b1", "--json"]).0;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["verdict"], "invalid");
}

#[test]
fn document_that_is_another_than_its_media_type_says_shows_in_the_exit_status() {
    let program = with_engine(&[]);
    let mut other = cyclonedx("library", "x", "1", ("SHA-256", OTHER));
    // Also of a version that is not read.
    let shown = ["1.6", "1.8"].map(|version| {
        other["specVersion"] = version.into();
        let text = other.to_string();
        let object = attach_unread(&program, "application/spdx+json", text.as_bytes());
        let shown = shows(&program, &["sbom", "llamacpp/b1"]);
        let json = program.stdout(&["sbom", "llamacpp/b1", "--json"]).0;
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["verdict"], "invalid");
        let removed = program.stdout(&["attachments", "remove", &object.to_string()]);
        assert_eq!(removed.1, 0);
        shown
    });
    assert_eq!(shown[0], shown[1]);
    assert_snapshot!(shown[0], @"
    [OBJECT]  -
      is not application/spdx+json: it is application/vnd.cyclonedx+json
    [exit status 1]
    ");
}

#[test]
fn attachment_that_cannot_be_read_hides_no_other() {
    let document = spdx(&[("server", "SHA256", SERVER_SHA256)]);
    let program = with_engine(&[("one", document)]);
    let lose = |payload: &[u8]| {
        let note = attach_unread(&program, "text/plain", payload);
        fs::remove_file(crate::support::object_file(&program.root(), note)).unwrap();
    };
    lose(b"gone");
    let shown = shows(&program, &["sbom", "llamacpp/b1"]);
    // That there is no SBOM cannot be told.
    assert!(!shown.contains("nothing that is attached"), "{shown}");
    assert!(shown.ends_with("[exit status 3]\n"), "{shown}");
    // What is lost is attached again, as the hint has it.
    let (object, status) = program.stdout(&["attach", "llamacpp/b1", "one"]);
    assert_eq!(status, 0);
    let file = crate::support::object_file(&program.root(), object.trim().parse().unwrap());
    fs::remove_file(file).unwrap();
    assert_snapshot!(attach(&program, &["one"]), @"[OBJECT]");
    (0..9_u8).for_each(|it| lose(&[it]));
    let (shown, status) = program.stdout(&["sbom", "llamacpp/b1"]);
    assert!(shown.contains("names 1 of 2 files"), "{shown}");
    assert_eq!(status, 3);
}

#[test]
fn contradiction_and_damage_show_in_the_exit_status() {
    let right = spdx(&[("server", "SHA256", SERVER_SHA256)]);
    let wrong = spdx(&[("ggml.so", "SHA256", OTHER)]);
    let program = with_engine(&[("right", right), ("wrong", wrong)]);
    attach(&program, &["right"]);
    let (json, status) = program.stdout(&["sbom", "llamacpp/b1", "--json"]);
    assert_eq!(status, 0);
    let json: Value = serde_json::from_str(&json).unwrap();
    let keys: Vec<_> = json.as_object().unwrap().keys().cloned().collect();
    assert_snapshot!(keys.join(" "), @"components contradictions document format identifier media_type name named object predicate_type unnamed unread verdict version");
    assert_eq!(json["verdict"], "names-files");
    assert_eq!(json["components"][0]["hashes"][0]["value"], SERVER_SHA256);

    let wrong = fs::read(program.dir().join("wrong")).unwrap();
    let object = attach_unread(&program, "application/spdx+json", &wrong);
    let shown = shows(&program, &["sbom", "llamacpp/b1"]);
    let wrong = shown
        .split_inclusive("[OBJECT]")
        .find(|it| it.contains("contradicts"))
        .unwrap();
    assert_snapshot!(wrong.trim_end_matches("[OBJECT]").replace("[exit status 1]\n", ""), @r#"
    -
    SPDX 2.3: 1 file, 1 hash
    licences: MIT (1)
    contradicts the entry
    "ggml.so" is sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 by the document, and [DIR]/lib/ggml.so is sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1
    "#);
    assert!(shown.ends_with("[exit status 1]\n"), "{shown}");

    fs::remove_file(crate::support::object_file(&program.root(), object)).unwrap();
    let shown = shows(&program, &["sbom", "llamacpp/b1"]);
    assert!(shown.contains("is missing"), "{shown}");
    assert!(shown.ends_with("[exit status 3]\n"), "{shown}");
}
