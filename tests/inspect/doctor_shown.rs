//! What a person, and a program, sees of `doctor`.

use std::fs;

use crate::program::Program;

#[test]
fn doctor_shows_each_check_in_a_line_and_exits_with_1_where_one_failed() {
    let program = Program::with_catalog();
    let (shown, status) = program.stdout(&["doctor"]);
    let line = |name: &str| {
        let mut lines = shown.lines();
        let found = lines.find(|line| line.split_whitespace().nth(1) == Some(name));
        found.unwrap_or_else(|| panic!("{name} in {shown}"))
    };
    assert_eq!(status, 0, "{shown}");
    assert_eq!(
        line("format"),
        "ok     format            format 1, no features"
    );
    assert_eq!(
        line("case"),
        "ok     case              case matters in names"
    );
    assert_eq!(line("refs"), "count  refs              0 files, 0 B");

    let (json, status) = program.stdout(&["doctor", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, &json["format"]), (0, &1.into()));
    assert_eq!(json["checks"][0]["name"], "format");

    fs::remove_dir_all(program.root().join("refs")).unwrap();
    std::os::unix::fs::symlink("/", program.root().join("refs")).unwrap();
    let (shown, status) = program.stdout(&["doctor"]);
    assert_eq!(status, 1, "{shown}");
    assert!(shown.contains("failed  directories"), "{shown}");

    fs::write(program.root().join("format"), "engine-catalog 2\n").unwrap();
    assert_eq!(program.stdout(&["doctor"]).1, 3);
}
