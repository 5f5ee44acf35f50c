//! What goes wrong outside: a clear message, exit status 1, and nothing recorded.

use std::fs;
use std::os::unix::fs::symlink;

use insta::assert_snapshot;

use crate::bench::{Bench, libdeflate, libdeflate_args};

#[test]
fn tools_and_sources_that_are_missing_are_named() {
    let bench = Bench::new();
    fs::create_dir(bench.at("src")).unwrap();
    let args = libdeflate_args(&["--source", "src"], &[]);
    let output = bench.command(&bench.at("none"), &args).output().unwrap();
    assert_snapshot!(bench.refused(&output), @"provision: error: cmake is needed, and is not installed");
    let git = libdeflate_args(&["--git", "src", "--ref", "main"], &[]);
    let output = bench.command(&bench.at("none"), &git).output().unwrap();
    assert_snapshot!(bench.refused(&output), @"provision: error: git is needed, and is not installed");
    let absent = libdeflate_args(&["--source", "absent"], &[]);
    assert_snapshot!(bench.refuses(&absent), @"provision: error: absent: No such file or directory (os error 2)");
}

#[test]
fn what_the_catalog_would_refuse_is_refused_before_it_is_built() {
    let bench = Bench::new();
    fs::create_dir(bench.at("src")).unwrap();
    let refuses = |args: &[&str]| {
        let output = bench.command(&bench.at("none"), args).output().unwrap();
        let message = bench.refused(&output);
        assert!(!message.contains("hunter2"), "{message}");
        assert!(!bench.at("builds").exists(), "nothing was begun");
        message
    };
    let source = ["--source", "src"];
    let flag = libdeflate_args(&source, &["-DMIRROR=https://me:hunter2@mirror.example"]);
    assert_snapshot!(refuses(&flag), @"provision: error: build_flags[3] looks like it contains a password in a URL; records are immutable and shared, so it is not stored");
    let url = "https://me:hunter2@git.example/x";
    let git = libdeflate_args(&["--git", url, "--ref", "main"], &[]);
    assert_snapshot!(refuses(&git), @"provision: error: git URL looks like it contains a password in a URL");
    let token = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
    let refuses_token = |args: &[&str]| {
        let message = refuses(args);
        assert!(!message.contains(token), "{message}");
        message
    };
    let git = libdeflate_args(&["--git", "/nowhere", "--ref", token], &[]);
    assert_snapshot!(refuses_token(&git), @"provision: error: git ref looks like it contains an access token");
    assert_snapshot!(refuses_token(&["container", token]), @"provision: error: image looks like it contains an access token");
    let flag = libdeflate_args(&source, &[token]);
    assert_snapshot!(refuses_token(&flag), @"provision: error: what looks like it contains an access token is no CMake flag");
    let version = [
        &["--version", "b\u{1b}1"],
        &libdeflate_args(&source, &[])[..],
    ]
    .concat();
    assert_snapshot!(refuses(&version), @r#"provision: error: version "b\u{1b}1" is no name: it contains the control character '\u{1b}'"#);
}

#[test]
fn a_project_that_cannot_be_configured_is_not_recorded() {
    let Some(source) = libdeflate() else { return };
    let bench = Bench::new();
    let origin = ["--source", source.to_str().unwrap()];
    let args = libdeflate_args(&origin, &["-DCMAKE_C_COMPILER=/nowhere/cc"]);
    let message = bench.refuses(&args);
    assert!(
        message.starts_with("provision: error: cmake -S "),
        "{message}"
    );
    assert!(message.ends_with(" ended with exit status: 1"), "{message}");
}

#[test]
fn a_source_that_does_not_compile_is_not_recorded_and_its_correction_is() {
    let Some(_) = libdeflate() else { return };
    let bench = Bench::new();
    fs::create_dir(bench.at("src")).unwrap();
    // By another path than its real one, and with the builds in it, which are no change of the source.
    symlink("src", bench.at("current")).unwrap();
    let project = "cmake_minimum_required(VERSION 3.10)\nproject(x VERSION 1.2 LANGUAGES C)\n\
        add_executable(x x.c)\n";
    fs::write(bench.at("src/CMakeLists.txt"), project).unwrap();
    fs::write(bench.at("src/x.c"), "int main(void) { return }\n").unwrap();
    let args = |build_dir| {
        let paths = ["source", "--source", "current", "--build-dir", build_dir];
        [&paths[..], &["--target", "x", "--binary", "x"]].concat()
    };
    let message = bench.refuses(&args("b"));
    assert!(
        message.ends_with("--target x --parallel 2 ended with exit status: 2"),
        "{message}"
    );

    // Prints nothing, so CMake tells its version.
    fs::write(bench.at("src/x.c"), "int main(void) { return 0; }\n").unwrap();
    let (engine, _) = bench.ensures(&args("current/b"));
    assert_eq!(engine["engine_version"], "1.2");
    assert_eq!(bench.sound_files(&engine), 1);
}

#[test]
fn a_source_that_changes_while_it_is_built_is_not_recorded() {
    let Some(_) = libdeflate() else { return };
    let bench = Bench::new();
    fs::create_dir(bench.at("src")).unwrap();
    let project = "cmake_minimum_required(VERSION 3.10)\nproject(x NONE)\n\
        file(WRITE ${CMAKE_SOURCE_DIR}/version.h \"1\")\nadd_custom_target(x)\n";
    fs::write(bench.at("src/CMakeLists.txt"), project).unwrap();
    let args = [
        "source",
        "--source",
        "src",
        "--build-dir",
        "b",
        "--target",
        "x",
    ];
    assert_snapshot!(bench.refuses(&args), @"provision: error: [DIR]/src/version.h changed while it was built: run this again for the source as it is now");
    // Now it is there, and stays as it is; but nothing was built.
    let message = bench.refuses(&args);
    assert!(
        message.ends_with("/build/bin/x: No such file or directory (os error 2)"),
        "{message}"
    );
}
