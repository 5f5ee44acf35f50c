//! What a person, and a script, sees of `verify`.

use std::fs;

use serde_json::Value;

use crate::assert_shows;
use crate::program::Program;

/// A catalog with one entry, and its object.
fn program() -> (Program, String) {
    let program = Program::with_catalog();
    let entry = r#"{"id": "llamacpp:b1", "engine": "llamacpp", "version": "b1",
        "artifacts": ["/opt/x"], "created_ms": 1}"#;
    let output = program.output(&["put"], entry.as_bytes());
    let object = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    (program, object)
}

fn object_file(program: &Program, object: &str) -> std::path::PathBuf {
    program
        .root()
        .join("objects")
        .join(&object[..2])
        .join(&object[2..])
}

fn spoil(program: &Program, object: &str) {
    let file = object_file(program, object);
    fs::remove_file(&file).unwrap();
    fs::write(file, "bad").unwrap();
}

fn shows(program: &Program, args: &[&str]) -> String {
    let dir = program.dir().display().to_string();
    program.shows(args).replace(&dir, "[DIR]")
}

#[test]
fn sound_catalog_is_told_in_one_line() {
    let (program, _) = program();
    assert_shows!(shows(&program, &["verify"]), @"| verify: 1 object, 95 B: 0 errors, 0 warnings, 0 notices");
    assert_shows!(shows(&program, &["verify", "--json"]), @"| verify: 1 object, 95 B: 0 errors, 0 warnings, 0 notices");
    assert_shows!(shows(&program, &["verify", "--repair"]), @"
    | repair: 0 findings repaired; now:
    | verify: 1 object, 95 B: 0 errors, 0 warnings, 0 notices
    ");
}

#[test]
fn findings_are_lines_and_errors_an_exit_status() {
    let (program, object) = program();
    spoil(&program, &object);
    fs::write(program.root().join("notes"), "").unwrap();
    assert_shows!(shows(&program, &["verify"]), @"
    notice   foreign-file        notes                                                                      a regular file that is not part of the catalog
    error    object-hash         objects/11/e48a9515…  its content hashes to 485216ad…
    warning  object-mode         objects/11/e48a9515…  its mode is 0644, not 0444
    error    ref-object-damaged  refs/llamacpp/b1                                                           object 11e48a95… is damaged: its content hashes to 485216ad…
    | hint: object-hash: repair restores the object from any copy of it, and otherwise moves the file aside
    | hint: ref-object-damaged: repair restores the object from any copy of it; or record the engine again
    | hint: object-mode: repair sets the mode
    | verify: 1 object, 6 B: 2 errors, 1 warning, 1 notice
    [exit status 1]
    ");
    let (json, status) = program.stdout(&["verify", "--json"]);
    assert_eq!(status, 1);
    let lines: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 4);
    let dangling = &lines[3];
    assert_shows!(serde_json::to_string_pretty(dangling).unwrap(), @r#"
    {
      "advice": "repair restores the object from any copy of it; or record the engine again",
      "message": "object 11e48a95… is damaged: its content hashes to 485216ad…",
      "object": "11e48a95…",
      "path": "refs/llamacpp/b1",
      "ref": "llamacpp/b1",
      "severity": "error",
      "slug": "ref-object-damaged",
      "snapshot": null
    }
    "#);
}

#[test]
fn notice_is_no_exit_status() {
    let (program, _) = program();
    fs::write(program.root().join("notes"), "").unwrap();
    assert_shows!(shows(&program, &["verify"]), @"
    notice  foreign-file  notes  a regular file that is not part of the catalog
    | verify: 1 object, 95 B: 0 errors, 0 warnings, 1 notice
    ");
}

#[test]
fn repair_tells_what_it_did_and_what_is_lost() {
    let (program, object) = program();
    spoil(&program, &object);
    assert_shows!(shows(&program, &["verify", "--repair"]), @"
    error    object-hash         objects/11/e48a9515…  its content hashes to 485216ad…; moved to quarantine/objects.11.e48a9515….[RANDOM]
    warning  object-mode         objects/11/e48a9515…  its mode is 0644, not 0444; found no more
    error    ref-dangling        refs/llamacpp/b1                                                           object 11e48a95… is missing; nothing done
    error    ref-object-damaged  refs/llamacpp/b1                                                           object 11e48a95… is damaged: its content hashes to 485216ad…; found no more
    | lost: object 11e48a95…: current entry of llamacpp/b1
    | hint: ref-dangling: repair restores the object from any copy of it; or record the engine again
    | repair: 1 finding repaired; now:
    | verify: 1 object, 6 B: 1 error, 0 warnings, 1 notice
    [exit status 1]
    ");
    assert_shows!(shows(&program, &["verify", "--repair", "--json"]), @r#"
    {"slug":"quarantined","severity":"notice","path":"quarantine/objects.11.e48a9515….[RANDOM]","object":null,"ref":null,"snapshot":null,"message":"a regular file that was moved aside","advice":"it was damaged; remove it when you need it no more","action":"nothing","done":"nothing done","remains":true}
    {"slug":"ref-dangling","severity":"error","path":"refs/llamacpp/b1","object":"11e48a95…","ref":"llamacpp/b1","snapshot":null,"message":"object 11e48a95… is missing","advice":"repair restores the object from any copy of it; or record the engine again","action":"nothing","done":"nothing done","remains":true}
    | lost: object 11e48a95…: current entry of llamacpp/b1
    | hint: ref-dangling: repair restores the object from any copy of it; or record the engine again
    | repair: 0 findings repaired; now:
    | verify: 0 objects, 0 B: 1 error, 0 warnings, 1 notice
    [exit status 1]
    "#);
}

#[test]
fn repair_from_another_catalog_restores_everything() {
    let (program, object) = program();
    let (peer, _) = self::program();
    spoil(&program, &object);
    let from = peer.root().display().to_string();
    let shown = shows(&program, &["verify", "--repair", "--from", &from]);
    assert_shows!(shown.replace(&from, "[PEER]"), @"
    error    object-hash         objects/11/e48a9515…  its content hashes to 485216ad…; restored from [PEER]/objects/11/e48a9515…
    warning  object-mode         objects/11/e48a9515…  its mode is 0644, not 0444; mode set
    error    ref-object-damaged  refs/llamacpp/b1                                                           object 11e48a95… is damaged: its content hashes to 485216ad…; found no more
    | repair: 2 findings repaired; now:
    | verify: 1 object, 6 B: 0 errors, 0 warnings, 1 notice
    ");
    assert_shows!(shows(&program, &["get", "llamacpp/b1", "--identity"]), @r#"{"engine":"llamacpp","engine_version":"b1","engine_digest":null,"engine_catalog_id":"llamacpp:b1","object":"11e48a95…"}"#);
}

#[test]
fn objects_are_named_by_their_first_digits() {
    let (program, object) = program();
    assert_shows!(shows(&program, &["verify", "--objects", &object[..8]]), @"| verify: 1 object, 95 B: 0 errors, 0 warnings, 0 notices");
    spoil(&program, &object);
    assert_shows!(shows(&program, &["verify", "--objects", &object]), @"
    error    object-hash  objects/11/e48a9515…  its content hashes to 485216ad…
    warning  object-mode  objects/11/e48a9515…  its mode is 0644, not 0444
    | hint: object-hash: repair restores the object from any copy of it, and otherwise moves the file aside
    | hint: object-mode: repair sets the mode
    | verify: 1 object, 6 B: 1 error, 1 warning, 0 notices
    [exit status 1]
    ");
    assert_shows!(shows(&program, &["verify", "--objects", "0123"]), @"
    | error: no object starts with 0123
    [exit status 1]
    ");
    assert_shows!(shows(&program, &["verify", "--objects", &"0".repeat(64)]), @"
    error  object-missing  objects/00/00000000…  it is not in the store
    | hint: object-missing: repair restores what refs, snapshots and histories name from any copy of it
    | verify: 1 object, 0 B: 1 error, 0 warnings, 0 notices
    [exit status 1]
    ");
}

#[test]
fn budget_and_age_tell_what_was_left_out() {
    let (program, _) = program();
    assert_shows!(shows(&program, &["verify", "--budget", "24h"]), @"
    | verify: 1 object, 95 B: 0 errors, 0 warnings, 0 notices
    | verify: 513 parts verified, 0 skipped, 0 overdue
    ");
    assert_shows!(shows(&program, &["verify", "--budget", "10m", "--max-age", "30d"]), @"
    | verify: 0 objects, 0 B: 0 errors, 0 warnings, 0 notices
    | verify: 0 parts verified, 513 skipped, 0 overdue
    ");
    assert!(program.root().join("cache/verify").is_file());
}

#[test]
fn wrong_usage_is_refused() {
    let (program, _) = program();
    assert_shows!(shows(&program, &["verify", "--budget", "1 minute"]), @"
    | error: invalid value '1 minute' for '--budget <DURATION>': write a whole number and s, m, h or d, such as 90s, 10m, 24h or 30d
    | 
    | For more information, try '--help'.
    [exit status 2]
    ");
    for args in [
        &["verify", "--from", "/x"][..],
        &["verify", "--repair", "--budget", "1s"],
        &["verify", "--repair", "--objects", "0123"],
        &["verify", "--objects", "0123", "--max-age", "1s"],
        &["verify", "--objects", "xyz"],
    ] {
        assert_eq!(program.stdout(args).1, 2, "{args:?}");
    }
}

#[test]
fn what_cannot_be_opened_is_not_verified() {
    let (program, _) = program();
    let (absent, status) = program.stdout(&["verify", "--repair", "--from", "absent"]);
    assert_eq!((absent.as_str(), status), ("", 3));
    fs::write(program.root().join("format"), "engine-catalog 2\n").unwrap();
    assert_eq!(program.stdout(&["verify"]).1, 3);
}
