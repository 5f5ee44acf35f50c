//! What each thread of a writing process does, and tells of it.
//!
//! A line for each change that was acknowledged, in the form of a history without time and actor,
//! after the ref: `<ref> <op> <old> <new>`; and in the end one for how much it did: `share <kind>
//! <number>`.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use engine_catalog::{
    Artifacts, Catalog, EngineEntry, Error, Expect, Filter, GcOptions, Members, Name, ObjectId,
    PreparedEngine, Put, RefError, RefName, RetentionRule,
};

use crate::support::crowd::work_time;
use crate::support::sample::{entry, name};
use crate::support::stamp;

/// How many processes, and threads of each.
pub(crate) const PROCESSES: usize = 8;
const THREADS: usize = 4;

/// Refs that all change.
pub(crate) const SHARED: [&str; 3] = ["shared-a", "shared-b", "shared-c"];

/// The ref that only one thread changes.
pub(crate) fn own(process: &str, thread: usize) -> String {
    format!("own-{process}-{thread}")
}

pub(crate) fn own_refs() -> impl Iterator<Item = String> {
    (0..PROCESSES).flat_map(|process| (0..THREADS).map(move |at| own(&process.to_string(), at)))
}

/// What the process of this number does: in one thread in eight snapshots, in the others changes. A
/// thread that comes to nothing in its time goes on until it does.
pub(crate) fn write(root: &Path, process: &str) {
    let end = Instant::now() + work_time();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let catalog = Catalog::open(root).expect("there is a catalog");
                let is_first_of_two = process.parse::<usize>().is_ok_and(|it| it % 2 == 0);
                let (done, kind) = match thread {
                    0 if is_first_of_two => (snapshots(&catalog, process, end), "snapshots"),
                    _ => (Writer::new(&catalog, process, thread).work(end), "writer"),
                };
                println!("share {kind} {done}");
            });
        }
    });
}

/// Collects what nothing keeps, and old builds: of that no history tells, so it comes to nothing else.
pub(crate) fn collect(catalog: &Catalog) {
    let mut options = GcOptions::new(i64::MAX);
    options.keep.grace_ms = 0;
    options.keep.retention.rules = vec![RetentionRule {
        builds: Some(2),
        ..RetentionRule::new("*".into())
    }];
    let end = Instant::now() + work_time();
    while Instant::now() < end {
        let collected = catalog.collect_garbage(&options, &stamp(1));
        collected.expect("nothing hides what is kept");
        // All others wait for it.
        thread::sleep(Duration::from_millis(30));
    }
}

/// Names snapshots of what is current and removes the names.
fn snapshots(catalog: &Catalog, process: &str, end: Instant) -> u32 {
    let (all, mut done) = (Members::Current(Filter::default()), 0);
    while Instant::now() < end || done == 0 {
        let name = Name::new(&format!("s{process}-{}", done % 3)).expect("it is a name");
        let removed = catalog.remove_snapshot(&name).expect("it can be removed");
        assert_eq!(removed.is_some(), done >= 3, "nobody else has this name");
        let made = catalog.create_snapshot(&all, Some(&name));
        made.expect("it can be made");
        done += 1;
    }
    done
}

struct Writer<'c> {
    catalog: &'c Catalog,
    me: String,
    own: String,
    step: u64,
    random: u64,
}

impl<'c> Writer<'c> {
    fn new(catalog: &'c Catalog, process: &str, thread: usize) -> Self {
        let me = format!("{process}-{thread}");
        let random = me.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte));
        Self {
            catalog,
            own: own(process, thread),
            me,
            step: 0,
            random,
        }
    }

    fn work(mut self, end: Instant) -> u32 {
        let mut done = 0;
        while Instant::now() < end || done == 0 {
            self.step += 1;
            match self.act() {
                Ok(()) => done += 1,
                Err(
                    Error::Ref(RefError::Conflict { .. })
                    | Error::NoEarlierEntry { .. }
                    | Error::Gone { .. },
                ) => {}
                Err(error) => unreachable!("{error}"),
            }
        }
        done
    }

    fn pick(&mut self, below: u64) -> u64 {
        // xorshift
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    /// An entry that nobody else makes.
    fn fresh(&self, engine: &str) -> EngineEntry {
        entry(engine, &format!("{} {}", self.me, self.step))
    }

    fn act(&mut self) -> Result<(), Error> {
        let engines = [SHARED[0], SHARED[1], SHARED[2], &self.own].map(str::to_owned);
        let at = usize::try_from(self.pick(4)).expect("it is below 4");
        let (engine, stamp) = (&engines[at], stamp(1));
        let (name, new) = (name(engine), self.fresh(engine));
        match self.pick(8) {
            0 | 1 => tell(&name, "put", self.catalog.put(&new, &stamp)?),
            // The same for all, which often changes nothing.
            2 => tell(
                &name,
                "put",
                self.catalog.put(&entry(engine, "common"), &stamp)?,
            ),
            3 => {
                let current = self.catalog.current(&name)?;
                let expect = current.map_or(Expect::Absent, |it| Expect::Object(it.object));
                let put = self.catalog.put_if(&new, expect, &stamp)?;
                let found = put.previous.map_or(Expect::Absent, Expect::Object);
                assert_eq!(found, expect, "it changed something else");
                tell(&name, "put", put);
            }
            4 => {
                let entries: Vec<_> = engines.iter().rev().map(|it| self.fresh(it)).collect();
                let puts = self.catalog.put_all(&entries, &stamp)?;
                for (entry, put) in entries.iter().zip(puts) {
                    tell(&crate::support::sample::name(&entry.engine), "put", put);
                }
            }
            5 => {
                let image = Artifacts::Image("registry.example/image:1".to_owned());
                let at = i64::try_from(self.step).expect("it is small");
                let build = PreparedEngine {
                    build_ref: Some(self.me.clone()),
                    ..PreparedEngine::new(engine, "1", image, at)
                };
                tell(&name, "put", self.catalog.record(&build, &stamp)?.put);
            }
            6 => {
                if let Some(old) = self.catalog.retire(&name, Expect::Any, &stamp)? {
                    tell_change(&name, "retire", Some(old), None);
                }
            }
            _ => tell(
                &name,
                "rollback",
                self.catalog.rollback(&name, None, &stamp)?,
            ),
        }
        Ok(())
    }
}

fn tell(name: &RefName, op: &str, put: Put) {
    if !put.is_unchanged() {
        tell_change(name, op, put.previous, Some(put.object));
    }
}

fn tell_change(name: &RefName, op: &str, old: Option<ObjectId>, new: Option<ObjectId>) {
    let shown = |id: Option<ObjectId>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    println!("{name} {op} {} {}", shown(old), shown(new));
}
