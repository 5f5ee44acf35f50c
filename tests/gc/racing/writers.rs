//! What each thread of a writing process does, and requires of what it was told.
//!
//! It prints a line for the ref that nobody else changes, in the end: `holds <engine> <object>`; and one for how
//! much it did: `share <process>-<thread> <number>`.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use engine_catalog::{
    Artifacts, Catalog, EngineEntry, Error, Expect, Members, Name, ObjectId, PreparedEngine, Put,
    RefError, RefName, Stamp,
};

use crate::support::crowd::work_time;
use crate::support::{document, stamp};

pub(super) const THREADS: usize = 3;

/// The ref that all change and nobody retires. Whatever it holds has a manifest.
pub(super) const STEADY: &str = "steady";

/// The engine of which few versions are kept.
pub(super) const FEW_VERSIONS: &str = "few";

pub(super) fn name(engine: &str) -> RefName {
    crate::support::name(&format!("{engine}/1"))
}

/// Has every ref that is never retired hold something.
pub(super) fn prepare(root: &Path) {
    let catalog = Catalog::open(root).expect("there is a catalog");
    let file = root.with_file_name("first");
    fs::write(&file, "first").expect("there is room");
    let prepared = PreparedEngine {
        id: Some(STEADY.to_owned()),
        ..PreparedEngine::new(STEADY, "1", Artifacts::Files(vec![file]), 0)
    };
    let recorded = catalog.record(&prepared, &stamp(0));
    recorded.expect("it can be recorded");
}

/// What the process of this number does.
pub(super) fn write(root: &Path, process: &str) {
    let end = Instant::now() + work_time();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || Writer::new(root, format!("{process}-{thread}")).work(end));
        }
    });
}

struct Writer {
    catalog: Catalog,
    me: String,
    /// The engine that nobody else changes, and what it holds.
    own: String,
    holds: Option<ObjectId>,
    file: PathBuf,
    step: i64,
    random: u64,
}

impl Writer {
    fn new(root: &Path, me: String) -> Self {
        Self {
            catalog: Catalog::open(root).expect("there is a catalog"),
            own: format!("own-{me}"),
            holds: None,
            file: root.with_file_name(format!("file of {me}")),
            step: 0,
            random: me.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte)),
            me,
        }
    }

    fn work(mut self, end: Instant) {
        let mut done = 0;
        while Instant::now() < end || done == 0 {
            self.step += 1;
            match self.act() {
                Ok(()) => done += 1,
                // What had no name may be gone by now, and so may what was current once.
                Err(
                    Error::Ref(RefError::Conflict { .. })
                    | Error::NoEarlierEntry { .. }
                    | Error::NoSuchEntry { .. }
                    | Error::NoSuchSubject { .. }
                    | Error::Gone { .. },
                ) => {}
                Err(error) => unreachable!("{error}"),
            }
            let current = self
                .catalog
                .current(&name(&self.own))
                .expect("it can be read");
            assert_eq!(current.map(|it| it.object), self.holds, "{}", self.own);
        }
        let holds = self
            .holds
            .map_or_else(|| "-".to_owned(), |it| it.to_string());
        println!("holds {} {holds}\nshare {} {done}", self.own, self.me);
    }

    fn pick(&mut self, below: u64) -> u64 {
        // xorshift
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn stamp(&self) -> Stamp {
        stamp(self.step)
    }

    /// An entry that nobody else makes.
    fn fresh(&self, engine: &str, version: &str) -> EngineEntry {
        EngineEntry {
            build_ref: Some(format!("{} {}", self.me, self.step)),
            ..EngineEntry::new(engine, version, self.step)
        }
    }

    /// A build that nobody else makes, with a file that may be that of others.
    fn prepared(&mut self, engine: &str) -> PreparedEngine {
        let content = format!("content {}", self.pick(5));
        fs::write(&self.file, content).expect("there is room");
        PreparedEngine {
            id: Some(engine.to_owned()),
            build_ref: Some(format!("{} {}", self.me, self.step)),
            ..PreparedEngine::new(
                engine,
                "1",
                Artifacts::Files(vec![self.file.clone()]),
                self.step,
            )
        }
    }

    fn act(&mut self) -> Result<(), Error> {
        let own = self.own.clone();
        match self.pick(10) {
            0 => {
                let put = self.catalog.put(&self.fresh(&own, "1"), &self.stamp())?;
                self.own_is(put);
            }
            1 => self.put_what_others_put(),
            2 => self.record(STEADY)?,
            3 => self.record(&own)?,
            4 => self.store_describe_and_put()?,
            5 => self.store_with_files_and_put()?,
            6 => {
                let put = self.catalog.rollback(&name(&own), None, &self.stamp())?;
                self.own_is(put);
            }
            7 => {
                self.catalog
                    .retire(&name(&own), Expect::Any, &self.stamp())?;
                self.holds = None;
            }
            8 => self.name_a_snapshot()?,
            _ => {
                let version = format!("{}", self.pick(9));
                self.catalog
                    .put(&self.fresh(FEW_VERSIONS, &version), &self.stamp())?;
            }
        }
        Ok(())
    }

    fn own_is(&mut self, put: Put) {
        assert_eq!(put.previous, self.holds, "{}", self.own);
        self.holds = Some(put.object);
    }

    /// Two builds by turns, so that what goes comes again and again.
    fn put_what_others_put(&mut self) {
        let entry = EngineEntry::new("shared", "1", self.step % 2);
        let put = self.catalog.put(&entry, &self.stamp());
        put.expect("nothing speaks against it");
    }

    /// Records a build, and stores its file.
    fn record(&mut self, engine: &str) -> Result<(), Error> {
        let prepared = self.prepared(engine);
        let recorded = self.catalog.record(&prepared, &self.stamp())?;
        if engine != self.own {
            return Ok(());
        }
        self.own_is(recorded.put);
        let record = recorded.record();
        self.catalog.store_files(&record, &mut |_| {})?;
        let files = self.catalog.stored_files(&record)?;
        let is_stored = files.iter().all(|file| file.is_stored);
        assert!(is_stored && files.len() == 1, "{files:?}");
        Ok(())
    }

    /// What has to be described, or signed, before it is current.
    fn store_describe_and_put(&mut self) -> Result<(), Error> {
        let stored = self.catalog.store(&[self.fresh(&self.own, "1")])?[0];
        let note = self.catalog.attach(&document(stored, "a note"))?;
        self.put_object(stored)?;
        assert_eq!(self.catalog.attachments(&stored)?, [note]);
        assert!(self.catalog.attachment(&note)?.is_some());
        Ok(())
    }

    fn store_with_files_and_put(&mut self) -> Result<(), Error> {
        let prepared = self.prepared(&self.own.clone());
        let (record, _) = self.catalog.store_prepared(&prepared, &mut |_| {})?;
        self.put_object(record.object)?;
        assert_eq!(self.catalog.manifests(&record.object)?.len(), 1);
        Ok(())
    }

    fn put_object(&mut self, object: ObjectId) -> Result<(), Error> {
        let put = self
            .catalog
            .put_object(&object, Expect::Any, &self.stamp())?;
        self.own_is(put.put);
        Ok(())
    }

    /// What has a name stays whatever becomes of refs.
    fn name_a_snapshot(&mut self) -> Result<(), Error> {
        let Some(object) = self.holds else {
            return Ok(());
        };
        let named = Name::new(&format!("s {}", self.me)).expect("it is a name");
        let members = Members::Objects([object].into());
        let snapshot = self.catalog.create_snapshot(&members, Some(&named))?;
        for _ in 0..2 {
            let put = self
                .catalog
                .put(&self.fresh(&self.own, "1"), &self.stamp())?;
            self.own_is(put);
            self.step += 1;
        }
        let found = self.catalog.find_snapshot(named.as_str())?;
        let (found, snapshot) = (found.expect("it has a name"), snapshot);
        assert_eq!(found.0, snapshot);
        assert_eq!(self.catalog.members(&found.1)?[0].object, object);
        let put = self
            .catalog
            .rollback(&name(&self.own), Some(object), &self.stamp())?;
        self.own_is(put);
        self.catalog.remove_snapshot(&named)?;
        Ok(())
    }
}
