//! Building from a source directory.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};
use walkdir::WalkDir;

use crate::bench::{Bench, libdeflate, libdeflate_args};

const SHARED: &str = "-DLIBDEFLATE_USE_SHARED_LIB=ON";

/// When each file was written.
fn written(top: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let entries = WalkDir::new(top).into_iter().map(Result::unwrap);
    let time = |it: walkdir::DirEntry| {
        let modified = it.metadata().unwrap().modified().unwrap();
        (it.into_path(), modified)
    };
    entries.map(time).collect()
}

#[test]
fn second_run_builds_nothing_unless_files_are_gone_or_have_drifted() {
    let Some(source) = libdeflate() else { return };
    let bench = Bench::new();
    let origin = ["--source", source.to_str().unwrap()];
    let args = libdeflate_args(&origin, &[SHARED]);
    let (engine, said) = bench.ensures(&args);
    assert!(said.contains("provision: cmake --build"), "{said}");

    // The program does not know --version, so CMake told.
    assert_eq!(engine["engine_version"], "1.26");
    assert_eq!(engine["provisioning_mode"], "source");
    let quick = [
        "-DCMAKE_C_FLAGS_RELEASE=-O0",
        "-DLIBDEFLATE_BUILD_STATIC_LIB=OFF",
    ];
    let flags = [&["-DCMAKE_BUILD_TYPE=Release"], &quick[..], &[SHARED]].concat();
    assert_eq!(engine["flags"], json!(flags));
    // The program, and the library that it needs, by its real name; not those of the system.
    let id = engine["engine_catalog_id"].as_str().unwrap();
    let files = bench.catalog().locate(id).unwrap().unwrap();
    let build = bench.at("builds").canonicalize().unwrap();
    let build = build.join(id.replace(':', "-")).join("build");
    let expected = ["programs/libdeflate-gzip", "libdeflate.so.0"].map(|it| build.join(it));
    assert_eq!(files, expected);
    assert_eq!(engine["binary_path"], json!(expected[0]));
    assert_eq!(bench.sound_files(&engine), 2);

    let before = written(&bench.at("builds"));
    let (again, said) = bench.ensures_without_tools(&args);
    assert_eq!(again, engine);
    assert!(said.contains("nothing to do"), "{said}");
    assert_eq!(written(&bench.at("builds")), before);

    // A library that has drifted is newer than what it was built from, so that CMake alone would keep it.
    let [program, library] = &expected;
    let mut drifted = fs::OpenOptions::new().append(true).open(library).unwrap();
    drifted.write_all(b"drifted").unwrap();
    let plan = bench.plan(&args);
    let why = format!(
        "because    {} is not what was recorded
configure ",
        library.display()
    );
    assert!(plan.starts_with(&why), "{plan}");
    fs::remove_file(program).unwrap();
    let (rebuilt, said) = bench.ensures(&args);
    let why = format!(
        "provision: {} is missing: preparing it anew",
        program.display()
    );
    assert!(said.contains(&why), "{said}");
    assert_eq!(bench.sound_files(&rebuilt), 2);
    // These files come out the same each time.
    assert_eq!(rebuilt, engine);
    assert_eq!(bench.history(), ["put"]);
}

#[test]
fn two_who_want_the_same_at_once_build_it_once() {
    let Some(source) = libdeflate() else { return };
    let bench = Bench::new();
    let origin = ["--source", source.to_str().unwrap()];
    let first = libdeflate_args(&origin, &[SHARED]);
    let [(one, said), (other, more)] = std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| bench.ensures(&first)));
        both.map(|it| it.join().unwrap())
    });
    assert_eq!(one, other);
    let builds = said.matches("provision: cmake --build").count();
    assert_eq!(builds + more.matches("provision: cmake --build").count(), 1);
    assert_eq!(bench.history(), ["put"]);

    other_flags_are_another_entry_of_the_version(&bench, &origin, &one);
    let (back, said) = bench.ensures_without_tools(&first);
    assert_eq!(
        back, one,
        "the earlier one comes back, and its files were never overwritten"
    );
    assert!(said.contains("making it current again"), "{said}");
    assert_eq!(bench.history(), ["put", "put", "rollback"]);
}

fn other_flags_are_another_entry_of_the_version(bench: &Bench, origin: &[&str], one: &Value) {
    let no_zlib = [SHARED, "-DLIBDEFLATE_ZLIB_SUPPORT=OFF"];
    let (other, _) = bench.ensures(&libdeflate_args(origin, &no_zlib));
    assert_eq!(one["engine_version"], other["engine_version"]);
    assert_ne!(one["engine_catalog_id"], other["engine_catalog_id"]);
    assert_ne!(one["binary_path"], other["binary_path"]);
    assert_eq!(bench.history(), ["put", "put"]);
}
