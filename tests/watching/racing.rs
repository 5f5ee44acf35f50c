//! Another process makes one change right after another, and a reader asks after each whether it has to
//! read again. It never keeps what is no longer so, whatever the times of files are worth.
//!
//! Linux 6.13 gives each change a time of its own that somebody has looked at, on ext4, XFS, btrfs and
//! tmpfs. Older kernels do not, nor does ramfs, nor ext4 with inodes that have room for whole seconds.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use engine_catalog::{Catalog, Expect, ObjectId, Wake};

use crate::current;
use crate::support::crowd::Children;
use crate::support::mount::{Kind, Mounted};
use crate::support::sample::{entry, name};
use crate::support::{child, stamp};

const DEFAULT_STEPS: u32 = 2000;

/// How often it is changed for a reader.
fn steps() -> u32 {
    let steps = std::env::var("ENGINE_CATALOG_TEST_STEPS");
    steps.map_or(DEFAULT_STEPS, |it| it.parse().expect("it is a number"))
}

/// Makes a change for each line of input, and says what is current then.
pub(crate) fn write(root: &Path) {
    let catalog = Catalog::open(root).expect("there is a catalog");
    let (mut step, mut current) = (0_usize, BTreeMap::new());
    for line in std::io::stdin().lines() {
        line.expect("it is text");
        step += 1;
        let engine = format!("e{}", step % 5);
        if step.is_multiple_of(7) {
            let retired = catalog.retire(&name(&engine), Expect::Any, &stamp(1));
            assert_eq!(retired.expect("it can be"), current.remove(&engine));
        } else {
            let new = entry(&engine, ["one", "another"][step / 5 % 2]);
            let put = catalog.put(&new, &stamp(1)).expect("it can be put");
            assert_eq!(put.previous, current.insert(engine, put.object));
        }
        println!("now {}", shown(current.values().copied()));
    }
}

fn shown(objects: impl IntoIterator<Item = ObjectId>) -> String {
    let objects = objects.into_iter();
    objects.map(|object| format!("{object:.12} ")).collect()
}

struct Writer {
    _children: Children,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Writer {
    fn start(root: &Path) -> Self {
        let mut command = child::command([""; 0], "writer", root);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it can be started");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        Self {
            _children: Children(vec![child]),
            input,
            output,
        }
    }

    /// Has it make a change, and returns what is current then.
    fn step(&mut self) -> String {
        self.input.write_all(b"go\n").expect("it reads");
        let mut line = String::new();
        // The harness of the tests says something too.
        while !line.starts_with("now ") {
            line.clear();
            let length = self.output.read_line(&mut line).expect("it is text");
            assert_ne!(length, 0, "it has ended");
        }
        line["now ".len()..].trim_end_matches('\n').to_owned()
    }
}

/// Requires that what a reader keeps is current after each of so many changes, and that it need not read
/// again for ever.
fn assert_reader_is_never_behind(root: &Path, steps: u32) {
    let catalog = Catalog::create(root).expect("it can be made");
    let mut writer = Writer::start(root);
    let mut seen = catalog.generation().expect("it is there");
    let mut kept = shown(current(&catalog));
    let mut read_again = |when: &str| {
        let is_changed = catalog.has_changed_since(&seen).expect("it is there");
        if is_changed {
            seen = catalog.generation().expect("it is there");
            kept = shown(current(&catalog));
        }
        (is_changed, format!("{when}: {kept}"))
    };
    for step in 0..steps {
        let now = writer.step();
        let (_, kept) = read_again("");
        assert_eq!(kept, format!(": {now}"), "step {step}");
    }
    let begin = Instant::now();
    while read_again("").0 {
        assert!(begin.elapsed() < Duration::from_secs(20), "it always does");
    }
}

#[test]
fn reader_that_asks_is_never_behind() {
    let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let scratch = scratch.expect("there is room");
    assert_reader_is_never_behind(&scratch.path().join("root"), steps());
}

#[test]
fn reader_is_never_behind_where_the_clock_of_files_ticks() {
    let scratch = tempfile::tempdir().expect("there is room");
    let Some(mounted) = Mounted::kind_over("ramfs", scratch.path()) else {
        return;
    };
    assert_reader_is_never_behind(&mounted.path().join("root"), steps() / 3);
}

#[test]
fn reader_is_never_behind_where_files_have_whole_seconds() {
    let Some(mounted) = Mounted::new(Kind::Ext4WholeSeconds) else {
        return;
    };
    assert_reader_is_never_behind(&mounted.path().join("root"), steps() / 20);
}

/// What is told, and looking again once that proves something, make up for what times do not show.
#[test]
fn whoever_waits_is_not_left_behind_where_files_have_whole_seconds() {
    let Some(mounted) = Mounted::new(Kind::Ext4WholeSeconds) else {
        return;
    };
    let root = mounted.path().join("root");
    let catalog = Catalog::create(&root).expect("it can be made");
    let mut writer = Writer::start(&root);
    let watch = catalog.watch().expect("it is there");
    let mut watch = watch.looking_every(Duration::from_secs(3600));
    for step in 0..steps() / 60 {
        let now = writer.step();
        let begin = Instant::now();
        loop {
            let woken = watch.wait(Some(Duration::from_secs(20)));
            assert_eq!(woken.expect("it is there"), Wake::Changed, "step {step}");
            if shown(current(&catalog)) == now {
                break;
            }
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "step {step}");
    }
}
