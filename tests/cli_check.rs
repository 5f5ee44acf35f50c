//! What a person, or a script, is told of drift: output and exit status of `check`.

#[path = "support/program.rs"]
mod program;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use insta::assert_snapshot;
use program::Program;

/// A catalog with an engine of two files, and one that is an image.
fn with_engines() -> Program {
    let program = Program::with_catalog();
    write(&program, "server", "#!/bin/sh\n", 0o755);
    write(&program, "lib.so", "\x7fELF", 0o644);
    let record = ["record", "--engine", "llamacpp", "--version", "b1"];
    let files = ["--artifact", "server", "lib.so"];
    assert_eq!(program.stdout(&[&record[..], &files].concat()).1, 0);
    let record = ["record", "--engine", "vllm", "--version", "0.9.2"];
    let image = ["--image", "registry.example/vllm/vllm-openai:v0.9.2"];
    assert_eq!(program.stdout(&[&record[..], &image].concat()).1, 0);
    program
}

fn write(program: &Program, file: &str, content: &str, mode: u32) {
    let path = program.dir().join(file);
    // Another file, as a build makes it.
    let _ = fs::remove_file(&path);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What a command shows, with the directory of the test replaced.
fn shows(program: &Program, args: &[&str]) -> String {
    let dir = program.dir().canonicalize().unwrap();
    let shown = program.shows(args).replace(dir.to_str().unwrap(), "[DIR]");
    // The entry names the directory, so its id is another each time.
    let mut parts = shown.split("\"object\":\"");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |shown, part| {
        shown + "\"object\":\"[OBJECT]" + &part[64..]
    })
}

#[test]
fn engine_that_is_as_recorded_passes() {
    let program = with_engines();
    assert_snapshot!(shows(&program, &["check", "llamacpp/b1"]), @"llamacpp/b1  pass, 2 files, 14 B");
    assert_snapshot!(shows(&program, &["check", "--all"]), @"
    llamacpp/b1  pass, 2 files, 14 B
    vllm/0.9.2  nothing to compare with: it names no file of this node
    ");
}

#[test]
fn image_has_nothing_to_compare_with() {
    let program = with_engines();
    assert_snapshot!(shows(&program, &["check", "vllm/0.9.2"]), @"
    vllm/0.9.2  nothing to compare with: it names no file of this node
    [exit status 4]
    ");
    assert_snapshot!(shows(&program, &["check", "vllm/0.9.2", "--json"]), @r#"
    {"engine":"vllm","version":"0.9.2","object":"[OBJECT]","result":"nothing-to-compare","reason":"it names no file of this node"}
    [exit status 4]
    "#);
}

#[test]
fn every_kind_of_drift_is_told_apart() {
    let program = with_engines();
    let change = |file: &str, content: &str, mode: u32| {
        write(&program, file, content, mode);
        let shown = shows(&program, &["check", "llamacpp/b1"]);
        write(&program, "server", "#!/bin/sh\n", 0o755);
        write(&program, "lib.so", "\x7fELF", 0o644);
        assert_eq!(program.stdout(&["check", "llamacpp/b1"]).1, 0);
        shown
    };
    assert_snapshot!(change("lib.so", "\x7fELG", 0o644), @"
    llamacpp/b1  drift
      [DIR]/lib.so has other content: blake3:d843c865cd0513b9e0277db805e53df87e52aba8d2a970a86c1ef78eaa68f87f, recorded blake3:00a0cf9af76f7e29417c67eaffca7443e4df433baa8e33882d4d24e3a6675c38
    [exit status 1]
    ");
    assert_snapshot!(change("lib.so", "\x7fELF2", 0o644), @"
    llamacpp/b1  drift
      [DIR]/lib.so has 5 bytes, recorded 4
    [exit status 1]
    ");
    assert_snapshot!(change("server", "#!/bin/sh\n", 0o700), @"
    llamacpp/b1  drift
      [DIR]/server has mode 0700, recorded 0755
    [exit status 1]
    ");
    assert_snapshot!(change("server", "#!/bin/ksh", 0o755), @"
    llamacpp/b1  drift
      [DIR]/server has other content: blake3:f1c56ac249b8060fed00a9bdf2864498cb471673464b56cd869b7b3bcb315aeb, recorded blake3:bc1f407a11c9377c8b9b13f956b279c8462775105eb958fc9ae3c40de87cc96e
    [exit status 1]
    ");
    fs::remove_file(program.dir().join("lib.so")).unwrap();
    fs::remove_file(program.dir().join("server")).unwrap();
    fs::create_dir(program.dir().join("server")).unwrap();
    assert_snapshot!(shows(&program, &["check", "llamacpp/b1"]), @"
    llamacpp/b1  drift
      [DIR]/lib.so is missing
      [DIR]/server is not a regular file
    [exit status 1]
    ");
    assert_snapshot!(shows(&program, &["check", "--all", "--json"]), @r#"
    {"engine":"llamacpp","version":"b1","object":"[OBJECT]","result":"drift","drift":[{"path":"[DIR]/lib.so","how":"missing"},{"path":"[DIR]/server","how":"not-a-file"}]}
    {"engine":"vllm","version":"0.9.2","object":"[OBJECT]","result":"nothing-to-compare","reason":"it names no file of this node"}
    [exit status 1]
    "#);
}

#[test]
fn entry_without_a_manifest_is_compared_by_its_digest() {
    let program = Program::with_catalog();
    write(&program, "server", "abc", 0o755);
    let path = program.dir().canonicalize().unwrap().join("server");
    let put = |version: &str, digest: &str| {
        let entry = serde_json::json!({
            "id": format!("e:{version}"), "engine": "e", "version": version,
            "digest": digest, "artifacts": [path], "created_ms": 1,
        });
        let output = program.output(&["put"], entry.to_string().as_bytes());
        assert!(output.status.success());
    };
    // FIPS 180-4, and its end changed.
    let sha256 = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    put("1", sha256);
    put("2", &sha256.replace("15ad", "15ae"));
    put("3", "git-tree:4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    assert_snapshot!(shows(&program, &["check", "--all"]), @"
    e/1  pass, 1 file, 3 B
    e/2  drift
      [DIR]/server has other content: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad, recorded sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ae
    e/3  nothing to compare with: it has no manifest, and no digest that can be checked
    [exit status 1]
    ");
    assert_snapshot!(shows(&program, &["check", "e/3"]), @"
    e/3  nothing to compare with: it has no manifest, and no digest that can be checked
    [exit status 4]
    ");
    fs::remove_file(path).unwrap();
    assert_snapshot!(shows(&program, &["check", "e/1"]), @"
    e/1  drift
      [DIR]/server is missing
    [exit status 1]
    ");
}

#[test]
fn check_writes_nothing_and_waits_for_no_fifo() {
    let program = with_engines();
    fs::remove_file(program.dir().join("lib.so")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(program.dir().join("lib.so"))
        .status();
    assert!(made.unwrap().success());
    let before = modified(&program.root());
    assert_eq!(program.stdout(&["check", "--all"]).1, 1);
    assert_eq!(modified(&program.root()), before);
}

fn modified(top: &Path) -> Vec<(std::path::PathBuf, std::time::SystemTime)> {
    let files = walkdir::WalkDir::new(top).sort_by_file_name();
    let files = files.into_iter().map(|file| {
        let file = file.unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        (file.into_path(), modified)
    });
    files.collect()
}

#[test]
fn file_that_cannot_be_read_hides_no_drift_of_others() {
    let program = with_engines();
    fs::remove_file(program.dir().join("lib.so")).unwrap();
    fs::remove_file(program.dir().join("server")).unwrap();
    std::os::unix::fs::symlink("server", program.dir().join("server")).unwrap();
    assert_snapshot!(shows(&program, &["check", "llamacpp/b1"]), @"
    llamacpp/b1  drift
      [DIR]/lib.so is missing
      [DIR]/server cannot be read: Too many levels of symbolic links (os error 40)
    | error: something could not be read
    [exit status 3]
    ");
}
