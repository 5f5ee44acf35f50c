//! A directory for one input, in memory where there is a place for that, and what is in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use engine_catalog::ObjectId;

/// What is larger, such as a file without blocks, is told by its size.
const MAX_READ: u64 = 1 << 20;

/// Makes an empty directory, which is removed when this is dropped.
pub(super) fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a directory can be made")
}

/// What something is, and what it contains.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Content {
    File(ObjectId),
    Large(u64),
    Directory,
    Link(PathBuf),
    Other,
}

/// Something, so that any write to it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) content: Content,
    /// Mode, inode, and the times of the last changes.
    stat: (u32, u64, [i64; 4]),
}

/// What is in a directory and below, by path from there.
pub(super) type Tree = BTreeMap<PathBuf, Item>;

/// Returns what is in `top`, with `top` itself.
pub(super) fn tree(top: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut paths = vec![top.to_owned()];
    while let Some(path) = paths.pop() {
        let item = item(&path);
        if item.content == Content::Directory {
            let names = fs::read_dir(&path).expect("a directory can be listed");
            paths.extend(names.map(|name| name.expect("it is read to its end").path()));
        }
        let below = path.strip_prefix(top).expect("it was found there");
        tree.insert(below.to_owned(), item);
    }
    tree
}

fn item(path: &Path) -> Item {
    let stat = fs::symlink_metadata(path).expect("it was listed");
    let content = if stat.is_dir() {
        Content::Directory
    } else if stat.is_symlink() {
        Content::Link(fs::read_link(path).expect("it is a link"))
    } else if !stat.is_file() {
        Content::Other
    } else if stat.len() > MAX_READ {
        Content::Large(stat.len())
    } else {
        Content::File(ObjectId::of(&fs::read(path).expect("a file can be read")))
    };
    let times = [
        stat.mtime(),
        stat.mtime_nsec(),
        stat.ctime(),
        stat.ctime_nsec(),
    ];
    Item {
        content,
        stat: (stat.mode(), stat.ino(), times),
    }
}
