//! Waiting for a lock that others hold: how long, and who is told.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::Cause;

/// How long it is slept between two attempts, where there is a limit: flock(2) has none itself.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);
const LONGEST_SLEEP: Duration = Duration::from_millis(20);

/// How a handle waits for a lock that others hold. By default it waits as long as it takes, and
/// tells nobody.
///
/// Writers wait for whoever changes the same ref, and for whoever uses the whole catalog alone, which
/// `layout.md` section 8 lists. Nobody keeps a lock longer than its process lives.
#[derive(Clone, Default)]
pub struct LockWait {
    limit: Option<Duration>,
    notice: Option<Notice>,
}

/// Who is told after how long.
#[derive(Clone)]
struct Notice {
    after: Duration,
    tell: Arc<dyn Fn(&Path) + Send + Sync>,
}

impl LockWait {
    /// Gives up after waiting for a lock this long, at once if that is zero, by an error of kind
    /// [`Busy`](crate::ErrorKind::Busy).
    ///
    /// It tries again and again, so those who wait without a limit come first: on a lock that is
    /// hardly ever free it may be in vain though others get it.
    ///
    /// A call that takes several locks, such as [`put_all`](crate::Catalog::put_all), may wait for each.
    #[doc(alias = "timeout")]
    #[must_use]
    pub fn at_most(self, limit: Duration) -> Self {
        let limit = Some(limit);
        Self { limit, ..self }
    }

    /// Has `tell` called, from a thread of its own, with the path of the lock's file, once a lock was
    /// waited for this long. It is called once for each such lock, and not for one that is free sooner.
    /// Nothing waits for it to return.
    #[must_use]
    pub fn telling(self, after: Duration, tell: impl Fn(&Path) + Send + Sync + 'static) -> Self {
        let tell = Arc::new(tell);
        let notice = Some(Notice { after, tell });
        Self { notice, ..self }
    }

    /// Begins to wait for the lock on the file at `path`.
    pub(super) fn begin<'a>(&'a self, path: &'a Path) -> Waiting<'a> {
        let begin = Instant::now();
        Waiting {
            how: self,
            path,
            begin,
            is_told: Arc::default(),
        }
    }
}

impl fmt::Debug for LockWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told_after = self.notice.as_ref().map(|notice| notice.after);
        let mut shown = f.debug_struct("LockWait");
        shown.field("limit", &self.limit);
        shown.field("told_after", &told_after).finish()
    }
}

/// Waiting for one lock, also where that takes several steps.
pub(super) struct Waiting<'a> {
    how: &'a LockWait,
    path: &'a Path,
    begin: Instant,
    is_told: Arc<AtomicBool>,
}

impl Waiting<'_> {
    /// Takes the lock on an open file.
    pub(super) fn lock(&self, file: &File, operation: FlockOperation) -> Result<(), Cause> {
        if try_lock(file, operation)? {
            return Ok(());
        }
        let done = self.tell_later();
        let result = self.wait(file, operation);
        drop(done);
        result
    }

    /// Has it told that there is something to wait for, unless what is returned is dropped sooner, or
    /// it was told. Nobody waits for whoever is told, and who cannot be told keeps nobody from writing.
    fn tell_later(&self) -> Option<Sender<()>> {
        let Notice { after, tell } = self.how.notice.clone()?;
        let left = after.saturating_sub(self.begin.elapsed());
        let (path, is_told) = (self.path.to_owned(), Arc::clone(&self.is_told));
        let (done, is_done) = channel();
        let teller = thread::Builder::new().spawn(move || {
            let is_over = is_done.recv_timeout(left) != Err(RecvTimeoutError::Timeout);
            if !is_over && !is_told.swap(true, Ordering::Relaxed) {
                tell(&path);
            }
        });
        teller.is_ok().then_some(done)
    }

    fn wait(&self, file: &File, operation: FlockOperation) -> Result<(), Cause> {
        let Some(limit) = self.how.limit else {
            return Ok(lock(file, operation)?);
        };
        let mut sleep = SHORTEST_SLEEP;
        while !try_lock(file, operation)? {
            let left = limit.saturating_sub(self.begin.elapsed());
            if left.is_zero() {
                return Err(Cause::Busy { limit });
            }
            thread::sleep(sleep.min(left));
            sleep = (sleep * 2).min(LONGEST_SLEEP);
        }
        Ok(())
    }
}

/// Takes the lock if it is free.
fn try_lock(file: &File, operation: FlockOperation) -> Result<bool, Errno> {
    let operation = match operation {
        FlockOperation::LockShared => FlockOperation::NonBlockingLockShared,
        FlockOperation::LockExclusive => FlockOperation::NonBlockingLockExclusive,
        other => other,
    };
    match lock(file, operation) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Takes the lock, whatever signals arrive.
fn lock(file: &File, operation: FlockOperation) -> Result<(), Errno> {
    loop {
        match flock(file, operation) {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}
