//! A determinism suite: the same prompt through the engine that is recorded, in runs before and after a
//! rebuild, and what `diff` answers when their outputs are compared.

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use program::Program;
use serde_json::{Value, json};

/// An engine that is built: a program that says what its library makes of a prompt.
struct Engine<'a> {
    version: &'a str,
    /// The directory that it is built in.
    dir: &'a str,
    flag: &'a str,
    /// What its library does.
    library: &'a str,
    created_ms: &'a str,
}

/// What is built first.
const ENGINE: Engine<'_> = Engine {
    version: "b1",
    dir: "build",
    flag: "-DGGML_FMA=OFF",
    library: "tr a-z A-Z",
    created_ms: "1758240000000",
};

/// Builds an engine and records it.
fn provision(program: &Program, engine: &Engine<'_>) {
    let dir = program.dir().join(engine.dir);
    fs::create_dir_all(&dir).unwrap();
    let [binary, library] = ["llama-cli", "libggml.sh"].map(|name| dir.join(name));
    fs::write(&library, format!("complete() {{ {}; }}\n", engine.library)).unwrap();
    let source = "#!/bin/sh\n. \"${0%/*}/libggml.sh\"\nprintf %s \"$1\" | complete\n";
    fs::write(&binary, source).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    let [binary, library] = [&binary, &library].map(|path| path.to_str().unwrap());
    let record = [
        "record",
        "--engine",
        "llamacpp",
        "--version",
        engine.version,
        "--flag",
        engine.flag,
        "--flag",
        "-DGGML_NATIVE=OFF",
        "--created-ms",
        engine.created_ms,
        "--artifact",
        binary,
        library,
    ];
    let (object, status) = program.stdout(&record);
    assert_eq!((object.len(), status), (65, 0), "it is recorded");
}

/// Runs the suite: what it did it with goes into `run_config.json`, what came out into
/// `outputs.ndjson`.
fn run(program: &Program, name: &str) {
    let dir = program.dir().join(name);
    fs::create_dir(&dir).unwrap();
    let (engines, status) = program.stdout(&["snapshot", "create", name, "--run-config"]);
    assert_eq!(status, 0);
    let mut config: Value = serde_json::from_str(&engines).unwrap();
    config["seed"] = json!(42);
    fs::write(dir.join("run_config.json"), config.to_string()).unwrap();
    let mut outputs = String::new();
    for engine in config["engine_catalog"]["engines"].as_array().unwrap() {
        let (entry, status) =
            program.stdout(&["get", engine["object"].as_str().unwrap(), "--json"]);
        assert_eq!(status, 0);
        let entry: Value = serde_json::from_str(&entry).unwrap();
        let binary = Path::new(entry["entry"]["artifacts"][0].as_str().unwrap());
        let completed = Command::new(binary).arg("a haiku").output().unwrap();
        assert!(completed.status.success());
        let output = json!({
            "engine_version": engine["engine_version"],
            "engine_digest": engine["engine_digest"],
            "text": String::from_utf8(completed.stdout).unwrap(),
        });
        outputs += &format!("{output}\n");
    }
    fs::write(dir.join("outputs.ndjson"), outputs).unwrap();
}

fn texts(program: &Program, run: &str) -> Vec<String> {
    let outputs = fs::read_to_string(program.dir().join(run).join("outputs.ndjson")).unwrap();
    let outputs = outputs
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    outputs
        .map(|output: Value| output["text"].as_str().unwrap().to_owned())
        .collect()
}

/// What the program shows, less what differs from one directory to another: paths, and the ids of
/// entries, which hold paths.
fn shows(program: &Program, args: &[&str]) -> String {
    let shown = program.shows(args);
    let mut masked = String::new();
    for line in shown.replace(program.dir().to_str().unwrap(), "").lines() {
        let is_id = |word: &str| word.len() >= 12 && word.bytes().all(|b| b.is_ascii_hexdigit());
        let holds_entries = line.starts_with('~') || line.starts_with("| ");
        let mask = |word| {
            if holds_entries && is_id(word) {
                "[ID]"
            } else {
                word
            }
        };
        let words = line.split_inclusive([' ', ':']).map(|word| {
            let text = word.trim_end_matches([' ', ':']);
            word.replace(text, mask(text))
        });
        masked += &words.collect::<String>();
        masked.push('\n');
    }
    masked
}

/// What differs between the engines of two runs.
fn diff(program: &Program, from: &str, to: &str) -> String {
    let [from, to] = [from, to].map(|run| format!("{run}/run_config.json"));
    shows(program, &["diff", "--runs", &from, &to])
}

#[test]
fn a_rebuild_between_two_runs_is_caught_and_told_flag_by_flag_and_file_by_file() {
    let program = Program::with_catalog();
    provision(&program, &ENGINE);
    run(&program, "run-1");
    run(&program, "run-2");
    assert_eq!(texts(&program, "run-1"), texts(&program, "run-2"));
    assert_eq!(diff(&program, "run-1", "run-2"), "");

    let rebuilt = Engine {
        flag: "-DGGML_FMA=ON",
        library: "tr a-z A-Z | tr A E",
        ..ENGINE
    };
    provision(&program, &rebuilt);
    run(&program, "run-3");
    assert_ne!(texts(&program, "run-2"), texts(&program, "run-3"));
    assert_snapshot!(diff(&program, "run-2", "run-3"), @"
    ~ llamacpp/b1  [ID] -> [ID]
        build_flags
          ~ -DGGML_FMA OFF -> ON
        files
          ~ /build/libggml.sh  blake3 8dd5c62d2d06 -> 909ba3cfc286, 27 -> 36 bytes
    [exit status 1]
    ");
    let (json, status) = program.stdout(&[
        "--json",
        "diff",
        "--runs",
        "run-2/run_config.json",
        "run-3/run_config.json",
    ]);
    assert_eq!(status, 1);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["change"], "changed");
    assert_eq!(
        json["fields"][0],
        json!({
            "field": "build_flags", "kind": "flags", "removed": [], "added": [],
            "changed": [{"flag": "-DGGML_FMA", "from": "OFF", "to": "ON"}],
        })
    );
    let files = &json["fields"][1];
    assert_eq!(
        (&files["field"], &files["kind"]),
        (&json!("files"), &json!("files"))
    );
    assert_eq!(files["changed"][0]["to"]["size"], 36);
}

#[test]
fn a_library_that_was_rebuilt_alone_is_caught() {
    let program = Program::with_catalog();
    provision(&program, &ENGINE);
    run(&program, "run-1");
    provision(
        &program,
        &Engine {
            library: "rev",
            created_ms: "1758240000001",
            ..ENGINE
        },
    );
    run(&program, "run-2");
    assert_ne!(texts(&program, "run-1"), texts(&program, "run-2"));
    assert_snapshot!(diff(&program, "run-1", "run-2"), @"
    ~ llamacpp/b1  [ID] -> [ID]
        created_ms
          - 1758240000000
          + 1758240000001
        files
          ~ /build/libggml.sh  blake3 8dd5c62d2d06 -> d413c1550c74, 27 -> 20 bytes
    [exit status 1]
    ");
}

#[test]
fn an_engine_of_another_version_is_compared_with_the_one_before() {
    let program = Program::with_catalog();
    provision(&program, &ENGINE);
    run(&program, "run-1");
    provision(
        &program,
        &Engine {
            version: "b2",
            dir: "build-2",
            library: "rev",
            ..ENGINE
        },
    );
    assert_eq!(program.stdout(&["retire", "llamacpp/b1"]).1, 0);
    run(&program, "run-2");
    assert_snapshot!(diff(&program, "run-1", "run-2"), @"
    ~ llamacpp/b1 -> llamacpp/b2  [ID] -> [ID]
        id
          - llamacpp:b1@blake3:0545ac482ba96804d2c35a3d2de12c3d754f66845b6de1e356a785ad8df67b03
          + llamacpp:b2@blake3:0545ac482ba96804d2c35a3d2de12c3d754f66845b6de1e356a785ad8df67b03
        version
          - b1
          + b2
        artifacts
          - /build/llama-cli
          - /build/libggml.sh
          + /build-2/llama-cli
          + /build-2/libggml.sh
        files
          ~ /build/libggml.sh -> /build-2/libggml.sh  blake3 8dd5c62d2d06 -> d413c1550c74, 27 -> 20 bytes
    [exit status 1]
    ");
    let by_name = shows(&program, &["diff", "run-1", "run-2"]);
    assert_eq!(by_name, diff(&program, "run-1", "run-2"));
}

#[test]
fn what_is_no_account_of_a_run_is_refused() {
    let program = Program::with_catalog();
    provision(&program, &ENGINE);
    run(&program, "run-1");
    let write = |name: &str, config: &Value| {
        fs::create_dir_all(program.dir().join(name)).unwrap();
        fs::write(
            program.dir().join(name).join("run_config.json"),
            config.to_string(),
        )
        .unwrap();
    };
    let config = fs::read(program.dir().join("run-1/run_config.json")).unwrap();
    let config: Value = serde_json::from_slice(&config).unwrap();

    let mut edited = config.clone();
    edited["engine_catalog"]["engines"] = json!([]);
    write("edited", &edited);
    assert_snapshot!(diff(&program, "run-1", "edited"), @"
    | error: edited/run_config.json: the engines are not those of snapshot [ID]: theirs is [ID]
    [exit status 1]
    ");

    let mut mixed = config.clone();
    mixed["engine_catalog"]["engines"][0]["engine_version"] = json!("b2");
    write("mixed", &mixed);
    assert_snapshot!(diff(&program, "run-1", "mixed"), @"
    | error: what is said of engine [ID] is not what its entry says
    [exit status 1]
    ");
    provision(
        &program,
        &Engine {
            flag: "-DGGML_FMA=ON",
            ..ENGINE
        },
    );
    run(&program, "run-2");
    assert_snapshot!(diff(&program, "mixed", "run-2"), @"
    | error: what is said of engine [ID] is not what its entry says
    [exit status 1]
    ");

    // An engine that stands twice is one.
    let mut twice = config.clone();
    let engine = twice["engine_catalog"]["engines"][0].clone();
    twice["engine_catalog"]["engines"] = json!([engine, engine]);
    write("twice", &twice);
    assert_eq!(diff(&program, "run-1", "twice"), "");
    assert_eq!(
        diff(&program, "twice", "run-2"),
        diff(&program, "run-1", "run-2")
    );

    write(
        "secret",
        &json!({"engine_catalog": "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"}),
    );
    assert_snapshot!(diff(&program, "run-1", "secret"), @"
    | error: secret/run_config.json: engine_catalog: it looks like it contains an access token
    [exit status 1]
    ");

    write("without", &json!({"seed": 42}));
    assert_snapshot!(diff(&program, "run-1", "without"), @r#"
    | error: without/run_config.json: it has no key "engine_catalog": `snapshot show NAME --run-config` prints what belongs there
    [exit status 1]
    "#);

    let elsewhere = Program::with_catalog();
    provision(
        &elsewhere,
        &Engine {
            flag: "-DGGML_FMA=ON",
            ..ENGINE
        },
    );
    run(&elsewhere, "run-9");
    let foreign = fs::read(elsewhere.dir().join("run-9/run_config.json")).unwrap();
    write("run-9", &serde_json::from_slice(&foreign).unwrap());
    let shown = diff(&program, "run-1", "run-9");
    assert!(
        shown.contains("import the proof bundle of the run"),
        "{shown}"
    );
    assert!(shown.ends_with("[exit status 3]\n"), "{shown}");

    assert_snapshot!(shows(&program, &["diff", "run-1", "run-7"]), @r#"
    | error: neither an entry nor a snapshot is found for "run-7": tried engine/version, id, object id, and names and ids of snapshots
    [exit status 1]
    "#);
    assert_snapshot!(shows(&program, &["diff", "run-1", "llamacpp/b1"]), @r#"
    | error: "run-1" is a snapshot and "llamacpp/b1" is an entry
    [exit status 2]
    "#);
}
