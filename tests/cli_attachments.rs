//! Attaching documents, finding them and taking them off, by the program.

#[path = "support/program.rs"]
mod program;

use std::fs;

use insta::assert_snapshot;
use program::Program;

const ENTRY: &str =
    r#"{"id":"llamacpp:b1","engine":"llamacpp","version":"b1","artifacts":[],"created_ms":1}"#;

/// A catalog with an entry, and files to attach.
fn prepared() -> Program {
    let program = Program::with_catalog();
    program.shows_with_input(&["put"], ENTRY);
    for (file, content) in [
        ("sbom.json", &b"{\"spdx\": 1}\xff\0"[..]),
        ("NOTES.md", b"# b1\n"),
    ] {
        fs::write(program.dir().join(file), content).expect("there is room");
    }
    program
}

fn shows(program: &Program, line: &str) -> String {
    program.shows(&line.split(' ').collect::<Vec<_>>())
}

/// Attaches a file, and returns the object that is printed.
fn attach(program: &Program, line: &str) -> String {
    let shown = shows(program, &format!("attach {line}"));
    let object = shown.trim_end();
    assert!(object.len() == 64 && !object.contains('\n'), "{shown}");
    object.to_owned()
}

/// The entry, with both files attached.
fn with_both() -> (Program, [String; 2]) {
    let program = prepared();
    let sbom = "llamacpp/b1 --media-type application/json sbom.json";
    let notes = "llamacpp/b1 --media-type text/markdown NOTES.md";
    let objects = [sbom, notes].map(|line| attach(&program, line));
    (program, objects)
}

#[test]
fn documents_are_attached_listed_and_printed_byte_for_byte() {
    let (program, [sbom, notes]) = with_both();
    assert_snapshot!(shows(&program, "attachments llamacpp/b1"), @"
    520eda59a5044d3641decf0cc69c6224e51b771c10959bb85ca249afe425a510  text/markdown     5   NOTES.md
    f30aa52644423f807856c992d4652af4833bf4ccdc6aa3231426a7af9118f546  application/json  13  sbom.json
    ");
    assert_snapshot!(shows(&program, "attachments llamacpp/b1 --type text/markdown"), @"520eda59a5044d3641decf0cc69c6224e51b771c10959bb85ca249afe425a510  text/markdown  5  NOTES.md");
    assert_eq!(
        shows(&program, "attachments llamacpp/b1 --type text/plain"),
        ""
    );
    let printed = program.output(&["attachments", "get", &sbom[..8]], b"");
    assert_eq!(printed.stdout, b"{\"spdx\": 1}\xff\0");
    assert_eq!(
        shows(&program, &format!("attachments get {notes} -o copy")),
        ""
    );
    let copy = fs::read(program.dir().join("copy")).expect("it was written");
    assert_eq!(copy, b"# b1\n");
    // Again: nothing changes.
    let again = "llamacpp:b1 --media-type application/json sbom.json";
    assert_eq!(attach(&program, again), sbom);
    assert_eq!(program.json("--json attachments llamacpp/b1").len(), 2);
}

#[test]
fn json_has_the_keys_that_the_readme_promises() {
    let program = prepared();
    let line = "--json attach llamacpp/b1 --media-type text/markdown NOTES.md";
    let attached = &program.json(line)[0];
    let listed = &program.json("--json attachments llamacpp/b1")[0];
    assert_eq!(listed, attached);
    assert_snapshot!(attached, @r#"{"bytes":5,"media_type":"text/markdown","name":"NOTES.md","object":"520eda59a5044d3641decf0cc69c6224e51b771c10959bb85ca249afe425a510","subject":"4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33"}"#);
    let object = attached["object"].as_str().expect("it is a hash");
    let removed = program.json(&format!("--json attachments remove {object}"));
    assert_eq!(&removed[0], attached);
    let nameless = program.shows_with_input(
        &[
            "--json",
            "attach",
            "llamacpp/b1",
            "--media-type",
            "text/plain",
            "-",
        ],
        "from a pipe",
    );
    assert!(nameless.contains(r#""name":null,"bytes":11"#), "{nameless}");
}

#[test]
fn snapshot_and_document_are_named_as_entries_are() {
    let (program, [sbom, _]) = with_both();
    shows(&program, "snapshot create before");
    let of_snapshot = attach(&program, "before --media-type text/markdown NOTES.md");
    let of_sbom = attach(
        &program,
        &format!("{} --media-type text/plain --name it NOTES.md", &sbom[..9]),
    );
    let listed = program.json("--json attachments before");
    assert_eq!(listed[0]["object"], *of_snapshot);
    let listed = program.json(&format!("--json attachments {sbom}"));
    assert_eq!(
        (&listed[0]["object"], &listed[0]["name"]),
        (&of_sbom.into(), &"it".into())
    );
    let why = shows(&program, &format!("why {sbom}"));
    assert!(why.contains("application/json of 13 bytes about"), "{why}");
}

/// A snapshot may have the name of a command.
#[test]
fn subject_that_is_called_like_a_command_comes_after_two_dashes() {
    for name in ["get", "remove"] {
        let program = prepared();
        shows(&program, &format!("snapshot create {name}"));
        attach(
            &program,
            &format!("{name} --media-type text/markdown --name {name} NOTES.md"),
        );
        let listed = shows(&program, &format!("attachments -- {name}"));
        assert!(
            listed.contains(name) && listed.lines().count() == 1,
            "{listed}"
        );
    }
}

#[test]
fn document_is_taken_off_and_can_still_be_printed() {
    let (program, [sbom, _]) = with_both();
    assert_eq!(
        shows(&program, &format!("attachments remove {sbom}")),
        format!("{sbom}\n")
    );
    assert_eq!(program.json("--json attachments llamacpp/b1").len(), 1);
    assert!(
        shows(&program, &format!("attachments remove {}", &sbom[..8]))
            .contains("is not attached to")
    );
    let printed = program.output(&["attachments", "get", &sbom], b"");
    assert!(printed.status.success() && !printed.stdout.is_empty());
}

#[test]
fn what_cannot_be_done_is_told_with_what_to_do() {
    let (program, [sbom, _]) = with_both();
    let entry = program.json("--json get llamacpp/b1")[0]["object"]
        .as_str()
        .map(str::to_owned);
    let entry = entry.expect("it is a hash");
    fs::write(
        program.dir().join("key"),
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl",
    )
    .expect("there is room");
    fs::write(program.dir().join("a\nb"), "x").expect("there is room");
    let large = fs::File::create(program.dir().join("large")).expect("there is room");
    large.set_len((64 << 20) + 1).expect("there is room");
    let refused = |args: &[&str]| {
        let shown = program.shows(args).replace(&entry, "[ENTRY]");
        format!(
            "$ {}\n{shown}",
            args.join(" ")
                .escape_debug()
                .to_string()
                .replace(&entry, "[ENTRY]")
        )
    };
    let media_type = ["--media-type", "text/plain"];
    let attach =
        |spec: &str, file: &str| refused(&[&["attach", spec], &media_type[..], &[file]].concat());
    let shown = [
        attach("llamacpp/b2", "NOTES.md"),
        attach("llamacpp/b1", "absent"),
        attach("llamacpp/b1", "key"),
        attach("llamacpp/b1", "a\nb"),
        attach("llamacpp/b1", "large"),
        refused(&[
            "attach",
            "llamacpp/b1",
            "--media-type",
            "Text/Plain",
            "NOTES.md",
        ]),
        refused(&["attachments"]),
        refused(&["attachments", "llamacpp/b2"]),
        refused(&["attachments", "get", "llamacpp/b1"]),
        refused(&["attachments", "get", "abcdabcd"]),
        refused(&["attachments", "get", &entry]),
        refused(&["attachments", "remove", &entry]),
        refused(&["attachments", "get", &sbom[..8], "--json"]),
        refused(&["attachments", "get", &sbom[..8], "-o", "NOTES.md"]),
        refused(&["attachments", "get", &sbom[..8], "-o", "absent/x"]),
    ];
    assert_snapshot!(shown.join("\n"), @r#"
    $ attach llamacpp/b2 --media-type text/plain NOTES.md
    | error: nothing is found for "llamacpp/b2": tried engine/version, id, name of a snapshot and object id
    [exit status 1]

    $ attach llamacpp/b1 --media-type text/plain absent
    | error: cannot read absent: No such file or directory (os error 2)
    [exit status 1]

    $ attach llamacpp/b1 --media-type text/plain key
    | error: key: it contains a private key, which could not be taken back: attach the public one, or leave it out
    [exit status 1]

    $ attach llamacpp/b1 --media-type text/plain a\nb
    | error: the name of FILE, for which --name may give another, is refused: it contains the control character '\n'
    [exit status 2]

    $ attach llamacpp/b1 --media-type text/plain large
    | error: large: it has 67108974 bytes, of at most 67108864
    [exit status 1]

    $ attach llamacpp/b1 --media-type Text/Plain NOTES.md
    | error: invalid value 'Text/Plain' for '--media-type <TYPE>': "Text/Plain" is no media type: expected type/subtype in lower case, such as application/spdx+json, each part of 1 to 127 of the characters a-z 0-9 ! # $ & - ^ _ . + and the first a letter or digit
    | 
    | For more information, try '--help'.
    [exit status 2]

    $ attachments
    | error: the following required arguments were not provided:
    |   <SPEC>
    | 
    | Usage: engine-catalog attachments <SPEC>
    | 
    | For more information, try '--help'.
    [exit status 2]

    $ attachments llamacpp/b2
    | error: nothing is found for "llamacpp/b2": tried engine/version, id, name of a snapshot and object id
    [exit status 1]

    $ attachments get llamacpp/b1
    | error: "llamacpp/b1" is no object id, and not the first digits of one (four or more): `attachments SPEC` lists what is attached, each with its object
    [exit status 2]

    $ attachments get abcdabcd
    | error: there is no object abcdabcd
    [exit status 1]

    $ attachments get [ENTRY]
    | error: object [ENTRY] is refused: it is of kind engine-entry/1, expected attachment/1
    [exit status 1]

    $ attachments remove [ENTRY]
    | error: object [ENTRY] is refused: it is of kind engine-entry/1, expected attachment/1
    [exit status 1]

    $ attachments get f30aa526 --json
    | error: a document is printed as it is: leave --json out; `attachments SPEC --json` describes it
    [exit status 2]

    $ attachments get f30aa526 -o NOTES.md
    | error: NOTES.md is there already: name another file
    [exit status 1]

    $ attachments get f30aa526 -o absent/x
    | error: cannot write absent/x: No such file or directory (os error 2)
    [exit status 3]
    "#);
    let notes = fs::read(program.dir().join("NOTES.md")).expect("it is there");
    assert_eq!(notes, b"# b1\n", "it is not replaced");
    assert_eq!(program.json("--json attachments llamacpp/b1").len(), 2);
}

#[test]
fn damaged_document_is_told_among_the_others() {
    let (program, [sbom, notes]) = with_both();
    let file = program
        .root()
        .join("objects")
        .join(&sbom[..2])
        .join(&sbom[2..]);
    fs::remove_file(&file).expect("it is there");
    let missing = shows(&program, "attachments llamacpp/b1");
    assert_snapshot!(missing, @"
    520eda59a5044d3641decf0cc69c6224e51b771c10959bb85ca249afe425a510  text/markdown  5  NOTES.md
    | error: object f30aa52644423f807856c992d4652af4833bf4ccdc6aa3231426a7af9118f546, which is attached to 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33, is missing
    | hint: `attach` of the same document heals it, and so does `heal --from` another catalog that has the object; `attachments remove --from` takes it off
    | error: something could not be read
    [exit status 3]
    ");
    fs::write(&file, "damaged").expect("there is room");
    let damaged = shows(&program, "attachments llamacpp/b1");
    assert_snapshot!(damaged, @"
    520eda59a5044d3641decf0cc69c6224e51b771c10959bb85ca249afe425a510  text/markdown  5  NOTES.md
    | error: what is attached to 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33 cannot be read: object f30aa52644423f807856c992d4652af4833bf4ccdc6aa3231426a7af9118f546 is refused: its content hashes to 1edaff300ed3affdde799aa5903be746478016b455846bfd6b08c4474f7fe70d
    | hint: `attach` of the same document heals it, and so does `heal --from` another catalog that has the object; `attachments remove --from` takes it off
    | error: something could not be read
    [exit status 3]
    ");
    assert!(missing.contains(&notes) && damaged.contains(&notes));
    // Attaching it again heals it.
    attach(
        &program,
        "llamacpp/b1 --media-type application/json sbom.json",
    );
    assert!(shows(&program, "attachments llamacpp/b1").contains(&sbom));
}

#[test]
fn document_that_cannot_be_read_is_taken_off_by_what_it_is_attached_to() {
    let (program, [sbom, notes]) = with_both();
    let file = |id: &str| program.root().join("objects").join(&id[..2]).join(&id[2..]);
    fs::remove_file(file(&sbom)).expect("it is there");
    fs::remove_file(file(&notes)).expect("it is there");
    fs::write(file(&notes), "damaged").expect("there is room");
    assert_snapshot!(shows(&program, &format!("attachments remove {sbom}")), @"
    | error: there is no object f30aa52644423f807856c992d4652af4833bf4ccdc6aa3231426a7af9118f546
    [exit status 1]
    ");
    let remove = |object: &str| format!("--json attachments remove {object} --from llamacpp/b1");
    let removed = program.json(&remove(&sbom[..8]));
    assert_eq!(removed[0]["object"], sbom);
    assert_eq!(removed[0]["bytes"], serde_json::Value::Null);
    let (_, status) = program.stdout(&["attachments", "remove", &notes, "--from", "llamacpp/b1"]);
    assert_eq!(status, 0);
    assert_eq!(shows(&program, "attachments llamacpp/b1"), "");
    assert_snapshot!(shows(&program, "attachments remove f30aa526 --from llamacpp/b1"), @"
    | error: f30aa526 is not attached to 4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33
    [exit status 1]
    ");
    assert_snapshot!(shows(&program, "attachments remove it --from llamacpp/b1"), @r#"
    | error: "it" is no object: 'i' is not a lower-case hexadecimal digit
    [exit status 2]
    "#);
}
