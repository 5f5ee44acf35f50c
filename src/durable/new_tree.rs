//! A directory that appears under its final name whole, or not at all.
//!
//! It is built under a hidden name beside the final one, made to survive, and renamed. Renaming a
//! directory replaces nothing but an empty directory, so nothing of anybody else's is touched. Modes
//! are fixed, whatever the umask.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fchmod, linkat, mkdirat, renameat, syncfs, unlinkat};
use rustix::io::Errno;

use super::root::open_beneath;
use super::staged::link_source;
use super::standstill::{Unfinished, fail_if_awaited};
use super::{Cause, Content, Means, Opened, PathError, Published, Root, Unfilled};

/// The mode of every directory of a tree.
const DIR_MODE: u32 = 0o755;

/// As long as it is built, only its owner gets in.
const PRIVATE_MODE: u32 = 0o700;

/// The most bytes of a file name.
const MAX_NAME: usize = 255;

/// What a file of a tree is, and with that its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "bundle"),
    allow(dead_code, reason = "only bundles have objects and plain files")
)]
pub(crate) enum TreeFile {
    /// An object: mode 0444.
    Object,
    /// Any other file: mode 0644.
    Plain,
    /// A file with these permission bits.
    OfMode(u32),
}

impl TreeFile {
    fn mode(self) -> Mode {
        Mode::from_raw_mode(match self {
            Self::Object => 0o444,
            Self::Plain => 0o644,
            Self::OfMode(mode) => mode,
        })
    }
}

/// A directory on its way to its final name. Dropping it removes it, and the directories above it
/// that were made for it.
#[must_use = "what is not published is removed when this is dropped"]
#[derive(Debug)]
pub(crate) struct NewTree {
    /// The directory itself. It was opened before anything in it was written, so that through it the
    /// kernel tells of every write that failed.
    root: Root,
    /// The directory that it lies in.
    parent: Root,
    /// Its name while it is built.
    hidden: OsString,
    name: OsString,
    dirs: BTreeSet<PathBuf>,
    /// The files, in the order in which they were made.
    files: Vec<PathBuf>,
    /// The directories above it that were missing, from the top.
    made_above: Vec<PathBuf>,
    is_published: bool,
    _unfinished: Unfinished,
}

/// Returns whether a tree may get the name: nothing is there, or an empty directory.
pub(crate) fn is_vacant(path: &Path) -> Result<bool, PathError> {
    let fail = |error| PathError::new("look at", path, Cause::Io(error));
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => {
            let mut inside = std::fs::read_dir(path).map_err(fail)?;
            Ok(inside.next().is_none())
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(fail(error)),
    }
}

impl NewTree {
    /// Begins a tree that is to be at `path`. Directories above it are made where they are missing.
    pub(crate) fn begin(path: &Path) -> Result<Self, PathError> {
        let fail = |cause: Cause| PathError::new("create", path, cause);
        let absolute = std::path::absolute(path).map_err(|error| fail(error.into()))?;
        let (Some(above), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(fail(Errno::INVAL.into()));
        };
        let unfinished = Unfinished::begin();
        let mut made_above = Vec::new();
        let begun = Root::make_noting(above, &mut made_above)
            .and_then(|parent| Ok((make_hidden(&parent, name)?, parent)));
        match begun {
            Ok(((root, hidden), parent)) => Ok(Self {
                root,
                parent,
                hidden,
                name: name.to_owned(),
                dirs: BTreeSet::new(),
                files: Vec::new(),
                made_above,
                is_published: false,
                _unfinished: unfinished,
            }),
            Err(error) => {
                remove_empty(&made_above);
                Err(error)
            }
        }
    }

    /// Adds a file, and the directories above it. It must not be there yet.
    #[cfg(any(test, feature = "bundle"))]
    pub(crate) fn add(
        &mut self,
        path: &Path,
        bytes: &[u8],
        kind: TreeFile,
    ) -> Result<(), PathError> {
        self.add_by(path, kind, |mut file| {
            use std::io::Write as _;
            Ok(file.write_all(bytes)?)
        })
    }

    /// Adds a copy of a file of at most `most` bytes, with the directories above it, and returns what the
    /// copy holds. It must not be there yet.
    pub(crate) fn add_copy(
        &mut self,
        path: &Path,
        from: &Opened,
        most: u64,
        kind: TreeFile,
        tell: &mut dyn FnMut(u64),
    ) -> Result<(Content, Means), PathError> {
        self.add_by(path, kind, |file| from.copy_to(file, most, tell))
    }

    /// Adds a further name of a file, which keeps its mode; returns whether it could be. Not where it lies
    /// on another file system, or this user may not link it.
    pub(crate) fn add_link(&mut self, path: &Path, from: &Opened) -> Result<bool, PathError> {
        let (above, name) = self.make_room(path)?;
        // By the open file: whatever has its name by now.
        let source = link_source(from.file());
        match linkat(CWD, source, &above, name, AtFlags::SYMLINK_FOLLOW) {
            Ok(()) => {
                self.files.push(path.to_owned());
                Ok(true)
            }
            Err(errno @ Errno::EXIST) => Err(self.error("create", path, errno)),
            Err(_) => Ok(false),
        }
    }

    /// Sees to it that there is a directory for a file, and returns it.
    fn make_room<'p>(&mut self, path: &'p Path) -> Result<(File, &'p OsStr), PathError> {
        fail_if_awaited().map_err(|cause| self.error("create", path, cause))?;
        let (above, name) = split(path);
        self.make_dir(above)?;
        let above = open_dir(&self.root, above);
        Ok((
            above.map_err(|errno| self.error("create", path, errno))?,
            name,
        ))
    }

    fn add_by<T>(
        &mut self,
        path: &Path,
        kind: TreeFile,
        fill: impl FnOnce(&File) -> Result<T, Unfilled>,
    ) -> Result<T, PathError> {
        let (above, name) = self.make_room(path)?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let opened = open_beneath(&above, name, flags, kind.mode());
        let opened = opened.map_err(|errno| self.error("create", path, errno))?;
        self.files.push(path.to_owned());
        let file = File::from(opened);
        // The mode last: writing takes set-user-id away.
        let filled = fill(&file).and_then(|filled| {
            fchmod(&file, kind.mode())?;
            Ok(filled)
        });
        filled.map_err(|error| error.or(|cause| self.error("write", path, cause)))
    }

    fn make_dir(&mut self, path: &Path) -> Result<(), PathError> {
        if path == Path::new("") || self.dirs.contains(path) {
            return Ok(());
        }
        let (above, name) = split(path);
        self.make_dir(above)?;
        let made = open_dir(&self.root, above)
            .and_then(|above| mkdirat(&above, name, Mode::from_raw_mode(DIR_MODE)));
        made.map_err(|errno| self.error("create directory", path, errno))?;
        self.dirs.insert(path.to_owned());
        open_dir(&self.root, path)
            .and_then(|dir| fchmod(&dir, Mode::from_raw_mode(DIR_MODE)))
            .map_err(|errno| self.error("set the mode of", path, errno))
    }

    /// Gives the tree its name, unless something other than an empty directory has it. When this
    /// returns [`Published::New`], all of the tree survives under that name.
    pub(crate) fn publish(mut self) -> Result<Published, PathError> {
        let own = Path::new("");
        fchmod(&self.root.fd, Mode::from_raw_mode(DIR_MODE))
            .map_err(|errno| self.error("set the mode of", own, errno))?;
        // Of every file and every directory, with one wait.
        syncfs(&self.root.fd).map_err(|errno| self.error("sync the file system of", own, errno))?;
        let parent = &self.parent.fd;
        match renameat(parent, &self.hidden, parent, &self.name) {
            Ok(()) => {}
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => return Ok(Published::Exists),
            Err(errno) => return Err(self.parent.error("create", self.name.as_ref(), errno)),
        }
        self.is_published = true;
        let synced = self.parent.fd.sync_all();
        synced.map_err(|error| self.parent.error("sync", own, error))?;
        Ok(Published::New)
    }

    fn error(&self, action: &'static str, path: &Path, cause: impl Into<Cause>) -> PathError {
        self.root.error(action, path, cause)
    }

    /// Removes what was made, and nothing else.
    fn remove(&self) -> Result<(), Errno> {
        // Deeper directories come later in the order of paths.
        let dirs = self.dirs.iter().rev().map(|dir| (dir, AtFlags::REMOVEDIR));
        let files = self.files.iter().map(|file| (file, AtFlags::empty()));
        for (path, flags) in files.chain(dirs) {
            let (above, name) = split(path);
            unlinkat(open_dir(&self.root, above)?, name, flags)?;
        }
        unlinkat(&self.parent.fd, &self.hidden, AtFlags::REMOVEDIR)
    }
}

impl Drop for NewTree {
    fn drop(&mut self) {
        if !self.is_published {
            // What cannot be removed stays hidden: it never gets the final name.
            let _ = self.remove();
            remove_empty(&self.made_above);
        }
    }
}

/// Makes a directory with a hidden, random name beside `name`, and returns both.
fn make_hidden(parent: &Root, name: &OsStr) -> Result<(Root, OsString), PathError> {
    loop {
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(|errno| parent.error("name a directory in", Path::new(""), errno))?;
        let end = format!(".{:016x}", u64::from_ne_bytes(random));
        let most = MAX_NAME - end.len() - 1;
        let name = &name.as_bytes()[..name.len().min(most)];
        let hidden = OsString::from_vec([b".", name, end.as_bytes()].concat());
        let path = Path::new(&hidden);
        match mkdirat(&parent.fd, &hidden, Mode::from_raw_mode(PRIVATE_MODE)) {
            Ok(()) => {}
            Err(Errno::EXIST) => continue,
            Err(errno) => return Err(parent.error("create directory", path, errno)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = open_beneath(&parent.fd, path, flags, Mode::empty());
        return match opened {
            Ok(fd) => Ok((Root::of(fd.into(), parent.path().join(path)), hidden)),
            Err(errno) => {
                let _ = unlinkat(&parent.fd, &hidden, AtFlags::REMOVEDIR);
                Err(parent.error("open", path, errno))
            }
        };
    }
}

fn open_dir(root: &Root, path: &Path) -> Result<File, Errno> {
    let path = if path == Path::new("") {
        Path::new(".")
    } else {
        path
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    Ok(root.open_beneath(path, flags, Mode::empty())?.into())
}

fn split(path: &Path) -> (&Path, &OsStr) {
    let above = path.parent().unwrap_or(Path::new(""));
    (above, path.file_name().unwrap_or_default())
}

/// Removes directories that were made, deepest first, as far as they are empty.
fn remove_empty(dirs: &[PathBuf]) {
    for dir in dirs.iter().rev() {
        let _ = std::fs::remove_dir(dir);
    }
}
