//! Verifying over days: the longest unverified part first, as long as time is left.

use std::fs;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use engine_catalog::{Catalog, Error, Parts, Report, Scrub, Slug, VerifyScope};

use crate::cases::{case, current, set, sound, write};
use crate::support::{Home, listing};

/// A clock that moves by a second whenever it is asked, and what it is to show next.
struct Clock(AtomicI64);

impl Clock {
    fn at(seconds: i64) -> Self {
        Self(AtomicI64::new(seconds * 1000))
    }

    fn now(&self) -> i64 {
        self.0.fetch_add(1000, Ordering::Relaxed)
    }
}

fn scrub(catalog: &Catalog, at: i64, budget: Option<u64>, max_age: Option<u64>) -> Report {
    let clock = Clock::at(at);
    let scope = VerifyScope::Scrub(Scrub {
        budget: budget.map(Duration::from_secs),
        max_age: max_age.map(Duration::from_secs),
        clock: &|| clock.now(),
    });
    catalog.verify(&scope, &|_| {}).unwrap()
}

fn counts(parts: Parts) -> [usize; 3] {
    [parts.verified, parts.skipped, parts.overdue]
}

fn remembered(home: &Home) -> Vec<String> {
    let text = fs::read_to_string(home.at("cache/verify")).unwrap();
    let mut lines: Vec<_> = text.lines().skip(1).map(str::to_owned).collect();
    lines.sort_by_key(|line| line.split(' ').next().unwrap().parse::<i64>().unwrap());
    lines
}

#[test]
fn budget_resumes_where_it_was_and_goes_over_all_parts() {
    let home = sound();
    let (mut verified, mut runs, mut objects) = (0, 0, 0);
    while verified < 513 {
        runs += 1;
        let report = scrub(&home.catalog, runs * 10_000, Some(60), Some(1_000_000));
        let [now, skipped, overdue] = counts(report.parts);
        assert_eq!(skipped, verified, "what was verified is not verified again");
        assert!(
            now > 0 && (now < 100 || runs > 5),
            "the time was used: {now}"
        );
        verified += now;
        objects += report.objects;
        assert_eq!(now + skipped + overdue, 513);
        assert_eq!(remembered(&home).len(), verified);
    }
    assert!(runs > 5, "{runs}");
    assert_eq!(objects, 5, "every object was looked at, once");
    let report = scrub(&home.catalog, 500_000, Some(60), Some(1_000_000));
    assert_eq!(counts(report.parts), [0, 513, 0]);
    let report = scrub(&home.catalog, 10_000_000, Some(0), Some(1_000_000));
    assert_eq!(counts(report.parts), [1, 0, 512], "all are due again");
}

#[test]
fn no_budget_goes_on_to_the_end_and_no_time_is_enough_for_one_part() {
    let home = sound();
    let report = scrub(&home.catalog, 1, Some(0), None);
    assert_eq!(counts(report.parts), [1, 0, 512]);
    assert!(remembered(&home)[0].ends_with("clean names"));
    let report = scrub(&home.catalog, 1000, None, Some(30));
    assert_eq!(counts(report.parts), [513, 0, 0], "the first is too old");
    let report = scrub(&home.catalog, 1000, None, Some(1_000_000));
    assert_eq!(report.parts.verified + report.parts.skipped, 513);
}

#[test]
fn part_with_a_fault_is_due_again_at_once() {
    let home = sound();
    set(&home, &current(), b"bad");
    case("history-torn")(&home);
    assert!(!scrub(&home.catalog, 1, None, Some(1_000_000)).is_clean());
    // The shard of the object, and the names, of which one leads to it.
    for at in [10_000, 20_000] {
        let report = scrub(&home.catalog, at, None, Some(1_000_000));
        assert_eq!(counts(report.parts), [2, 511, 0]);
        let found: Vec<_> = report.findings.iter().map(|it| it.slug).collect();
        assert!(found.contains(&Slug::ObjectHash), "{found:?}");
    }
}

#[test]
fn schedule_that_makes_no_sense_is_ignored() {
    for content in ["", "engine-catalog verify 9\n1 clean names\n", "\0\0\0"] {
        let home = sound();
        write(&home, "cache/verify", content);
        let report = scrub(&home.catalog, 1, Some(0), Some(1_000_000));
        assert_eq!(counts(report.parts), [1, 0, 512], "{content:?}");
        assert!(report.forgotten.is_none());
        assert_eq!(remembered(&home).len(), 1);
    }
}

#[test]
fn catalog_that_may_not_be_written_is_verified_and_not_remembered() {
    let home = sound();
    let before = listing(home.catalog.root());
    let catalog = Catalog::open_read_only(home.catalog.root()).unwrap();
    let report = scrub(&catalog, 1, None, None);
    assert_eq!(counts(report.parts), [513, 0, 0]);
    assert!(matches!(report.forgotten, Some(Error::ReadOnly { .. })));
    assert_eq!(listing(home.catalog.root()), before);
    // What lies in the place of the schedule harms nobody.
    fs::create_dir_all(home.at("cache/verify")).unwrap();
    let report = scrub(&home.catalog, 1, None, None);
    assert_eq!(counts(report.parts), [513, 0, 0]);
    assert!(matches!(report.forgotten, Some(Error::Path(_))));
}

#[test]
fn schedule_is_no_finding_and_nothing_else_depends_on_it() {
    let home = sound();
    scrub(&home.catalog, 1, None, None);
    assert_eq!(crate::verify(&home.catalog).findings, []);
    fs::remove_dir_all(home.at("cache")).unwrap();
    assert_eq!(crate::verify(&home.catalog).findings, []);
}
