//! An operation that was observed, and all that may be left of it.

use std::collections::BTreeSet;
use std::path::Path;

use tempfile::TempDir;

use crate::facts::facts;
use crate::judge::{Judge, Moment};
use crate::model::{Disk, Inode};
use crate::scene::Operation;
use crate::states::{Tree, after_a_cut, shown};
use crate::support::child;
use crate::support::strace::{self, Call};
use crate::trace::Player;

pub(crate) struct Observed {
    /// The disk before.
    disk: Disk,
    calls: Vec<Call>,
    judge: Judge,
    /// States that are right while the operation is under way.
    right: BTreeSet<Tree>,
    /// The most combinations that are looked at for one moment.
    most: usize,
    _scratch: TempDir,
}

/// What came of looking at the states.
pub(crate) struct Verdict {
    /// How many there are.
    pub(crate) states: usize,
    /// Whether that was all of them.
    pub(crate) is_complete: bool,
    pub(crate) wrong: Option<String>,
}

/// A call that makes something survive.
pub(crate) struct Sync {
    /// Which of the calls it is.
    pub(crate) at: usize,
    pub(crate) what: String,
    /// Whether the same is synced again, before the end.
    pub(crate) is_repeated: bool,
}

/// The role of whoever is killed before an operation.
pub(crate) const KILLED: &str = "killed before ";

/// Does what was under way before the operation, and returns the disk as it is without the last sync of that.
fn killed(disk: Disk, operation: &Operation, strace: &Path, root: &Path) -> Disk {
    let role = format!("{KILLED}{}", operation.role);
    let run = strace::run(strace, &[], &role, root);
    assert!(run.output.status.success(), "{}", child::shown(&run.output));
    let mut player = Player::new(disk);
    let mut unsynced = None;
    for call in &run.calls {
        if player.synced(call).is_some() {
            unsynced = Some(player.disk.clone());
        }
        player.play(call);
    }
    unsynced.expect("it syncs something")
}

impl Observed {
    /// Does the operation in a helper process, and observes it.
    pub(crate) fn run(operation: Operation, strace: &Path, most: usize) -> Self {
        // In memory, where states are made soonest.
        let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let scratch = scratch.expect("there is room");
        let place = scratch.path().join("disk");
        let root = place.join("root");
        std::fs::create_dir(&place).expect("there is room");
        (operation.prepare)(&root);
        let mut disk = Disk::of(&place);
        for file in operation.unsynced {
            disk.make_uncertain(&place.join(file));
        }
        let before = facts(&place, operation.keeps);
        if operation.killed.is_some() {
            disk = killed(disk, &operation, strace, &root);
        }
        let faults: Vec<_> = operation.faults.iter().map(ToString::to_string).collect();
        let run = strace::run(strace, &faults, operation.role, &root);
        assert!(run.output.status.success(), "{}", child::shown(&run.output));
        let after = facts(&place, operation.keeps);
        assert_ne!(before, after, "{} does something", operation.role);
        Self {
            disk,
            calls: run.calls,
            judge: Judge {
                operation,
                before,
                after,
                place,
                ended_right: BTreeSet::new(),
            },
            right: BTreeSet::new(),
            most,
            _scratch: scratch,
        }
    }

    /// Looks at every state that a cut may leave, if the call `without` does nothing, and stops at the
    /// first that is wrong.
    pub(crate) fn look(&mut self, without: Option<usize>) -> Verdict {
        let mut verdict = Verdict {
            states: 0,
            is_complete: true,
            wrong: None,
        };
        let calls = self.calls.iter().enumerate();
        let calls = || calls.clone().filter(|(at, _)| without != Some(*at));
        let mut player = Player::new(self.disk.clone());
        for (_, call) in calls() {
            player.play(call);
        }
        let in_the_end = after_a_cut(&player.disk, self.most).trees;
        for tree in in_the_end {
            if let Some(wrong) = self.judge.wrong(&tree, Moment::Acknowledged) {
                verdict.wrong = Some(format!("cut in the end: {wrong}\n{}", shown(&tree)));
                return verdict;
            }
        }
        // Whatever a cut may leave earlier it may also leave right before the next sync.
        let mut player = Player::new(self.disk.clone());
        let mut seen = BTreeSet::<Tree>::new();
        let calls: Vec<_> = calls().map(|(_, call)| call).collect();
        for (call, next) in calls.iter().zip(calls[1..].iter().map(Some).chain([None])) {
            player.play(call);
            if next.is_some_and(|next| player.synced(next).is_none()) {
                continue;
            }
            let states = after_a_cut(&player.disk, self.most);
            verdict.is_complete &= states.is_complete;
            for tree in states.trees {
                if !seen.contains(&tree) && !self.right.contains(&tree) {
                    if let Some(wrong) = self.judge.wrong(&tree, Moment::InFlight) {
                        let tree = shown(&tree);
                        verdict.wrong = Some(format!("cut after {call:?}: {wrong}\n{tree}"));
                        return verdict;
                    }
                    self.right.insert(tree.clone());
                }
                seen.insert(tree);
            }
        }
        verdict.states = seen.len();
        verdict
    }

    /// The syncs that make anything more certain than it was.
    pub(crate) fn syncs(&self) -> Vec<Sync> {
        let mut player = Player::new(self.disk.clone());
        let mut syncs: Vec<(Sync, Option<Inode>)> = Vec::new();
        for (at, call) in self.calls.iter().enumerate() {
            let (synced, before) = (player.synced(call), player.disk.clone());
            player.play(call);
            let Some(synced) = synced else { continue };
            for (earlier, what) in &mut syncs {
                earlier.is_repeated |= synced.is_none() || synced == *what;
            }
            if player.disk != before {
                let what = format!("{} {}", call.name, call.args[0]);
                let is_repeated = false;
                syncs.push((
                    Sync {
                        at,
                        what,
                        is_repeated,
                    },
                    synced,
                ));
            }
        }
        syncs.into_iter().map(|(sync, _)| sync).collect()
    }
}
