//! What is half done on the disk: how much of it this process has under way, and a state in which it
//! has none. A program that a signal is to end waits for that state, and leaves nothing behind.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Of all threads, because a process ends with all of them.
static WORK: Mutex<Work> = Mutex::new(Work {
    unfinished: 0,
    waiting: 0,
});
static CHANGED: Condvar = Condvar::new();

struct Work {
    /// How many pieces of work are under way.
    unfinished: usize,
    /// How many want that there are none.
    waiting: usize,
}

fn work() -> MutexGuard<'static, Work> {
    // Two numbers that a thread which panicked cannot have left half changed.
    WORK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something half done, such as a file with a name in `tmp/`: it is finished, or taken back, before
/// this is dropped. Whoever has one waits for no lock.
#[must_use = "whoever waits for a standstill does not wait for what is not marked by this"]
#[derive(Debug)]
pub(crate) struct Unfinished {
    /// It stays with its thread, which counts its own.
    _of_thread: PhantomData<*const ()>,
}

thread_local! {
    /// How much of it is of this thread.
    static OWN: Cell<usize> = const { Cell::new(0) };
}

impl Unfinished {
    /// Waits for the end of a standstill, unless this belongs to what this thread has under way, and
    /// has to finish first.
    pub(crate) fn begin() -> Self {
        let is_first = OWN.get() == 0;
        let work = CHANGED.wait_while(work(), |work| is_first && work.waiting > 0);
        work.unwrap_or_else(PoisonError::into_inner).unfinished += 1;
        OWN.set(OWN.get() + 1);
        let _of_thread = PhantomData;
        Self { _of_thread }
    }
}

/// For work that takes long: fails where somebody waits for a standstill.
pub(super) fn fail_if_awaited() -> Result<(), super::Cause> {
    match work().waiting {
        0 => Ok(()),
        _ => Err(std::io::Error::from(std::io::ErrorKind::Interrupted).into()),
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        work().unfinished -= 1;
        OWN.set(OWN.get() - 1);
        CHANGED.notify_all();
    }
}

/// A state of this process in which nothing is half done, in no catalog and no bundle that it writes:
/// a program that ends now leaves nothing in `tmp/`, no line of a history without its change, and
/// nothing beside a bundle. It lasts until this is dropped.
///
/// It is for a program that ends by a signal. Nothing is lost or torn without it: what is cut short
/// leaves the old state or the new one, and what is left beside them harms nobody.
#[doc(alias = "quiesce")]
#[doc(alias = "graceful shutdown")]
#[must_use = "the standstill ends when this is dropped"]
#[derive(Debug)]
pub struct Standstill(());

impl Standstill {
    /// Waits until changes under way are finished, and keeps others from beginning: they wait until
    /// the standstill ends. A proof bundle that is being made, and the copy of an artifact, is given up,
    /// with [`ErrorKind::Interrupted`](std::io::ErrorKind::Interrupted). What waits for a lock, reads or hashes goes on: nothing of it is
    /// half done.
    ///
    /// Returns `None` where that takes longer than `patience`, as on a disk that does not answer.
    #[must_use]
    pub fn reach(patience: Duration) -> Option<Self> {
        let mut work = work();
        work.waiting += 1;
        // Made already: where it is not reached, dropping it lets the others go on.
        let standstill = Self(());
        let waited = CHANGED.wait_timeout_while(work, patience, |work| work.unfinished > 0);
        let (work, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_reached = work.unfinished == 0;
        drop(work);
        is_reached.then_some(standstill)
    }
}

impl Drop for Standstill {
    fn drop(&mut self) {
        work().waiting -= 1;
        CHANGED.notify_all();
    }
}
