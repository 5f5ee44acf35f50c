//! Directories of very many names: each takes a few hundred bytes, and twice as many take twice as
//! long.

use std::fs;
use std::path::Path;

use crate::bounded::{Limits, scale};
use crate::descriptors::note;
use crate::scene::{SLACK_KIB, Scene, assert_small, small_peaks};
use crate::support::attach;

/// What is remembered of a name at most: its text, where it is, and what is found there.
const BYTES_EACH: u64 = 2 << 10;

/// Makes so many files, by names of this kind.
fn crowd(dir: &Path, names: usize, name: impl Fn(usize) -> String) {
    fs::create_dir_all(dir).expect("there is room");
    let first = dir.join(name(0));
    fs::write(&first, "x").expect("there is room");
    for n in 1..names {
        let path = dir.join(name(n));
        // Names take no inodes, as far as a file may have so many.
        if n % 60_000 == 0 || fs::hard_link(&first, &path).is_err() {
            fs::write(path, "x").expect("there is room");
        }
    }
}

type NameOf = Box<dyn Fn(usize) -> String>;

fn places() -> Vec<(&'static str, NameOf)> {
    let hex = |n: usize| format!("{n:062x}");
    vec![
        ("refs/crowd", Box::new(|n| format!("v{n}"))),
        ("history/crowd", Box::new(|n| format!("v{n}"))),
        ("refs", Box::new(|n| format!("engine-{n}"))),
        ("objects/ab", Box::new(hex)),
        ("objects", Box::new(|n| format!("foreign-{n}"))),
        ("tmp", Box::new(|n| format!("new-{n:016x}"))),
        ("snapshots", Box::new(|n| format!("snapshot-{n}"))),
        ("attachments/ab", Box::new(hex)),
        ("quarantine", Box::new(|n| format!("objects.ab.{n}"))),
    ]
}

#[test]
fn crowded_directory_costs_a_few_hundred_bytes_a_name_and_ends_no_command() {
    let Some(small) = small_peaks() else { return };
    let names = scale(3_000, 1_000_000);
    let limits = Limits {
        data_mib: 64 + names as u64 * BYTES_EACH / (1 << 20),
        // In step with the names: their square would be far more.
        cpu_seconds: u32::try_from(10 + names / 300).expect("it is not that many"),
        ..Limits::default()
    };
    for (place, name) in places() {
        let Some(scene) = Scene::new() else { return };
        crowd(&scene.at(place), names, name);
        let runs = scene.run_all(limits, place);
        for (command, run) in &runs {
            let beyond = run.peak_kib.saturating_sub(small[command]) * 1024;
            let each = beyond.saturating_sub(SLACK_KIB * 1024) / names as u64;
            assert!(
                each <= BYTES_EACH,
                "{place}, {command}: {each} bytes a name"
            );
        }
        let most = runs
            .iter()
            .max_by_key(|(_, run)| run.peak_kib)
            .expect("there are some");
        let longest = runs.values().map(|run| run.seconds).fold(0.0, f64::max);
        println!(
            "{names} names in {place}: {} KiB in {}; at most {longest} s",
            most.1.peak_kib, most.0
        );
        scene.run(limits, place, &["verify", "--repair", "--json"]);
    }
}

/// Attachments of attachments: a way of so many steps from an object to the ref that keeps it.
#[test]
fn long_way_up_to_a_ref_is_told_in_step_with_its_length() {
    let Some(small) = small_peaks() else { return };
    let Some(mut scene) = Scene::new() else {
        return;
    };
    let steps = scale(3_000, 60_000);
    for n in 0..steps {
        scene.object = attach(scene.catalog.root(), scene.object, &note(n));
    }
    let limits = Limits {
        data_mib: 48 + steps as u64 * BYTES_EACH / (1 << 20),
        ..Limits::default()
    };
    let runs = scene.run_all(limits, "way");
    let told = runs["why"].stdout.lines().count();
    assert!(told > steps, "{told} lines");
    assert_small(&runs, &small, steps as u64 * BYTES_EACH / 1024, "way");
    let most = runs.values().map(|run| run.peak_kib).max();
    println!("{steps} steps: {most:?} KiB");
}
