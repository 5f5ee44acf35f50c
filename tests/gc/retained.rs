//! What rules of retention keep of the histories of a catalog, and what becomes of the rest.

use engine_catalog::{
    Catalog, Error, Expect, Filter, GcOptions, Members, Name, ObjectId, Op, RetentionRule,
};

use crate::support::{Home, entry, name, object_of, stamp};
use crate::{any_engine, by_rule, collect, objects};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Builds of versions, and the days on which they became current.
const PUTS: [(&str, i64, i64); 8] = [
    ("b1", 1, 1),
    ("b1", 2, 2),
    ("b1", 3, 3),
    ("b2", 1, 4),
    ("b2", 2, 4),
    ("b3", 1, 5),
    ("b4", 1, 6),
    ("b1", 4, 10),
];

/// A catalog with these builds, of which `b4` is retired on the seventh day.
fn home() -> Home {
    let home = Home::new();
    for (version, build, day) in PUTS {
        let put = home
            .catalog
            .put(&entry(version, build), &stamp(day * DAY_MS));
        put.unwrap();
        if version == "b4" {
            retire(&home, version, 7);
        }
    }
    home
}

fn retire(home: &Home, version: &str, day: i64) {
    let name = name(&format!("llamacpp/{version}"));
    let retired = home
        .catalog
        .retire(&name, Expect::Any, &stamp(day * DAY_MS));
    retired.unwrap();
}

fn build(version: &str, build: i64) -> ObjectId {
    object_of(&entry(version, build))
}

/// What rules keep on the eleventh day.
fn on_day_11(rule: RetentionRule) -> GcOptions {
    let mut options = by_rule(rule);
    options.keep.now_ms = 11 * DAY_MS;
    // What the machine has written is of a later day.
    options.keep.grace_ms = i64::MIN;
    options
}

/// The builds that are there, and the versions.
fn left(catalog: &Catalog) -> String {
    let is_there = |version, number| catalog.entry(&build(version, number)).unwrap().is_some();
    let builds = PUTS
        .iter()
        .filter(|(version, number, _)| is_there(version, *number));
    let mut builds: Vec<_> = builds
        .map(|(version, number, _)| format!("{version}#{number}"))
        .collect();
    builds.sort_unstable();
    let versions = catalog.list(&Filter::default()).unwrap();
    let versions: Vec<_> = versions.map(|it| it.unwrap().entry.version).collect();
    format!("{} of {}", builds.join(" "), versions.join(" "))
}

#[test]
fn rules_keep_what_they_say_of_real_histories() {
    let rule = any_engine;
    for (rule, expected) in [
        (
            rule(),
            "b1#1 b1#2 b1#3 b1#4 b2#1 b2#2 b3#1 b4#1 of b1 b2 b3",
        ),
        (
            RetentionRule {
                versions: Some(2),
                ..rule()
            },
            "b1#1 b1#2 b1#3 b1#4 b3#1 of b1 b3",
        ),
        (
            RetentionRule {
                builds: Some(1),
                ..rule()
            },
            "b1#4 b2#2 b3#1 of b1 b2 b3",
        ),
        (
            RetentionRule {
                versions: Some(1),
                builds: Some(2),
                ..rule()
            },
            "b1#3 b1#4 of b1",
        ),
        // The third build of b1 ceased to be current on the tenth day, b4 on the seventh.
        (
            RetentionRule {
                versions: Some(1),
                builds: Some(1),
                within_ms: Some(6 * DAY_MS),
                ..rule()
            },
            "b1#3 b1#4 b3#1 b4#1 of b1 b3",
        ),
        (
            RetentionRule {
                versions: Some(0),
                daily: 3,
                ..rule()
            },
            "b1#1 b1#2 b1#3 b1#4 b3#1 b4#1 of b1 b3",
        ),
        (
            RetentionRule {
                versions: Some(0),
                builds: Some(1),
                daily: 5,
                ..rule()
            },
            "b1#2 b1#4 b2#2 b3#1 b4#1 of b1 b2 b3",
        ),
        (
            RetentionRule {
                versions: Some(0),
                monthly: 1,
                builds: Some(3),
                ..rule()
            },
            "b1#2 b1#3 b1#4 of b1",
        ),
        (
            RetentionRule {
                versions: Some(0),
                pinned: vec!["b[23]".into(), "*2".into()],
                ..rule()
            },
            "b2#1 b2#2 of b2",
        ),
    ] {
        let home = home();
        collect(&home, &on_day_11(rule.clone()));
        assert_eq!(left(&home.catalog), expected, "{rule:?}");
    }
}

#[test]
fn ref_goes_whose_entry_a_snapshot_keeps_and_can_be_brought_back() {
    let home = home();
    let members = Members::Objects([build("b2", 2)].into());
    let named = Name::new("release").unwrap();
    home.catalog
        .create_snapshot(&members, Some(&named))
        .unwrap();
    let one = RetentionRule {
        versions: Some(1),
        ..any_engine()
    };
    let options = on_day_11(one);
    let gone = collect(&home, &options);
    assert_eq!(gone.retired().count(), 2);
    assert_eq!(left(&home.catalog), "b1#1 b1#2 b1#3 b1#4 b2#2 of b1");
    let [b2, b3] = ["llamacpp/b2", "llamacpp/b3"].map(name);
    let last = home.catalog.history(&b2).unwrap().pop().unwrap();
    assert_eq!(
        (last.op, last.at_ms, last.old),
        (Op::Prune, 11 * DAY_MS, Some(build("b2", 2)))
    );
    let (to_that, to_older) = (None, Some(build("b2", 1)));
    for (name, to, object) in [
        (&b2, to_older, build("b2", 1)),
        (&b3, to_that, build("b3", 1)),
    ] {
        let refused = home.catalog.rollback(name, to, &stamp(10));
        let is_gone =
            |it: &Error| matches!(it, Error::Gone { object: gone, .. } if *gone == object);
        assert!(refused.as_ref().is_err_and(is_gone), "{refused:?}");
    }
    home.catalog
        .rollback(&b2, to_that, &stamp(11 * DAY_MS))
        .unwrap();
    assert_eq!(left(&home.catalog), "b1#1 b1#2 b1#3 b1#4 b2#2 of b1 b2");
    // It came last, and so it is the one that stays.
    collect(&home, &options);
    assert_eq!(left(&home.catalog), "b2#2 of b2");
    home.catalog.remove_snapshot(&named).unwrap();
    collect(&home, &options);
    assert_eq!(left(&home.catalog), "b2#2 of b2");
}

#[test]
fn what_goes_at_one_time_goes_at_any_later_one() {
    let home = home();
    for rule in [
        RetentionRule {
            versions: Some(1),
            within_ms: Some(4 * DAY_MS),
            ..any_engine()
        },
        RetentionRule {
            builds: Some(1),
            within_ms: Some(DAY_MS),
            daily: 2,
            ..any_engine()
        },
    ] {
        let mut gone_before = Vec::new();
        let mut sizes = Vec::new();
        for day in 4..16 {
            let mut options = on_day_11(rule.clone());
            options.keep.now_ms = day * DAY_MS;
            let gone = objects(&home.catalog.plan_gc(&options).unwrap());
            assert!(
                gone_before.iter().all(|it| gone.contains(it)),
                "{day}: {rule:?}"
            );
            sizes.push(gone.len());
            gone_before = gone;
        }
        assert!(sizes[0] < sizes[11], "{sizes:?}");
    }
}

#[test]
fn that_a_version_was_pruned_is_no_change_by_which_builds_are_kept() {
    let last = RetentionRule {
        versions: Some(1),
        builds: Some(1),
        ..any_engine()
    };
    let (daily, within_ms) = (2, Some(4 * DAY_MS));
    for (rule, expected) in [
        (
            RetentionRule {
                daily,
                ..last.clone()
            },
            "b1#4 b4#1 of b1",
        ),
        (RetentionRule { within_ms, ..last }, "b1#3 b1#4 b4#1 of b1"),
    ] {
        let home = home();
        let options = on_day_11(rule);
        // `collect` finds that nothing is left to do.
        collect(&home, &options);
        assert_eq!(left(&home.catalog), expected);
    }
}
