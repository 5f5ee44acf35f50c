//! Files at the limits of layout.md section 1, and how much memory each byte of them takes.

use std::fs;

use engine_catalog::{ObjectId, Snapshot};

use crate::bounded::{Limits, Run, scale};
use crate::scene::{SLACK_KIB, Scene, assert_small, small_peaks};
use crate::support::{attach, object_file};

const LIMIT: usize = 64 << 20;

/// So much memory may each byte of a history take, when it is read and shown: the bytes, and what they
/// are decoded to.
const OF_HISTORY: usize = 8;

/// And each byte of a snapshot, of which every 34 are a member that is held in a few sets.
const OF_SNAPSHOT: usize = 24;

fn limits(bytes: usize) -> Limits {
    Limits {
        data_mib: 64 + 2 * (OF_SNAPSHOT * bytes) as u64 / (1 << 20),
        // In step with the bytes: their square would be far more.
        cpu_seconds: u32::try_from(10 + 10 * (bytes >> 20)).expect("it is not that much"),
        ..Limits::default()
    }
}

/// Requires that memory is in step with the bytes of the file, and shows what it took.
fn assert_in_step(
    runs: &std::collections::BTreeMap<&'static str, Run>,
    small: &std::collections::BTreeMap<&'static str, u64>,
    bytes: usize,
    factor: usize,
    what: &str,
) {
    assert_small(runs, small, (factor * bytes) as u64 / 1024, what);
    let (command, run) = (runs.iter().max_by_key(|(_, run)| run.peak_kib)).expect("there are some");
    let beyond = run.peak_kib.saturating_sub(small[command] + SLACK_KIB) * 1024;
    let longest = runs.values().map(|run| run.seconds).fold(0.0, f64::max);
    println!(
        "{what} of {bytes} bytes: {} KiB in {command}, {:.1} for each byte; at most {longest} s",
        run.peak_kib,
        beyond as f64 / bytes as f64
    );
}

/// A history of so many bytes, or a few more, of which every line leads to the next, and the last to
/// `last`.
fn history(bytes: usize, op: &str, last: ObjectId) -> String {
    let mut text = String::with_capacity(bytes + 200);
    let mut old = "-".to_owned();
    for n in 0_u64.. {
        let is_last = text.len() + 300 > bytes;
        let new = if is_last {
            last.to_string()
        } else {
            format!("{n:064x}")
        };
        text += &format!("1 {op} {old} {new} a\n");
        old = new;
        if is_last {
            return text;
        }
    }
    text
}

#[test]
fn long_history_takes_memory_and_time_in_step_with_its_length() {
    let Some(small) = small_peaks() else { return };
    let bytes = scale(2 << 20, LIMIT);
    for op in ["put", "rollback"] {
        let Some(scene) = Scene::new() else { return };
        let text = history(bytes, op, scene.object);
        assert!(text.len() <= bytes && text.len() > bytes - 400);
        fs::write(scene.at("history/e0/1"), text).expect("there is room");
        let runs = scene.run_all(limits(bytes), op);
        assert_in_step(&runs, &small, bytes, OF_HISTORY, op);
        let lines = runs["history"].stdout.lines().count();
        assert!(lines > bytes / 200, "{lines} lines");
        let run = scene.run(limits(bytes), op, &["rollback", "e0/1"]);
        assert_eq!(
            run.status,
            Some(1),
            "the entry before is not in the store: {run:?}"
        );
    }
}

#[test]
fn large_snapshot_takes_memory_in_step_with_its_members() {
    let Some(small) = small_peaks() else { return };
    let Some(scene) = Scene::new() else { return };
    let bytes = scale(2 << 20, LIMIT);
    let members = (0..bytes / 34 - 2).map(|n| ObjectId::of(&n.to_le_bytes()));
    let set = Snapshot {
        objects: members.collect(),
    };
    let set = set.encode().expect("it is not too large");
    let id = ObjectId::of(&set);
    let file = object_file(scene.catalog.root(), id);
    fs::create_dir_all(file.parent().expect("it has one")).expect("there is room");
    fs::write(file, set).expect("there is room");
    fs::write(scene.at("snapshots/large"), format!("{id}\n")).expect("there is room");
    let runs = scene.run_all(limits(bytes), "snapshot");
    assert_in_step(&runs, &small, bytes, OF_SNAPSHOT, "snapshot");
    let told = runs["verify"].stdout.lines().count();
    assert!((1000..1100).contains(&told), "{told} lines");
}

/// What is brought in, or captured, is not all held at once.
#[test]
fn many_large_attachments_are_not_all_held_at_once() {
    let Some(small) = small_peaks() else { return };
    let Some(scene) = Scene::new() else { return };
    let (each, many) = (scale(4 << 20, LIMIT), 28);
    for n in 0..many {
        let mut note = b"\xa2\x61n\x5a".to_vec();
        let length = u32::try_from(each - 100).expect("it is not that large");
        note.extend(length.to_be_bytes());
        note.extend(vec![n; each - 100]);
        note.extend(b"\x66schema\x66note/9");
        attach(scene.catalog.root(), scene.object, &note);
    }
    // What is to be written, one more, and what another thread has.
    let most = (64 << 20) + 3 * each;
    let runs = scene.run_all(limits(most / OF_SNAPSHOT), "attachments");
    assert_small(&runs, &small, most as u64 / 1024, "attachments");
    let peak = runs.values().map(|run| run.peak_kib).max();
    println!("{many} attachments of {each} bytes: {peak:?} KiB");
}
