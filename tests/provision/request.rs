//! What is the same request, and what is another, as the directory of its build tells; and that a plan
//! only looks.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use insta::assert_snapshot;

use crate::bench::Bench;

const FLAGS: [&str; 2] = ["-DA=1", "-DGGML_CUDA=ON"];

/// The steps for a small source directory, which need not be one that can be built.
fn plan(bench: &Bench, more: &[&str], flags: &[&str]) -> String {
    let args = ["source", "--source", "src", "--build-dir", "src/builds"];
    bench.plan(&[&args, more, &["--"], flags].concat())
}

fn with_source() -> Bench {
    let bench = Bench::new();
    fs::create_dir_all(bench.at("src/lib")).unwrap();
    fs::write(bench.at("src/CMakeLists.txt"), "project(x)").unwrap();
    fs::write(bench.at("src/lib/a.c"), "int a;").unwrap();
    bench
}

/// Names of all files, and when they changed.
fn seen(dir: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(dir).sort_by_file_name();
    let entries = entries.into_iter().map(Result::unwrap);
    let shown = |it: walkdir::DirEntry| {
        format!(
            "{} {:?}",
            it.path().display(),
            it.metadata().unwrap().modified()
        )
    };
    entries.map(shown).collect()
}

#[test]
fn a_plan_tells_what_would_be_done_and_does_nothing() {
    let bench = with_source();
    let before = seen(bench.program.dir());
    let shown = plan(&bench, &["--handoff", "handoff"], &FLAGS);
    assert_eq!(seen(bench.program.dir()), before);
    let dir = bench.program.dir().canonicalize().unwrap();
    let shown = shown.replace(dir.to_str().unwrap(), "[DIR]");
    assert_snapshot!(shown, @"
    configure  cmake -S [DIR]/src -B [DIR]/src/builds/engine-source-051769ba0f4dd0d4c9a330ed6d5eb926/build -DA=1 -DCMAKE_BUILD_TYPE=Release -DGGML_CUDA=ON
    build      cmake --build [DIR]/src/builds/engine-source-051769ba0f4dd0d4c9a330ed6d5eb926/build --target llama-server --parallel 2
    record     [DIR]/src/builds/engine-source-051769ba0f4dd0d4c9a330ed6d5eb926/build/bin/llama-server and the libraries it needs
    ");
    let refused = bench.run(&["--plan", "container", "vllm:v1"]);
    assert_eq!(refused.status.code(), Some(1));

    let image = format!("vllm:v1@sha256:{}", "0f".repeat(32));
    assert_eq!(
        bench.plan(&["container", &image]),
        format!("record     {image}\n")
    );
    let (engine, _) = bench.ensures(&["container", &image]);
    let object = engine["object"].as_str().unwrap();
    assert_eq!(
        bench.plan(&["container", &image]),
        format!("use        {object}\n")
    );
}

#[test]
fn the_same_request_in_other_words_is_the_same() {
    let bench = with_source();
    let first = plan(&bench, &[], &FLAGS);
    let words = [
        "-DLLAMA_CUBLAS=1",
        "-D",
        "A:STRING=1",
        "-DCMAKE_BUILD_TYPE=Release",
    ];
    assert_eq!(plan(&bench, &["--jobs", "2"], &words), first);
    // Where the files come from, when they were written, and what was built of them.
    fs::create_dir(bench.at("src/.git")).unwrap();
    fs::write(bench.at("src/.git/HEAD"), "x").unwrap();
    fs::create_dir(bench.at("src/builds")).unwrap();
    fs::write(bench.at("src/builds/built"), "x").unwrap();
    fs::create_dir(bench.at("src/empty")).unwrap();
    fs::write(bench.at("src/lib/a.c"), "int a;").unwrap();
    assert_eq!(plan(&bench, &[], &FLAGS), first);
}

#[test]
fn whatever_decides_what_comes_out_makes_another_request() {
    let bench = with_source();
    let mut plans = vec![plan(&bench, &[], &FLAGS)];
    plans.push(plan(&bench, &["--target", "llama-cli"], &FLAGS));
    plans.push(plan(&bench, &["--binary", "llama-server"], &FLAGS));
    plans.push(plan(&bench, &["--with", "libggml-cpu.so"], &FLAGS));
    plans.push(plan(&bench, &["--version", "b1"], &FLAGS));
    plans.push(plan(&bench, &[], &FLAGS[1..]));
    let changes: [(&str, &dyn Fn()); 6] = [
        ("content", &|| {
            fs::write(bench.at("src/lib/a.c"), "int b;").unwrap();
        }),
        ("mode", &|| {
            let program = fs::Permissions::from_mode(0o755);
            fs::set_permissions(bench.at("src/lib/a.c"), program).unwrap();
        }),
        ("name", &|| {
            fs::rename(bench.at("src/lib/a.c"), bench.at("src/lib/b.c")).unwrap();
        }),
        ("link", &|| symlink("b.c", bench.at("src/lib/c.c")).unwrap()),
        ("link to another", &|| {
            fs::remove_file(bench.at("src/lib/c.c")).unwrap();
            symlink("../lib/b.c", bench.at("src/lib/c.c")).unwrap();
        }),
        ("file in place of a link", &|| {
            fs::remove_file(bench.at("src/lib/c.c")).unwrap();
            fs::write(bench.at("src/lib/c.c"), "../lib/b.c").unwrap();
        }),
    ];
    for (what, change) in changes {
        change();
        let changed = plan(&bench, &[], &FLAGS);
        assert!(!plans.contains(&changed), "{what}");
        plans.push(changed);
    }
    plans.sort();
    plans.dedup();
    assert_eq!(plans.len(), 12);
}
