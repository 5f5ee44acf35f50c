//! Decisions by hand, and what holds of any.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::change::sample::id;
use crate::change::{Change, Op};
use crate::name::{Name, RefName};
use proptest::prelude::*;

mod room;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// A ref that came to hold these builds at these days; 0 retires it.
fn of(name: &str, held: &[(i64, u8)]) -> RefHistory {
    let mut old = None;
    let mut changes = Vec::new();
    for (day, build) in held {
        let new = (*build > 0).then(|| id(*build));
        let op = new.map_or(Op::Retire, |_| Op::Put);
        let actor = Name::new("tester").unwrap();
        let at_ms = day * DAY;
        changes.push(Change {
            at_ms,
            op,
            old,
            new,
            actor,
        });
        old = new;
    }
    RefHistory {
        name: name.parse().unwrap(),
        current: old,
        changes,
    }
}

fn rule() -> RetentionRule {
    RetentionRule::new("*".into())
}

/// What is decided on a day, a line a build: its name and number, and what keeps it.
fn decided(rule: &RetentionRule, refs: &[RefHistory], day: i64) -> Vec<String> {
    let retention = Retention {
        rules: vec![rule.clone()],
    };
    let decisions = decide(&retention, refs, &BTreeMap::new(), day * DAY);
    let line = |it: &Decision| {
        let build = (1..=9).find(|build| id(*build) == it.object).unwrap();
        let kept_by: Vec<_> = it.kept_by.iter().map(ToString::to_string).collect();
        let what = match (it.is_kept(), it.retires()) {
            (true, false) => kept_by.join(", "),
            (true, true) => format!("retired, {}", kept_by.join(", ")),
            (false, _) => "goes".to_owned(),
        };
        format!("{} {build}: {what}", it.name.version())
    };
    decisions.iter().map(line).collect()
}

#[test]
fn nothing_goes_without_a_limit() {
    let refs = [of("e/a", &[(1, 1), (2, 2)]), of("e/b", &[(1, 3), (2, 0)])];
    let expected = ["a 2: no limit", "a 1: no limit", "b 3: no limit"];
    assert_eq!(decided(&rule(), &refs, 9999), expected);
    // Of another engine than the rule's.
    let others = RetentionRule {
        versions: Some(0),
        builds: Some(1),
        ..RetentionRule::new("other".into())
    };
    let expected = ["a 2: no rule", "a 1: no rule", "b 3: no rule"];
    assert_eq!(decided(&others, &refs, 9999), expected);
}

#[test]
fn what_goes_says_why() {
    let refs = [
        of("e/a", &[(1, 1), (2, 2)]),
        of("e/b", &[(3, 3), (4, 4)]),
        of("e/c", &[(5, 5), (6, 0)]),
    ];
    let rule = RetentionRule {
        versions: Some(1),
        builds: Some(1),
        ..rule()
    };
    let retention = Retention { rules: vec![rule] };
    let decisions = decide(&retention, &refs, &BTreeMap::new(), 9 * DAY);
    let why = |it: &Decision| it.goes_by.as_ref().map(ToString::to_string);
    let why: Vec<_> = decisions.iter().map(why).collect();
    let retired = "its version is retired";
    let expected = [
        Some("not the last version"),
        Some(retired),
        None,
        Some("not the last build"),
        Some(retired),
    ];
    assert_eq!(why, expected.map(|it| it.map(str::to_owned)));
}

#[test]
fn last_builds_are_those_that_the_ref_held_last() {
    // The first was rolled back to.
    let refs = [of("e/a", &[(1, 1), (2, 2), (3, 3), (4, 1), (5, 4)])];
    let last = |builds| RetentionRule {
        builds: Some(builds),
        ..rule()
    };
    assert_eq!(
        decided(&last(3), &refs, 9),
        [
            "a 4: no limit",
            "a 1: last builds",
            "a 3: last builds",
            "a 2: goes"
        ]
    );
    assert_eq!(
        decided(&last(1), &refs, 9),
        ["a 4: no limit", "a 1: goes", "a 3: goes", "a 2: goes"]
    );
}

#[test]
fn last_versions_are_those_that_were_changed_last() {
    let refs = [
        of("e/a", &[(1, 1), (7, 2)]),
        of("e/b", &[(5, 3)]),
        of("e/c", &[(3, 4)]),
        of("e/d", &[(8, 5), (9, 0)]),
        of("f/a", &[(1, 6)]),
    ];
    let last = RetentionRule {
        versions: Some(2),
        ..rule()
    };
    assert_eq!(
        decided(&last, &refs, 9),
        [
            "a 2: last versions",
            "a 1: no limit",
            "b 3: last versions",
            "c 4: goes",
            "d 5: goes",
            "a 6: last versions",
        ]
    );
}

#[test]
fn recent_days_weeks_months_and_pins_keep_more() {
    let refs = [
        of("e/a", &[(10, 1), (20, 2)]),
        of("e/b", &[(31, 3), (32, 4)]),
        of("e/c", &[(40, 5)]),
    ];
    let none = RetentionRule {
        versions: Some(0),
        builds: Some(1),
        ..rule()
    };
    let all = [
        "a 2: goes",
        "a 1: goes",
        "b 4: goes",
        "b 3: goes",
        "c 5: goes",
    ];
    assert_eq!(decided(&none, &refs, 50), all);
    let within = |days: i64| RetentionRule {
        within_ms: Some(days * DAY),
        ..none.clone()
    };
    // What ceased to be current on day 20 is as old as what became so.
    assert_eq!(
        decided(&within(18), &refs, 50),
        [
            "a 2: goes",
            "a 1: goes",
            "b 4: recent",
            "b 3: recent",
            "c 5: recent"
        ]
    );
    assert_eq!(decided(&within(18), &refs, 59), all);
    let monthly = RetentionRule {
        monthly: 2,
        daily: 1,
        ..none.clone()
    };
    // Day 31 is the first of February.
    assert_eq!(
        decided(&monthly, &refs, 50),
        [
            "a 2: monthly",
            "a 1: goes",
            "b 4: goes",
            "b 3: goes",
            "c 5: daily, monthly"
        ]
    );
    let weekly = RetentionRule {
        weekly: 2,
        ..none.clone()
    };
    assert_eq!(
        decided(&weekly, &refs, 50),
        [
            "a 2: goes",
            "a 1: goes",
            "b 4: weekly",
            "b 3: goes",
            "c 5: weekly"
        ]
    );
    let pinned = RetentionRule {
        pinned: vec!["a*".into()],
        ..none
    };
    assert_eq!(
        decided(&pinned, &refs, 50),
        [
            "a 2: pinned",
            "a 1: goes",
            "b 4: goes",
            "b 3: goes",
            "c 5: goes"
        ]
    );
}

#[test]
fn build_that_retention_let_go_is_no_younger_for_it() {
    let mut cut = of("e/a", &[(1, 1), (2, 2), (50, 0)]);
    cut.changes.last_mut().unwrap().op = Op::Prune;
    let rule = RetentionRule {
        versions: Some(1),
        within_ms: Some(9 * DAY),
        ..rule()
    };
    let gone = ["a 2: goes", "a 1: goes"];
    assert_eq!(decided(&rule, std::slice::from_ref(&cut), 51), gone);
    // Where nothing else tells of it, that does.
    cut.changes.drain(..2);
    assert_eq!(decided(&rule, &[cut], 51), ["a 2: recent"]);
}

#[test]
fn snapshot_keeps_a_build_and_not_its_ref() {
    let refs = [of("e/a", &[(1, 1)])];
    let retention = Retention {
        rules: vec![RetentionRule {
            versions: Some(0),
            ..rule()
        }],
    };
    let name = Name::new("s").unwrap();
    let snapshots = BTreeMap::from([(id(1), name.clone())]);
    let decisions = decide(&retention, &refs, &snapshots, 2 * DAY);
    assert_eq!(decisions[0].kept_by, [KeptBy::Snapshot { name }]);
    assert!(decisions[0].retires());
}

#[test]
fn what_no_history_tells_the_age_of_is_not_old() {
    let refs = [RefHistory {
        name: "e/a".parse().unwrap(),
        current: Some(id(1)),
        changes: Vec::new(),
    }];
    let rule = RetentionRule {
        versions: Some(0),
        within_ms: Some(0),
        ..rule()
    };
    let untold = "a 1: its time is not known, recent";
    assert_eq!(decided(&rule, &refs, 9999), [untold]);
}

#[test]
fn what_has_no_time_or_one_to_come_stays_and_takes_no_place() {
    let untold = |version: &str, build| RefHistory {
        name: RefName::new("e", version).unwrap(),
        current: Some(id(build)),
        changes: Vec::new(),
    };
    let refs = [
        untold("a", 1),
        untold("b", 2),
        of("e/c", &[(9000, 3)]),
        of("e/d", &[(1, 4), (7, 5)]),
        of("e/e", &[(6, 6)]),
    ];
    let rule = RetentionRule {
        versions: Some(1),
        builds: Some(1),
        daily: 1,
        ..rule()
    };
    let at = |day| decided(&rule, &refs, day);
    assert_eq!(
        at(9),
        [
            "a 1: its time is not known",
            "b 2: its time is not known",
            "c 3: its time is not known",
            "d 5: last versions, daily",
            "d 4: goes",
            "e 6: goes",
        ]
    );
    // Once the time has come, it counts.
    assert_eq!(at(9001)[2..4], ["c 3: last versions, daily", "d 5: goes"]);
}

fn refs() -> impl Strategy<Value = Vec<RefHistory>> {
    let held = proptest::collection::vec((0..90i64, 0..9u8), 1..6);
    let history = |(at, held): (usize, Vec<(i64, u8)>)| {
        let mut last = 0;
        // A change changes something.
        let held: Vec<_> = held
            .into_iter()
            .filter(|(_, build)| std::mem::replace(&mut last, *build) != *build)
            .collect();
        of(&format!("e/{at}"), &held)
    };
    proptest::collection::vec(held, 1..5)
        .prop_map(move |all| all.into_iter().enumerate().map(history).collect())
}

fn rules() -> impl Strategy<Value = RetentionRule> {
    let limits = (
        proptest::option::of(0..4usize),
        proptest::option::of(1..4usize),
        proptest::option::of(0..60i64),
    );
    let periods = (0..3usize, 0..3usize, 0..3usize);
    let pins = proptest::collection::vec((0..4usize).prop_map(|it| it.to_string()), 0..2);
    (limits, periods, pins).prop_map(
        |((versions, builds, within), (daily, weekly, monthly), pins)| RetentionRule {
            versions,
            builds,
            within_ms: within.map(|days| days * DAY),
            daily,
            weekly,
            monthly,
            pinned: pins.iter().map(|it| it.as_str().into()).collect(),
            ..rule()
        },
    )
}

/// Whether all that one decision keeps the other keeps too.
fn keeps_no_more(one: &[Decision], other: &[Decision]) -> bool {
    one.iter().zip(other).all(|(one, other)| {
        assert_eq!((&one.name, one.object), (&other.name, other.object));
        (other.is_kept() || !one.is_kept()) && (one.retires() || !other.retires())
    })
}

proptest! {
    #[test]
    fn later_keeps_no_more_and_more_is_kept_by_more(
        refs in refs(), rule in rules(), days in 0..200i64, later in 0..200i64,
    ) {
        let decide = |rule: &RetentionRule, days: i64| {
            let retention = Retention { rules: vec![rule.clone()] };
            decide(&retention, &refs, &BTreeMap::new(), days * DAY)
        };
        let now = decide(&rule, days);
        prop_assert!(keeps_no_more(&decide(&rule, days + later), &now));
        let more = |n: usize| n + 1;
        for wider in [
            RetentionRule { versions: rule.versions.map(more), ..rule.clone() },
            RetentionRule { builds: rule.builds.map(more), ..rule.clone() },
            RetentionRule { within_ms: Some(rule.within_ms.unwrap_or(0) + DAY), ..rule.clone() },
            RetentionRule { daily: rule.daily + 1, ..rule.clone() },
            RetentionRule { weekly: rule.weekly + 1, ..rule.clone() },
            RetentionRule { monthly: rule.monthly + 1, ..rule.clone() },
            RetentionRule { pinned: vec!["*".into()], ..rule.clone() },
        ] {
            prop_assert!(keeps_no_more(&now, &decide(&wider, days)), "{wider:?}");
        }
    }

    #[test]
    fn decided_again_when_refs_were_pruned_the_same_is_kept(
        mut refs in refs(), rule in rules(), days in 0..200i64,
    ) {
        let retention = Retention { rules: vec![rule] };
        let kept = |refs: &[RefHistory]| {
            let decisions = decide(&retention, refs, &BTreeMap::new(), days * DAY);
            let (kept, rest): (Vec<_>, Vec<_>) = decisions.into_iter().partition(Decision::is_kept);
            let kept: BTreeSet<_> = kept.into_iter().map(|it| (it.name, it.object)).collect();
            (kept, rest.into_iter().filter(Decision::retires).collect::<Vec<_>>())
        };
        let (before, pruned) = kept(&refs);
        for it in &mut refs {
            if pruned.iter().any(|decision| decision.name == it.name) {
                let mut change = it.changes.last().cloned().unwrap();
                (change.op, change.at_ms) = (Op::Prune, days * DAY);
                (change.old, change.new) = (it.current.take(), None);
                it.changes.push(change);
            }
        }
        prop_assert_eq!(kept(&refs), (before, Vec::new()));
    }

    #[test]
    fn ref_that_stays_keeps_what_it_holds(refs in refs(), rule in rules(), days in 0..200i64) {
        let retention = Retention { rules: vec![rule] };
        let decisions = decide(&retention, &refs, &BTreeMap::new(), days * DAY);
        for it in decisions.iter().filter(|it| it.is_current) {
            prop_assert_eq!(it.retires(), !it.is_kept());
        }
        // What goes says why, and what is kept by its rule does not.
        prop_assert!(decisions.iter().all(|it| it.is_kept() == it.goes_by.is_none()));
        // Each build of each ref is decided upon once.
        let mut seen = BTreeSet::new();
        prop_assert!(decisions.iter().all(|it| seen.insert((&it.name, it.object))));
        for of in &refs {
            for object in of.changes.iter().filter_map(|it| it.new) {
                prop_assert!(seen.contains(&(&of.name, object)));
            }
        }
    }
}
