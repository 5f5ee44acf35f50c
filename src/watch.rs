//! Waiting for refs to change. What counts is how their directories look ([`Generation`]); notices of
//! the kernel only wake whoever waits.

use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::catalog::Catalog;
use crate::durable::{Notices, PathError, Told, Wait};
use crate::error::Error;
use crate::generation::Generation;

/// How often it is looked, whatever is told.
const INTERVAL: Duration = Duration::from_secs(1);

/// Shorter, and looking would be all it does.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// Why [`Watch::wait`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wake {
    /// Refs may have changed.
    Changed,
    /// The time is over. A change of the last moments may be told of by the next call.
    TimeOver,
    /// Nobody reads the output that was named by [`Watch::until_unread`].
    Unread,
}

/// Waits for refs of a catalog to change, without a lock.
///
/// Made by [`Catalog::watch`].
#[derive(Debug)]
pub struct Watch<'c> {
    catalog: &'c Catalog,
    notices: Notices,
    /// The directories of which notices come, and which each is.
    asked: HashMap<PathBuf, (u64, u64)>,
    seen: Generation,
    seen_at: Instant,
    interval: Duration,
    output: Option<BorrowedFd<'c>>,
}

impl Catalog {
    /// Returns what waits for refs to change from now on. Make it before reading.
    ///
    /// As everything of this handle, it keeps to the directory that was opened: of another one that takes
    /// the place of it, under the same path, it says nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// use engine_catalog::{Catalog, EngineEntry, Filter, Stamp, Wake};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let root = dir.path().join("engines");
    /// let catalog = Catalog::create(&root)?;
    /// let mut watch = catalog.watch()?;
    /// assert_eq!(catalog.list(&Filter::default())?.count(), 0);
    ///
    /// // Somebody records an engine.
    /// let entry = EngineEntry::new("llamacpp", "b4321", 1_758_240_000_000);
    /// Catalog::open(&root)?.put(&entry, &Stamp::now("engine-provisioner")?)?;
    ///
    /// while watch.wait(Some(Duration::from_secs(60)))? == Wake::Changed {
    ///     if catalog.exists("llamacpp:b4321")? {
    ///         return Ok(()); // it is there: start it
    ///     }
    /// }
    /// panic!("nobody recorded it within a minute");
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`generation`](Self::generation).
    pub fn watch(&self) -> Result<Watch<'_>, Error> {
        let mut watch = Watch {
            catalog: self,
            notices: Notices::default(),
            asked: HashMap::new(),
            seen: self.generation()?,
            seen_at: Instant::now(),
            interval: INTERVAL,
            output: None,
        };
        watch.ask();
        Ok(watch)
    }
}

impl<'c> Watch<'c> {
    /// Looks at least this often, also where no notices of the kernel come: on a network file system, or
    /// where the user has as many inotify instances or watches as the system allows. By default once a
    /// second.
    #[must_use]
    pub fn looking_every(self, interval: Duration) -> Self {
        let interval = interval.max(SHORTEST_INTERVAL);
        Self { interval, ..self }
    }

    /// Gives up with [`Wake::Unread`] once nobody reads what is written to `output`, a pipe, socket or
    /// terminal: whoever has nothing to write would not find out.
    #[must_use]
    pub fn until_unread(self, output: BorrowedFd<'c>) -> Self {
        let output = Some(output);
        Self { output, ..self }
    }

    /// Waits until refs may have changed since this was made, or last returned [`Wake::Changed`]; at most
    /// so long, or else as long as it takes.
    ///
    /// No change is missed, and several may be told of as one. There are false alarms, at least one soon
    /// after each change: [`Catalog::has_changed_since`] says why.
    ///
    /// # Errors
    ///
    /// [`Error::NotACatalog`] where the catalog has been removed, and [`Error::Path`]. It may be called
    /// again after an error.
    pub fn wait(&mut self, at_most: Option<Duration>) -> Result<Wake, Error> {
        let begin = Instant::now();
        loop {
            let told = self.notices.take();
            if told == Told::Less {
                self.asked.clear();
            }
            let now = self.catalog.generation()?;
            // Where the look says nothing yet, what is told does.
            let is_told = told != Told::Nothing && !self.seen.is_settled();
            let due_in = self.due_in();
            if self.seen.differs(&now) || is_told || due_in == Some(Duration::ZERO) {
                (self.seen, self.seen_at) = (now, Instant::now());
                self.ask();
                return Ok(Wake::Changed);
            }
            if self.ask() {
                // What changed before it was asked for is not told of.
                continue;
            }
            let left = at_most.map(|at_most| at_most.saturating_sub(begin.elapsed()));
            if left == Some(Duration::ZERO) {
                return Ok(Wake::TimeOver);
            }
            let times = [Some(self.interval), left, due_in].into_iter().flatten();
            let longest = times.min().unwrap_or(self.interval);
            let waited = self.notices.wait(self.output, longest);
            let fail = |error| PathError::new("wait for changes of", self.catalog.root(), error);
            if waited.map_err(fail)? == Wait::Unread {
                return Ok(Wake::Unread);
            }
        }
    }

    /// Returns when the next look is called a change, because what was seen proves nothing: once another
    /// look may prove something, but for long without one never.
    fn due_in(&self) -> Option<Duration> {
        if self.seen.is_settled() {
            return None;
        }
        let settles_in = u64::try_from(self.seen.settles_in()).unwrap_or(0);
        // The clock of files is behind by up to a hundredth of a second.
        let settles_in = Duration::from_nanos(settles_in) + Duration::from_millis(10);
        let due = settles_in.min(self.interval);
        Some(due.saturating_sub(self.seen_at.elapsed()))
    }

    /// Asks for notices of all directories that were seen, and returns whether there is one of which none
    /// came before.
    fn ask(&mut self) -> bool {
        let root = self.catalog.root_dir();
        let mut is_new = false;
        for (path, identity) in self.seen.directories() {
            if self.asked.get(&path) != Some(&identity) && self.notices.ask(root, &path) {
                self.asked.insert(path, identity);
                is_new = true;
            }
        }
        is_new
    }
}
