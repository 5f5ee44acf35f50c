//! Small file systems of a test's own, on images that are loop-mounted and go with their guard.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::skip;

/// A kind of file system that a catalog promises to be durable on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ext4,
    /// With so few inodes that they run out before the space does.
    Ext4FewInodes,
    Xfs,
    Btrfs,
    /// With directories in which case is ignored, where they are marked so.
    Ext4Casefold,
    /// With times of files in whole seconds.
    Ext4WholeSeconds,
    /// Without links, and case is ignored.
    Vfat,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Ext4, Self::Xfs, Self::Btrfs];

    /// Returns whether the kernel can mount it; one that cannot is no fault of the machine.
    fn is_in_the_kernel(self) -> bool {
        let knows = |types: &str| types.lines().any(|line| line.trim() == "vfat");
        match self {
            Self::Ext4Casefold => Path::new("/sys/fs/ext4/features/casefold").exists(),
            Self::Vfat => std::fs::read_to_string("/proc/filesystems").is_ok_and(|t| knows(&t)),
            _ => true,
        }
    }

    /// The size of the image, which is sparse, and what makes the file system on it.
    fn make(self) -> (u64, &'static str, &'static [&'static str]) {
        match self {
            Self::Ext4 => (8 << 20, "mkfs.ext4", &["-q", "-b", "4096", "-m", "0"]),
            Self::Ext4FewInodes => (
                8 << 20,
                "mkfs.ext4",
                &["-q", "-b", "4096", "-m", "0", "-N", "256"],
            ),
            Self::Ext4Casefold => (8 << 20, "mkfs.ext4", &["-q", "-O", "casefold"]),
            Self::Ext4WholeSeconds => (16 << 20, "mkfs.ext4", &["-q", "-I", "128"]),
            Self::Vfat => (8 << 20, "mkfs.vfat", &[]),
            Self::Xfs => (300 << 20, "mkfs.xfs", &["-q"]),
            // Mixed: with blocks for metadata of their own it would be full for files, and never
            // for small ones.
            Self::Btrfs => (96 << 20, "mkfs.btrfs", &["-q", "--mixed"]),
        }
    }
}

/// A mounted file system. Dropping it unmounts it, also when the test failed.
#[must_use = "it is unmounted when this is dropped"]
pub(crate) struct Mounted {
    path: PathBuf,
    /// The image and the directory that it is mounted on.
    scratch: Option<TempDir>,
}

impl Mounted {
    /// Makes and mounts a file system; where that cannot be done, the test is skipped.
    pub(crate) fn new(kind: Kind) -> Option<Self> {
        skip::root()?;
        if !kind.is_in_the_kernel() {
            skip::for_want_in_the_kernel(format_args!("{kind:?}"));
            return None;
        }
        let (size, mkfs, options) = kind.make();
        let mkfs = skip::program(mkfs)?;
        let scratch = scratch();
        let image = scratch.path().join("image");
        let file = std::fs::File::create(&image).expect("there is room");
        file.set_len(size).expect("there is room");
        run(Command::new(mkfs).args(options).arg(&image)).expect("it can be made");
        match Self::mount(scratch, &image) {
            Ok(mounted) => Some(mounted),
            Err(error) => {
                skip::because(format_args!("{kind:?} cannot be mounted: {error}"));
                None
            }
        }
    }

    /// Mounts an image that [`copy_image`](Self::copy_image) made, which replays its journal.
    pub(crate) fn image(image: &Path) -> Self {
        let scratch = tempfile::tempdir().expect("there is room");
        Self::mount(scratch, image).expect("an image that was in use can be mounted")
    }

    fn mount(scratch: TempDir, image: &Path) -> Result<Self, String> {
        let path = scratch.path().join("mnt");
        std::fs::create_dir(&path).expect("there is room");
        run(Command::new("mount")
            .args(["-o", "loop"])
            .args([image, &path]))?;
        let scratch = Some(scratch);
        Ok(Self { path, scratch })
    }

    /// Copies the image as it is now, with all that the kernel has written to it, to `to`.
    pub(crate) fn copy_image(&self, to: &Path) {
        let scratch = self.scratch.as_ref().expect("it has an image");
        let mut copy = Command::new("cp");
        copy.arg("--sparse=always")
            .arg(scratch.path().join("image"))
            .arg(to);
        run(&mut copy).expect("there is room");
    }

    /// Mounts an empty file system in memory on an existing directory.
    pub(crate) fn over(path: &Path) -> Option<Self> {
        Self::kind_over("tmpfs", path)
    }

    /// As [`over`](Self::over), of one of those that are in memory: `tmpfs`, `ramfs`.
    pub(crate) fn kind_over(kind: &str, path: &Path) -> Option<Self> {
        skip::root()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", kind, "none"]).arg(path);
        if let Err(error) = run(&mut mount) {
            skip::because(format_args!("nothing can be mounted: {error}"));
            return None;
        }
        let path = path.to_owned();
        let scratch = None;
        Some(Self { path, scratch })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Mounts it again, with other options: `ro`, `rw`.
    pub(crate) fn remount(&self, option: &str) {
        let start = Instant::now();
        // A process that another thread starts has what was open to be written, until it runs its program.
        while let Err(error) = self.mount_again(option) {
            assert!(start.elapsed() < Duration::from_secs(10), "{error}");
        }
    }

    /// As [`remount`](Self::remount), and returns whether it was possible: not where that makes it
    /// read-only, and a file is open to be written.
    pub(crate) fn try_remount(&self, option: &str) -> bool {
        self.mount_again(option).is_ok()
    }

    fn mount_again(&self, option: &str) -> Result<(), String> {
        let option = format!("remount,{option}");
        run(Command::new("mount").args(["-o", &option]).arg(&self.path))
    }

    /// Returns how many bytes are free, for whoever is not the file system itself.
    pub(crate) fn free(&self) -> u64 {
        let stat = rustix::fs::statvfs(&self.path).expect("it is mounted");
        stat.f_bavail.saturating_mul(stat.f_frsize)
    }

    /// Waits until what was removed is free.
    pub(crate) fn settle(&self) {
        run(Command::new("sync").arg("-f").arg(&self.path)).expect("it can be synced");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let umount = || Command::new("umount");
        if run(umount().arg(&self.path)).is_err() {
            // What a failed test still has open must not keep it mounted. The loop device goes with
            // the last of it.
            let _ = run(umount().arg("--lazy").arg(&self.path));
        }
    }
}

/// A directory in memory where there is much, so that no sync waits for a disk that is not meant.
fn scratch() -> TempDir {
    const MUCH: u64 = 2 << 30;
    let memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(memory).map_or(0, |it| it.f_bavail.saturating_mul(it.f_frsize));
    let scratch = match free {
        MUCH.. => tempfile::tempdir_in(memory),
        _ => tempfile::tempdir(),
    };
    scratch.expect("there is room")
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some(()).ok_or(said)
}
