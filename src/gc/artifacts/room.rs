//! How much room the files of engines take, and which further builds give way where they have too little.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::find::Survey;
use super::under::Spot;
use super::{ArtifactRoom, EvictionOrder, LeftReason};
use crate::durable::{FileId, FileKind};
use crate::hash::ObjectId;
use crate::reach::{Kind, Kinds, Reach, Reasons};
use crate::retention::{Decision, Fate, GoesBy, Holding, Room};

/// The files that take room, by numbers.
#[derive(Default)]
struct Files {
    numbers: BTreeMap<FileId, usize>,
    sizes: Vec<u64>,
    /// By the paths that they have without symbolic links.
    by_path: BTreeMap<PathBuf, usize>,
}

impl Files {
    fn add(&mut self, spot: &Spot) {
        let number = *self.numbers.entry(spot.id).or_insert_with(|| {
            self.sizes.push(spot.bytes);
            self.sizes.len() - 1
        });
        self.by_path.insert(spot.canonical.clone(), number);
    }

    fn room<'a>(&'a self, holdings: &'a BTreeMap<ObjectId, Holding>, limit: u64) -> Room<'a> {
        Room {
            sizes: &self.sizes,
            holdings,
            limit,
        }
    }

    /// Returns the files that stay with what is there.
    fn held_by(&self, spot: &Spot) -> BTreeSet<usize> {
        if spot.kind != FileKind::Directory {
            return self.numbers.get(&spot.id).copied().into_iter().collect();
        }
        let from = self.by_path.range(spot.canonical.clone()..);
        let below = from.take_while(|(path, _)| path.starts_with(&spot.canonical));
        below.map(|(_, number)| *number).collect()
    }
}

impl Survey<'_> {
    /// Lets further builds give way, where there is a limit and the files would be over it. Returns whether any does:
    /// then more is unreachable.
    pub(in crate::gc) fn make_room(
        &mut self,
        decisions: &mut [Decision],
        reach: &Reach<Kinds>,
    ) -> bool {
        let Some(limit) = self.options.max_bytes else {
            return false;
        };
        let order = self.order();
        let mut files = Files::default();
        for path in self.entries.values().flatten() {
            if let Some(spot) = self.places.spot(path).filter(|spot| spot.takes_room) {
                files.add(spot);
            }
        }
        let bytes_before = files
            .sizes
            .iter()
            .fold(0, |sum: u64, it| sum.saturating_add(*it));
        self.room = Some(ArtifactRoom {
            max_bytes: limit,
            bytes_before,
            bytes_after: bytes_before,
            order,
        });
        let mut holdings = self.holdings(&files, order, reach);
        if files.room(&holdings, limit).is_enough() {
            return false;
        }
        // Only now, for it is much to read.
        for it in decisions.iter().filter(|it| it.may_give_way()) {
            if let Some(holding) = holdings.get_mut(&it.object) {
                holding.releases = self.released(&it.object, &files);
            }
        }
        let passed_over = files.room(&holdings, limit).make(decisions);
        let because = |object: &ObjectId| {
            let kinds = reach.objects.get(object);
            let is_young = kinds.is_some_and(|it| it.find(|kind| kind == Kind::Young).is_some());
            if is_young {
                LeftReason::Young
            } else {
                LeftReason::Kept
            }
        };
        let passed_over = passed_over.into_iter();
        self.passed_over = passed_over.map(|it| (it, because(&it))).collect();
        decisions.iter().any(|it| it.goes_by == Some(GoesBy::Room))
    }

    /// Returns in which order builds give way.
    fn order(&self) -> EvictionOrder {
        match self.options.order {
            EvictionOrder::LastUsed
                if !self.places.under.root.keeps_access_times().unwrap_or(false) =>
            {
                EvictionOrder::LastChanged
            }
            order => order,
        }
    }

    /// Returns what each entry has to do with which files. Of those that may give way, what they would release is
    /// left to the caller.
    fn holdings(
        &mut self,
        files: &Files,
        order: EvictionOrder,
        reach: &Reach<Kinds>,
    ) -> BTreeMap<ObjectId, Holding> {
        let mut holdings = BTreeMap::new();
        for (entry, paths) in &self.entries {
            let mut holding = Holding {
                fate: fate(reach.objects.get(entry)),
                holds: BTreeSet::new(),
                releases: BTreeSet::new(),
                used_ms: None,
            };
            for path in paths {
                let Some(spot) = self.places.spot(path) else {
                    continue;
                };
                holding.holds.extend(files.held_by(spot));
                if order == EvictionOrder::LastUsed && spot.takes_room {
                    holding.used_ms = holding.used_ms.max(Some(spot.accessed_ms));
                }
            }
            holdings.insert(*entry, holding);
        }
        for (entry, holding) in &mut holdings {
            if holding.fate == Fate::Goes {
                holding.releases = self.released(entry, files);
            }
        }
        holdings
    }

    /// Returns the files that could go with an entry, by their places and sizes.
    fn released(&mut self, entry: &ObjectId, files: &Files) -> BTreeSet<usize> {
        let mut released = BTreeSet::new();
        for (path, recorded) in self.recorded(entry) {
            let spot = self.places.spot(&path).filter(|spot| spot.place.is_ok());
            let spot = spot.filter(|spot| recorded.iter().any(|it| it.fits(spot)));
            released.extend(spot.and_then(|spot| files.numbers.get(&spot.id)));
        }
        released
    }
}

/// Returns what becomes of an entry that these keep.
fn fate(kinds: Option<&Kinds>) -> Fate {
    let is_another = |kind| !matches!(kind, Kind::Ref | Kind::History);
    match kinds {
        None => Fate::Goes,
        Some(kinds) if kinds.find(is_another).is_some() => Fate::Stays,
        Some(_) => Fate::Free,
    }
}
