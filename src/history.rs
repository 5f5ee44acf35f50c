//! History files: append-only, one line for each change of a ref, and the ref's lock (layout.md
//! sections 6, 8).

use std::fs::File;
use std::io::Write;

use crate::change::Change;
use crate::durable::{Cause, Dir, Lock, PathError, Permissions, Root};
use crate::hash::ObjectId;
use crate::layout::{self, Place};
use crate::lineage::{committed, is_torn, lead_to, parse_history, parse_line};
use crate::name::RefName;

/// More than any line has: two numbers' worth of fields, two object ids and an actor of 255 bytes.
const MAX_LINE_BYTES: u64 = 512;

/// How often a history is copied because its file has another name. A file that has one again right
/// after is on a file system that counts names wrongly.
const MOST_COPIES: u32 = 3;

/// A history that cannot be returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// A line is malformed that is not the torn end of an append.
    #[error("the history of {name} is damaged: line {line} is malformed")]
    Damaged {
        /// The ref.
        name: RefName,
        /// Number of the line, from 1.
        line: usize,
    },
    /// No line leads to what the ref holds: the history, or the ref, was changed by something else
    /// than a writer.
    #[error("the history of {name} does not lead to what the ref holds, {}", shown(*current))]
    Disconnected {
        /// The ref.
        name: RefName,
        /// What it holds; `None` where there is no ref.
        current: Option<ObjectId>,
    },
    /// Its file cannot be read.
    #[error(transparent)]
    Path(#[from] PathError),
}

fn shown(current: Option<ObjectId>) -> String {
    current.map_or_else(|| "nothing".to_owned(), |id| id.to_string())
}

/// Returns the changes of `name` that took effect, oldest first, given what the ref holds; none where
/// there is no history.
pub(crate) fn read(
    root: &Root,
    name: &RefName,
    current: Option<ObjectId>,
) -> Result<Vec<Change>, HistoryError> {
    let path = layout::history(name).path();
    let bytes = root
        .read(&path, layout::MAX_HISTORY_BYTES)?
        .unwrap_or_default();
    let lines = parse_history(&bytes).map_err(|line| HistoryError::Damaged {
        name: name.clone(),
        line,
    })?;
    // A ref may come without a history, as in a copy of objects and refs alone.
    if !lead_to(&lines.changes, current) {
        let name = name.clone();
        return Err(HistoryError::Disconnected { name, current });
    }
    Ok(committed(lines.changes, current))
}

/// Returns the entry that the ref held after, or if that retired it before, the last line of its
/// history; `None` where there is no line, or the last is malformed and not torn. That is what a ref
/// was to hold of which nothing else is known.
pub(crate) fn last_entry(root: &Root, name: &RefName) -> Result<Option<ObjectId>, PathError> {
    let path = layout::history(name).path();
    let bytes = match root.read(&path, layout::MAX_HISTORY_BYTES) {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(error) if error.cause.is_damage() => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let mut last = lines.next_back();
    if last.is_some_and(is_torn) {
        last = lines.next_back();
    }
    let change = last.and_then(parse_line);
    Ok(change.and_then(|change| change.new.or(change.old)))
}

/// The history of a ref while its lock is held.
///
/// Dropping it before [`keep`](Self::keep) takes back what was appended, and a file that was empty
/// when it was locked, as far as that can be done.
#[must_use = "the lock is released when this is dropped"]
pub(crate) struct LockedHistory<'r> {
    lock: Lock,
    dir: Dir<'r>,
    place: Place,
    /// Bytes of the file when it was locked.
    length: u64,
    /// Bytes that were appended since.
    appended: u64,
    state: Append,
}

/// Whether a line is there that was not when the history was locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Append {
    Nothing,
    /// It is to be taken back.
    Tentative,
    /// It stays.
    Kept,
}

impl<'r> LockedHistory<'r> {
    /// Opens the history of `name`.
    ///
    /// # Locking
    ///
    /// Takes the lock of the ref, and waits while another thread or process holds it. The caller
    /// holds the store lock, in either way, and where it locks several refs it takes them in the order of
    /// their names.
    pub(crate) fn lock(root: &'r Root, name: &RefName) -> Result<Self, PathError> {
        let place = layout::history(name);
        let dir = root.dir(&place.dir)?;
        let mut copies = 0;
        loop {
            let lock = dir.lock_exclusive(&place.name)?;
            let fail = |error: std::io::Error| dir.fail("read", &place.name, error);
            // Known before anything can be taken back: an empty file may go again, no other.
            let length = lock.file().metadata().map_err(fail)?.len();
            check_size(&dir, &place, length)?;
            if copies < MOST_COPIES && lock.has_other_names().map_err(fail)? {
                // What is appended must not appear under the other name, as copying by hard links
                // gives it: go on with a copy.
                copies += 1;
                let copy = lock.read_from(0).map_err(fail)?;
                let copy = root.stage_named(&copy, Permissions::ByUmask)?;
                root.sync([copy.file()], [])?;
                dir.replace(copy, &place.name)?;
                dir.sync()?;
                continue;
            }
            return Ok(Self {
                lock,
                dir,
                place,
                length,
                appended: 0,
                state: Append::Nothing,
            });
        }
    }

    /// Appends a line. It survives once [`file`](Self::file) and [`dir`](Self::dir) are synced; the file
    /// is synced before another line is appended, so that a cut can tear the last line only.
    ///
    /// Refuses what would make the file larger than any reader takes.
    pub(crate) fn append(&mut self, change: &Change) -> Result<(), PathError> {
        let (from, lead) = match self.last_line()? {
            Some(last) if last.new == change.old => (self.length, ""),
            None if self.length == 0 && change.old.is_none() => (0, ""),
            _ => self.mend(change.old)?,
        };
        let line = format!("{lead}{change}\n");
        let size = from + self.appended + line.len() as u64;
        check_size(&self.dir, &self.place, size)?;
        if from < self.length {
            self.io("truncate", |file| file.set_len(from))?;
            self.length = from;
        }
        self.state = Append::Tentative;
        self.appended += line.len() as u64;
        self.io("write", |mut file| file.write_all(line.as_bytes()))
    }

    /// Finds out where a line can follow an end that is torn, or that does not lead to `current`:
    /// at which offset, and after what.
    fn mend(&self, current: Option<ObjectId>) -> Result<(u64, &'static str), PathError> {
        // Lines that did not take effect are made to survive before another follows, so that a cut
        // can tear the last line only.
        self.io("sync", File::sync_all)?;
        let bytes = self.io("read", |_| self.lock.read_from(0))?;
        Ok(match (parse_history(&bytes), bytes.last()) {
            // What is torn never took effect.
            (Ok(lines), _) if lead_to(&lines.changes, current) => (lines.bytes, ""),
            // What is there is damage, which is for a person to look at: it stays.
            (_, None | Some(b'\n')) => (self.length, ""),
            (_, Some(_)) => (self.length, "\n"),
        })
    }

    /// Keeps what was appended: the ref has changed.
    pub(crate) fn keep(&mut self) {
        self.state = Append::Kept;
    }

    pub(crate) fn file(&self) -> &File {
        self.lock.file()
    }

    pub(crate) fn dir(&self) -> &Dir<'r> {
        &self.dir
    }

    /// Returns the last line; `None` where there is none, or it is torn.
    fn last_line(&self) -> Result<Option<Change>, PathError> {
        let start = self.length.saturating_sub(MAX_LINE_BYTES);
        let end = self.io("read", |_| self.lock.read_from(start))?;
        let last = end.split_inclusive(|&byte| byte == b'\n').next_back();
        Ok(last.and_then(parse_line))
    }

    fn io<T>(
        &self,
        action: &'static str,
        run: impl FnOnce(&File) -> std::io::Result<T>,
    ) -> Result<T, PathError> {
        run(self.lock.file()).map_err(|error| self.dir.fail(action, &self.place.name, error))
    }
}

/// Requires that readers take a history of `size` bytes.
fn check_size(dir: &Dir<'_>, place: &Place, size: u64) -> Result<(), PathError> {
    let limit = layout::MAX_HISTORY_BYTES;
    if size > limit {
        return Err(dir.fail("append to", &place.name, Cause::TooLarge { size, limit }));
    }
    Ok(())
}

impl Drop for LockedHistory<'_> {
    fn drop(&mut self) {
        // What cannot be taken back is a line that did not take effect, which readers pass over.
        if self.state == Append::Tentative {
            let _ = self.lock.file().set_len(self.length);
        }
        if self.state != Append::Kept && self.length == 0 {
            let _ = self.dir.remove(&self.place.name);
        }
    }
}
