//! Tries out what writing relies on (layout.md section 9), with files in `tmp/` that are gone
//! afterwards, also where a trial fails.
//!
//! What a file system can do is only found out by doing it: types and mount options say little, and
//! layers (FUSE, overlays, network) take abilities away.

use std::fs::File;
use std::io::Read;
use std::io::Write;
use std::path::Path;

use rustix::fs::{
    Access, AtFlags, CWD, FlockOperation, Mode, OFlags, RenameFlags, StatxFlags, accessat, fchmod,
    flock, fstat, linkat, renameat, renameat_with, statx, syncfs, unlinkat,
};
use rustix::io::Errno;

use super::root::{open_beneath, open_file};
use super::staged::link_source;
use super::standstill::Unfinished;
use super::{Cause, Dir, Root};
use crate::layout::TMP;

/// Something that a file system can do or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ability {
    /// Renaming a file over another.
    Rename,
    /// Renaming a file only where the name is free.
    RenameNoReplace,
    /// Giving a file a second name.
    HardLinks,
    /// Making a file without a name, and naming it.
    UnnamedFiles,
    /// Names of 255 bytes.
    LongNames,
    /// Telling names apart by case.
    Case,
    /// Locks that two openings of a file compete for.
    Locks,
    /// Syncing a directory.
    SyncDirectory,
    /// Syncing the file system.
    SyncFileSystem,
    /// Telling when a directory was made.
    BirthTimes,
    /// Keeping the mode that a file is given.
    Modes,
}

/// What came of trying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Works,
    /// It does not, for this reason.
    Lacks(String),
    /// It could not be tried, or failed for a reason that says nothing of the file system.
    Unknown(String),
}

/// Why a trial did not succeed.
enum Failure {
    /// What it needs could not be prepared.
    Setup(String),
    /// The call in question failed.
    Call(Errno),
    /// The call in question succeeded, without doing what it is for.
    Effect(&'static str),
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Call(errno)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Setup(error.to_string())
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Setup(reason) => Self::Unknown(reason),
            Failure::Effect(reason) => Self::Lacks(reason.to_owned()),
            Failure::Call(errno) => {
                let reason = std::io::Error::from(errno).to_string();
                match errno {
                    Errno::INVAL
                    | Errno::NOSYS
                    | Errno::OPNOTSUPP
                    | Errno::PERM
                    | Errno::ISDIR
                    | Errno::NAMETOOLONG
                    | Errno::NOLCK
                    | Errno::MLINK => Self::Lacks(reason),
                    _ => Self::Unknown(reason),
                }
            }
        }
    }
}

type Trial = fn(&mut Bench<'_>) -> Result<(), Failure>;

const TRIALS: [(Ability, Trial); 11] = [
    (Ability::Rename, rename),
    (Ability::RenameNoReplace, rename_noreplace),
    (Ability::HardLinks, hard_links),
    (Ability::UnnamedFiles, unnamed_files),
    (Ability::LongNames, long_names),
    (Ability::Case, case),
    (Ability::Locks, locks),
    (Ability::SyncDirectory, sync_directory),
    (Ability::SyncFileSystem, sync_file_system),
    (Ability::BirthTimes, birth_times),
    (Ability::Modes, modes),
];

impl Ability {
    pub(crate) const ALL: [Self; TRIALS.len()] = {
        let mut all = [Self::Rename; TRIALS.len()];
        let mut at = 0;
        while at < all.len() {
            all[at] = TRIALS[at].0;
            at += 1;
        }
        all
    };
}

impl Root {
    /// Tries out every ability, in the order of [`Ability::ALL`]. Makes `tmp/` where it is missing, as
    /// any writer does, and leaves nothing else.
    pub(crate) fn probe(&self) -> Vec<(Ability, Outcome)> {
        let trials = TRIALS.iter().map(|(ability, trial)| {
            let tried = Bench::new(self).and_then(|mut bench| trial(&mut bench));
            (
                *ability,
                tried.map_or_else(Outcome::from, |()| Outcome::Works),
            )
        });
        trials.collect()
    }
}

/// Where one ability is tried: `tmp/`, and names in it that are nobody else's.
struct Bench<'r> {
    tmp: Dir<'r>,
    prefix: String,
    names: Vec<String>,
    _unfinished: Unfinished,
}

impl<'r> Bench<'r> {
    fn new(root: &'r Root) -> Result<Self, Failure> {
        let setup = |error: &dyn std::fmt::Display| Failure::Setup(error.to_string());
        let tmp = root
            .open_dir(Path::new(TMP))
            .map_err(|error| setup(&error))?;
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(|errno| setup(&errno))?;
        Ok(Self {
            tmp,
            prefix: format!("probe-{:016x}", u64::from_ne_bytes(random)),
            names: Vec::new(),
            _unfinished: Unfinished::begin(),
        })
    }

    /// Returns a name that is removed in the end, whatever gets it.
    fn name(&mut self, end: &str) -> String {
        let name = format!("{}-{end}", self.prefix);
        self.names.push(name.clone());
        name
    }

    /// Makes a file that contains its own name.
    fn file(&mut self, end: &str) -> Result<String, Failure> {
        let name = self.name(end);
        let made = self.create(&name).map_err(Cause::from);
        let mut file = made.map_err(|cause| {
            let error = self.tmp.fail("create", &name, cause);
            Failure::Setup(error.to_string())
        })?;
        file.write_all(name.as_bytes())?;
        Ok(name)
    }

    fn create(&self, name: &str) -> Result<File, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        open_beneath(self.tmp.fd(), name, flags, Mode::from_raw_mode(0o600)).map(File::from)
    }

    fn open(&self, name: &str) -> Result<File, Failure> {
        let opened = open_file(self.tmp.fd(), name);
        let opened = opened.map_err(|cause| Failure::Setup(cause.to_string()))?;
        opened.ok_or(Failure::Effect("what was made is not there"))
    }

    /// Requires that the file `name` was made as `content`.
    fn expect(&self, name: &str, content: &str) -> Result<(), Failure> {
        let mut found = String::new();
        self.open(name)?.read_to_string(&mut found)?;
        match found == content {
            true => Ok(()),
            false => Err(Failure::Effect("it succeeds, and does something else")),
        }
    }

    fn expect_gone(&self, name: &str) -> Result<(), Failure> {
        match self.has(name) {
            false => Ok(()),
            true => Err(Failure::Effect("it leaves the old name in place")),
        }
    }

    fn has(&self, name: &str) -> bool {
        accessat(self.tmp.fd(), name, Access::EXISTS, AtFlags::empty()).is_ok()
    }
}

impl Drop for Bench<'_> {
    fn drop(&mut self) {
        // What cannot be removed is left over in tmp/, which readers never look into.
        for name in &self.names {
            let _ = unlinkat(self.tmp.fd(), name, AtFlags::empty());
        }
    }
}

fn rename(bench: &mut Bench<'_>) -> Result<(), Failure> {
    let (one, other) = (bench.file("a")?, bench.file("b")?);
    renameat(bench.tmp.fd(), &one, bench.tmp.fd(), &other)?;
    bench.expect(&other, &one)?;
    bench.expect_gone(&one)
}

fn rename_noreplace(bench: &mut Bench<'_>) -> Result<(), Failure> {
    let (one, other, free) = (bench.file("a")?, bench.file("b")?, bench.name("c"));
    let tmp = bench.tmp.fd();
    match renameat_with(tmp, &one, tmp, &other, RenameFlags::NOREPLACE) {
        Err(Errno::EXIST) => {}
        Ok(()) => return Err(Failure::Effect("it replaces what has the name")),
        Err(errno) => return Err(errno.into()),
    }
    renameat_with(tmp, &one, tmp, &free, RenameFlags::NOREPLACE)?;
    bench.expect(&free, &one)?;
    bench.expect_gone(&one)
}

fn hard_links(bench: &mut Bench<'_>) -> Result<(), Failure> {
    let (one, other) = (bench.file("a")?, bench.name("b"));
    let tmp = bench.tmp.fd();
    linkat(tmp, &one, tmp, &other, AtFlags::empty())?;
    bench.expect(&other, &one)?;
    // A writer tells by the count that a history has a second name.
    match fstat(bench.open(&one)?)?.st_nlink {
        2 => Ok(()),
        _ => Err(Failure::Effect("the names of a file are not counted")),
    }
}

fn unnamed_files(bench: &mut Bench<'_>) -> Result<(), Failure> {
    let name = bench.name("a");
    let tmp = bench.tmp.fd();
    let flags = OFlags::WRONLY | OFlags::TMPFILE;
    let mut file = File::from(open_beneath(tmp, ".", flags, Mode::from_raw_mode(0o600))?);
    file.write_all(name.as_bytes())?;
    let source = link_source(&file);
    if !Path::new(&source).exists() {
        return Err(Failure::Effect("/proc, which it needs, is not there"));
    }
    linkat(CWD, source, tmp, &name, AtFlags::SYMLINK_FOLLOW)?;
    bench.expect(&name, &name)
}

fn long_names(bench: &mut Bench<'_>) -> Result<(), Failure> {
    let end = "x".repeat(255 - bench.prefix.len() - 1);
    let name = bench.name(&end);
    let mut file = bench.create(&name)?;
    file.write_all(name.as_bytes())?;
    bench.expect(&name, &name)
}

fn case(bench: &mut Bench<'_>) -> Result<(), Failure> {
    let name = bench.file("case")?;
    match bench.has(&name.to_ascii_uppercase()) {
        false => Ok(()),
        true => Err(Failure::Effect("names that differ only by case are one")),
    }
}

fn locks(bench: &mut Bench<'_>) -> Result<(), Failure> {
    let name = bench.file("a")?;
    let (one, other) = (bench.open(&name)?, bench.open(&name)?);
    flock(&one, FlockOperation::NonBlockingLockExclusive)?;
    match flock(&other, FlockOperation::NonBlockingLockShared) {
        Err(Errno::WOULDBLOCK) => {}
        Ok(()) => return Err(Failure::Effect("a lock does not exclude others")),
        Err(errno) => return Err(errno.into()),
    }
    flock(&one, FlockOperation::Unlock)?;
    Ok(flock(&other, FlockOperation::NonBlockingLockExclusive)?)
}

fn sync_directory(bench: &mut Bench<'_>) -> Result<(), Failure> {
    bench.file("a")?;
    Ok(rustix::fs::fsync(bench.tmp.fd())?)
}

fn sync_file_system(bench: &mut Bench<'_>) -> Result<(), Failure> {
    let name = bench.file("a")?;
    Ok(syncfs(bench.open(&name)?)?)
}

fn birth_times(bench: &mut Bench<'_>) -> Result<(), Failure> {
    let stat = statx(bench.tmp.fd(), "", AtFlags::EMPTY_PATH, StatxFlags::BTIME)?;
    match stat.stx_mask & StatxFlags::BTIME.bits() {
        0 => Err(Failure::Effect("it does not tell when a file was made")),
        _ => Ok(()),
    }
}

fn modes(bench: &mut Bench<'_>) -> Result<(), Failure> {
    let name = bench.file("a")?;
    let file = bench.open(&name)?;
    for mode in [0o640, 0o444] {
        fchmod(&file, Mode::from_raw_mode(mode))?;
        if fstat(&file)?.st_mode & 0o777 != mode {
            return Err(Failure::Effect("a file does not keep its mode"));
        }
    }
    Ok(())
}
