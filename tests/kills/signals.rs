//! SIGHUP, SIGINT and SIGTERM end the program at once, whatever it waits for.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, Place};
use crate::heeded;
use crate::operation::Operation::{self, *};
use crate::operation::many;
use crate::support::skip;

pub(crate) fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits for the end, but not for ever.
pub(crate) fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let start = Instant::now();
    loop {
        match child.try_wait().unwrap() {
            None if start.elapsed() < patience => thread::sleep(Duration::from_millis(1)),
            ended => return ended,
        }
    }
}

/// Requires that the signal ends the program, soon.
fn assert_ends(mut child: Child, signal: Signal) {
    send(&child, signal);
    let ended = wait(&mut child, Duration::from_secs(2));
    let _ = child.kill();
    let ended = ended.unwrap_or_else(|| panic!("{signal:?} does not end it"));
    assert_eq!(ended.signal(), Some(signal.as_raw()), "{ended}");
}

/// Waits until the process waits for a lock.
fn wait_until_locked_out(pid: u32) {
    let (pid, start) = (pid.to_string(), Instant::now());
    let waits = |line: &str| line.contains("->") && line.split(' ').any(|word| word == pid);
    while !fs::read_to_string("/proc/locks")
        .unwrap()
        .lines()
        .any(waits)
    {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "it waits for no lock"
        );
        thread::sleep(Duration::from_millis(1));
    }
}

/// Requires that signals end what waits for the lock of `file`, and that nothing is left of it.
fn assert_signals_end_waiting(operation: Operation, file: &str, prepare: impl Fn(&Place)) {
    let bench = Bench::in_memory();
    let real = bench.real();
    prepare(&real);
    let args = real.prepare(operation, 1);
    let (before, findings) = (real.state(), real.findings());
    let lock = File::open(real.root().join(file)).unwrap();
    lock.lock().unwrap();
    for signal in heeded::signals() {
        let child = start(&mut real.command(&args));
        wait_until_locked_out(child.id());
        assert_ends(child, signal);
        assert_eq!(real.state(), before, "{signal:?}");
        assert_eq!(real.findings(), findings, "{signal:?}");
    }
    drop(lock);
    real.run(&args);
    assert_ne!(real.state(), before);
}

/// The kernel takes no default action for a signal to the first process of a container.
#[test]
fn signal_ends_the_first_process_of_a_container() {
    let (Some(()), Some(unshare)) = (skip::root(), skip::program("unshare")) else {
        return;
    };
    let bench = Bench::in_memory();
    let real = bench.real();
    let program = real.command(&real.prepare(PutOver, 1));
    let _lock = {
        let lock = File::open(real.root().join("lock")).unwrap();
        lock.lock().unwrap();
        lock
    };
    let mut command = Command::new(unshare);
    let set = |(name, value): (_, Option<_>)| Some((name, value?));
    let envs: Vec<_> = program.get_envs().filter_map(set).collect();
    command.args(["--pid", "--fork", "--"]);
    command.arg(program.get_program()).args(program.get_args());
    let mut outer = start(command.env_clear().envs(envs));
    let children = format!("/proc/{0}/task/{0}/children", outer.id());
    let first = loop {
        if let Ok(pid) = fs::read_to_string(&children).unwrap().trim().parse::<u32>() {
            break pid;
        }
        thread::yield_now();
    };
    wait_until_locked_out(first);
    let pid = Pid::from_raw(i32::try_from(first).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let ended = wait(&mut outer, Duration::from_secs(5));
    let _ = kill_process(pid, Signal::KILL);
    assert_eq!(ended.and_then(|it| it.code()), Some(143));
}

#[test]
fn signal_ends_waiting_for_the_store() {
    assert_signals_end_waiting(PutOver, "lock", |_| {});
    assert_signals_end_waiting(CreateSnapshot, "lock", |place| {
        place.run(&place.prepare(Put, 0));
    });
}

#[test]
fn signal_ends_waiting_for_a_ref_with_others_in_hand() {
    let history = format!("history/{}/1", many(20));
    assert_signals_end_waiting(PutMany, &history, |place| {
        place.run(&place.prepare(PutMany, 0));
    });
}

#[test]
fn signal_ends_hashing() {
    let bench = Bench::in_memory();
    let real = bench.real();
    let args = real.prepare(Record, 1);
    // It takes much longer to hash than to make.
    let file = File::create(real.shared("server")).unwrap();
    file.set_len(64 << 30).unwrap();
    let before = real.state();
    for signal in heeded::signals() {
        let child = start(&mut real.command(&args));
        thread::sleep(Duration::from_millis(100));
        assert_ends(child, signal);
        assert_eq!(real.state(), before);
    }
}

#[test]
fn ignored_signal_stays_ignored() {
    let bench = Bench::in_memory();
    let real = bench.real();
    let args = real.prepare(Put, 1);
    let lock = File::open(real.root().join("lock")).unwrap();
    lock.lock().unwrap();
    let program = env!("CARGO_BIN_EXE_engine-catalog");
    let script = format!("trap '' HUP; exec {program} {}", args.join(" "));
    let mut child = start(&mut real.shell(&script));
    wait_until_locked_out(child.id());
    send(&child, Signal::HUP);
    assert_eq!(wait(&mut child, Duration::from_millis(200)), None);
    drop(lock);
    let ended = wait(&mut child, Duration::from_secs(10)).unwrap();
    assert!(ended.success(), "{ended}");
}

#[test]
fn second_signal_does_not_wait_for_the_disk() {
    let Some(strace) = skip::program("strace") else {
        return;
    };
    let bench = Bench::in_memory();
    let real = bench.real();
    real.run(&real.prepare(Put, 1));
    let args = real.prepare(Capture, 1);
    // The tracer is no parent of the program.
    let options = "-D -f -o /dev/null -e trace=syncfs -e inject=syncfs:delay_enter=1s";
    let options: Vec<_> = options.split(' ').map(str::to_owned).collect();
    let mut child = start(&mut real.traced(&strace, &options, &args));
    let start = Instant::now();
    let is_half_done = || {
        let names = fs::read_dir(real.dir()).unwrap().map(|it| it.unwrap());
        let mut hidden = names.filter(|it| it.file_name().to_str().unwrap().starts_with('.'));
        hidden.any(|it| it.path().join("B3SUMS").exists())
    };
    while !is_half_done() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "it comes to no sync"
        );
        thread::sleep(Duration::from_millis(1));
    }
    let signal = Signal::TERM;
    send(&child, signal);
    let ended = wait(&mut child, Duration::from_millis(200));
    assert_eq!(ended, None, "the first signal waits for what is half done");
    assert_ends(child, signal);
    // The tracer does not let go of it before its delay is over.
    assert!(is_half_done(), "the second signal waited too");
}
