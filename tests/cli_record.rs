//! What `record` does with files, images and times, through the real program.

#[path = "support/program.rs"]
mod program;

use std::path::Path;

use program::Program;
use serde_json::{Value, json};

/// The arguments of `record` for llamacpp b1, and more.
fn record<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [
        &[
            "record",
            "--engine",
            "llamacpp",
            "--version",
            "b1",
            "--json",
        ][..],
        more,
    ]
    .concat()
}

fn records(program: &Program, more: &[&str]) -> Value {
    let (json, status) = program.stdout(&record(more));
    assert_eq!(status, 0, "{more:?}");
    serde_json::from_str(&json).unwrap()
}

fn refuses(program: &Program, more: &[&str]) -> (String, Option<i32>) {
    let output = program.output(&record(more), b"");
    assert!(output.stdout.is_empty());
    assert_eq!(program.stdout(&["list"]).0, "", "nothing was recorded");
    (
        String::from_utf8(output.stderr).unwrap(),
        output.status.code(),
    )
}

/// Puts a file beside the catalog.
fn file(program: &Program, name: &str, content: &str) {
    std::fs::write(program.dir().join(name), content).unwrap();
}

#[test]
fn relative_paths_and_links_are_resolved() {
    let program = Program::with_catalog();
    std::fs::create_dir(program.dir().join("b1")).unwrap();
    file(&program, "b1/llama-server", "server");
    file(&program, "b1/libllama.so.1", "library");
    std::os::unix::fs::symlink("b1", program.dir().join("current")).unwrap();
    std::os::unix::fs::symlink("libllama.so.1", program.dir().join("b1/libllama.so")).unwrap();
    let recorded = records(
        &program,
        &[
            "--artifact",
            "current/llama-server",
            "b1/libllama.so",
            "./b1/libllama.so.1",
        ],
    );
    let dir = program.dir().canonicalize().unwrap();
    assert_eq!(
        recorded["entry"]["artifacts"],
        json!([dir.join("b1/llama-server"), dir.join("b1/libllama.so.1")])
    );
    let digest = format!("blake3:{}", blake3_hex(b"server"));
    assert_eq!(recorded["entry"]["digest"], digest);
    assert_eq!(recorded["entry"]["id"], format!("llamacpp:b1@{digest}"));
}

fn blake3_hex(bytes: &[u8]) -> String {
    engine_catalog::ObjectId::of(bytes).to_string()
}

#[test]
fn files_that_cannot_be_recorded_are_named() {
    let program = Program::with_catalog();
    file(&program, "server", "server");
    std::fs::create_dir(program.dir().join("bin")).unwrap();
    for (path, complaint) in [
        (
            "absent",
            "cannot open artifact absent: No such file or directory",
        ),
        ("bin", "is not a regular file: name the files themselves"),
        ("/dev/null", "artifact /dev/null is not a regular file"),
    ] {
        let (message, status) = refuses(&program, &["--artifact", "server", path]);
        assert!(message.contains(complaint), "{message}");
        assert_eq!(status, Some(1));
    }
    let wrong = format!("sha256:{}", "0".repeat(64));
    let (message, _) = refuses(&program, &["--artifact", "server", "--digest", &wrong]);
    // printf server | sha256sum
    let found = "sha256:b3eacd33433b31b5252351032c9b3e7a2e7aa7738d5decdf0dd6c62680853c06";
    assert!(
        message.contains(&format!("expected {wrong}, found {found}")),
        "{message}"
    );
    assert!(
        message.contains("hint: the file is not the one"),
        "{message}"
    );
    let (message, _) = refuses(&program, &["--artifact", "server", "--digest", "sha256:12"]);
    assert!(
        message.contains("sha256 takes 64 lower-case hexadecimal digits"),
        "{message}"
    );
}

#[test]
fn an_image_is_recorded_by_its_reference() {
    let program = Program::with_catalog();
    let digest = format!("sha256:{}", "0f".repeat(32));
    let image = format!("registry.example:5000/vllm/vllm-openai:v0.9.2@{digest}");
    let pinned = records(&program, &["--image", &image]);
    assert_eq!(pinned["entry"]["artifacts"], json!([image]));
    assert_eq!(
        pinned["entry"]["digest"], digest,
        "taken from the reference"
    );

    let tagged = records(&program, &["--image", "registry.example/vllm:v1"]);
    assert_eq!(tagged["entry"]["digest"], Value::Null);
    assert_eq!(tagged["entry"]["id"], "llamacpp:b1");

    let other = format!("sha256:{}", "1f".repeat(32));
    let output = program.output(&record(&["--image", &image, "--digest", &other]), b"");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_time_is_given_or_that_of_a_reproducible_build_or_now() {
    let program = Program::with_catalog();
    file(&program, "server", "server");
    let created = |args: &[&str], epoch: Option<&str>| {
        let mut command = program.command();
        command.args(record(&["--artifact", "server"])).args(args);
        command.envs(epoch.map(|epoch| ("SOURCE_DATE_EPOCH", epoch)));
        let output = command.output().unwrap();
        let json = serde_json::from_slice::<Value>(&output.stdout);
        json.map(|json| json["entry"]["created_ms"].as_i64().unwrap())
            .map_err(|_| {
                (
                    output.status.code(),
                    String::from_utf8(output.stderr).unwrap(),
                )
            })
    };
    assert_eq!(
        created(&["--created-ms", "-5", "--id", "a"], Some("7")),
        Ok(-5)
    );
    assert_eq!(created(&["--id", "b"], Some("7")), Ok(7000));
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let now = i64::try_from(now).unwrap();
    assert!(created(&["--id", "c"], None).unwrap() >= now);
    assert_eq!(
        created(&["--id", "b", "--flag", "-O3"], Some("8")),
        Ok(8000)
    );
    let (status, message) = created(&["--id", "d"], Some("yesterday")).unwrap_err();
    assert_eq!(status, Some(2));
    assert!(message.contains("SOURCE_DATE_EPOCH"), "{message}");
}

#[test]
fn recording_the_same_build_later_changes_nothing() {
    let program = Program::with_catalog();
    file(&program, "server", "server");
    let at = |ms, flag| {
        records(
            &program,
            &["--artifact", "server", "--created-ms", ms, "--flag", flag],
        )
    };
    let first = at("1", "-DGGML_CUDA=ON");
    let again = at("2", "-DGGML_CUDA=ON");
    assert_eq!(again["object"], first["object"]);
    assert_eq!(again["unchanged"], true);
    assert_eq!(
        again["entry"]["created_ms"], 1,
        "the entry that is current, not the one given"
    );
    let other = at("3", "-DGGML_CUDA=OFF");
    assert_eq!(other["previous"], first["object"]);
    assert_eq!(
        program
            .stdout(&["history", "llamacpp/b1"])
            .0
            .lines()
            .count(),
        2
    );
}

#[test]
fn the_root_is_an_argument_or_from_the_environment() {
    let program = Program::without_catalog();
    let init = |variables: &[(&str, &Path)]| {
        let mut command = program.command();
        command.env_remove("ENGINE_CATALOG_ROOT").arg("init");
        command.envs(variables.iter().copied()).output().unwrap()
    };
    let (home, data) = (program.dir().join("home"), program.dir().join("data"));
    assert!(init(&[("HOME", &home)]).status.success());
    assert!(home.join(".local/share/engine-catalog/format").exists());
    assert!(
        init(&[("HOME", &home), ("XDG_DATA_HOME", &data)])
            .status
            .success()
    );
    assert!(data.join("engine-catalog/format").exists());
    let output = init(&[("XDG_DATA_HOME", Path::new("relative"))]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--root"));

    let root = program.dir().join("argument");
    let root = root.to_str().unwrap();
    assert!(
        program
            .output(&["--root", root, "init"], b"")
            .status
            .success()
    );
    assert!(
        program
            .output(&["list", "--root", root], b"")
            .status
            .success()
    );
}
