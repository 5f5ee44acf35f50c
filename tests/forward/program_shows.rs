//! What a person sees of choosing.

use std::fs;

use insta::assert_snapshot;

use crate::program::Program;

fn build(version: &str, flag: &str) -> String {
    format!(
        r#"{{"id": "llamacpp:{version}", "engine": "llamacpp", "version": "{version}",
        "build_flags": ["{flag}"], "artifacts": [], "created_ms": 1}}"#
    )
}

/// A catalog with these builds, each a version and a flag.
fn with(builds: &[(&str, &str)]) -> Program {
    let program = Program::with_catalog();
    for (version, flag) in builds {
        let output = program.output(&["put"], build(version, flag).as_bytes());
        assert!(output.status.success());
    }
    program
}

#[test]
fn import_shows_what_was_chosen_and_history_where_it_came_from() {
    let theirs = with(&[("b1", "-O2"), ("b2", "-O2"), ("b3", "-O2")]);
    let ours = with(&[("b1", "-O3"), ("b2", "-O3"), ("b3", "-O3")]);
    let source = theirs.root().display().to_string();
    let choose = [
        "--prefer",
        "llamacpp/b1=theirs",
        "--prefer",
        "llamacpp/b2=ours",
    ];
    let args = |more: &[&'static str]| {
        let args = ["import", &source].map(str::to_owned);
        let more = more.iter().map(|it| (*it).to_owned());
        args.into_iter().chain(more).collect::<Vec<_>>()
    };
    let shows = |more: &[&'static str]| {
        let args = args(more);
        ours.shows(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut dry = choose.to_vec();
    dry.push("--dry-run");
    assert_snapshot!(shows(&dry), @"
    theirs    llamacpp  b1  be5f42f2a377  ad801c3209c0  build_flags
    ours      llamacpp  b2  7b673847a847  eba8b734105b  build_flags
    conflict  llamacpp  b3  7a56faf37323  15c4af65dd47  build_flags
    | would import: 0 created, 0 forward, 0 same, 0 kept, 1 conflict, 1 ours, 1 theirs
    | hint: `--prefer ENGINE/VERSION=theirs`, or =ours, chooses
    [exit status 1]
    ");
    assert_snapshot!(shows(&choose), @"
    theirs    llamacpp  b1  be5f42f2a377  ad801c3209c0  build_flags
    ours      llamacpp  b2  7b673847a847  eba8b734105b  build_flags
    conflict  llamacpp  b3  7a56faf37323  15c4af65dd47  build_flags
    | import: 0 created, 0 forward, 0 same, 0 kept, 1 conflict, 1 ours, 1 theirs
    | hint: `diff OURS THEIRS` shows how they differ
    | hint: `--prefer ENGINE/VERSION=theirs`, or =ours, chooses
    [exit status 1]
    ");
    assert_snapshot!(shows(&["--prefer", "newest", "--prefer", "llamacpp/b3=none"]), @"
    conflict  llamacpp  b3  7a56faf37323  15c4af65dd47  build_flags
    | import: 0 created, 0 forward, 1 same, 1 kept, 1 conflict
    | hint: `diff OURS THEIRS` shows how they differ
    | hint: `--prefer ENGINE/VERSION=theirs`, or =ours, chooses
    [exit status 1]
    ");
    let history = fs::read_to_string(ours.root().join("history/llamacpp/b1")).unwrap();
    let actor = history.lines().last().unwrap().rsplit(' ').next().unwrap();
    let actor = engine_catalog::Name::from_file_name(actor).unwrap();
    assert!(
        actor.as_str().ends_with(&format!(" from {source}")),
        "{actor}"
    );
}

#[test]
fn choices_that_make_no_sense_are_wrong_usage() {
    let program = with(&[]);
    for choice in ["mine", "llamacpp=theirs", "=ours", "llamacpp/b1="] {
        assert_eq!(
            program.stdout(&["import", ".", "--prefer", choice]).1,
            2,
            "{choice}"
        );
    }
    let both = ["import", ".", "--prefer", "ours", "--prefer", "theirs"];
    assert_snapshot!(program.shows(&both), @"
    | error: --prefer says ours and theirs of all
    [exit status 2]
    ");
    fs::write(program.dir().join("index.json"), "[]").unwrap();
    assert_snapshot!(program.shows(&["import", "index.json", "--prefer", "ours"]), @"
    | error: --prefer is for a bundle or a catalog; this is an index
    [exit status 2]
    ");
}
