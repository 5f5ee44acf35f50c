//! `gc` and `prune`, as a person uses them.

#[path = "support/program.rs"]
mod program;

use std::fs;

use insta::assert_snapshot;
use program::Program;
use serde_json::Value;

/// Runs the program with the words of a line.
fn shows(program: &Program, line: &str) -> String {
    program.shows(&line.split_whitespace().collect::<Vec<_>>())
}

/// What differs from run to run is replaced.
fn settings(program: &Program) -> insta::Settings {
    let dir = program.dir().canonicalize().unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(&dir.display().to_string().replace('.', r"\."), "[DIR]");
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "[TIME]");
    settings.add_filter(r"plan [0-9a-f]{12,64}", "plan [PLAN]");
    settings.add_filter(r"tester@\S+", "tester@[HOST]");
    settings
}

/// And what differs with the place of the files of engines.
fn settings_of_files(program: &Program) -> insta::Settings {
    let mut settings = settings(program);
    settings.add_filter(r"\b([0-9a-f]{64}|[0-9a-f]{12})\b", "[ID]");
    settings.add_filter(r"\b\d{3} B", "[SIZE]");
    settings.add_filter(r"(\S)  +", "$1  ");
    settings
}

/// Compares what is shown.
macro_rules! assert_shows {
    ($program:expr, $line:expr, $($snapshot:tt)+) => {
        settings($program).bind(|| assert_snapshot!(shows($program, $line), $($snapshot)+));
    };
}

/// As `assert_shows`, of files of engines.
macro_rules! assert_shows_files {
    ($program:expr, $line:expr, $($snapshot:tt)+) => {
        settings_of_files($program).bind(|| assert_snapshot!(shows($program, $line), $($snapshot)+));
    };
}

fn put(program: &Program, version: &str, created_ms: u32) {
    let entry = format!(
        r#"{{"id": "llamacpp:{version}", "engine": "llamacpp", "version": "{version}", "artifacts": [], "created_ms": {created_ms}}}"#
    );
    let put = program.output(&["put"], entry.as_bytes());
    assert!(put.status.success(), "{put:?}");
}

/// Three versions, of which the first two were built twice.
fn with_builds() -> Program {
    let program = Program::with_catalog();
    for (version, created_ms) in [("b1", 1), ("b1", 2), ("b2", 1), ("b2", 2), ("b3", 1)] {
        put(&program, version, created_ms);
    }
    program
}

const KEEP: &str = "prune --keep-versions 2 --keep-builds 1 --grace 0s";

#[test]
fn nothing_goes_that_is_or_was_current() {
    let program = with_builds();
    assert_shows!(&program, "gc --grace 0s", @"
    | gc: nothing is garbage
    | gc: 2 objects are kept by histories alone: `prune` has rules for them
    ");
    assert_shows!(&program, "gc --grace 0s --apply", @"
    | gc: nothing is garbage
    | gc: 2 objects are kept by histories alone: `prune` has rules for them
    ");
}

#[test]
fn prune_shows_what_would_become_of_each_build_and_changes_nothing() {
    let program = with_builds();
    let before = shows(&program, KEEP);
    assert_shows!(&program, KEEP, @"
    retire  current  llamacpp/b1 dd8ea06bd5cf  88 B  not one of the last 2 versions
    go      earlier  llamacpp/b1 4a0ae150b0a8  88 B  its version is retired
    keep    current  llamacpp/b2 60cb7ecdff4b  -     last versions
    go      earlier  llamacpp/b2 b8ff21552c3e  88 B  not the last build
    keep    current  llamacpp/b3 91e942ce4939  -     last versions
    | prune: 1 ref, 3 objects (264 B) would go
    | prune: nothing was changed: --apply does it
    ");
    assert_eq!(shows(&program, KEEP), before);
    // What is young stays, and a ref goes all the same.
    assert_shows!(&program, "prune --keep-versions 2 --keep-builds 1", @"
    retire  current  llamacpp/b1 dd8ea06bd5cf  -  not one of the last 2 versions
    stay    earlier  llamacpp/b1 4a0ae150b0a8  -  its version is retired, and its age or another name keeps it
    keep    current  llamacpp/b2 60cb7ecdff4b  -  last versions
    stay    earlier  llamacpp/b2 b8ff21552c3e  -  not the last build, and its age or another name keeps it
    keep    current  llamacpp/b3 91e942ce4939  -  last versions
    | prune: 1 ref would go
    | prune: 3 files that nothing else keeps are younger than 24h
    | prune: nothing was changed: --apply does it
    ");
    assert_shows!(&program, "history llamacpp/b1", @"
    [TIME]  put  4a0ae150b0a8  dd8ea06bd5cf  tester@[HOST]
    [TIME]  put  -             4a0ae150b0a8  tester@[HOST]
    ");
}

#[test]
fn prune_retires_and_removes_and_leaves_a_trace() {
    let program = with_builds();
    let first = &program.json("--json history llamacpp/b1")[0];
    let gone = first["old"].as_str().unwrap_or_default().to_owned();
    assert_shows!(&program, &format!("{KEEP} --apply"), @"
    retire  current  llamacpp/b1 dd8ea06bd5cf  88 B  not one of the last 2 versions
    go      earlier  llamacpp/b1 4a0ae150b0a8  88 B  its version is retired
    keep    current  llamacpp/b2 60cb7ecdff4b  -     last versions
    go      earlier  llamacpp/b2 b8ff21552c3e  88 B  not the last build
    keep    current  llamacpp/b3 91e942ce4939  -     last versions
    | prune: 1 ref, 3 objects (264 B) went
    | prune: that was plan [PLAN]
    ");
    assert_shows!(&program, "list", @"
    llamacpp  b2  60cb7ecdff4b  -  57 years ago
    llamacpp  b3  91e942ce4939  -  57 years ago
    ");
    assert_shows!(&program, "history llamacpp/b1", @"
    [TIME]  prune  dd8ea06bd5cf  -             tester@[HOST]
    [TIME]  put    4a0ae150b0a8  dd8ea06bd5cf  tester@[HOST]
    [TIME]  put    -             4a0ae150b0a8  tester@[HOST]
    ");
    assert_shows!(&program, &format!("why {gone}"), @"
    object       4a0ae150b0a8ff4a62b68cee14c18374e730f446d994bc325c225cb7906beb33
    stored       no, it is missing
    kept by      nothing
    mentioned    in the history of llamacpp/b1, 2 times, last: put at [TIME] by tester@[HOST] from 4a0ae150b0a8 to dd8ea06bd5cf
    removed      at [TIME] by tester@[HOST] as plan [PLAN] had it
    [exit status 1]
    ");
    assert_shows!(&program, "rollback llamacpp/b1", @"
    | error: object dd8ea06bd5cfeca8928c3ff01544472342db04ea2288d21bff1e2b0cf014fe6a of the history of llamacpp/b1 is no longer in the store
    [exit status 1]
    ");
    assert_shows!(&program, "verify", @"| verify: 2 objects, 176 B: 0 errors, 0 warnings, 0 notices");
    assert_shows!(&program, &format!("{KEEP} --apply"), @"
    keep  current  llamacpp/b2 60cb7ecdff4b  -  last versions
    keep  current  llamacpp/b3 91e942ce4939  -  last versions
    | prune: nothing is garbage
    ");
}

#[test]
fn prune_takes_rules_from_the_catalog() {
    let program = with_builds();
    assert_shows!(&program, "prune", @"
    | error: say what is kept, such as --keep-versions 5 --keep-builds 2, or write [DIR]/catalog/retention.toml
    [exit status 2]
    ");
    assert_shows!(&program, "prune --keep-within 30d", @"
    | error: nothing limits what is kept: give --keep-versions, or --keep-builds
    [exit status 2]
    ");
    let file = program.root().join("retention.toml");
    let rules =
        "[[rule]]\nengine = \"llama*\"\nkeep-builds = 1\npin = [\"b1\"]\nkeep-versions = 1\n";
    fs::write(&file, rules).unwrap();
    assert_shows!(&program, "prune --grace 0s", @"
    keep    current  llamacpp/b1 dd8ea06bd5cf  -     pinned
    go      earlier  llamacpp/b1 4a0ae150b0a8  88 B  not the last build
    retire  current  llamacpp/b2 60cb7ecdff4b  88 B  not the last version
    go      earlier  llamacpp/b2 b8ff21552c3e  88 B  its version is retired
    keep    current  llamacpp/b3 91e942ce4939  -     last versions
    | prune: 1 ref, 3 objects (264 B) would go
    | prune: nothing was changed: --apply does it
    ");
    // It retires nothing, and takes the builds that the rules let go.
    assert_shows!(&program, "gc --grace 0s", @"
    go  earlier  llamacpp/b1 4a0ae150b0a8  88 B  not the last build
    go  earlier  llamacpp/b2 b8ff21552c3e  88 B  not the last build
    | gc: 2 objects (176 B) would go
    | gc: nothing was changed: --apply does it
    ");
    assert_shows!(&program, "gc --grace 0s --apply", @"
    go  earlier  llamacpp/b1 4a0ae150b0a8  88 B  not the last build
    go  earlier  llamacpp/b2 b8ff21552c3e  88 B  not the last build
    | gc: 2 objects (176 B) went
    | gc: that was plan [PLAN]
    ");
    fs::write(&file, "[[rule]]\nengine = \"*\"\nkeep-builds = 0\n").unwrap();
    let why = format!("why {}", "0".repeat(64));
    for command in ["prune", "gc", &why, "doctor"] {
        let shown = shows(&program, command);
        assert!(shown.contains("retention.toml"), "{command}: {shown}");
    }
}

#[test]
fn plan_is_carried_out_as_it_was_saved_or_not_at_all() {
    let program = with_builds();
    let save = |name: &str| {
        let (plan, status) =
            program.stdout(&format!("{KEEP} --json").split(' ').collect::<Vec<_>>());
        assert_eq!(status, 0);
        fs::write(program.dir().join(name), &plan).unwrap();
        serde_json::from_str::<Value>(&plan).unwrap()
    };
    save("old.json");
    put(&program, "b3", 2);
    assert_shows!(&program, "prune --apply old.json", @"
    | error: plan [PLAN] is not carried out: the catalog has changed since, in ref llamacpp/b1
    | hint: make a new plan, and look at it
    [exit status 1]
    ");
    let planned = save("plan.json");
    assert_shows!(&program, "prune --apply plan.json --grace 1d", @"
    | error: --grace is for a new plan: plan.json says all of it
    [exit status 2]
    ");
    assert_shows!(&program, "gc --apply plan.json", @"
    | error: plan.json: it retires refs, or removes files of engines: `prune --apply` carries it out
    [exit status 1]
    ");
    let done = &program.json("--json prune --apply plan.json")[0];
    let mut expected = planned.clone();
    expected["applied"] = true.into();
    assert_eq!(*done, expected);
    let keys: Vec<_> = done.as_object().unwrap().keys().collect();
    assert_snapshot!(format!("{keys:?}"), @r#"["applied", "artifact_bytes", "artifact_room", "artifacts", "artifacts_left", "artifacts_not_removed", "artifacts_removed", "blobs", "decisions", "historic", "histories", "leftovers", "links", "objects", "options", "plan", "rules", "undone", "unknown", "young"]"#);
    assert_shows!(&program, "prune --apply plan.json", @"
    | error: plan [PLAN] is not carried out: the catalog has changed since, in ref llamacpp/b1
    | hint: make a new plan, and look at it
    [exit status 1]
    ");
    fs::write(program.dir().join("no.json"), "{}").unwrap();
    assert_shows!(&program, "gc --apply no.json", @"
    | error: no.json: it is no plan that `gc --json` or `prune --json` printed: missing field `rules` at line 1 column 2
    [exit status 1]
    ");
}

#[test]
fn plan_by_rules_that_have_changed_is_not_carried_out() {
    let program = with_builds();
    let file = program.root().join("retention.toml");
    let rules = "[[rule]]\nengine = \"*\"\nkeep-versions = 1\nkeep-builds = 1\n";
    fs::write(&file, rules).unwrap();
    let (plan, _) = program.stdout(&["prune", "--grace", "0s", "--json"]);
    fs::write(program.dir().join("plan.json"), plan).unwrap();
    fs::write(&file, format!("{rules}pin = [\"b1\"]\n")).unwrap();
    assert_shows!(&program, "prune --apply plan.json", @"
    | error: retention.toml has changed since the plan was made: make a new one
    [exit status 1]
    ");
    fs::write(&file, "pin").unwrap();
    assert!(shows(&program, "prune --apply plan.json").contains("retention.toml"));
    fs::write(&file, rules).unwrap();
    assert_shows!(&program, "prune --engine llamacpp", @"
    | error: --engine says of which engines the other options are, and there are none: retention.toml has patterns of its own
    [exit status 2]
    ");
    assert_shows!(&program, "prune --keep-builds 7 --grace 0s", @"
    keep  current  llamacpp/b1 dd8ea06bd5cf  -  no limit
    keep  earlier  llamacpp/b1 4a0ae150b0a8  -  last builds
    keep  current  llamacpp/b2 60cb7ecdff4b  -  no limit
    keep  earlier  llamacpp/b2 b8ff21552c3e  -  last builds
    keep  current  llamacpp/b3 91e942ce4939  -  no limit
    | prune: the rules are those of the options, not of retention.toml
    | prune: nothing is garbage
    ");
    assert_shows!(&program, "prune --keep-builds 7 --engine a/b", @"
    | error: invalid value 'a/b' for '--engine <PATTERN>': the name of an engine has no /
    | 
    | For more information, try '--help'.
    [exit status 2]
    ");
    program.json("--json prune --apply plan.json");
}

#[test]
fn documents_and_objects_that_nothing_leads_to_go() {
    let program = with_builds();
    fs::write(program.dir().join("note.txt"), "a note").unwrap();
    program.json("--json attach llamacpp/b3 note.txt --media-type text/plain");
    assert_shows!(&program, "gc --grace 0s", @"
    | gc: nothing is garbage
    | gc: 2 objects are kept by histories alone: `prune` has rules for them
    ");
    let note = program.json("--json attachments llamacpp/b3")[0]["object"].clone();
    let note = note.as_str().unwrap();
    program.json(&format!("--json attachments remove {note}"));
    fs::create_dir(program.root().join("tmp/pull-0123456789abcdef")).unwrap();
    fs::write(program.root().join("tmp/new-0123456789abcdef"), "half").unwrap();
    assert_shows!(&program, "gc", @"
    | gc: nothing is garbage
    | gc: 1 file that nothing else keeps is younger than 24h
    ");
    assert_shows!(&program, "gc --grace 0s --apply", @"
    go  object    3a0c54e46416               114 B  nothing leads to it
    go  leftover  tmp/new-0123456789abcdef   4 B    nobody has finished it
    go  leftover  tmp/pull-0123456789abcdef  0 B    nobody has finished it
    | gc: 1 object (114 B), 2 leftovers in tmp/ (4 B) went
    | gc: 2 objects are kept by histories alone: `prune` has rules for them
    | gc: that was plan [PLAN]
    ");
    assert_eq!(fs::read_dir(program.root().join("tmp")).unwrap().count(), 0);
}

#[test]
fn damage_stops_it_and_says_where() {
    let program = with_builds();
    fs::write(program.root().join("refs/llamacpp/b2"), "x").unwrap();
    assert_shows!(&program, "gc --grace 0s", @"
    | error: nothing can go, because it cannot be told what is kept: ref llamacpp/b2 is damaged: [DIR]/catalog/refs/llamacpp/b2 does not hold 64 hexadecimal digits and a line feed
    [exit status 3]
    ");
    assert_shows!(&program, "gc --grace 0s --apply", @"
    | error: nothing is removed, because it cannot be told what is kept: ref llamacpp/b2 is damaged: [DIR]/catalog/refs/llamacpp/b2 does not hold 64 hexadecimal digits and a line feed
    | hint: `verify` shows all that is damaged; `verify --repair` and `heal` repair it
    [exit status 3]
    ");
}

/// Records an engine of files below `engines/`.
fn record(program: &Program, version: &str, files: &[(&str, &str)]) {
    let mut line = format!("record --engine vllm --version {version} --created-ms 7 --artifact");
    for (file, content) in files {
        let path = program.dir().join("engines").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        line += &format!(" engines/{file}");
    }
    let shown = shows(program, &line);
    assert!(!shown.contains("error"), "{shown}");
}

#[test]
fn files_of_engines_go_with_the_last_entry_that_names_them() {
    let program = Program::with_catalog();
    record(
        &program,
        "1",
        &[
            ("1/server", "old"),
            ("shared.so", "shared"),
            ("1/config", "as built"),
        ],
    );
    record(
        &program,
        "2",
        &[("2/server", "new"), ("shared.so", "shared")],
    );
    fs::write(program.dir().join("engines/1/config"), "as tuned").unwrap();
    let prune = "prune --keep-versions 1 --grace 0s --artifacts-under engines";
    assert_shows_files!(&program, prune, @"
    retire  current  vllm/1 [ID]  [SIZE]  not the last version
    keep  current  vllm/2 [ID]  -  last versions
    go  object  [ID]  [SIZE]  attached to [ID], which nothing keeps
    go  file  [DIR]/engines/1/config  8 B  only entries that go name it, such as [ID]
    go  file  [DIR]/engines/1/server  3 B  only entries that go name it, such as [ID]
    stay  file  [DIR]/engines/shared.so  6 B  entry [ID], which stays, names it
    | prune: 1 ref, 2 objects ([SIZE]), 2 artifact files (11 B), 1 link would go
    | prune: nothing was changed: --apply does it
    ");
    assert_shows_files!(&program, &format!("{prune} --apply"), @"
    retire  current  vllm/1 [ID]  [SIZE]  not the last version
    keep  current  vllm/2 [ID]  -  last versions
    go  object  [ID]  [SIZE]  attached to [ID], which nothing keeps
    go  file  [DIR]/engines/1/server  3 B  only entries that go name it, such as [ID]
    stay  file  [DIR]/engines/shared.so  6 B  entry [ID], which stays, names it
    | prune: 1 ref, 2 objects ([SIZE]), 1 artifact file (3 B), 1 link went
    | prune: that was plan [PLAN]
    | warning: [DIR]/engines/1/config was not removed: its content is not what was recorded
    [exit status 1]
    ");
    for (file, stays) in [
        ("1/server", false),
        ("shared.so", true),
        ("1/config", true),
        ("2/server", true),
    ] {
        assert_eq!(
            program.dir().join("engines").join(file).exists(),
            stays,
            "{file}"
        );
    }
    assert_shows_files!(&program, "check vllm/2", @"vllm/2  pass, 2 files, 9 B");
}

#[test]
fn record_stays_as_long_as_its_files_may_go_another_time() {
    let program = Program::with_catalog();
    record(&program, "1", &[("1/server", "old")]);
    record(&program, "2", &[("2/server", "new")]);
    // It is moved to and fro, which its time tells.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let file = program.dir().join("engines/1/server");
    fs::rename(&file, file.with_extension("x")).unwrap();
    fs::rename(file.with_extension("x"), &file).unwrap();
    let prune = "prune --keep-versions 1 --artifacts-under engines --apply --grace";
    assert_shows_files!(&program, &format!("{prune} 1s"), @"
    retire  current  vllm/1 [ID]  -  not the last version
    keep  current  vllm/2 [ID]  -  last versions
    stay  file  [DIR]/engines/1/server  3 B  it changed not long ago
    | prune: 1 ref went
    | prune: that was plan [PLAN]
    ");
    assert!(file.exists());
    assert_shows_files!(&program, &format!("{prune} 0s"), @"
    go  earlier  vllm/1 [ID]  [SIZE]  its version is retired
    keep  current  vllm/2 [ID]  -  last versions
    go  object  [ID]  [SIZE]  attached to [ID], which nothing keeps
    go  file  [DIR]/engines/1/server  3 B  only entries that go name it, such as [ID]
    | prune: 2 objects ([SIZE]), 1 artifact file (3 B), 1 link went
    | prune: that was plan [PLAN]
    ");
    assert!(!file.exists());
    fs::remove_dir_all(program.dir().join("engines")).unwrap();
    fs::create_dir(program.dir().join("engines")).unwrap();
    assert_shows_files!(&program, &format!("{prune} 0s"), @"
    | error: no files of engines are removed below [DIR]/engines: it is empty: is its file system mounted?
    [exit status 1]
    ");
}

#[test]
fn oldest_versions_go_until_the_files_fit() {
    let program = Program::with_catalog();
    for version in ["1", "2", "3"] {
        let file = format!("{version}/server");
        record(&program, version, &[(&file, &format!("{version:4000}"))]);
    }
    assert_shows_files!(&program, "prune --max-artifact-bytes 9kB", @"
    | error: the following required arguments were not provided:
    |  --artifacts-under <DIR>
    | 
    | Usage: engine-catalog prune --artifacts-under <DIR> --max-artifact-bytes <SIZE>
    | 
    | For more information, try '--help'.
    [exit status 2]
    ");
    let prune = "prune --grace 0s --artifacts-under engines --max-artifact-bytes";
    assert_shows_files!(&program, &format!("{prune} 9kB"), @"
    retire  current  vllm/1 [ID]  [SIZE]  no room for its files
    keep  current  vllm/2 [ID]  -  no limit
    keep  current  vllm/3 [ID]  -  no limit
    go  object  [ID]  [SIZE]  attached to [ID], which nothing keeps
    go  file  [DIR]/engines/1/server  3.91 KiB  only entries that go name it, such as [ID]
    | prune: 1 ref, 2 objects ([SIZE]), 1 artifact file (3.91 KiB), 1 link would go
    | prune: artifact files: 11.72 KiB before, 7.81 KiB after
    | prune: nothing was changed: --apply does it
    ");
    assert_shows_files!(&program, &format!("{prune} 1kB --pin 2"), @"
    retire  current  vllm/1 [ID]  [SIZE]  no room for its files
    keep  current  vllm/2 [ID]  -  no limit, pinned
    keep  current  vllm/3 [ID]  -  no limit
    go  object  [ID]  [SIZE]  attached to [ID], which nothing keeps
    go  file  [DIR]/engines/1/server  3.91 KiB  only entries that go name it, such as [ID]
    | prune: 1 ref, 2 objects ([SIZE]), 1 artifact file (3.91 KiB), 1 link would go
    | prune: artifact files: 11.72 KiB before, 7.81 KiB after
    | warning: that is 6.84 KiB over 1000 B: what is left does not give way
    | prune: nothing was changed: --apply does it
    ");
    assert_shows_files!(&program, &format!("{prune} 9kB --apply"), @"
    retire  current  vllm/1 [ID]  [SIZE]  no room for its files
    keep  current  vllm/2 [ID]  -  no limit
    keep  current  vllm/3 [ID]  -  no limit
    go  object  [ID]  [SIZE]  attached to [ID], which nothing keeps
    go  file  [DIR]/engines/1/server  3.91 KiB  only entries that go name it, such as [ID]
    | prune: 1 ref, 2 objects ([SIZE]), 1 artifact file (3.91 KiB), 1 link went
    | prune: artifact files: 11.72 KiB before, 7.81 KiB after
    | prune: that was plan [PLAN]
    ");
    assert_shows_files!(&program, &format!("{prune} 9kB --apply"), @"
    keep  current  vllm/2 [ID]  -  no limit
    keep  current  vllm/3 [ID]  -  no limit
    | prune: nothing is garbage
    | prune: artifact files: 7.81 KiB before, 7.81 KiB after
    ");
    assert_shows_files!(&program, "prune --keep-versions 1 --artifacts-under nowhere", @"
    | error: no files of engines are removed below [DIR]/nowhere: there is no such directory
    [exit status 1]
    ");
}

/// Those that people are to type.
#[test]
fn commands_of_the_guide_do_what_it_says() {
    let program = with_builds();
    record(&program, "1", &[("1/server", "a server")]);
    let guide = include_str!("../src/guide/lifecycle.md");
    let blocks = guide.split("```sh\n").skip(1);
    let script: String = blocks.map(|it| it.split("```").next().unwrap()).collect();
    let script = script.replace("/opt/engines", "engines");
    assert!(script.contains("engine-catalog gc --apply"), "{script}");
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_engine-catalog"));
    let path = std::env::var("PATH").unwrap();
    let ran = std::process::Command::new("sh")
        .args(["-eu", "-c", &script])
        .current_dir(program.dir())
        .env(
            "PATH",
            format!("{}:{path}", bin.parent().unwrap().display()),
        )
        .env("ENGINE_CATALOG_ROOT", program.root())
        .env("OBJECT", "0".repeat(64))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{told}");
    assert!(program.root().join("retention.toml").exists());
}
