//! Many who use one catalog at once: helper processes, threads, and what must hold whatever they do.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use engine_catalog::{Catalog, Change, RefName};

use crate::support::child;
use crate::support::sample::entry;
use crate::support::stamp;

/// Processes that are killed when the test ends, if they have not ended themselves.
pub(crate) struct Children(pub(crate) Vec<Child>);

impl Children {
    pub(crate) fn start(roles: &[&str], root: &Path) -> Self {
        Self::start_all(roles, root, Stdio::null)
    }

    fn start_all(roles: &[&str], root: &Path, stdout: fn() -> Stdio) -> Self {
        let start = |role: &&str| {
            let mut command = child::command([""; 0], role, root);
            command.stdout(stdout());
            command.spawn().expect("it can be started")
        };
        Self(roles.iter().map(start).collect())
    }

    pub(crate) fn finish(mut self) {
        let start = Instant::now();
        while self.is_any_at_work() {
            if start.elapsed() > work_time() + PATIENCE {
                self.0.iter().for_each(tell_what_it_waits_for);
                unreachable!("not all have ended");
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Requires that those that have ended did what they were to do.
    fn is_any_at_work(&mut self) -> bool {
        let ends = (self.0.iter_mut()).map(|child| child.try_wait().expect("it was started"));
        let ends: Vec<_> = ends.collect();
        for status in ends.iter().flatten() {
            assert!(status.success(), "{status}");
        }
        ends.contains(&None)
    }

    /// Lets them finish, and returns the lines that they printed, those of each in their order.
    pub(crate) fn run_and_listen(roles: &[&str], root: &Path) -> Vec<String> {
        let mut children = Self::start_all(roles, root, Stdio::piped);
        let outputs: Vec<_> = (children.0.iter_mut())
            .map(|child| child.stdout.take().expect("it is piped"))
            .collect();
        thread::scope(|scope| {
            let listen = |output| scope.spawn(|| BufReader::new(output).lines().collect());
            let listening: Vec<_> = outputs.into_iter().map(listen).collect();
            children.finish();
            let lines = listening.into_iter().map(thread::ScopedJoinHandle::join);
            let lines = lines.map(|it: thread::Result<io::Result<Vec<_>>>| it.expect("it ends"));
            lines.flat_map(|it| it.expect("it prints text")).collect()
        })
    }
}

/// How long a crowd is at work: as many seconds as `ENGINE_CATALOG_TEST_SECONDS` says [2].
pub(crate) fn work_time() -> Duration {
    let seconds = std::env::var("ENGINE_CATALOG_TEST_SECONDS");
    Duration::from_secs(seconds.map_or(2, |it| it.parse().expect("it is a number")))
}

/// Longer than anything takes, beside its work, that does not wait for ever.
const PATIENCE: Duration = Duration::from_secs(120);

/// Prints what each thread of a process waits for, and who has which lock.
fn tell_what_it_waits_for(child: &Child) {
    let tasks = format!("/proc/{}/task", child.id());
    for task in fs::read_dir(tasks).into_iter().flatten().flatten() {
        let told = ["comm", "wchan", "syscall", "stack"]
            .map(|what| fs::read_to_string(task.path().join(what)).unwrap_or_default());
        println!("{}: {told:?}", task.path().display());
    }
    println!("{}", fs::read_to_string("/proc/locks").unwrap_or_default());
}

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Says that something is done when it ends, also when it fails.
pub(crate) struct Done<'a>(pub(crate) &'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `again` over and over in another thread, while `once` runs.
pub(crate) fn meanwhile(again: impl Fn() + Sync, once: impl FnOnce()) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _done = Done(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                again();
            }
        });
        once();
    });
}

/// Requires that each change found what the one before it left.
pub(crate) fn assert_chain(changes: &[Change]) {
    let olds = changes.iter().map(|change| change.old);
    let news = changes.iter().map(|change| change.new);
    assert!(olds.eq([None].into_iter().chain(news).take(changes.len())));
}

/// Requires that each history is one chain that leads to its ref, and that every line of it counts.
pub(crate) fn assert_chains(catalog: &Catalog, names: &[RefName]) {
    for name in names {
        let changes = catalog.history(name).expect("it can be read");
        assert_chain(&changes);
        let current = catalog.current(name).expect("it can be read");
        let last = changes.last().and_then(|change| change.new);
        assert_eq!(last, current.map(|record| record.object), "{name}");
        let file = format!("history/{}/{}", name.engine(), name.version());
        let lines = fs::read_to_string(catalog.root().join(file)).unwrap_or_default();
        assert_eq!(lines.lines().count(), changes.len(), "{name}");
    }
}

/// Puts one build after the other, until it is killed.
pub(crate) fn replace_for_ever(catalog: &Catalog, engine: &str) {
    let me = std::process::id();
    for step in 0_u32.. {
        let new = entry(engine, &format!("{me} {step}"));
        catalog.put(&new, &stamp(1)).expect("it can be put");
    }
}
