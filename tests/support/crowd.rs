//! Many who use one catalog at once: helper processes, threads, and what must hold whatever they do.

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

use engine_catalog::{Catalog, Change, RefName};

use crate::support::child;
use crate::support::sample::entry;
use crate::support::stamp;

/// Processes that are killed when the test ends, if they have not ended themselves.
pub(crate) struct Children(pub(crate) Vec<Child>);

impl Children {
    pub(crate) fn start(roles: &[&str], root: &Path) -> Self {
        let start = |role: &&str| {
            let mut command = child::command([""; 0], role, root);
            command.stdout(Stdio::null());
            command.spawn().expect("it can be started")
        };
        Self(roles.iter().map(start).collect())
    }

    pub(crate) fn finish(mut self) {
        for child in &mut self.0 {
            assert!(child.wait().expect("it was started").success());
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs `again` over and over in another thread, while `once` runs.
pub(crate) fn meanwhile(again: impl Fn() + Sync, once: impl FnOnce()) {
    /// Also when it fails.
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
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
