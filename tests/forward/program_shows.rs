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

#[test]
fn compare_shows_a_line_for_each_that_differs_and_one_if_none_does() {
    let ours = with(&[("b1", "-O3"), ("b2", "-O3"), ("b4", "-O3")]);
    let theirs = with(&[("b1", "-O2"), ("b3", "-O2"), ("b4", "-O3")]);
    let source = theirs.root().display().to_string();
    assert_snapshot!(ours.shows(&["compare", &source]), @"
    conflict   llamacpp  b1  be5f42f2a377  ad801c3209c0  build_flags
    only-here  llamacpp  b2  7b673847a847  -
    created    llamacpp  b3  -             15c4af65dd47
    | compare: 1 same, 1 created, 1 conflict, 1 only-here
    [exit status 1]
    ");
    assert_snapshot!(ours.shows(&["compare", &source, "--json"]), @r#"
    {"standing":"conflict","engine":"llamacpp","version":"b1","ours":"be5f42f2a3779aef622ddc6b356f9d9f32cb615a2216f3de88dd6ffefeecbf0c","theirs":"ad801c3209c01cde339874a81cf7d7d794c24124b873067a7eedb704620416b0","differences":[{"field":"build_flags","kind":"flags","changed":[],"removed":["-O3"],"added":["-O2"]}]}
    {"standing":"only-here","engine":"llamacpp","version":"b2","ours":"7b673847a847e48873e617a2a1c371f081a85ae862d1faa89b4a4efa0a98a5e8","theirs":null,"differences":null}
    {"standing":"created","engine":"llamacpp","version":"b3","ours":null,"theirs":"15c4af65dd47411cbfa75e2db89d58f846c14232055ae9a1bb0cab7f84ccc78f","differences":null}
    | compare: 1 same, 1 created, 1 conflict, 1 only-here
    [exit status 1]
    "#);
    for program in [&ours, &theirs] {
        assert_eq!(program.stdout(&["retire", "llamacpp/b1"]).1, 0);
    }
    assert_eq!(ours.stdout(&["retire", "llamacpp/b2"]).1, 0);
    assert_eq!(theirs.stdout(&["retire", "llamacpp/b3"]).1, 0);
    let shown = ours.shows(&["compare", &source]);
    let (id, _) = ours.stdout(&["snapshot", "create", "--print-id"]);
    assert_snapshot!(shown, @"equal  49ea0df45977b3e0f13771773a119d6c5870bb9574e418c701e34968bf3bd6d7");
    assert!(shown.trim().ends_with(id.trim()), "{id}");
    assert_snapshot!(ours.shows(&["compare", &source, "--json"]), @r#"{"standing":"equal","snapshot":"49ea0df45977b3e0f13771773a119d6c5870bb9574e418c701e34968bf3bd6d7"}"#);
    fs::write(theirs.root().join("refs/llamacpp/b4"), "damaged").unwrap();
    let (shown, status) = ours.stdout(&["compare", &source]);
    assert_eq!((&*shown, status), ("", 3));
}
