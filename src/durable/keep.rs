//! Keeping what is about to lose its name: in another directory, whatever it is.

use std::fs::File;

use rustix::fs::{AtFlags, OFlags, linkat, renameat};
use rustix::io::Errno;

use super::root::{open_beneath, open_file};
use super::standstill::Unfinished;
use super::{Cause, Dir, PathError, Permissions};

impl Dir<'_> {
    /// Keeps what has the name, whatever it is, also in `kept`, as `kept_name` with a random end, which
    /// is returned; `None` where nothing has the name. It gets a second name; where that cannot be,
    /// a file is copied, and the copy survives, and anything else is moved.
    ///
    /// `kept` is to be synced before the first name goes: a cut may separate the two names of a renaming.
    pub(crate) fn keep(
        &self,
        name: &str,
        kept: &Dir<'_>,
        kept_name: &str,
    ) -> Result<Option<String>, PathError> {
        let kept_name = format!("{kept_name}.{}", kept.unique()?);
        match linkat(self.fd(), name, kept.fd(), &kept_name, AtFlags::empty()) {
            Ok(()) => Ok(Some(kept_name)),
            Err(Errno::NOENT) => Ok(None),
            // A directory; a file of a user who does not allow it (protected_hardlinks); or there are
            // no hard links at all.
            Err(Errno::PERM | Errno::MLINK | Errno::OPNOTSUPP | Errno::NOSYS) => {
                self.copy_or_move(name, kept, &kept_name)?;
                Ok(Some(kept_name))
            }
            Err(errno) => Err(self.fail("keep in quarantine", name, errno)),
        }
    }

    fn copy_or_move(&self, name: &str, kept: &Dir<'_>, kept_name: &str) -> Result<(), PathError> {
        let fail = |cause| self.fail("keep in quarantine", name, cause);
        match open_file(self.fd(), name) {
            Ok(Some(file)) => kept.copy(file, kept_name),
            // What is no regular file; or it was removed meanwhile, which this tells.
            Ok(None) | Err(Cause::Link | Cause::NotRegular(_)) => {
                let moved = renameat(self.fd(), name, kept.fd(), kept_name);
                moved.map_err(|errno| fail(errno.into()))
            }
            Err(cause) => Err(fail(cause)),
        }
    }

    /// Makes a copy of a file that survives once this directory is synced. Nothing is left of one that
    /// fails.
    fn copy(&self, mut file: File, name: &str) -> Result<(), PathError> {
        let _unfinished = Unfinished::begin();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let copy = open_beneath(self.fd(), name, flags, Permissions::ByUmask.mode());
        let mut copy: File = copy
            .map_err(|errno| self.fail("create", name, errno))?
            .into();
        let copied = std::io::copy(&mut file, &mut copy).and_then(|_| copy.sync_all());
        copied.map_err(|error| {
            let _ = self.remove(name);
            self.fail("write", name, error)
        })
    }
}
