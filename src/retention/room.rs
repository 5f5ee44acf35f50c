//! Want of room: which further builds give way, the oldest first, so that the files of engines take no more than they
//! may. Pure: of files it knows numbers and sizes.
//!
//! Only what [gives way](KeptBy::gives_way) goes; the version of an engine that was changed last stays; and
//! nothing goes that leaves no more room than there was.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Decision, GoesBy, KeptBy};
use crate::hash::ObjectId;
use crate::name::{Name, RefName};

/// What an entry in the store has to do with files, which are numbers.
#[derive(Clone, Debug)]
pub(crate) struct Holding {
    pub(crate) fate: Fate,
    /// The files that stay as long as it does.
    pub(crate) holds: BTreeSet<usize>,
    /// Those that can go with it, once nothing holds them.
    pub(crate) releases: BTreeSet<usize>,
    /// When one of its files was last used, where that counts: milliseconds since the Unix epoch.
    pub(crate) used_ms: Option<i64>,
}

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes anyway.
    Goes,
    /// Only its ref and the history of that keep it.
    Free,
    /// It stays, whatever becomes of its ref.
    Stays,
}

/// The files, who holds them, and how much room they may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room<'a> {
    /// The size of each file in bytes.
    pub(crate) sizes: &'a [u64],
    /// All entries in the store.
    pub(crate) holdings: &'a BTreeMap<ObjectId, Holding>,
    /// How many bytes they may have.
    pub(crate) limit: u64,
}

impl Room<'_> {
    /// Returns whether the files fit, once what goes anyway has gone.
    pub(crate) fn is_enough(&self) -> bool {
        Tally::of(self).fits()
    }

    /// Decides what gives way, as far as the files do not fit without that. Returns the builds whose turn it would
    /// have been, and that would stay all the same.
    pub(crate) fn make(&self, decisions: &mut [Decision]) -> BTreeSet<ObjectId> {
        let mut tally = Tally::of(self);
        let (mut chosen, mut passed_over) = (Vec::new(), BTreeSet::new());
        for turn in turns(decisions, self) {
            if tally.fits() {
                break;
            }
            let mut objects = turn.objects;
            if objects.is_empty() {
                passed_over.insert(decisions[turn.at].object);
                continue;
            }
            objects.retain(|object| tally.leave(object));
            chosen.push((turn.at, objects));
        }
        let giving = needed(chosen, &mut tally, decisions);
        for at in &giving {
            decisions[*at].give_up(GoesBy::Room);
        }
        let retired = giving.iter().filter(|at| decisions[**at].is_current);
        let retired: BTreeSet<_> = retired.map(|at| decisions[*at].name.clone()).collect();
        for it in decisions {
            if retired.contains(&it.name) && goes_along(it) {
                it.give_up(GoesBy::Retired);
            }
        }
        passed_over
    }
}

/// Takes back those that leave no more room: newest first, for what went later may hold the same files.
fn needed(
    mut chosen: Vec<(usize, Vec<ObjectId>)>,
    tally: &mut Tally<'_>,
    decisions: &[Decision],
) -> Vec<usize> {
    let (mut giving, mut retired) = (Vec::new(), BTreeSet::new());
    while let Some((at, objects)) = chosen.pop() {
        let (build, bytes) = (&decisions[at], tally.bytes);
        for object in &objects {
            tally.come_back(object);
        }
        let is_vain = tally.bytes == bytes && !retired.contains(&build.name);
        if is_vain {
            continue;
        }
        for object in &objects {
            tally.leave(object);
        }
        if build.is_current {
            retired.insert(&build.name);
        }
        giving.push(at);
    }
    giving
}

/// A build that may give way, with what goes along.
struct Turn {
    /// Its decision.
    at: usize,
    /// The entries that leave the store then: none, where its own would stay.
    objects: Vec<ObjectId>,
}

/// Returns the builds that may give way, in their order.
fn turns(decisions: &[Decision], room: &Room<'_>) -> Vec<Turn> {
    let last = last_versions(decisions);
    let (mut by_name, mut keepers) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::new());
    for (at, it) in decisions.iter().enumerate() {
        by_name.entry(&it.name).or_default().push(at);
        *keepers.entry(it.object).or_insert(0) += usize::from(it.is_kept());
    }
    let fate = |object: &ObjectId| match room.holdings.get(object)?.fate {
        // Another ref keeps it.
        Fate::Free if keepers.get(object).is_some_and(|refs| *refs > 1) => Some(Fate::Stays),
        fate => Some(fate),
    };
    let is_free = |at: &usize| fate(&decisions[*at].object) == Some(Fate::Free);
    let may_go = |(_, it): &(usize, &Decision)| {
        let is_last = it.is_current && last.contains(&it.name);
        // One that is not in the store leaves no room.
        it.may_give_way() && !is_last && room.holdings.contains_key(&it.object)
    };
    let turn = |at: usize| {
        let it = &decisions[at];
        let of_version = by_name[&it.name].iter().copied();
        let along = of_version.filter(|along| it.is_current && goes_along(&decisions[*along]));
        let leaving = |along: &usize| is_free(along) && leaves(&decisions[*along]);
        let mut going: Vec<_> = along.filter(leaving).collect();
        going.push(at);
        // A version is in use as long as any of its builds is.
        let age = going.iter().map(|at| age(&decisions[*at], room)).max();
        let objects = going.iter().map(|at| decisions[*at].object);
        let objects = objects.filter(|_| is_free(&at)).collect();
        // Of one age the older build comes first, which stands behind.
        ((age, &it.name, Reverse(at)), Turn { at, objects })
    };
    let may_go = decisions.iter().enumerate().filter(may_go);
    let mut turns: Vec<_> = may_go.map(|(at, _)| turn(at)).collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, turn)| turn).collect()
}

/// When a build was last changed or used. What no history tells the age of is not old.
fn age(it: &Decision, room: &Room<'_>) -> (bool, Option<i64>) {
    let used_ms = room.holdings.get(&it.object).and_then(|it| it.used_ms);
    let changed_ms = it
        .changed_ms
        .map(|at| used_ms.map_or(at, |used| used.max(at)));
    (changed_ms.is_none(), changed_ms)
}

/// Whether a build goes with the ref that has held it. To be among the last builds of a version is nothing once
/// the version goes.
fn goes_along(it: &Decision) -> bool {
    let goes =
        |by: &KeptBy| by.gives_way() || matches!(by, KeptBy::LastBuilds | KeptBy::Snapshot { .. });
    !it.is_current && it.goes_by.is_none() && it.kept_by.iter().all(goes)
}

/// Whether nothing keeps its entry once it has gone along.
fn leaves(it: &Decision) -> bool {
    let is_snapshot = |by: &KeptBy| matches!(by, KeptBy::Snapshot { .. });
    !it.kept_by.iter().any(is_snapshot)
}

/// Returns of each engine the version that was changed last, of those that stay.
fn last_versions(decisions: &[Decision]) -> BTreeSet<&RefName> {
    let mut last = BTreeMap::<&Name, (Option<i64>, Reverse<&RefName>)>::new();
    for it in decisions.iter().filter(|it| it.is_current && !it.retires()) {
        // One of which no history tells when it was changed does not take the place of one that was put since.
        let this = (it.changed_ms, Reverse(&it.name));
        let of_engine = last.entry(it.name.engine()).or_insert(this);
        *of_engine = (*of_engine).max(this);
    }
    last.into_values().map(|(_, Reverse(name))| name).collect()
}

/// Which files are there, and how much room they take.
struct Tally<'a> {
    room: &'a Room<'a>,
    /// How many hold each.
    holders: Vec<usize>,
    /// How many have gone with which each can go.
    releasers: Vec<usize>,
    gone: BTreeSet<ObjectId>,
    /// Wide enough for any sizes.
    bytes: u128,
}

impl<'a> Tally<'a> {
    fn of(room: &'a Room<'a>) -> Self {
        let mut tally = Self {
            room,
            holders: vec![0; room.sizes.len()],
            releasers: vec![0; room.sizes.len()],
            gone: BTreeSet::new(),
            bytes: 0,
        };
        for it in room.holdings.values() {
            let (files, counts) = match it.fate {
                Fate::Goes => (&it.releases, &mut tally.releasers),
                Fate::Free | Fate::Stays => (&it.holds, &mut tally.holders),
            };
            for file in files {
                counts[*file] += 1;
            }
        }
        tally.bytes = (0..room.sizes.len()).map(|file| tally.bytes_of(file)).sum();
        tally
    }

    fn fits(&self) -> bool {
        self.bytes <= u128::from(self.room.limit)
    }

    /// Returns how much room a file takes: none once it goes.
    fn bytes_of(&self, file: usize) -> u128 {
        let goes = self.holders[file] == 0 && self.releasers[file] > 0;
        if goes {
            0
        } else {
            self.room.sizes[file].into()
        }
    }

    /// An entry goes that was there; returns whether it was.
    fn leave(&mut self, object: &ObjectId) -> bool {
        let is_new = self.gone.insert(*object);
        if is_new {
            self.change(object, |holders, releasers, holds, releases| {
                *holders -= holds;
                *releasers += releases;
            });
        }
        is_new
    }

    /// It does not go after all.
    fn come_back(&mut self, object: &ObjectId) {
        if self.gone.remove(object) {
            self.change(object, |holders, releasers, holds, releases| {
                *holders += holds;
                *releasers -= releases;
            });
        }
    }

    fn change(&mut self, object: &ObjectId, change: impl Fn(&mut usize, &mut usize, usize, usize)) {
        let Some(it) = self.room.holdings.get(object) else {
            return;
        };
        for file in it.holds.union(&it.releases).copied() {
            self.bytes -= self.bytes_of(file);
            let has = |files: &BTreeSet<usize>| usize::from(files.contains(&file));
            let (holders, releasers) = (&mut self.holders[file], &mut self.releasers[file]);
            change(holders, releasers, has(&it.holds), has(&it.releases));
            self.bytes += self.bytes_of(file);
        }
    }
}
