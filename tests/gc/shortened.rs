//! Histories that have grown long lose their oldest lines, as far as they tell of nothing that is kept.

use std::collections::BTreeSet;
use std::fs;

use engine_catalog::{Change, Expect, GcOptions, Members, Name, ObjectId, RetentionRule};

use crate::support::{Home, entry, name, object_of, stamp};
use crate::{any_engine, by_rule, collect};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What a history may have: some lines.
const BYTES: u64 = 4000;

/// Collects, with histories of few bytes.
fn options(rule: RetentionRule) -> GcOptions {
    let mut options = by_rule(rule);
    options.history_bytes = BYTES;
    options
}

/// Puts builds of a version, the first few on the first day and the others on the second.
fn put(home: &Home, version: &str, builds: std::ops::RangeInclusive<i64>) {
    for build in builds {
        let day = if build <= 6 { 1 } else { 2 };
        let put = home
            .catalog
            .put(&entry(version, build), &stamp(day * DAY_MS + build));
        put.unwrap();
    }
}

fn changes(home: &Home, version: &str) -> Vec<Change> {
    home.catalog
        .history(&name(&format!("llamacpp/{version}")))
        .unwrap()
}

/// Every line counts, each follows from the one before, and the last leads to what the ref holds. Returns what
/// they name.
fn named(home: &Home, version: &str) -> BTreeSet<ObjectId> {
    let changes = changes(home, version);
    let text = fs::read_to_string(home.at(&format!("history/llamacpp/{version}"))).unwrap();
    assert_eq!(text.lines().count(), changes.len());
    assert!(changes.windows(2).all(|pair| pair[0].new == pair[1].old));
    let current = home
        .catalog
        .current(&name(&format!("llamacpp/{version}")))
        .unwrap();
    assert_eq!(changes.last().unwrap().new, current.map(|it| it.object));
    let objects = changes.iter().flat_map(|it| [it.old, it.new]);
    objects.flatten().collect()
}

fn build(version: &str, build: i64) -> ObjectId {
    object_of(&entry(version, build))
}

#[test]
fn last_lines_stay_and_whoever_goes_on_appends_to_them() {
    let home = Home::new();
    put(&home, "b1", 1..=40);
    put(&home, "b2", 1..=3);
    let two = RetentionRule {
        builds: Some(2),
        ..any_engine()
    };
    let before = changes(&home, "b1");
    let plan = collect(&home, &options(two.clone()));
    let [long] = &plan.histories[..] else {
        panic!("{:?}", plan.histories)
    };
    let after = changes(&home, "b1");
    assert_eq!(
        (long.changes, long.kept_changes),
        (40 - after.len(), after.len())
    );
    assert_eq!(after, before[long.changes..]);
    assert!(long.kept_bytes <= BYTES / 4 && after.len() > 2);
    assert!(named(&home, "b1").is_superset(&[39, 40].map(|it| build("b1", it)).into()));
    assert_eq!(changes(&home, "b2").len(), 3);
    // From here on it is as any other.
    let back = home
        .catalog
        .rollback(&name("llamacpp/b1"), None, &stamp(5 * DAY_MS));
    assert_eq!(back.unwrap().object, build("b1", 39));
    put(&home, "b1", 41..=45);
    home.catalog
        .retire(&name("llamacpp/b1"), Expect::Any, &stamp(5 * DAY_MS))
        .unwrap();
    assert!(named(&home, "b1").contains(&build("b1", 45)));
    let plan = collect(&home, &options(two));
    assert!(plan.histories.is_empty(), "it is not long");
}

#[test]
fn history_stays_as_long_as_it_has_to_tell_of_something() {
    for kept in [1, 7, 40] {
        let home = Home::new();
        put(&home, "b1", 1..=40);
        let members = Members::Objects([build("b1", kept)].into());
        let named_so = Name::new("s").unwrap();
        home.catalog
            .create_snapshot(&members, Some(&named_so))
            .unwrap();
        let one = RetentionRule {
            builds: Some(1),
            ..any_engine()
        };
        collect(&home, &options(one.clone()));
        let named_by_lines = named(&home, "b1");
        assert!(
            named_by_lines.contains(&build("b1", kept))
                && named_by_lines.contains(&build("b1", 40))
        );
        // As far back as that, and not further.
        assert_eq!(named_by_lines.contains(&build("b1", 6)), kept == 1);
        if kept < 40 {
            let back =
                home.catalog
                    .rollback(&name("llamacpp/b1"), Some(build("b1", kept)), &stamp(9));
            back.unwrap();
        }
        home.catalog.remove_snapshot(&named_so).unwrap();
        collect(&home, &options(one));
        assert!(
            named(&home, "b1").contains(&build("b1", kept)),
            "it is current"
        );
    }
}

#[test]
fn without_a_rule_no_line_goes_that_alone_tells_of_a_build() {
    let home = Home::new();
    put(&home, "b1", 1..=40);
    let plan = collect(&home, &options(RetentionRule::new("vllm".into())));
    assert_eq!(plan.objects, []);
    // The second tells of the first build too.
    assert_eq!(changes(&home, "b1").len(), 39);
    assert_eq!(named(&home, "b1").len(), 40);
}

#[test]
fn line_that_tells_of_what_is_kept_stays_where_its_ref_goes() {
    let home = Home::new();
    put(&home, "b1", 1..=40);
    // The last of the second day, and a later version.
    home.catalog
        .put(&entry("b2", 1), &stamp(2 * DAY_MS + 50))
        .unwrap();
    let rule = RetentionRule {
        versions: Some(1),
        builds: Some(1),
        daily: 2,
        ..any_engine()
    };
    let plan = collect(&home, &options(rule));
    assert_eq!((plan.retired().count(), plan.histories.len()), (1, 1));
    // The last of the first day: when the next one came.
    assert!(home.catalog.has_object(&build("b1", 5)).unwrap());
    let named = named(&home, "b1");
    assert!(named.contains(&build("b1", 5)) && !named.contains(&build("b1", 4)));
    let back = home
        .catalog
        .rollback(&name("llamacpp/b1"), Some(build("b1", 5)), &stamp(9));
    assert_eq!(back.unwrap().previous, None);
}
