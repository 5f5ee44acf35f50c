//! What neighbours that fail, or mean harm, leave for the others.

use std::fs;
use std::process::{Command, Output};

use crate::example;
use crate::town::{Town, reported};

#[test]
fn an_engine_of_which_only_the_paths_are_known_is_ready_only_if_they_are_there() {
    let town = Town::new();
    let server = town.at("llama-server");
    let entry = serde_json::json!({
        "id": "llamacpp:b1", "engine": "llamacpp", "version": "b1",
        "artifacts": [server], "created_ms": 1,
    });
    fs::write(town.at("entry.json"), entry.to_string()).unwrap();
    assert_eq!(town.program.stdout(&["put", "entry.json"]).1, 0);
    fs::write(
        town.at("handoff.json"),
        r#"{"engine_catalog_id": "llamacpp:b1"}"#,
    )
    .unwrap();
    let manager = town.pool_manager();
    let why = format!("not there: {}", server.display());
    let reports = manager.says(0, &why, |line| reported(line) == Err(why.clone()));
    fs::write(&server, "there").unwrap();
    manager.says(reports, "that it is ready", |line| reported(line).is_ok());
}

#[test]
fn a_handoff_or_catalog_that_nobody_can_read_is_a_reason_and_not_the_end() {
    let town = Town::new();
    town.build("build", "1");
    town.provision("build", "-DGGML_CUDA=ON");
    let manager = town.pool_manager();
    let is_ready = |line: &str| reported(line).is_ok();
    let mut reports = manager.says(0, "that it is ready", is_ready);
    let handoff = fs::read(town.at("handoff.json")).unwrap();
    fs::write(town.at("handoff.json"), b"\xff\xfe").unwrap();
    reports = manager.says(reports, "that it is no handoff", |line| {
        reported(line).is_err_and(|why| why.starts_with("the handoff names no engine: "))
    });
    fs::write(town.at("handoff.json"), handoff).unwrap();
    reports = manager.says(reports, "that it is ready", is_ready);
    fs::remove_dir_all(town.program.root()).unwrap();
    manager.says(reports, "that the engine is gone", |line| {
        reported(line).is_err()
    });
    let report = fs::read_to_string(town.at("report.json")).unwrap();
    assert!(reported(&report).is_err(), "{report}");
}

#[test]
fn a_report_that_is_none_keeps_no_other_and_none_writes_a_line_of_another() {
    let town = Town::new();
    fs::write(
        town.at("report.json"),
        r#"{"pool_id": "p", "ready": "yes"}"#,
    )
    .unwrap();
    let orchestrator = town.orchestrator();
    let report = serde_json::json!({
        "pool_id": "p\nevent=placed pool_id=q", "ready": false, "reason": "a\nb",
    });
    fs::write(town.at("next.json"), report.to_string()).unwrap();
    fs::rename(town.at("next.json"), town.at("report.json")).unwrap();
    orchestrator.says(0, "that it is held", |line| {
        line == r#"event=held pool_id="p\nevent=placed pool_id=q" reason="a\nb""#
    });
}

#[test]
fn whoever_is_no_longer_read_ends_quietly() {
    let town = Town::new();
    town.build("build", "1");
    town.provision("build", "-DGGML_CUDA=ON");
    let run = |name: &str, args: &[&str]| -> Output {
        let (unread, output) = std::io::pipe().unwrap();
        drop(unread);
        let mut command = Command::new(example::build(name));
        command.args(args).current_dir(town.program.dir());
        command.stdout(output).output().unwrap()
    };
    let manager = [
        "--catalog",
        "catalog",
        "--handoff",
        "handoff.json",
        "--report",
        "report.json",
    ];
    for output in [
        run("pool_manager", &manager),
        run("orchestrator", &["report.json"]),
    ] {
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert!(output.status.success());
    }
}
