//! The decision: of each engine, what its rule keeps of the builds that its refs hold, and have held.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::calendar::Calendar;
use super::{Decision, GoesBy, KeptBy, Retention, RetentionRule};
use crate::change::{Change, Op};
use crate::hash::ObjectId;
use crate::name::{Name, RefName};

/// A ref, as its catalog has it.
#[derive(Clone, Debug)]
pub(crate) struct RefHistory {
    pub(crate) name: RefName,
    pub(crate) current: Option<ObjectId>,
    /// The changes that took effect, oldest first.
    pub(crate) changes: Vec<Change>,
}

/// A build of an engine.
struct Build<'a> {
    of: &'a RefHistory,
    /// How many builds of the same ref it held later.
    rank: usize,
    decision: Decision,
}

impl Build<'_> {
    /// Whether it is known when it was changed. A time that is yet to come, as a clock that was wrong gives it, is
    /// none: whoever has it must not take the place of others.
    fn has_time(&self, now_ms: i64) -> bool {
        self.decision.changed_ms.is_some_and(|at| at <= now_ms)
    }

    fn keep(&mut self, kept_by: KeptBy) {
        self.decision.kept_by.push(kept_by);
    }
}

/// Decides what becomes of each build that refs hold, or have held. `snapshots` are the members of named
/// snapshots. Sorted by name, and then the last build first.
///
/// With a later `now_ms` nothing is kept that would go with an earlier one.
pub(crate) fn decide(
    retention: &Retention,
    refs: &[RefHistory],
    snapshots: &BTreeMap<ObjectId, Name>,
    now_ms: i64,
) -> Vec<Decision> {
    let mut engines = BTreeMap::<&Name, Vec<&RefHistory>>::new();
    for it in refs {
        engines.entry(it.name.engine()).or_default().push(it);
    }
    let mut decisions = Vec::new();
    for (engine, refs) in engines {
        let rule = retention.rules.iter().find(|it| it.engine.matches(engine));
        let mut builds: Vec<_> = refs.iter().flat_map(|it| builds(it)).collect();
        match rule {
            Some(rule) => keep(rule, &mut builds, now_ms),
            None => builds.iter_mut().for_each(|it| it.keep(KeptBy::NoRule)),
        }
        decisions.extend(builds.into_iter().map(|mut build| {
            if let Some(name) = snapshots.get(&build.decision.object) {
                build.keep(KeptBy::Snapshot { name: name.clone() });
            }
            build.decision.kept_by.sort_unstable();
            build.decision
        }));
    }
    decisions.sort_by(|a, b| a.name.cmp(&b.name));
    decisions
}

/// Returns the builds that a ref holds, and held, the last first.
fn builds(of: &RefHistory) -> Vec<Build<'_>> {
    let mentioned = |change: &Change| {
        let both = [change.new, change.old].into_iter().flatten();
        let at_ms = Some(change.at_ms);
        both.map(move |object| (object, at_ms)).collect::<Vec<_>>()
    };
    // What retention let go, and a cut left, is no younger for it: unless nothing else is known of it.
    let (pruned, others): (Vec<_>, Vec<_>) =
        (of.changes.iter().rev()).partition(|change| change.op == Op::Prune);
    let mentioned = others.into_iter().chain(pruned).flat_map(mentioned);
    let current = of.current.map(|object| {
        // A ref without a history, or one whose history came without the last line.
        let last = of.changes.last().filter(|it| it.new == Some(object));
        (object, last.map(|it| it.at_ms))
    });
    let mut seen = BTreeSet::new();
    let builds = current.into_iter().chain(mentioned);
    let builds = builds.filter(|(object, _)| seen.insert(*object));
    let build = |(rank, (object, changed_ms))| Build {
        of,
        rank,
        decision: Decision {
            name: of.name.clone(),
            object,
            is_current: of.current == Some(object),
            changed_ms,
            kept_by: Vec::new(),
            goes_by: None,
        },
    };
    builds.enumerate().map(build).collect()
}

/// Says what a rule keeps of the builds of an engine.
fn keep(rule: &RetentionRule, builds: &mut [Build<'_>], now_ms: i64) {
    for build in builds.iter_mut() {
        // What no history tells the age of is not too old.
        let age = build
            .decision
            .changed_ms
            .map(|at| now_ms.saturating_sub(at));
        let is_recent = |within| age.is_none_or(|age| age <= within);
        if rule.within_ms.is_some_and(is_recent) {
            build.keep(KeptBy::Within);
        }
        if !build.has_time(now_ms) {
            build.keep(KeptBy::NoTime);
        }
    }
    for (calendar, count, kept_by) in [
        (Calendar::Day, rule.daily, KeptBy::Daily),
        (Calendar::Week, rule.weekly, KeptBy::Weekly),
        (Calendar::Month, rule.monthly, KeptBy::Monthly),
    ] {
        keep_one_of_each(builds, calendar, count, &kept_by, now_ms);
    }
    let last = last_versions(builds, rule.versions.unwrap_or(0), now_ms);
    let mut staying = BTreeSet::new();
    for build in builds.iter_mut().filter(|it| it.decision.is_current) {
        let name = &build.of.name;
        if rule.pinned.iter().any(|it| it.matches(name.version())) {
            build.keep(KeptBy::Pin);
        }
        match rule.versions {
            None => build.keep(KeptBy::NoLimit),
            Some(_) if last.contains(name) => build.keep(KeptBy::LastVersions),
            Some(limit) if !build.decision.is_kept() => {
                build.decision.goes_by = Some(GoesBy::Versions { limit });
            }
            Some(_) => {}
        }
        if build.decision.is_kept() {
            staying.insert(name);
        }
    }
    for build in builds.iter_mut().filter(|it| !it.decision.is_current) {
        let stays = staying.contains(&build.of.name);
        match rule.builds {
            _ if !stays && !rule.is_limited() => build.keep(KeptBy::NoLimit),
            None if stays => build.keep(KeptBy::NoLimit),
            Some(count) if stays && build.rank < count => build.keep(KeptBy::LastBuilds),
            _ if build.decision.is_kept() => {}
            Some(limit) if stays => build.decision.goes_by = Some(GoesBy::Builds { limit }),
            _ => build.decision.goes_by = Some(GoesBy::Retired),
        }
    }
}

/// Returns the versions that were changed last, so many. Those without a time take no place.
fn last_versions<'a>(builds: &[Build<'a>], count: usize, now_ms: i64) -> BTreeSet<&'a RefName> {
    let current = builds.iter().filter(|it| it.decision.is_current);
    let current = current.filter(|it| it.has_time(now_ms));
    let mut versions: Vec<_> = current
        .map(|it| (it.decision.changed_ms, &it.of.name))
        .collect();
    versions.sort_by_key(|(changed_ms, name)| (Reverse(*changed_ms), *name));
    let names = versions.into_iter().map(|(_, name)| name);
    names.take(count).collect()
}

/// Keeps the last build of each of so many of the last days, weeks or months.
fn keep_one_of_each(
    builds: &mut [Build<'_>],
    calendar: Calendar,
    count: usize,
    kept_by: &KeptBy,
    now_ms: i64,
) {
    let mut last = BTreeMap::<i64, (i64, Reverse<usize>, &RefName, usize)>::new();
    for (at, build) in builds.iter().enumerate() {
        if let Some(changed_ms) = build.decision.changed_ms.filter(|at| *at <= now_ms) {
            let this = (changed_ms, Reverse(build.rank), &build.of.name, at);
            let period = last.entry(calendar.period(changed_ms)).or_insert(this);
            *period = (*period).max(this);
        }
    }
    let chosen: Vec<_> = last.values().rev().take(count).map(|it| it.3).collect();
    for at in chosen {
        builds[at].keep(kept_by.clone());
    }
}
