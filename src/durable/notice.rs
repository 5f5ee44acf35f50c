//! Being told by the kernel that names in directories have changed (inotify), and waiting for that.
//!
//! It only serves to wake early. Notices can be lost: there may be none to be had, too many may come at
//! once, and another machine that changes a network file system gives none. Whoever waits looks for
//! himself, first and every so often.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::Root;

/// What happens to names, and not what is read or written under them.
const NAMES: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::EXCL_UNLINK);

/// Where notices come in.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    /// `None` as long as none can be had: a user may have 128 by default.
    inotify: Option<OwnedFd>,
}

/// What was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    Nothing,
    /// Names have changed in a directory.
    Names,
    /// Some notices were lost, or some directories are no longer watched.
    Less,
}

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// There are notices, the time is over, or a signal came.
    Over,
    /// Nobody reads the output.
    Unread,
}

impl Notices {
    /// Asks for notices of what happens to the names in a directory, and returns whether they come.
    pub(crate) fn ask(&mut self, root: &Root, path: &Path) -> bool {
        self.try_ask(root, path).is_ok()
    }

    fn try_ask(&mut self, root: &Root, path: &Path) -> Result<(), Errno> {
        let inotify = match &mut self.inotify {
            Some(inotify) => inotify,
            none => none.insert(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?),
        };
        // As everything below a root is opened. There is no call that takes a descriptor.
        let dir = root.open_beneath(path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
        let dir = format!("/proc/self/fd/{}", dir.as_raw_fd());
        inotify::add_watch(inotify, dir, NAMES).map(drop)
    }

    /// Takes what was told since this was called before.
    pub(crate) fn take(&self) -> Told {
        let Some(inotify) = &self.inotify else {
            return Told::Nothing;
        };
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut notices = Reader::new(inotify, &mut buffer);
        let mut told = Told::Nothing;
        loop {
            match notices.next() {
                Ok(notice) => {
                    let less = ReadFlags::IGNORED | ReadFlags::QUEUE_OVERFLOW | ReadFlags::UNMOUNT;
                    told = told.max(match notice.events().intersects(less) {
                        true => Told::Less,
                        false => Told::Names,
                    });
                }
                Err(Errno::INTR) => {}
                Err(_) => return told,
            }
        }
    }

    /// Waits for a notice, at most so long; or until nobody reads `output` any more.
    pub(crate) fn wait(
        &self,
        output: Option<BorrowedFd<'_>>,
        at_most: Duration,
    ) -> io::Result<Wait> {
        let inotify = self.inotify.as_ref().map(AsFd::as_fd);
        let inotify = inotify.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        // Errors and the end of the other side are told of without being asked for.
        let output = output.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::empty()));
        let has_output = output.is_some();
        let mut waited_for: Vec<_> = inotify.into_iter().chain(output).collect();
        let at_most = Timespec::try_from(at_most).ok();
        match poll(&mut waited_for, at_most.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let output = waited_for.last().filter(|_| has_output);
        Ok(match output.is_some_and(|it| !it.revents().is_empty()) {
            true => Wait::Unread,
            false => Wait::Over,
        })
    }
}
