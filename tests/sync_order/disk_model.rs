//! What would survive a power cut, as far as POSIX promises: a model of a disk that is driven by
//! traced system calls and says which rules they break.
//!
//! It is pessimistic. A file's content survives once the file was synced after its last change, a
//! name once its directory was synced after it got there, and a path once every name in it does.
//! What was there before the run counts as never synced: it may have come from a process that was
//! killed, so whoever builds on it has to sync it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::support::strace::Call;

/// A system call that matters here. Files go by path, unnamed ones by what strace shows for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Opened for writing, which may make it; `confined` if the kernel kept it below a directory.
    OpenToWrite {
        path: PathBuf,
        confined: bool,
    },
    MakeDir(PathBuf),
    /// Its content or length changed.
    Write(PathBuf),
    /// Its mode or ctime changed.
    Touch(PathBuf),
    /// It was given a time.
    SetTime(PathBuf),
    Link {
        file: PathBuf,
        to: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove(PathBuf),
    /// A file's content, or a directory's names.
    Sync(PathBuf),
    /// The whole file system; `shared` if through the descriptor of the root, or a duplicate of it.
    SyncAll {
        shared: bool,
    },
}

/// Returns the calls that changed or synced something, in order.
///
/// # Panics
///
/// On a call that it does not know: the model would be blind to what that does.
pub(crate) fn events(calls: &[Call]) -> Vec<Event> {
    let mut opened = BTreeMap::new();
    // Those that are not opened below it.
    let mut shared = BTreeSet::new();
    let mut events = Vec::new();
    for call in calls.iter().filter(|call| !call.failed()) {
        let event = match call.name.as_str() {
            "fcntl" if call.args[1].starts_with("F_DUPFD") => {
                if shared.contains(number(&call.args[0])) {
                    shared.insert(number(&call.result));
                }
                continue;
            }
            "open" | "openat" | "openat2" => {
                let fd = number(&call.result);
                opened.insert(format!("/proc/self/fd/{fd}"), call.returned());
                match call.name.as_str() {
                    "open" => shared.insert(fd),
                    _ => shared.remove(fd),
                };
                let flags = &call.args[if call.name == "open" { 1 } else { 2 }];
                let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE"];
                if !writes.iter().any(|flag| flags.contains(flag)) {
                    continue;
                }
                let confined = ["BENEATH", "NO_SYMLINKS", "NO_MAGICLINKS", "NO_XDEV"]
                    .map(|rule| format!("RESOLVE_{rule}"));
                Event::OpenToWrite {
                    path: call.returned(),
                    confined: confined.iter().all(|rule| flags.contains(rule)),
                }
            }
            "mkdir" => Event::MakeDir(call.text(0).into()),
            "mkdirat" => Event::MakeDir(call.path(0)),
            "write" | "ftruncate" => Event::Write(call.descriptor(0)),
            "fchmod" => Event::Touch(call.descriptor(0)),
            "utimensat" => Event::SetTime(call.descriptor(0)),
            "linkat" => Event::Link {
                file: match call.text(1) {
                    fd if fd.starts_with("/proc/") => opened[fd].clone(),
                    _ => call.path(0),
                },
                to: call.path(2),
            },
            "renameat" | "renameat2" => Event::Rename {
                from: call.path(0),
                to: call.path(2),
            },
            "unlinkat" => Event::Remove(call.path(0)),
            "fsync" | "fdatasync" => Event::Sync(call.descriptor(0)),
            "syncfs" => Event::SyncAll {
                shared: shared.contains(number(&call.args[0])),
            },
            "read" | "pread64" | "getdents64" | "statx" | "fstat" | "newfstatat" | "fcntl"
            | "flock" | "getrandom" => continue,
            _ => unreachable!("the model does not know this call: {call:?}"),
        };
        events.push(event);
    }
    events
}

/// The number of a descriptor that is shown with its path.
fn number(shown: &str) -> &str {
    shown.split('<').next().unwrap_or_default()
}

/// A disk below one directory.
pub(crate) struct Disk {
    top: PathBuf,
    /// Whether the content and the name of each path would survive. A directory has no content of
    /// its own: what it holds are the names of others.
    paths: BTreeMap<PathBuf, Survives>,
    /// Names that were removed, and would be back after a power cut.
    removed: BTreeSet<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Survives {
    content: bool,
    name: bool,
}

impl Disk {
    /// The disk below `top` as it is now: nothing on it is known to survive.
    pub(crate) fn of(top: &Path) -> Self {
        let found = walkdir::WalkDir::new(top).into_iter().map(|found| {
            let found = found.expect("the test can read its own directory");
            let content = found.file_type().is_dir();
            let name = false;
            (found.into_path(), Survives { content, name })
        });
        Self {
            top: top.to_owned(),
            paths: found.collect(),
            removed: BTreeSet::new(),
        }
    }

    /// Returns whether what is at `path` now, or that nothing is there, would survive.
    pub(crate) fn survives(&self, path: &Path) -> bool {
        if !self.paths.contains_key(path) {
            return !self.removed.contains(path);
        }
        let mut names = path.ancestors().take_while(|name| *name != self.top);
        self.is_synced(path) && names.all(|name| self.paths.get(name).is_some_and(|path| path.name))
    }

    /// Returns whether there is something at `path`, and would be after a power cut.
    pub(crate) fn keeps(&self, path: &Path) -> bool {
        self.paths.contains_key(path) && self.survives(path)
    }

    /// Returns whether the content of `file` would survive under whatever name does.
    pub(crate) fn is_synced(&self, file: &Path) -> bool {
        self.paths.get(file).is_some_and(|file| file.content)
    }

    /// Changes the disk as the call did.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::OpenToWrite { path, .. } => {
                self.paths.entry(path.clone()).or_default();
            }
            Event::MakeDir(path) => self.name(path, true),
            Event::Write(file) | Event::Touch(file) => {
                self.paths.entry(file.clone()).or_default().content = false;
            }
            // By which nothing is read.
            Event::SetTime(_) => {}
            Event::Link { file, to } => self.name(to, self.is_synced(file)),
            Event::Rename { from, to } => {
                let moved = self.is_synced(from);
                self.paths.remove(from);
                self.name(to, moved);
            }
            Event::Remove(path) => {
                self.paths.remove(path);
                self.removed.insert(path.clone());
            }
            Event::Sync(synced) => {
                self.paths.entry(synced.clone()).or_default().content = true;
                for (path, state) in &mut self.paths {
                    state.name |= path.parent() == Some(synced);
                }
                self.removed.retain(|path| path.parent() != Some(synced));
            }
            Event::SyncAll { .. } => {
                let (content, name) = (true, true);
                for state in self.paths.values_mut() {
                    *state = Survives { content, name };
                }
                self.removed.clear();
            }
        }
    }

    /// Gives something a name, which is not synced yet.
    fn name(&mut self, path: &Path, content: bool) {
        let name = false;
        self.paths
            .insert(path.to_owned(), Survives { content, name });
        self.removed.remove(path);
    }
}
