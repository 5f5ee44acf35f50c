//! What lies in a catalog: directories and who may do what in them, how many files of each kind, and
//! what was left over.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{HealthCheck, bytes, plural};
use crate::durable::{FileKind, FileStat, MountMode, PathError, Rights, Root};
use crate::hash::ObjectId;
use crate::layout;
use crate::name::RefName;
use crate::snapshots::name_of;

/// Every directory of the format.
const DIRECTORIES: [&str; 9] = [
    layout::OBJECTS,
    layout::REFS,
    layout::HISTORY,
    layout::SNAPSHOTS,
    layout::ATTACHMENTS,
    layout::BLOBS,
    layout::QUARANTINE,
    layout::CACHE,
    layout::TMP,
];

/// Those that hold directories to which writers write.
const NESTED: [&str; 3] = [layout::OBJECTS, layout::REFS, layout::HISTORY];

/// What is in tmp/ for longer than any writer takes was left there by one that was killed.
const OLD_MS: i64 = 60 * 60 * 1000;

/// How many places a detail names.
const SHOWN: usize = 3;

/// How much of what a catalog holds. `None` is what could not be counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Refs: current entries.
    pub refs: Option<Count>,
    /// Histories of refs.
    pub histories: Option<Count>,
    /// Objects.
    pub objects: Option<Count>,
    /// Named snapshots.
    pub snapshots: Option<Count>,
    /// Links of attachments.
    pub attachments: Option<Count>,
    /// Contents of artifacts.
    pub blobs: Option<Count>,
    /// What is in `tmp/`, whatever it is.
    pub tmp: Option<Count>,
    /// What was moved aside because it is damaged.
    pub quarantine: Option<Count>,
}

/// Files of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Count {
    /// How many.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// When the oldest of them was last changed or moved: milliseconds since the Unix epoch. `None`
    /// where there are none.
    pub oldest_ms: Option<i64>,
}

/// Counts what there is, and returns what kept it from being counted.
pub(super) fn count(root: &Root) -> (Counts, Vec<PathError>) {
    /// Whether a path, from the top on, is that of one of its kind.
    type IsOne = fn(&[String], FileKind) -> bool;
    const REGULAR: FileKind = FileKind::Regular;
    let is_ref: IsOne =
        |path, kind| kind == REGULAR && RefName::from_file_names(&path[0], &path[1]).is_some();
    let is_object: IsOne =
        |path, kind| kind == REGULAR && layout::object_id(&path[0], &path[1]).is_some();
    let is_link: IsOne = |path, kind| {
        let is_id = path[2].parse::<ObjectId>().is_ok();
        kind == REGULAR && layout::object_id(&path[0], &path[1]).is_some() && is_id
    };
    let is_named: IsOne = |path, kind| kind == REGULAR && name_of(&path[0]).is_some();
    let is_any: IsOne = |_, _| true;
    let mut damage = Vec::new();
    let mut count = |top: &str, depth, is_one: IsOne| {
        let mut counted = Count::default();
        let mut visit = |path: &[String], stat: FileStat| {
            if is_one(path, stat.kind) {
                counted.files += 1;
                counted.bytes += stat.size;
                let oldest = counted.oldest_ms.unwrap_or(i64::MAX);
                counted.oldest_ms = Some(oldest.min(stat.ctime_ms));
            }
        };
        let added = add(root, Path::new(top), depth, &mut Vec::new(), &mut visit);
        added.map_err(|error| damage.push(error)).ok()?;
        Some(counted)
    };
    let counts = Counts {
        refs: count(layout::REFS, 1, is_ref),
        histories: count(layout::HISTORY, 1, is_ref),
        objects: count(layout::OBJECTS, 1, is_object),
        snapshots: count(layout::SNAPSHOTS, 0, is_named),
        attachments: count(layout::ATTACHMENTS, 2, is_link),
        blobs: count(layout::BLOBS, 1, is_object),
        tmp: count(layout::TMP, 0, is_any),
        quarantine: count(layout::QUARANTINE, 0, is_any),
    };
    (counts, damage)
}

/// Shows every file `depth` directories below `dir` to `visit`, with its path from there.
fn add(
    root: &Root,
    dir: &Path,
    depth: usize,
    path: &mut Vec<String>,
    visit: &mut impl FnMut(&[String], FileStat),
) -> Result<(), PathError> {
    for (name, stat) in root.list_stats(dir)? {
        path.push(name);
        if depth == 0 {
            visit(path, stat);
        } else if stat.kind == FileKind::Directory {
            let below = dir.join(&path[path.len() - 1]);
            add(root, &below, depth - 1, path, visit)?;
        }
        path.pop();
    }
    Ok(())
}

pub(super) fn check(
    root: &Root,
    counts: &Counts,
    damage: &[PathError],
    mount: MountMode,
    now_ms: i64,
) -> Vec<HealthCheck> {
    vec![
        check_directories(root),
        check_permissions(root, mount),
        check_counts(damage),
        check_leftovers(counts.tmp, now_ms),
        check_quarantine(counts.quarantine),
    ]
}

/// Whether everything at the top that has a name of the format is of the right kind, and on the file
/// system of the root.
fn check_directories(root: &Root) -> HealthCheck {
    let name = "directories";
    let directories = DIRECTORIES.map(|dir| (dir, FileKind::Directory));
    let places = directories.into_iter();
    let places = places.chain([(layout::LOCK, FileKind::Regular)]);
    let mut odd = Vec::new();
    for (place, expected) in places {
        match root.stat(Path::new(place)) {
            Ok(Some(stat)) if stat.kind != expected => {
                odd.push(format!("{place} is {}, not {expected}", stat.kind));
            }
            Ok(_) => {}
            Err(error) => odd.push(error.to_string()),
        }
    }
    if odd.is_empty() {
        return HealthCheck::ok(name, "each is one, on the file system of the root");
    }
    HealthCheck::failed(name, some_of(&odd))
        .advise("take away what is mounted, linked or lies in its place")
}

fn check_permissions(root: &Root, mount: MountMode) -> HealthCheck {
    let name = "permissions";
    let mut dirs = vec![PathBuf::from(".")];
    dirs.extend(DIRECTORIES.iter().map(PathBuf::from));
    for top in NESTED.map(Path::new) {
        let below = root.list(top).unwrap_or_default().into_iter();
        let below = below.filter(|(_, kind)| *kind == FileKind::Directory);
        dirs.extend(below.map(|(dir, _)| top.join(dir)));
    }
    let (mut closed, mut read, mut open, mut unclear) = (vec![], vec![], vec![], vec![]);
    for dir in dirs {
        let shown = match &dir {
            dir if dir == Path::new(".") => "the root".to_owned(),
            dir => format!("{}/", dir.display()),
        };
        let stat = match root.stat(&dir) {
            Ok(Some(stat)) if stat.kind == FileKind::Directory => stat,
            // What it is otherwise has a check of its own.
            _ => continue,
        };
        if stat.mode & 0o002 != 0 {
            open.push(format!("{shown} ({:04o})", stat.mode));
        }
        match root.rights(&dir) {
            Ok(Some(Rights::None)) => closed.push(format!("{shown} ({:04o})", stat.mode)),
            Ok(Some(Rights::Read)) => read.push(format!("{shown} ({:04o})", stat.mode)),
            Ok(_) => {}
            Err(error) => unclear.push(error.to_string()),
        }
    }
    if !closed.is_empty() {
        let detail = format!("this user may not read {}", some_of(&closed));
        return HealthCheck::failed(name, detail).advise("give this user the right to read them");
    }
    if !open.is_empty() {
        let detail = format!("everybody may write to {}", some_of(&open));
        return HealthCheck::warning(name, detail)
            .advise("take that right away: whoever may write there may change every ref");
    }
    // On a file system that is mounted read only, nobody may.
    if !read.is_empty() && mount == MountMode::ReadWrite {
        let detail = format!("this user may not write to {}", some_of(&read));
        return HealthCheck::warning(name, detail)
            .advise("reading works; to record, use the user that the catalog belongs to");
    }
    if !unclear.is_empty() {
        return HealthCheck::unknown(name, some_of(&unclear));
    }
    match mount {
        MountMode::ReadWrite => {
            HealthCheck::ok(name, "this user may read and write, and not everybody may")
        }
        MountMode::ReadOnly => HealthCheck::ok(name, "this user may read"),
    }
}

fn check_counts(damage: &[PathError]) -> HealthCheck {
    let name = "counts";
    if damage.is_empty() {
        return HealthCheck::ok(name, "everything could be listed");
    }
    let damage: Vec<_> = damage.iter().map(ToString::to_string).collect();
    HealthCheck::failed(name, some_of(&damage))
}

fn check_leftovers(tmp: Option<Count>, now_ms: i64) -> HealthCheck {
    let name = "leftovers";
    let Some(tmp) = tmp else {
        return HealthCheck::unknown(name, "tmp/ cannot be listed");
    };
    let Some(oldest_ms) = tmp.oldest_ms else {
        return HealthCheck::ok(name, "nothing in tmp/");
    };
    let age_ms = now_ms.saturating_sub(oldest_ms).max(0);
    let minutes = age_ms.unsigned_abs() / 60_000;
    let detail = format!(
        "{} in tmp/, {}, the oldest for {}",
        plural(tmp.files, "file"),
        bytes(tmp.bytes),
        plural(minutes, "minute")
    );
    if age_ms < OLD_MS {
        return HealthCheck::ok(name, format!("{detail}: writers may be at work"));
    }
    HealthCheck::warning(name, detail)
        .advise("writers that were killed left it: `gc` removes it once it is a day old")
}

fn check_quarantine(quarantine: Option<Count>) -> HealthCheck {
    let name = "quarantine";
    match quarantine {
        None => HealthCheck::unknown(name, "quarantine/ cannot be listed"),
        Some(Count { files: 0, .. }) => HealthCheck::ok(name, "nothing was moved aside"),
        Some(count) => HealthCheck::warning(
            name,
            format!(
                "{}, {}, moved aside because of damage",
                plural(count.files, "file"),
                bytes(count.bytes)
            ),
        )
        .advise("look for the cause: a disk that fails, or a copy that went wrong"),
    }
}

/// The first few of a long list.
pub(super) fn some_of(list: &[String]) -> String {
    let shown = list[..list.len().min(SHOWN)].join(", ");
    match list.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
