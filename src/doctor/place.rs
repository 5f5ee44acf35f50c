//! What lies around a catalog: kernel, clock, and the file system as it describes itself.

use std::path::Path;

use super::{HealthCheck, bytes, plural};
use crate::catalog::Catalog;
use crate::durable::{FileSystemStat, MountMode, PathError, kernel_release};
use crate::layout;
use crate::refs;
use crate::schema::MAX_OBJECT_BYTES;

/// The oldest kernel whose `syncfs` reports errors.
const LEAST_KERNEL: (u32, u32) = (5, 8);

/// The first moment of 2025: no catalog is older.
const LEAST_TIME_MS: i64 = 1_735_689_600_000;

/// How far a clock may seem to be behind: times of files are taken from a clock that ticks more
/// slowly.
const SLACK_MS: i64 = 1000;

/// With fewer files to be made, a catalog is as good as full.
const LEAST_INODES: u64 = 1000;

/// What is known of a type of file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Local, and tested with power cuts.
    Tested,
    /// Local, and not tested.
    Local,
    /// In memory.
    Memory,
    /// Whatever lies below it decides.
    Layer,
    /// On another machine, or shared with others.
    Network,
    /// An image that is never written to.
    Image,
}

const FILE_SYSTEMS: [(u64, &str, Kind); 34] = [
    (0xEF53, "ext4", Kind::Tested),
    (0x5846_5342, "xfs", Kind::Tested),
    (0x9123_683E, "btrfs", Kind::Tested),
    (0x2FC1_2FC1, "zfs", Kind::Local),
    (0xCA45_1A4E, "bcachefs", Kind::Local),
    (0xF2F5_2010, "f2fs", Kind::Local),
    (0x3153_464A, "jfs", Kind::Local),
    (0x5265_4973, "reiserfs", Kind::Local),
    (0x3434, "nilfs2", Kind::Local),
    (0x4D44, "vfat", Kind::Local),
    (0x2011_BAB0, "exfat", Kind::Local),
    (0x7366_746E, "ntfs3", Kind::Local),
    (0x482B, "hfsplus", Kind::Local),
    (0x1501_3346, "udf", Kind::Local),
    (0x0102_1994, "tmpfs", Kind::Memory),
    (0x8584_58F6, "ramfs", Kind::Memory),
    (0x794C_7630, "overlay", Kind::Layer),
    (0x6173_7566, "aufs", Kind::Layer),
    (0xF15F, "ecryptfs", Kind::Layer),
    (0x6573_5546, "fuse", Kind::Layer),
    (0x6969, "nfs", Kind::Network),
    (0xFF53_4D42, "cifs", Kind::Network),
    (0xFE53_4D42, "smb2", Kind::Network),
    (0x517B, "smb", Kind::Network),
    (0x0102_1997, "9p", Kind::Network),
    (0x00C3_6400, "ceph", Kind::Network),
    (0x5346_414F, "afs", Kind::Network),
    (0x0116_1970, "gfs2", Kind::Network),
    (0x7461_636F, "ocfs2", Kind::Network),
    (0x0BD0_0BD0, "lustre", Kind::Network),
    (0x786F_4256, "vboxsf", Kind::Network),
    (0x7371_7368, "squashfs", Kind::Image),
    (0xE0F5_E1E2, "erofs", Kind::Image),
    (0x9660, "iso9660", Kind::Image),
];

fn known(magic: u64) -> Option<(&'static str, Kind)> {
    let mut known = FILE_SYSTEMS.iter();
    known.find_map(|(number, name, kind)| (*number == magic).then_some((*name, *kind)))
}

/// Returns the name of a type of file system.
pub(super) fn name_of(magic: u64) -> Option<&'static str> {
    known(magic).map(|(name, _)| name)
}

pub(super) fn check(
    catalog: &Catalog,
    stat: Result<&FileSystemStat, &PathError>,
    now_ms: i64,
) -> Vec<HealthCheck> {
    let mut checks = match stat {
        Ok(stat) => vec![
            check_type(stat.magic),
            check_local(stat.magic),
            check_mount(stat.mount),
            check_space(stat.free_bytes, stat.mount),
            check_inodes(stat.free_inodes, stat.mount),
        ],
        Err(error) => ["file-system", "local", "mount", "space", "inodes"]
            .map(|name| HealthCheck::unknown(name, error))
            .into(),
    };
    checks.push(check_kernel(&kernel_release()));
    checks.push(check_clock(catalog, now_ms));
    checks
}

fn check_type(magic: u64) -> HealthCheck {
    let name = "file-system";
    let Some((shown, kind)) = known(magic) else {
        return HealthCheck::unknown(name, format_args!("of the unknown type {magic:#x}"));
    };
    match kind {
        Kind::Tested => HealthCheck::ok(name, shown),
        Kind::Image => HealthCheck::ok(name, format!("{shown}, which is never written to")),
        Kind::Memory => HealthCheck::warning(
            name,
            format!("{shown}, in memory: a restart removes the catalog"),
        )
        .advise("put a catalog that is to last on a disk"),
        Kind::Layer => HealthCheck::warning(
            name,
            format!("{shown}: what lies below it decides what survives a power cut"),
        )
        .advise("put the catalog on a volume of its own, with ext4, XFS or btrfs"),
        Kind::Local | Kind::Network => HealthCheck::warning(
            name,
            format!("{shown}: nothing is known of what it keeps in a power cut"),
        )
        .advise("ext4, XFS and btrfs are those that were tested"),
    }
}

fn check_local(magic: u64) -> HealthCheck {
    let name = "local";
    match known(magic) {
        Some((_, Kind::Tested | Kind::Local | Kind::Memory | Kind::Image)) => {
            HealthCheck::ok(name, "on this machine, and nobody else's")
        }
        Some((shown, Kind::Network)) => HealthCheck::failed(
            name,
            format!("{shown}: locks and syncs are not those of a local file system"),
        )
        .advise("keep the catalog on a local disk, and share it by copies"),
        Some((shown, Kind::Layer)) => {
            HealthCheck::unknown(name, format_args!("{shown} may lie on anything"))
        }
        None => HealthCheck::unknown(name, "nothing is known of its type"),
    }
}

fn check_mount(mount: MountMode) -> HealthCheck {
    match mount {
        MountMode::ReadWrite => HealthCheck::ok("mount", "read and write"),
        MountMode::ReadOnly => HealthCheck::warning("mount", "read only: nothing can be recorded"),
    }
}

fn check_space(free: u64, mount: MountMode) -> HealthCheck {
    let name = "space";
    let detail = format!("{} free", bytes(free));
    let advice = "make room: nothing can be recorded on a full disk";
    match free {
        _ if mount == MountMode::ReadOnly => HealthCheck::ok(name, detail),
        0 => HealthCheck::failed(name, detail).advise(advice),
        free if free < MAX_OBJECT_BYTES => HealthCheck::warning(
            name,
            format!(
                "{detail}, less than the {} of the largest object",
                bytes(MAX_OBJECT_BYTES)
            ),
        )
        .advise(advice),
        _ => HealthCheck::ok(name, detail),
    }
}

fn check_inodes(free: Option<u64>, mount: MountMode) -> HealthCheck {
    let name = "inodes";
    let Some(free) = free else {
        return HealthCheck::ok(name, "no limit but the space");
    };
    let detail = format!("room for {}", plural(free, "more file"));
    let advice = "remove files of other things from this file system, or move the catalog";
    match free {
        _ if mount == MountMode::ReadOnly => HealthCheck::ok(name, detail),
        0 => HealthCheck::failed(name, detail).advise(advice),
        free if free < LEAST_INODES => HealthCheck::warning(name, detail).advise(advice),
        _ => HealthCheck::ok(name, detail),
    }
}

fn check_kernel(release: &str) -> HealthCheck {
    let name = "kernel";
    let number = |part: Option<&str>| part?.parse::<u32>().ok();
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    let (Some(major), Some(minor)) = (number(parts.next()), number(parts.next())) else {
        return HealthCheck::unknown(name, format_args!("it calls itself {release:?}"));
    };
    let detail = format!("Linux {release}");
    if (major, minor) < LEAST_KERNEL {
        let (major, minor) = LEAST_KERNEL;
        return HealthCheck::failed(name, format!("{detail}, older than {major}.{minor}"))
            .advise("before 5.8 the kernel does not tell of every write that failed");
    }
    HealthCheck::ok(name, detail)
}

fn check_clock(catalog: &Catalog, now_ms: i64) -> HealthCheck {
    let name = "clock";
    let advice = "set the clock: histories and the age of objects are told by it";
    if now_ms < LEAST_TIME_MS {
        return HealthCheck::failed(name, "it says a time before 2025").advise(advice);
    }
    let made = catalog.root.stat(Path::new(layout::FORMAT));
    let made = made.ok().flatten().map(|stat| stat.ctime_ms);
    let (newest, damaged) = newest_change(catalog);
    let behind = |what: &str, then_ms: i64| {
        let seconds = then_ms.saturating_sub(now_ms) / 1000;
        let detail = format!(
            "it is {} behind {what}",
            plural(seconds.unsigned_abs(), "second")
        );
        HealthCheck::warning(name, detail).advise(advice)
    };
    let limit = now_ms.saturating_add(SLACK_MS);
    match (newest, made) {
        (_, Some(made)) if made > limit => behind("the file `format`", made),
        (Some((at_ms, change)), _) if at_ms > limit => behind(&change, at_ms),
        _ if damaged > 0 => HealthCheck::ok(
            name,
            format!("not behind any change that can be read; histories that cannot be: {damaged}"),
        ),
        _ => HealthCheck::ok(name, "not behind the newest change"),
    }
}

/// Returns when the newest change was, and what it was of; and how many histories could not be read.
fn newest_change(catalog: &Catalog) -> (Option<(i64, String)>, u64) {
    let (mut newest, mut damaged) = (None, 0);
    let Ok(names) = refs::list_histories(&catalog.root) else {
        return (None, 1);
    };
    for name in names {
        match catalog.history(&name) {
            Ok(changes) => {
                let last = changes.iter().map(|change| change.at_ms).max();
                let last = last.map(|at_ms| (at_ms, format!("the newest change of {name}")));
                newest = newest.max(last);
            }
            Err(_) => damaged += 1,
        }
    }
    (newest, damaged)
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    #[test]
    fn types_are_judged_by_what_is_known_of_them() {
        for (magic, of_type, local) in [
            (0xEF53, Health::Ok, Health::Ok),
            (0x2FC1_2FC1, Health::Warning, Health::Ok),
            (0x0102_1994, Health::Warning, Health::Ok),
            (0x9660, Health::Ok, Health::Ok),
            (0x6969, Health::Warning, Health::Failed),
            (0xFF53_4D42, Health::Warning, Health::Failed),
            (0x6573_5546, Health::Warning, Health::Unknown),
            (0x1234, Health::Unknown, Health::Unknown),
        ] {
            assert_eq!(check_type(magic).status, of_type, "{magic:x}");
            assert_eq!(check_local(magic).status, local, "{magic:x}");
        }
    }

    #[test]
    fn every_type_has_one_number_and_one_name() {
        let numbers: std::collections::BTreeSet<_> = FILE_SYSTEMS.map(|known| known.0).into();
        let names: std::collections::BTreeSet<_> = FILE_SYSTEMS.map(|known| known.1).into();
        assert_eq!(numbers.len(), FILE_SYSTEMS.len());
        assert_eq!(names.len(), FILE_SYSTEMS.len());
    }

    #[test]
    fn kernels_before_5_8_fail_and_odd_ones_are_unknown() {
        for (release, status) in [
            ("6.12.48-amd64", Health::Ok),
            ("5.8.0", Health::Ok),
            ("5.10", Health::Ok),
            ("10.0-rc1", Health::Ok),
            ("5.7.19", Health::Failed),
            ("4.19.0-26-amd64", Health::Failed),
            ("", Health::Unknown),
            ("6", Health::Unknown),
            ("next", Health::Unknown),
        ] {
            assert_eq!(check_kernel(release).status, status, "{release}");
        }
    }

    #[test]
    fn little_room_warns_and_none_fails_where_anything_can_be_written() {
        use MountMode::{ReadOnly, ReadWrite};
        for (free, mount, status) in [
            (1 << 30, ReadWrite, Health::Ok),
            ((64 << 20) - 1, ReadWrite, Health::Warning),
            (0, ReadWrite, Health::Failed),
            (0, ReadOnly, Health::Ok),
        ] {
            assert_eq!(check_space(free, mount).status, status, "{free}");
        }
        for (free, mount, status) in [
            (None, ReadWrite, Health::Ok),
            (Some(1000), ReadWrite, Health::Ok),
            (Some(999), ReadWrite, Health::Warning),
            (Some(0), ReadWrite, Health::Failed),
            (Some(0), ReadOnly, Health::Ok),
        ] {
            assert_eq!(check_inodes(free, mount).status, status, "{free:?}");
        }
    }
}
