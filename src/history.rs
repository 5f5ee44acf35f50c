//! History files: append-only, one line for each change of a ref, and the ref's lock (layout.md
//! sections 6, 8).

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

use crate::change::{Change, parse_history, parse_line};
use crate::durable::{Cause, Dir, Lock, PathError, Root};
use crate::layout;
use crate::name::RefName;

/// More than any line has: three numbers' worth of fields and an actor of 255 bytes.
const MAX_LINE_BYTES: u64 = 512;

/// A history that cannot be returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// A line that is not the last is malformed.
    #[error("the history of {name} is damaged: line {line} is malformed")]
    Damaged {
        /// The ref.
        name: RefName,
        /// Number of the line, from 1.
        line: usize,
    },
    /// Its file cannot be read.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// Returns the lines of the history of `name`, oldest first, whether they took effect or not; none
/// where there is no history.
pub(crate) fn read(root: &Root, name: &RefName) -> Result<Vec<Change>, HistoryError> {
    let path = layout::history(name).path();
    let bytes = root.read(&path, layout::MAX_HISTORY_BYTES)?;
    parse_history(&bytes.unwrap_or_default()).map_err(|line| HistoryError::Damaged {
        name: name.clone(),
        line,
    })
}

/// The history of a ref while its lock is held.
///
/// Dropping it before [`keep`](Self::keep) takes back what was appended, and the file itself where
/// it was made for it, as far as that can be done.
#[must_use = "the lock is released when this is dropped"]
pub(crate) struct LockedHistory<'r> {
    lock: Lock,
    dir: Dir<'r>,
    file_name: String,
    /// Bytes of the lines that stand.
    length: u64,
    /// Whether a line was appended that is not kept yet.
    appended: bool,
}

impl<'r> LockedHistory<'r> {
    /// Opens the history of `name`.
    ///
    /// # Locking
    ///
    /// Takes the lock of the ref, and waits while another thread or process holds it. The caller
    /// holds the store lock, shared, and where it locks several refs it takes them in the order of
    /// their names.
    pub(crate) fn lock(root: &'r Root, name: &RefName) -> Result<Self, PathError> {
        let place = layout::history(name);
        let dir = root.dir(&place.dir)?;
        let lock = dir.lock_exclusive(&place.name)?;
        let mut history = Self {
            lock,
            dir,
            file_name: place.name,
            length: u64::MAX,
            appended: false,
        };
        history.check_size(history.io("read", |file| Ok(file.metadata()?.len()))?)?;
        history.length = history.complete_bytes()?;
        Ok(history)
    }

    /// Appends a line. It survives once [`file`](Self::file) and [`dir`](Self::dir) are synced.
    ///
    /// Refuses what would make the file larger than any reader takes.
    pub(crate) fn append(&mut self, change: &Change) -> Result<(), PathError> {
        // A line that did not take effect stays the last until now. It is made to survive before
        // another follows, so that a crash can tear the last line only.
        if self.last()?.is_some_and(|last| last.new != change.old) {
            self.io("sync", File::sync_all)?;
        }
        let (length, line) = (self.length, format!("{change}\n"));
        self.check_size(length + line.len() as u64)?;
        self.appended = true;
        self.io("write", |mut file| {
            file.set_len(length)?;
            file.write_all(line.as_bytes())
        })
    }

    /// Keeps what was appended: the ref has changed.
    pub(crate) fn keep(&mut self) {
        self.appended = false;
        self.length = u64::MAX;
    }

    pub(crate) fn file(&self) -> &File {
        self.lock.file()
    }

    pub(crate) fn dir(&self) -> &Dir<'r> {
        &self.dir
    }

    /// Requires that readers take a history of `size` bytes.
    fn check_size(&self, size: u64) -> Result<(), PathError> {
        let limit = layout::MAX_HISTORY_BYTES;
        if size <= limit {
            return Ok(());
        }
        let cause = Cause::TooLarge { size, limit };
        Err(self.dir.fail("append to", &self.file_name, cause))
    }

    /// Returns how many bytes are complete lines, without an end that a crash left torn.
    fn complete_bytes(&self) -> Result<u64, PathError> {
        let (start, end) = self.read_end()?;
        let (mut complete, mut from) = (start + end.len() as u64, 0);
        for line in end.split_inclusive(|&byte| byte == b'\n') {
            from += line.len();
            let is_last = from == end.len();
            if is_last && parse_line(line).is_none() {
                complete -= line.len() as u64;
            }
        }
        Ok(complete)
    }

    /// Returns the last complete line.
    fn last(&self) -> Result<Option<Change>, PathError> {
        let (start, mut end) = self.read_end()?;
        end.truncate(usize::try_from(self.length - start).unwrap_or(0));
        Ok(end
            .split_inclusive(|&byte| byte == b'\n')
            .next_back()
            .and_then(parse_line))
    }

    /// Returns the end of the file, from some point before its last two lines on, and its offset.
    fn read_end(&self) -> Result<(u64, Vec<u8>), PathError> {
        self.io("read", |file| {
            let length = file.metadata()?.len();
            let mut wanted = 2 * MAX_LINE_BYTES;
            loop {
                let start = length.saturating_sub(wanted);
                let mut end = vec![0; usize::try_from(length - start).unwrap_or(0)];
                file.read_exact_at(&mut end, start)?;
                // What a crash tore is no longer than a line. Other garbage can be, and must be
                // seen whole: a line that is appended to the rest of it is lost.
                let line_feeds = end.iter().filter(|&&byte| byte == b'\n').count();
                if start == 0 || line_feeds > 2 {
                    return Ok((start, end));
                }
                wanted *= 2;
            }
        })
    }

    fn io<T>(
        &self,
        action: &'static str,
        run: impl FnOnce(&File) -> std::io::Result<T>,
    ) -> Result<T, PathError> {
        run(self.lock.file()).map_err(|error| self.dir.fail(action, &self.file_name, error))
    }
}

impl Drop for LockedHistory<'_> {
    fn drop(&mut self) {
        // What cannot be taken back is a line that did not take effect, which readers pass over.
        if self.appended {
            let _ = self.lock.file().set_len(self.length);
        }
        if self.length == 0 {
            let _ = self.dir.remove(&self.file_name);
        }
    }
}
