//! What the root lies on, and what lies below it: file system, kernel, sizes, times and rights. Nothing
//! here writes.

use std::fs::File;
use std::path::Path;

use rustix::fs::{
    Access, AtFlags, Mode, OFlags, Stat, StatVfsMountFlags, accessat, fstat, fstatfs, fstatvfs,
    ioctl_getflags, statat,
};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::{Cause, FileKind, PathError, Root};

/// The inode flag of a directory in which names that differ only by case are one (`chattr +F`).
const CASEFOLD: u32 = 0x4000_0000;

/// What a file system says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileSystemStat {
    /// The number by which the kernel tells its types apart.
    pub(crate) magic: u64,
    pub(crate) mount: MountMode,
    /// What this user may still write.
    pub(crate) free_bytes: u64,
    /// How many files this user may still make; `None` where there is no limit of them.
    pub(crate) free_inodes: Option<u64>,
}

/// Whether a file system is mounted to be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MountMode {
    ReadOnly,
    ReadWrite,
}

/// What a file, directory or other thing is, without opening it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileStat {
    pub(crate) kind: FileKind,
    /// Permission bits.
    pub(crate) mode: u32,
    pub(crate) size: u64,
    /// Milliseconds since the Unix epoch.
    pub(crate) ctime_ms: i64,
    /// When its content was last read, as far as its file system [keeps that](Root::keeps_access_times):
    /// milliseconds since the Unix epoch.
    pub(crate) accessed_ms: i64,
    /// When its content was last written, as far as whoever wrote it says.
    pub(crate) modified: FileTime,
    pub(crate) mark: Mark,
}

/// A time of a file, since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileTime {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: i64,
}

/// Which file or directory it is, and when it was last changed. Of a directory that is when a name in
/// it was made, replaced or removed, as precisely as the file system tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) ctime_ns: i128,
}

/// Which file or directory it is, as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

/// What two clocks show at one moment, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clocks {
    /// Since the Unix epoch, by the clock that the kernel takes the times of files from. It stands still
    /// between two ticks, and somebody may set it.
    pub(crate) wall: i128,
    /// Since the machine was started. Nobody sets it.
    pub(crate) steady: i128,
}

/// What this user may do in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Everything.
    Write,
    /// To list it and open what is in it.
    Read,
    /// Not even that.
    None,
}

impl From<Stat> for FileStat {
    #[allow(
        clippy::unnecessary_cast,
        reason = "the types differ between architectures"
    )]
    fn from(stat: Stat) -> Self {
        let nanoseconds = stat.st_ctime_nsec as i64;
        let mark = Mark {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            ctime_ns: nanoseconds_of(stat.st_ctime as i64, nanoseconds),
        };
        Self {
            mark,
            modified: FileTime {
                seconds: stat.st_mtime as i64,
                nanoseconds: stat.st_mtime_nsec as i64,
            },
            kind: rustix::fs::FileType::from_raw_mode(stat.st_mode).into(),
            mode: stat.st_mode & 0o7777,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            ctime_ms: milliseconds_of(stat.st_ctime as i64, nanoseconds),
            accessed_ms: milliseconds_of(stat.st_atime as i64, stat.st_atime_nsec as i64),
        }
    }
}

impl FileStat {
    /// Returns what an open file is.
    pub(crate) fn of(file: &File) -> Result<Self, Cause> {
        Ok(fstat(file)?.into())
    }
}

impl Mark {
    pub(crate) fn id(self) -> FileId {
        let Self { device, inode, .. } = self;
        FileId { device, inode }
    }
}

impl Root {
    /// Returns what the file system of the root says of itself.
    pub(crate) fn file_system(&self) -> Result<FileSystemStat, PathError> {
        let fail = |errno: Errno| self.error("look at the file system of", Path::new(""), errno);
        let kind = fstatfs(&self.fd).map_err(fail)?;
        let stat = fstatvfs(&self.fd).map_err(fail)?;
        let is_read_only = stat.f_flag.contains(StatVfsMountFlags::RDONLY);
        Ok(FileSystemStat {
            // The type of the field has another size and sign on some architectures.
            magic: kind.f_type as u64 & 0xffff_ffff,
            mount: if is_read_only {
                MountMode::ReadOnly
            } else {
                MountMode::ReadWrite
            },
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
            free_inodes: (stat.f_files > 0).then_some(stat.f_favail),
        })
    }

    /// Returns whether its file system keeps when files were read: it is not mounted `noatime` or read-only. With
    /// `relatime`, which is usual, that is up to a day off.
    pub(crate) fn keeps_access_times(&self) -> Result<bool, PathError> {
        let fail = |errno: Errno| self.error("look at the file system of", Path::new(""), errno);
        let flags = fstatvfs(&self.fd).map_err(fail)?.f_flag;
        Ok(!flags.intersects(StatVfsMountFlags::NOATIME | StatVfsMountFlags::RDONLY))
    }

    /// Returns what is at `path`, itself and not what it may link to; `None` where there is nothing.
    pub(crate) fn stat(&self, path: &Path) -> Result<Option<FileStat>, PathError> {
        let found = self.open_beneath(path, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty());
        match found.and_then(fstat) {
            Ok(stat) => Ok(Some(stat.into())),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.error("look at", path, errno)),
        }
    }

    /// Returns what is in a directory; nothing where there is no such directory.
    pub(crate) fn list_stats(&self, path: &Path) -> Result<Vec<(String, FileStat)>, PathError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let fd = match self.open_beneath(path, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(errno) => return Err(self.error("list", path, errno)),
        };
        let mut found = Vec::new();
        for (name, _) in self.list(path)? {
            match statat(&fd, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => found.push((name, stat.into())),
                // Removed since it was listed; or a foreign name that is not UTF-8.
                Err(Errno::NOENT) => {}
                Err(errno) => return Err(self.error("look at", &path.join(name), errno)),
            }
        }
        Ok(found)
    }

    /// Returns what this user may do in a directory; `None` where there is none.
    pub(crate) fn rights(&self, path: &Path) -> Result<Option<Rights>, PathError> {
        let fail = |errno: Errno| self.error("look at", path, errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let fd = match self.open_beneath(path, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::ACCESS) => return Ok(Some(Rights::None)),
            Err(errno) => return Err(fail(errno)),
        };
        let may = |access| match accessat(&fd, ".", access, AtFlags::EACCESS) {
            Ok(()) => Ok(true),
            Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => Ok(false),
            Err(errno) => Err(fail(errno)),
        };
        Ok(Some(
            match (may(Access::EXEC_OK)?, may(Access::WRITE_OK)?) {
                (false, _) => Rights::None,
                (true, false) => Rights::Read,
                (true, true) => Rights::Write,
            },
        ))
    }

    /// Returns whether two paths that differ lead to the same file, as they do where case is ignored.
    pub(crate) fn is_same_file(&self, one: &str, other: &str) -> bool {
        let identity = |path| {
            let flags = OFlags::PATH | OFlags::NOFOLLOW;
            let found = self.open_beneath(Path::new(path), flags, Mode::empty());
            let stat = found.and_then(fstat).ok()?;
            Some((stat.st_dev, stat.st_ino))
        };
        identity(one).is_some_and(|found| identity(other) == Some(found))
    }

    /// Returns whether a directory is marked as one in which case is ignored. One that does not tell is
    /// not.
    pub(crate) fn folds_case(&self, path: &Path) -> bool {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = self.open_beneath(path, flags, Mode::empty());
        let flags = opened.and_then(|fd| ioctl_getflags(&fd));
        flags.is_ok_and(|flags| flags.bits() & CASEFOLD != 0)
    }
}

impl FileTime {
    /// Returns the time, more precisely than the clock by which the kernel gives times to files: no two
    /// calls return the same, unless the clock is set back. It is never one of [whole
    /// milliseconds](Self::is_fine).
    #[allow(
        clippy::useless_conversion,
        reason = "the types differ between architectures"
    )]
    pub(crate) fn now() -> Self {
        let time = clock_gettime(ClockId::Realtime);
        let now = Self {
            seconds: time.tv_sec.into(),
            nanoseconds: time.tv_nsec.into(),
        };
        if now.is_fine() {
            return now;
        }
        Self {
            nanoseconds: now.nanoseconds + 1,
            ..now
        }
    }

    /// Returns whether it can tell files that were written at different times apart: one of whole
    /// milliseconds, or coarser, is of a file system that keeps no better ones, or of a tool that gives
    /// all files one.
    pub(crate) fn is_fine(self) -> bool {
        self.nanoseconds % 1_000_000 != 0
    }
}

/// Returns what the clocks show.
#[allow(
    clippy::useless_conversion,
    reason = "the types differ between architectures"
)]
pub(crate) fn clocks() -> Clocks {
    let read = |clock| {
        let time = clock_gettime(clock);
        nanoseconds_of(time.tv_sec.into(), time.tv_nsec.into())
    };
    Clocks {
        wall: read(ClockId::RealtimeCoarse),
        steady: read(ClockId::Boottime),
    }
}

fn nanoseconds_of(seconds: i64, nanoseconds: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
}

fn milliseconds_of(seconds: i64, nanoseconds: i64) -> i64 {
    let whole = seconds.saturating_mul(1000);
    whole.saturating_add(nanoseconds / 1_000_000)
}

/// Returns the release of the kernel, such as `6.12.48-amd64`.
pub(crate) fn kernel_release() -> String {
    let name = rustix::system::uname();
    name.release().to_string_lossy().into_owned()
}
