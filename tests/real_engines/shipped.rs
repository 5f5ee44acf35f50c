//! A real build of llama.cpp that goes to another node: by rsync over a real sshd, from catalog to catalog.

use std::fs;
use std::path::Path;

use crate::build::Build;
use crate::kept::{assert_loads, copied, record_and_store};
use crate::program::Program;
use crate::servers::Server;
use crate::{run, run_json, skip};

#[test]
fn real_engine_goes_to_another_node_over_ssh_and_is_loaded_there() {
    let Some(build) = Build::llamacpp() else {
        return skip::because("no engines are fetched: run .ci/fetch-engines");
    };
    let tools = ["rsync", "node"].map(skip::program);
    let (Some(sshd), [Some(_), Some(node)]) = (Server::sshd(), tools) else {
        return;
    };
    let (theirs, ours) = (Program::with_catalog(), Program::with_catalog());
    let build = copied(build, theirs.dir().join("package"));
    let object = record_and_store(&theirs, &build);
    let name = format!("{}/{}", build.engine, build.version);
    let source = format!("127.0.0.1:{}", theirs.root().display());
    let rsh = format!("--rsh={}", sshd.ssh());

    // The record alone, as it is recorded; then its files too.
    run(&ours, &["pull", &source, &rsh]);
    assert_eq!(run_json(&ours, &["get", &name, "--json"])["object"], object);
    assert_eq!(run(&ours, &["blobs", "list"]), "");
    let first = ours.shows(&["pull", &source, &rsh, "--blobs"]);
    let files = run(&ours, &["blobs", "list"]).lines().count();
    assert!(files > 10, "{first}");
    let again = ours.shows(&["pull", &source, &rsh, "--blobs"]);
    assert!(again.contains("| pull: 0 objects came"), "{again}");

    // Nothing but ours is needed from here.
    fs::remove_dir_all(theirs.dir()).unwrap();
    let entry = run_json(
        &ours,
        &["materialize", &name, "--to", "engine", "--record", "--json"],
    );
    let paths = entry["entry"]["artifacts"].as_array().unwrap();
    assert_eq!(paths.len(), build.artifacts.len());
    assert_loads(&node, Path::new(paths[0].as_str().unwrap()));
    run(&ours, &["check", &name]);
    run(&ours, &["verify"]);
}
