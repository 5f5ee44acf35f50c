//! The program gets a signal as it enters a system call: SIGKILL in what no other test kills at each
//! call, and those that it catches in everything.
//!
//! Of all calls a random part is hit, or all (see the head of main.rs).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use walkdir::WalkDir;

use crate::aftermath::InFlight;
use crate::bench::{Bench, Place};
use crate::heeded;
use crate::operation::Operation::{self, *};
use crate::random::random;
use crate::signals::{start, wait};
use crate::support::skip;

/// What changes something, makes it survive, or waits for a lock.
const CALLS: &str =
    "mkdir,mkdirat,openat2,write,fchmod,linkat,renameat,renameat2,fsync,syncfs,flock,unlinkat";

/// Runs the program with a signal as it enters the call of this name and number.
fn hit(
    strace: &Path,
    place: &Place,
    args: &[String],
    (call, nth): (&str, usize),
    signal: Signal,
) -> ExitStatus {
    let name = match signal {
        Signal::KILL => "SIGKILL",
        Signal::TERM => "SIGTERM",
        Signal::INT => "SIGINT",
        _ => "SIGHUP",
    };
    let inject = format!("inject={call}:signal={name}:when={nth}");
    let log = Path::new("/dev/null");
    let mut command = traced(strace, place, args, &["-e", &inject], log);
    let mut child = start(command.process_group(0));
    let ended = wait(&mut child, Duration::from_secs(4));
    ended.unwrap_or_else(|| {
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        panic!("{name} at {call} {nth} of {args:?} does not end it");
    })
}

fn traced(strace: &Path, place: &Place, args: &[String], options: &[&str], log: &Path) -> Command {
    let (trace, log) = (format!("trace={CALLS}"), log.display().to_string());
    let options = [&["-f", "-o", &log, "-e", &trace][..], options].concat();
    let options: Vec<_> = options.iter().map(|&option| option.to_owned()).collect();
    place.traced(strace, &options, args)
}

/// Runs the program to its end, and returns some of the calls that it made, by name and number.
fn calls(strace: &Path, place: &Place, args: &[String], one_of: u64) -> Vec<(String, usize)> {
    let log = place.shared("calls");
    let output = traced(strace, place, args, &[], &log).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut counts = BTreeMap::<String, usize>::new();
    let mut calls = Vec::new();
    for line in fs::read_to_string(log).unwrap().lines() {
        let call = line.split_once(' ').unwrap().1.trim_start();
        let name = call.split(|c: char| !c.is_ascii_alphanumeric()).next();
        // Not the second half of a call, or what is said of a signal or an exit.
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            continue;
        };
        let nth = counts.entry(name.to_owned()).or_default();
        *nth += 1;
        let only_reads =
            name == "openat2" && !call.contains("O_CREAT") && !call.contains("O_TMPFILE");
        if !only_reads {
            calls.push((name.to_owned(), *nth));
        }
    }
    let one_of = match std::env::var_os("ENGINE_CATALOG_TEST_EVERY_CALL") {
        Some(_) => 1,
        None => one_of,
    };
    let some = calls
        .into_iter()
        .skip(usize::try_from(random(one_of)).unwrap());
    some.step_by(usize::try_from(one_of).unwrap()).collect()
}

/// Has each of the signals hit the operation at some of its calls, checks what is left, has it done
/// again, and returns how often that was.
fn hit_operation(operation: Operation, signals: &[Signal], one_of: u64) -> Option<usize> {
    let strace = skip::program("strace")?;
    let bench = Bench::in_memory();
    for earlier in [PutOver, Record, Import] {
        bench.real().run(&bench.real().prepare(earlier, 0));
    }
    let args = bench.real().prepare(operation, 1);
    let (before, findings) = (bench.real().state(), bench.real().findings());
    let twin = bench.copy("twin");
    let calls = calls(&strace, &twin, &args, one_of);
    let after = twin.state();
    for (at, (call, nth)) in calls.iter().enumerate() {
        let (signal, place) = (signals[at % signals.len()], bench.copy("hit"));
        let ended = hit(&strace, &place, &args, (call, *nth), signal);
        let what = format!("{signal:?} at {call} {nth}: {ended:?}");
        let is_done = ended.success();
        let is_killed = ended.signal() == Some(signal.as_raw());
        assert!(is_done || is_killed, "{what}");
        let in_flight = InFlight {
            operation,
            before: &before,
            after: &after,
            findings: &findings,
            lines: if is_done { usize::MAX } else { 0 },
            what: &what,
        };
        let is_before = in_flight.check(&place);
        if signal == Signal::KILL {
            in_flight.check_readers(&place);
        } else {
            in_flight.check_nothing_is_left(&place);
        }
        if is_before || operation.is_repeatable() {
            place.run(&args);
            assert_eq!(place.state(), after, "done again: {what}");
        }
    }
    Some(calls.len())
}

#[test]
fn killed_import_is_there_or_not_ref_by_ref() {
    let hits = hit_operation(Import, &[Signal::KILL], 8);
    assert!(hits.is_none_or(|hits| hits > 5), "{hits:?}");
}

#[test]
fn killed_repair_of_objects_is_done_by_the_next() {
    let hits = hit_operation(Repair, &[Signal::KILL], 2);
    assert!(hits.is_none_or(|hits| hits > 5), "{hits:?}");
}

#[test]
fn killed_collection_is_completed_by_the_next() {
    for operation in [Gc, Prune] {
        let hits = hit_operation(operation, &[Signal::KILL], 12);
        assert!(hits.is_none_or(|hits| hits > 3), "{hits:?}");
    }
}

#[test]
fn signals_leave_the_old_or_the_new_and_nothing_else() {
    let signals = heeded::signals();
    let mut sum = 0;
    for operation in Operation::ALL.into_iter().filter(|it| *it != PutMany) {
        let one_of = match operation {
            Gc | Prune => 20,
            Import | Capture | Repair => 12,
            _ => 5,
        };
        let Some(hits) = hit_operation(operation, &signals, one_of) else {
            return;
        };
        println!("{operation:?}: {hits}");
        sum += hits;
    }
    assert!(sum > 40, "{sum}");
}

/// Damages a ref, a history and the object of a current entry, and returns what each holds then.
fn damage_names(place: &Place) -> Vec<String> {
    let of_over = |top: &str| place.root().join(top).join("over/1");
    fs::write(of_over("refs"), "torn ref").unwrap();
    let history = place.root().join("history/new/1");
    let lines = fs::read_to_string(&history).unwrap();
    let damaged = format!("no line\n{lines}");
    fs::write(history, &damaged).unwrap();
    vec!["torn ref".to_owned(), damaged]
}

#[test]
fn killed_repair_of_names_is_done_by_the_next_and_destroys_nothing() {
    let Some(strace) = skip::program("strace") else {
        return;
    };
    let bench = Bench::in_memory();
    let real = bench.real();
    for operation in [Put, PutOver] {
        real.run(&real.prepare(operation, 1));
    }
    let damaged = damage_names(&real);
    let args = ["verify", "--repair"].map(str::to_owned);
    let twin = bench.copy("twin");
    let calls = calls(&strace, &twin, &args, 3);
    let after = twin.state();
    for (call, nth) in &calls {
        let place = bench.copy("hit");
        let ended = hit(&strace, &place, &args, (call, *nth), Signal::KILL);
        let what = format!("killed at {call} {nth}: {ended:?}");
        place.run(&args);
        assert_eq!(place.state(), after, "{what}");
        for content in &damaged {
            assert!(
                has_content(&place.root(), content),
                "{content:?} is gone, {what}"
            );
        }
    }
    assert!(calls.len() > 5, "{calls:?}");
}

fn has_content(root: &Path, content: &str) -> bool {
    let paths = WalkDir::new(root)
        .into_iter()
        .map(|it| it.unwrap().into_path());
    let mut files = paths.filter(|path: &PathBuf| path.is_file());
    files.any(|path| fs::read(path).unwrap() == content.as_bytes())
}
