//! `list --watch`: what a program and a person see while others change the catalog, and how it ends.

#[path = "support/heeded.rs"]
mod heeded;
#[path = "support/program.rs"]
mod program;
mod support;

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

use engine_catalog::{Catalog, Expect};
use program::Program;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use support::crowd::Children;
use support::sample::{entry, name};
use support::stamp;

/// Longer than it takes to see anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough to see, every second, what it was not told of.
const QUIET: Duration = Duration::from_millis(1300);

/// The program at work, and what it says, line by line.
struct Following {
    children: Children,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Following {
    fn start(program: &Program, args: &[&str]) -> Self {
        let mut command = program.command();
        command.args(["list", "--watch"]).args(args);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::of(command.spawn().expect("it can be started"))
    }

    fn of(mut child: Child) -> Self {
        let output = |it: Option<_>| it.map_or_else(|| channel().1, lines);
        Self {
            stdout: output(child.stdout.take()),
            stderr: lines(child.stderr.take().expect("it is piped")),
            children: Children(vec![child]),
        }
    }

    fn line(&self) -> String {
        let line = self.stdout.recv_timeout(PATIENCE);
        line.expect("it says something")
    }

    /// The next change, less its entry, whose build is returned with it.
    fn change(&self) -> (Value, Value) {
        let mut change: Value = serde_json::from_str(&self.line()).expect("it is JSON");
        let change = change.as_object_mut().expect("it has keys");
        let entry = change.remove("entry").expect("each line has one");
        change.remove("fields");
        (Value::Object(change.clone()), entry["build_ref"].clone())
    }

    fn message(&self) -> String {
        let message = self.stderr.recv_timeout(PATIENCE);
        message.expect("it says something")
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.children.0[0]);
        kill_process(pid, signal).expect("it is at work");
    }

    fn end(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.children.0[0].try_wait().expect("it was started") {
                return status;
            }
            assert!(begin.elapsed() < PATIENCE, "it goes on");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn lines(output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (said, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let _ = said.send(line.expect("it is text"));
        }
    });
    lines
}

/// Changes a file as a writer does: nothing tells of one that is written in place.
fn replace(file: &Path, content: &str) {
    let staged = file.with_file_name(".staged");
    fs::write(&staged, content).expect("there is room");
    fs::rename(staged, file).expect("there is room");
}

fn open(program: &Program) -> Catalog {
    Catalog::open(program.root()).expect("there is a catalog")
}

#[test]
fn program_sees_each_state_as_a_change() {
    let program = Program::with_catalog();
    let catalog = open(&program);
    let put = |engine: &str, build: &str| {
        let put = catalog.put(&entry(engine, build), &stamp(1));
        put.expect("it can be put").object
    };
    let change = |word: &str, engine: &str, from, to| json!({"change": word, "engine": engine, "version": "1", "from": from, "to": to});
    let (e0, e1) = (put("e0", "first"), put("e1", "first"));
    let following = Following::start(&program, &["--json"]);
    let none = None::<()>;
    let added = |engine: &str, to| {
        (
            change("added", engine, json!(none), json!(to)),
            json!("first"),
        )
    };
    assert_eq!(following.change(), added("e0", e0));
    assert_eq!(following.change(), added("e1", e1));
    let second = put("e0", "second");
    let changed = change("changed", "e0", json!(e0), json!(second));
    assert_eq!(following.change(), (changed, json!("second")));
    let retired = catalog.retire(&name("e1"), Expect::Any, &stamp(1));
    assert_eq!(retired.expect("it can be"), Some(e1));
    let removed = change("removed", "e1", json!(e1), json!(none));
    assert_eq!(following.change(), (removed, Value::Null));
    let new = put("new", "first");
    assert_eq!(following.change(), added("new", new));
}

#[test]
fn what_cannot_be_read_is_said_once_and_has_not_gone() {
    let program = Program::with_catalog();
    let catalog = open(&program);
    let put = |engine: &str, build: &str| {
        let put = catalog.put(&entry(engine, build), &stamp(1));
        put.expect("it can be put").object
    };
    let (e0, file) = (put("e0", "first"), program.root().join("refs/e0/1"));
    let following = Following::start(&program, &["--json"]);
    assert_eq!(following.change().0["change"], "added");
    replace(&file, "torn");
    let said = following.message();
    assert!(said.starts_with("error: ref e0/1 is damaged"), "{said}");
    // Another change, while that one lasts.
    put("e1", "first");
    assert_eq!(following.change().0["engine"], "e1");
    // As it was: that is no change. Then it is damaged anew.
    replace(&file, &format!("{e0}\n"));
    thread::sleep(QUIET);
    replace(&file, "torn again");
    assert_eq!(following.message(), said);
    thread::sleep(QUIET);
    replace(&file, &format!("{e0}\n"));
    let second = put("e0", "second");
    let change = following.change().0;
    assert_eq!(change["change"], "changed");
    assert_eq!(
        (&change["from"], &change["to"]),
        (&json!(e0), &json!(second))
    );
    assert!(following.stderr.try_recv().is_err());
    assert!(following.stdout.try_recv().is_err());
}

#[test]
fn person_sees_the_listing_and_then_a_line_a_change() {
    let program = Program::with_catalog();
    let catalog = open(&program);
    let put = |engine: &str, build: &str| {
        let put = catalog.put(&entry(engine, build), &stamp(1));
        put.expect("it can be put");
    };
    put("e0", "first");
    put("other", "first");
    let following = Following::start(&program, &["--engine", "e*"]);
    let line = following.line();
    assert!(line.starts_with("e0  1  be658cd68a6a  first  "), "{line}");
    put("other", "second");
    let mut seen = Vec::new();
    put("e0", "second");
    seen.push(following.line());
    put("e1", "first");
    seen.push(following.line());
    let retired = catalog.retire(&name("e0"), Expect::Any, &stamp(1));
    retired.expect("it can be");
    seen.push(following.line());
    let without_times = seen.iter().map(|line| {
        let (time, line) = line.split_once("  ").expect("it has a time");
        assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
        line
    });
    insta::assert_snapshot!(without_times.collect::<Vec<_>>().join("\n"), @"
    ~ e0/1  be658cd68a6a -> 65f9f04fb71c
    + e1/1  bc4e623fb794
    - e0/1  65f9f04fb71c
    ");
}

#[test]
fn it_ends_when_nobody_reads_it_also_where_nothing_changes() {
    let program = Program::with_catalog();
    let (reader, writer) = std::io::pipe().expect("there are descriptors");
    let mut command = program.command();
    command.args(["list", "--watch"]).stdout(writer);
    let child = command.stderr(Stdio::piped()).spawn();
    // Which has the other end.
    drop(command);
    let child = child.expect("it can be started");
    let mut reader = BufReader::new(reader);
    let catalog = open(&program);
    let put = catalog.put(&entry("e0", "first"), &stamp(1));
    put.expect("it can be put");
    reader.read_line(&mut String::new()).expect("it is text");
    drop(reader);
    let mut following = Following::of(child);
    assert_eq!(following.end().code(), Some(0));
    assert_eq!(following.stderr.iter().next(), None);
}

#[test]
fn signals_end_it() {
    let program = Program::with_catalog();
    let put = open(&program).put(&entry("e0", "first"), &stamp(1));
    put.expect("it can be put");
    for signal in heeded::signals() {
        let mut following = Following::start(&program, &[]);
        following.line();
        following.signal(signal);
        assert_eq!(following.end().signal(), Some(signal.as_raw()));
    }
}

#[test]
fn catalog_that_is_removed_ends_it() {
    let program = Program::with_catalog();
    let put = open(&program).put(&entry("e0", "first"), &stamp(1));
    put.expect("it can be put");
    let mut following = Following::start(&program, &[]);
    following.line();
    fs::remove_dir_all(program.root()).expect("it is there");
    assert_eq!(following.end().code(), Some(3));
    // Before that it may say of an entry that it has lost its object.
    let said: Vec<_> = following.stderr.iter().collect();
    let is_said = |line: &String| line.starts_with("error: there is no catalog at ");
    assert!(said.iter().any(is_said), "{said:?}");
}
