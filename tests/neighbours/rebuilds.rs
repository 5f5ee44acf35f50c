//! Engines that are rebuilt, lost and retired while pool manager and orchestrator run.

use std::fs;

use crate::town::{Town, placed, reported};

/// Each look of a neighbour that falls between two steps of a rebuild is another chance to see a mix.
const REBUILDS: usize = 12;

#[test]
fn every_neighbour_sees_each_build_and_never_a_mix_of_two() {
    let town = Town::new();
    let (manager, orchestrator) = (town.pool_manager(), town.orchestrator());
    manager.says(0, "that there is no handoff", |line| {
        reported(line) == Err("no engine is handed off".to_owned())
    });
    let (mut recorded, mut reports, mut placements) = (Vec::new(), 0, 0);
    for build in 0..REBUILDS {
        // Mostly in the same place under the same id, so that the handoff leads to the new record before
        // it is written anew.
        let (dir, flag) = match build % 4 {
            3 => (format!("build-{build}"), format!("-DBUILD_NUMBER={build}")),
            _ => ("build".to_owned(), "-DGGML_CUDA=OFF".to_owned()),
        };
        town.build(&dir, &format!("of build {build}"));
        let engine = town.provision(&dir, &flag);
        assert!(
            !recorded.contains(&engine),
            "another build is another engine"
        );
        reports = manager.says(reports, "that it is ready", |line| {
            reported(line).as_ref() == Ok(&engine)
        });
        let expected = placed(&engine);
        placements = orchestrator.says(placements, "that it is placed", |line| line == expected);
        recorded.push(engine);
    }
    for line in manager.lines() {
        if let Ok(engine) = reported(&line) {
            assert!(recorded.contains(&engine), "it is a build: {line}");
        }
    }
    let known: Vec<_> = recorded.iter().map(placed).collect();
    for line in orchestrator.lines() {
        let is_held = line.starts_with("event=held pool_id=pool-0 reason=");
        assert!(is_held || known.contains(&line), "it is a build: {line}");
    }
}

#[test]
fn an_engine_that_drifts_or_is_retired_is_not_ready_until_it_is_back() {
    let town = Town::new();
    town.build("build", "1");
    let engine = town.provision("build", "-DGGML_CUDA=ON");
    let (manager, orchestrator) = (town.pool_manager(), town.orchestrator());
    let is_ready = |line: &str| reported(line).as_ref() == Ok(&engine);
    let mut reports = manager.says(0, "that it is ready", is_ready);
    let expected = placed(&engine);
    let mut placements = orchestrator.says(0, "that it is placed", |line| line == expected);

    let library = town.at("build/libggml.so").canonicalize().unwrap();
    fs::rename(&library, town.at("elsewhere")).unwrap();
    let why = format!("not as recorded: {}", library.display());
    reports = manager.says(reports, &why, |line| reported(line) == Err(why.clone()));
    placements = orchestrator.says(placements, &why, |line| line.contains(&why));
    fs::rename(town.at("elsewhere"), &library).unwrap();
    reports = manager.says(reports, "that it is ready", is_ready);
    placements = orchestrator.says(placements, "that it is placed", |line| line == expected);

    assert_eq!(town.program.stdout(&["retire", "llamacpp/b4321"]).1, 0);
    let why = "its record is retired";
    reports = manager.says(reports, why, |line| reported(line) == Err(why.to_owned()));
    orchestrator.says(placements, why, |line| line.contains(why));
    assert_eq!(town.program.stdout(&["rollback", "llamacpp/b4321"]).1, 0);
    manager.says(reports, "that it is ready", is_ready);
}
