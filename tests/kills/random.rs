//! Signals at random moments: to one operation, to the group of a script and what it runs, and to
//! the script alone.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::aftermath::InFlight;
use crate::bench::{Bench, Place};
use crate::heeded;
use crate::operation::Operation;

/// After so many kills there is a new catalog, because each is copied, and read several times.
const GENERATION: u64 = 11;

/// What a script prints after each operation.
const FINISHED: &str = "#finished";

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    /// The program.
    Process(Signal),
    /// A script, and the program that it runs.
    Group,
    /// The script alone: the program goes on.
    Script,
}

/// How far an operation had come when it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hit {
    /// There is no trace of it.
    Before,
    /// There is a part of it, on the disk or for readers.
    During,
    /// All of it is there, and nobody was told.
    Unacknowledged,
    /// It had been acknowledged, in whole or in part.
    Acknowledged,
}

pub(crate) fn random(below: u64) -> u64 {
    RandomState::new().hash_one(()) % below
}

#[test]
fn killed_at_any_moment_it_keeps_what_it_acknowledged() {
    let kills = std::env::var("ENGINE_CATALOG_TEST_KILLS");
    let kills = kills.map_or(5 * GENERATION + 2, |kills| kills.parse().unwrap());
    let mut hits = BTreeMap::<_, u64>::new();
    let mut bench = Bench::in_memory();
    for round in 0..kills {
        if round % GENERATION == 0 {
            // Where each takes longer.
            let is_on_disk = round / GENERATION % 6 == 5;
            bench = if is_on_disk {
                Bench::on_disk()
            } else {
                Bench::in_memory()
            };
        }
        let hit = kill_once(&bench, round);
        *hits.entry(hit).or_default() += 1;
    }
    for ((operation, hit), times) in &hits {
        println!("{operation:?} {hit:?}: {times}");
    }
    let midway: u64 = hits
        .iter()
        .filter(|((_, hit), _)| matches!(hit, Hit::During | Hit::Unacknowledged))
        .map(|(_, times)| times)
        .sum();
    assert!(midway > 0, "no kill hit anything under way: {hits:?}");
}

/// Kills once, checks what is left, and has what was interrupted done again.
fn kill_once(bench: &Bench, round: u64) -> (Operation, Hit) {
    let victim = match round % 4 {
        0 => Victim::Group,
        1 => Victim::Script,
        2 => Victim::Process(Signal::KILL),
        _ => {
            let signals = heeded::signals();
            Victim::Process(signals[random(signals.len() as u64) as usize])
        }
    };
    let count = if matches!(victim, Victim::Process(_)) {
        1
    } else {
        3
    };
    let operations = Operation::ALL.into_iter().cycle();
    let operations = operations.skip(round as usize % Operation::ALL.len());
    let operations: Vec<_> = operations.take(count).collect();
    let real = bench.real();
    let prepared: Vec<_> = operations
        .iter()
        .map(|operation| real.prepare(*operation, round))
        .collect();
    let twin = bench.copy("twin");
    let (mut states, mut trees) = (vec![twin.state()], vec![twin.tree()]);
    let findings = twin.findings();
    let mut took = Duration::ZERO;
    for args in &prepared {
        let start = Instant::now();
        twin.run(args);
        took += start.elapsed();
        states.push(twin.state());
        trees.push(twin.tree());
    }
    // A signal takes its time too, and in the first part of it nothing is opened.
    let share = 5 + random(90);
    let delay = took * u32::try_from(share).unwrap() / 100;
    let printed = run_and_kill(command(&real, victim, &prepared), victim, delay);
    let finished = printed.iter().filter(|line| *line == FINISHED).count();
    let of_last = printed.rsplit(|line| line == FINISHED).next().unwrap();
    let what =
        format!("{victim:?} killed after {delay:?} of {took:?} in {prepared:?}: {printed:?}");
    // Where all had finished, the last was the one.
    let at = finished.min(count - 1);
    let lines = if finished == count {
        usize::MAX
    } else {
        of_last.len()
    };
    let in_flight = InFlight {
        operation: operations[at],
        before: &states[at],
        after: &states[at + 1],
        findings: &findings,
        lines,
        what: &what,
    };
    let tree = real.tree();
    let is_before = in_flight.check(&real);
    in_flight.check_readers(&real);
    if !matches!(victim, Victim::Group | Victim::Process(Signal::KILL)) {
        in_flight.check_nothing_is_left(&real);
    }
    if is_before || operations[at].is_repeatable() {
        real.run(&prepared[at]);
        assert_eq!(real.state(), states[at + 1], "done again: {what}");
    }
    let hit = match tree {
        _ if lines > 0 => Hit::Acknowledged,
        tree if tree == trees[at] => Hit::Before,
        tree if tree == trees[at + 1] => Hit::Unacknowledged,
        _ => Hit::During,
    };
    real.remove_bundles();
    (operations[at], hit)
}

fn command(place: &Place, victim: Victim, prepared: &[Vec<String>]) -> Command {
    if matches!(victim, Victim::Process(_)) {
        return place.command(&prepared[0]);
    }
    let program = env!("CARGO_BIN_EXE_engine-catalog");
    let lines = prepared.iter().map(|args| {
        format!(
            "{program} {} && echo '{FINISHED}' || exit 9\n",
            args.join(" ")
        )
    });
    place.shell(&lines.collect::<String>())
}

/// Returns the whole lines that were printed.
fn run_and_kill(mut command: Command, victim: Victim, delay: Duration) -> Vec<String> {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let child = command.process_group(0).spawn().unwrap();
    std::thread::sleep(delay);
    kill(&child, victim);
    // Until everybody who could print has ended, the program that goes on too.
    let output = child.wait_with_output().unwrap();
    if let Victim::Process(signal) = victim {
        let is_killed = output.status.signal() == Some(signal.as_raw());
        assert!(
            is_killed || output.status.success(),
            "{victim:?}: {output:?}"
        );
    }
    let printed = String::from_utf8(output.stdout).unwrap();
    let whole = printed
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    whole.map(|line| line.trim_end().to_owned()).collect()
}

fn kill(child: &Child, victim: Victim) {
    // It may have ended: then its number is not given to others before it was waited for.
    let pid = Pid::from_child(child);
    let _ = match victim {
        Victim::Process(signal) => kill_process(pid, signal),
        Victim::Group => kill_process_group(pid, Signal::KILL),
        Victim::Script => kill_process(pid, Signal::KILL),
    };
}
