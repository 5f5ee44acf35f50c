//! Refs: which entry is current for an engine and version (layout.md sections 5, 7).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use crate::change::{Change, Op, Stamp};
use crate::durable::{Dir, FileKind, FileTime, PathError, Permissions, Root, Staged, Unfinished};
use crate::filter::Filter;
use crate::hash::ObjectId;
use crate::history::LockedHistory;
use crate::name::{Name, RefName};
use crate::{events, layout};

/// What a ref must hold for a change of it to go ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expect {
    /// Anything, also nothing. A damaged ref is neither: what it held would be lost.
    Any,
    /// Nothing: there is no such ref.
    Absent,
    /// This object.
    Object(ObjectId),
}

impl Expect {
    fn allows(self, found: Option<ObjectId>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => found.is_none(),
            Self::Object(expected) => found == Some(expected),
        }
    }
}

impl std::fmt::Display for Expect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("anything"),
            Self::Absent => f.write_str("no current entry"),
            Self::Object(id) => id.fmt(f),
        }
    }
}

/// A ref that cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefError {
    /// Its file does not hold an object id and a line feed.
    #[error(
        "ref {name} is damaged: {} does not hold 64 hexadecimal digits and a line feed",
        path.display()
    )]
    Damaged {
        /// The ref.
        name: RefName,
        /// Its file.
        path: PathBuf,
    },
    /// It does not hold what the caller expects, because somebody else has changed it.
    #[error("ref {name} is not as expected: expected {expected}, found {}", shown(*found))]
    Conflict {
        /// The ref.
        name: RefName,
        /// What the caller expects.
        expected: Expect,
        /// What it holds.
        found: Option<ObjectId>,
    },
    /// Its file, or that of its history, cannot be read or written.
    #[error(transparent)]
    Path(#[from] PathError),
}

fn shown(found: Option<ObjectId>) -> String {
    found.map_or_else(|| Expect::Absent.to_string(), |id| id.to_string())
}

/// Returns the object that the ref holds; `None` where there is no such ref.
pub(crate) fn read(root: &Root, name: &RefName) -> Result<Option<ObjectId>, RefError> {
    let path = layout::ref_file(name).path();
    let Some(bytes) = root.read(&path, layout::REF_BYTES)? else {
        return Ok(None);
    };
    let id = ObjectId::from_line(&bytes);
    id.map(Some).ok_or_else(|| RefError::Damaged {
        name: name.clone(),
        path: root.path().join(path),
    })
}

/// Requires that the ref holds what is expected, and returns what it holds.
pub(crate) fn check(
    root: &Root,
    name: &RefName,
    expected: Expect,
) -> Result<Option<ObjectId>, RefError> {
    let found = read(root, name)?;
    if expected.allows(found) {
        return Ok(found);
    }
    Err(RefError::Conflict {
        name: name.clone(),
        expected,
        found,
    })
}

/// Makes survive that there is no such ref: it may have been removed by a process that was killed
/// before the removal was synced.
pub(crate) fn sync_absence(root: &Root, name: &RefName) -> Result<(), PathError> {
    let dir = layout::ref_file(name).dir;
    if root.has(&dir) {
        root.dir(&dir)?.sync()
    } else {
        Ok(())
    }
}

/// As [`sync_absence`], of whichever ref it was.
pub(crate) fn sync_absences(root: &Root) -> Result<(), PathError> {
    let top = Path::new(layout::REFS);
    for (engine, kind) in root.list(top)? {
        if kind == FileKind::Directory && Name::from_file_name(&engine).is_some() {
            root.dir(&top.join(engine))?.sync()?;
        }
    }
    Ok(())
}

/// Returns the names of all refs that `filter` matches, sorted by engine and version. Files whose
/// names are not of the format are foreign and passed over.
///
/// A ref that is there all the time is listed, also one that changes meanwhile.
pub(crate) fn list(root: &Root, filter: &Filter) -> Result<Vec<RefName>, PathError> {
    let mut names = list_below(root, layout::REFS, filter)?;
    // On btrfs a file that is replaced moves to the end of its directory, beyond what a listing
    // under way comes by. Its history has been there since before, and stays where it is.
    let histories = match list_below(root, layout::HISTORY, filter) {
        // What lies in the place of histories hides no ref that does not change.
        Err(error) if error.cause.is_damage() => Vec::new(),
        result => result?,
    };
    let listed = names.len();
    for name in histories {
        let is_listed = names[..listed].binary_search(&name).is_ok();
        if !is_listed && root.has(&layout::ref_file(&name).path()) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// As [`list`], of all refs that ever were.
pub(crate) fn list_histories(root: &Root) -> Result<Vec<RefName>, PathError> {
    list_below(root, layout::HISTORY, &Filter::default())
}

fn list_below(root: &Root, top: &str, filter: &Filter) -> Result<Vec<RefName>, PathError> {
    let top = Path::new(top);
    let mut names = Vec::new();
    for (engine, kind) in root.list(top)? {
        let checked = Name::from_file_name(&engine);
        if kind != FileKind::Directory || !checked.is_some_and(|name| filter.matches_engine(&name))
        {
            continue;
        }
        let versions = root.list(&top.join(&engine))?.into_iter();
        // Something of another kind under a good name is damage, which reading it reports.
        let found = versions.filter_map(|(version, _)| RefName::from_file_names(&engine, &version));
        names.extend(found.filter(|name| filter.matches(name)));
    }
    names.sort_unstable();
    Ok(names)
}

/// A wanted change of a ref.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) op: Op,
    pub(crate) expect: Expect,
    /// What its history is to say that it held before that, one after the other, none of which it holds
    /// now. No reader finds the ref holding one of them. One at most where the ref is there and has no
    /// history.
    pub(crate) through: Vec<ObjectId>,
    /// What it is to hold; `None` to remove it. After `through` it may be what the ref holds: then the last
    /// line is a rollback to that.
    pub(crate) new: Option<ObjectId>,
    /// When that was written, where it is a copy of the same ref elsewhere.
    pub(crate) written: Option<FileTime>,
}

impl Update {
    /// A change to what the ref is to hold, in one step.
    pub(crate) fn to(op: Op, expect: Expect, new: Option<ObjectId>) -> Self {
        Self {
            op,
            expect,
            through: Vec::new(),
            new,
            written: None,
        }
    }
}

/// Changes refs, each to its new object or not at all, and returns what each held before.
///
/// The new objects survive already. When this returns without an error, every change does. On an
/// error a ref has changed or it has not; none is torn.
///
/// # Locking
///
/// Takes the locks of the refs in the order of their names; the caller holds the store lock,
/// shared.
pub(crate) fn update_all<'a>(
    root: &Root,
    updates: &BTreeMap<&'a RefName, Update>,
    stamp: &Stamp,
) -> Result<BTreeMap<&'a RefName, Option<ObjectId>>, RefError> {
    // Where no ref comes to be, as for one that comes in retired, no directory need be made for it.
    let mut paths = BTreeSet::new();
    let mut engines = Vec::new();
    for (name, update) in updates {
        engines.push(layout::history(name).dir);
        let dir = layout::ref_file(name).dir;
        if update.new.is_some() || root.has(&dir) {
            engines.push(dir.clone());
            paths.insert(dir);
        }
    }
    root.make_dirs(engines.iter().map(PathBuf::as_path))?;
    // All, before anything is half done: one may be held for long.
    let histories = updates.keys().map(|name| LockedHistory::lock(root, name));
    let histories = histories.collect::<Result<Vec<_>, _>>()?;
    let _unfinished = Unfinished::begin();
    let mut moves = Vec::with_capacity(updates.len());
    for ((name, update), history) in updates.iter().zip(histories) {
        moves.push(Move::prepare(root, name, update, stamp, history)?);
    }
    // Of each the first line is there. A line is synced before another follows.
    while moves.iter().any(|step| !step.lines.is_empty()) {
        let mut further: Vec<_> = moves.iter_mut().collect();
        further.retain(|step| !step.lines.is_empty());
        root.sync(further.iter().map(|step| step.history.file()), [])?;
        for step in further {
            step.append_next()?;
        }
    }
    let files = moves.iter().flat_map(|step| {
        let staged = step.staged.as_ref().map(Staged::file);
        [step.history.file()].into_iter().chain(staged)
    });
    root.sync(files, moves.iter().map(|step| step.history.dir()))?;
    // All are opened before anything is renamed: through them the kernel tells of a failed write.
    let dirs = paths
        .into_iter()
        .map(|path| Ok((path.clone(), root.dir(&path)?)));
    let dirs = dirs.collect::<Result<BTreeMap<_, _>, PathError>>()?;
    let mut before = BTreeMap::new();
    for (name, step) in updates.keys().zip(&mut moves) {
        before.insert(*name, step.old);
        step.finish(dirs.get(&layout::ref_file(name).dir))?;
    }
    // Also where nothing changed: what is there, or gone, may come from a process that died.
    root.sync([], dirs.values())?;
    for step in &moves {
        for change in &step.appended {
            events::ref_changed(&step.name, change);
        }
    }
    Ok(before)
}

/// One ref on its way to a new object.
struct Move<'r> {
    name: RefName,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    /// The file that is to become the ref, where the ref is to change to another object.
    staged: Option<Staged<'r>>,
    written: Option<FileTime>,
    history: LockedHistory<'r>,
    /// The lines that are still to be appended.
    lines: VecDeque<Change>,
    appended: Vec<Change>,
}

impl<'r> Move<'r> {
    fn prepare(
        root: &'r Root,
        name: &RefName,
        update: &Update,
        stamp: &Stamp,
        history: LockedHistory<'r>,
    ) -> Result<Self, RefError> {
        let old = check(root, name, update.expect)?;
        let lines = lines(old, update, stamp);
        let mut this = Self {
            name: name.clone(),
            old,
            new: update.new,
            staged: None,
            written: update.written,
            history,
            lines,
            appended: Vec::new(),
        };
        this.append_next()?;
        if let (Some(id), true) = (this.new, old != this.new) {
            let line = id.to_line();
            let staged = root.stage_named(line.as_bytes(), Permissions::ByUmask)?;
            staged.set_modified(this.written.unwrap_or_else(FileTime::now))?;
            this.staged = Some(staged);
        }
        Ok(this)
    }

    /// Appends the next of its lines, if there is one.
    fn append_next(&mut self) -> Result<(), PathError> {
        if let Some(change) = self.lines.pop_front() {
            self.history.append(&change)?;
            self.appended.push(change);
        }
        Ok(())
    }

    /// Changes the ref in its directory, which is to be synced; there is none where there is no ref.
    fn finish(&mut self, dir: Option<&Dir<'_>>) -> Result<(), PathError> {
        let name = layout::ref_file(&self.name).name;
        if let Some(dir) = dir {
            match (self.staged.take(), self.new) {
                (Some(staged), _) => dir.replace(staged, &name)?,
                (None, None) => dir.remove(&name)?,
                // Unchanged. It may come from a process that died, or a copy, before it was synced.
                (None, Some(_)) => {
                    dir.sync_file(&name)?;
                    if let Some(time) = self.written {
                        dir.set_modified(&name, time)?;
                    }
                }
            }
        }
        if !self.appended.is_empty() {
            self.history.keep();
        }
        Ok(())
    }
}

/// The lines by which a ref that holds `old` comes to hold what it is to hold. However many of them are
/// there, the history leads to `old` as long as the ref holds that: what only passes through a ref that
/// is not there goes again before the next, and to a ref that is there an earlier line leads.
fn lines(old: Option<ObjectId>, update: &Update, stamp: &Stamp) -> VecDeque<Change> {
    let mut steps = Vec::new();
    for object in &update.through {
        steps.push(Some(*object));
        if old.is_none() {
            steps.push(None);
        }
    }
    steps.push(update.new);
    let (mut lines, mut before) = (VecDeque::new(), old);
    for new in steps {
        if before != new {
            lines.push_back(Change {
                at_ms: stamp.at_ms,
                op: match new {
                    None if update.op == Op::Prune => Op::Prune,
                    // Else removing a ref is always retiring.
                    None => Op::Retire,
                    Some(_) if new == old => Op::Rollback,
                    Some(_) => update.op,
                },
                old: before,
                new,
                actor: stamp.actor.clone(),
            });
        }
        before = new;
    }
    lines
}
