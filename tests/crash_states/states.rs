//! Every state that a cut may leave of a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::model::{Content, Disk, Inode, Kind, TOP};

/// What is found on a disk after a cut: the content of each file, and `None` for a directory.
pub(crate) type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// What has which name.
type Shape = BTreeMap<PathBuf, Inode>;

/// The most combinations of names, and of names and contents, that are all looked at.
const MOST_SHAPES: usize = 4096;
const MOST_TREES: usize = 8192;

/// In how many parts of equal size a content may be there, from the finest to the coarsest.
const PARTS: [usize; 4] = [4096, 64, 8, 2];

/// The states, and whether they are all that there are.
pub(crate) struct States {
    pub(crate) trees: BTreeSet<Tree>,
    pub(crate) is_complete: bool,
}

/// Returns every state that a cut may leave: each combination of names, and of whole, absent, halved
/// and zeroed contents; the contents cut in more places as long as that gives no more than `most`
/// states. Of more combinations than anybody can look at, `most` are returned: those that differ in
/// one or two things from all or nothing having happened, and others at random.
pub(crate) fn after_a_cut(disk: &Disk, most: usize) -> States {
    let uncertain = (disk.names.values().enumerate()).filter(|(_, name)| !name.pending.is_empty());
    let choices: Vec<_> = uncertain
        .map(|(at, name)| {
            let mut ways = vec![name.durable];
            ways.extend(&name.pending);
            ways.dedup();
            (at, ways)
        })
        .collect();
    let ways: Vec<_> = choices.iter().map(|(_, ways)| ways.len()).collect();
    let (picks, mut is_complete) = picks(&ways, MOST_SHAPES, most);
    let shapes: BTreeSet<Shape> = picks
        .iter()
        .map(|pick| {
            let mut targets: Vec<_> = disk.names.values().map(|name| name.durable).collect();
            for ((at, ways), way) in choices.iter().zip(pick) {
                targets[*at] = ways[*way];
            }
            shape(disk, &targets)
        })
        .collect();
    let all = if is_complete { MOST_TREES } else { most };
    let in_each = |all: usize| (all / shapes.len()).max(1);
    let mut trees = BTreeSet::new();
    for shape in &shapes {
        let (contents, all) = contents_of(disk, shape, in_each(most), in_each(all));
        is_complete &= all;
        trees.extend(contents.iter().map(|contents| tree(disk, shape, contents)));
    }
    States { trees, is_complete }
}

/// What is found if each name stands for the inode of `targets` that has its place.
fn shape(disk: &Disk, targets: &[Option<Inode>]) -> Shape {
    let mut below = BTreeMap::<Inode, Vec<(&Path, Inode)>>::new();
    for ((dir, name), target) in disk.names.keys().zip(targets) {
        if let Some(target) = target {
            below
                .entry(*dir)
                .or_default()
                .push((name.as_ref(), *target));
        }
    }
    let (mut shape, mut open) = (Shape::new(), vec![(PathBuf::new(), TOP)]);
    while let Some((path, dir)) = open.pop() {
        for (name, inode) in below.get(&dir).into_iter().flatten() {
            let path = path.join(name);
            if disk.inodes[*inode] == Kind::Directory {
                open.push((path.clone(), *inode));
            }
            shape.insert(path, *inode);
        }
    }
    shape
}

/// What the uncertain files hold that have a name.
type Contents = BTreeMap<Inode, Vec<u8>>;

fn contents_of(disk: &Disk, shape: &Shape, fine: usize, most: usize) -> (Vec<Contents>, bool) {
    let inodes: BTreeSet<_> = shape.values().copied().collect();
    let uncertain: Vec<_> = inodes
        .into_iter()
        .filter_map(|inode| match &disk.inodes[inode] {
            Kind::File(content) if !content.pending.is_empty() => Some((inode, content)),
            _ => None,
        })
        .collect();
    let cut = |parts| {
        uncertain
            .iter()
            .map(move |(_, content)| cuts(content, parts))
    };
    let cut = |parts| cut(parts).collect::<Vec<_>>();
    let few = |cuts: &Vec<Vec<Vec<u8>>>| {
        let counts = cuts.iter().map(Vec::len);
        counts.fold(1, usize::saturating_mul) <= fine
    };
    let [.., coarsest] = PARTS;
    let cuts = PARTS.iter().map(|parts| cut(*parts)).find(few);
    let cuts = cuts.unwrap_or_else(|| cut(coarsest));
    let ways: Vec<_> = cuts.iter().map(Vec::len).collect();
    let (picks, is_complete) = picks(&ways, most, fine);
    let contents = picks.iter().map(|pick| {
        let each = uncertain.iter().zip(&cuts).zip(pick);
        each.map(|(((inode, _), ways), way)| (*inode, ways[*way].clone()))
            .collect()
    });
    (contents.collect(), is_complete)
}

/// What may be left of a file that was written to, cut between any of `parts` parts.
fn cuts(content: &Content, parts: usize) -> Vec<Vec<u8>> {
    let mut cuts = vec![content.durable.clone()];
    let mut before = &content.durable;
    for after in &content.pending {
        let same = before.iter().zip(after).take_while(|(a, b)| a == b).count();
        let new = after.len() - same;
        for part in 0..parts.min(new.max(1)) {
            let at = same + new * part / parts.min(new.max(1));
            let mut zeroed = after.clone();
            zeroed[at..].fill(0);
            cuts.extend([after[..at].to_vec(), zeroed]);
        }
        cuts.push(after.clone());
        before = after;
    }
    let mut seen = BTreeSet::new();
    cuts.retain(|cut| seen.insert(cut.clone()));
    cuts
}

/// Ways to pick one of each of these numbers of ways: all, if that is at most `all`, or `some`.
fn picks(ways: &[usize], all: usize, some: usize) -> (Vec<Vec<usize>>, bool) {
    let total = ways.iter().copied().fold(1, usize::saturating_mul);
    if total <= all {
        let picks = (0..total).map(|number| digits(number, ways));
        return (picks.collect(), true);
    }
    (some_picks(ways, some), false)
}

/// The number in the mixed base of `ways`.
fn digits(mut number: usize, ways: &[usize]) -> Vec<usize> {
    let digits = ways.iter().map(|ways| {
        let digit = number % ways;
        number /= ways;
        digit
    });
    digits.collect()
}

fn some_picks(ways: &[usize], most: usize) -> Vec<Vec<usize>> {
    let nothing = vec![0; ways.len()];
    let everything: Vec<_> = ways.iter().map(|ways| ways - 1).collect();
    let mut picks = vec![nothing.clone(), everything.clone()];
    for base in [&nothing, &everything] {
        for first in 0..ways.len() {
            for way in 0..ways[first] {
                let mut pick = base.clone();
                pick[first] = way;
                picks.push(pick.clone());
                for second in first + 1..ways.len() {
                    pick[second] = ways[second] - 1 - base[second];
                    picks.push(pick.clone());
                    pick[second] = base[second];
                }
            }
        }
    }
    // The same ones each time: xorshift of Marsaglia.
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    while picks.len() < most {
        let pick = ways.iter().map(|ways| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed >> 33).expect("31 bits fit") % ways
        });
        picks.push(pick.collect());
    }
    picks.truncate(most);
    picks
}

fn tree(disk: &Disk, shape: &Shape, contents: &Contents) -> Tree {
    let content = |inode: &Inode| match &disk.inodes[*inode] {
        Kind::Directory => None,
        Kind::File(content) => Some(contents.get(inode).unwrap_or(&content.durable).clone()),
    };
    let tree = shape
        .iter()
        .map(|(path, inode)| (path.clone(), content(inode)));
    tree.collect()
}

/// A state, for a person to read.
pub(crate) fn shown(tree: &Tree) -> String {
    let lines = tree.iter().map(|(path, content)| match content {
        None => format!("{}/\n", path.display()),
        Some(bytes) => format!("{} {:?}\n", path.display(), String::from_utf8_lossy(bytes)),
    });
    lines.collect()
}
