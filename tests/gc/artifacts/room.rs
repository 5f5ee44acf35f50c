//! Files of engines that may take so much room: which further builds give way.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use engine_catalog::{
    ArtifactRoom, EvictionOrder, GcOptions, GcPlan, GoesBy, LeftReason, RetentionRule,
};

use super::{Engines, paths, reasons};
use crate::any_engine;
use crate::support::mount::Mounted;
use crate::support::name;

impl Engines {
    /// By a rule that limits nothing: only want of room lets anything go.
    fn with_room(&self, max_bytes: u64) -> GcOptions {
        self.with_room_by(any_engine(), max_bytes)
    }

    fn with_room_by(&self, rule: RetentionRule, max_bytes: u64) -> GcOptions {
        let mut options = self.options_by(rule);
        options.artifacts.as_mut().unwrap().max_bytes = Some(max_bytes);
        options
    }

    /// Records an engine with one file of so many bytes.
    fn with_file(&self, name: &str, at_ms: i64, bytes: usize) -> PathBuf {
        let path = self.write(name, &"x".repeat(bytes));
        self.record(name, at_ms, &[&path]);
        path
    }
}

fn room(plan: &GcPlan) -> ArtifactRoom {
    plan.artifact_room.unwrap()
}

/// The refs that want of room takes.
fn given_up(plan: &GcPlan) -> Vec<String> {
    let given_up = plan
        .decisions
        .iter()
        .filter(|it| it.goes_by == Some(GoesBy::Room));
    given_up.map(|it| it.name.to_string()).collect()
}

#[test]
fn oldest_versions_of_all_engines_give_way_until_the_files_fit() {
    let engines = Engines::new();
    let all = [
        engines.with_file("vllm/1", 1, 10),
        engines.with_file("tgi/1", 2, 20),
        engines.with_file("vllm/2", 3, 30),
        engines.with_file("tgi/2", 4, 40),
        engines.with_file("vllm/3", 5, 50),
    ];
    // Not named by any, or not below the directory.
    engines.write("notes", "some more");
    let elsewhere = engines
        .home
        .outside()
        .canonicalize()
        .unwrap()
        .join("elsewhere");
    fs::write(&elsewhere, "x".repeat(1000)).unwrap();
    engines.record("tgi/2", 6, &[&all[3], &elsewhere]);
    let catalog = &engines.home.catalog;
    for (max_bytes, gone, after) in [
        (1000, 0, 150),
        (150, 0, 150),
        (149, 1, 140),
        (139, 2, 120),
        (120, 2, 120),
        (119, 3, 90),
        (0, 3, 90),
    ] {
        let plan = catalog.plan_gc(&engines.with_room(max_bytes)).unwrap();
        assert_eq!(given_up(&plan).len(), gone, "{max_bytes}");
        let mut expected: Vec<_> = all[..gone].iter().map(PathBuf::as_path).collect();
        expected.sort_unstable();
        assert_eq!(paths(&plan.artifacts), expected);
        assert_eq!(
            (room(&plan).bytes_before, room(&plan).bytes_after),
            (150, after)
        );
        assert_eq!(room(&plan).excess_bytes(), after.saturating_sub(max_bytes));
        assert_eq!(plan.artifact_bytes, 150 - after);
    }
    let collected = engines.collect(&engines.with_room(119));
    assert_eq!(given_up(&collected.plan), ["tgi/1", "vllm/1", "vllm/2"]);
    assert_eq!(collected.artifact_bytes, 60);
    for (path, stays) in all.iter().zip([false, false, false, true, true]) {
        assert_eq!(path.exists(), stays, "{}", path.display());
    }
    assert!(catalog.get("vllm:1").unwrap().is_none());
    let plan = catalog.plan_gc(&engines.with_room(119)).unwrap();
    assert_eq!(room(&plan).bytes_before, 90);
}

#[test]
fn what_goes_anyway_makes_room_first() {
    let engines = Engines::new();
    let shared = engines.write("shared", "shared");
    let own = engines.write("own", &"x".repeat(100));
    engines.record("vllm/1", 1, &[&own, &shared]);
    engines.record("vllm/2", 2, &[&shared]);
    engines.with_file("vllm/3", 3, 10);
    let two = RetentionRule {
        versions: Some(2),
        ..any_engine()
    };
    let plan = engines.collect(&engines.with_room_by(two, 16)).plan;
    assert_eq!(given_up(&plan), <[String; 0]>::default());
    assert_eq!(paths(&plan.artifacts), [own.as_path()]);
    assert_eq!(
        (room(&plan).bytes_before, room(&plan).bytes_after),
        (116, 16)
    );
}

#[test]
fn what_is_left_takes_room_still_and_no_build_goes_for_nothing() {
    let engines = Engines::new();
    let changed = engines.with_file("vllm/1", 1, 10);
    let second = engines.with_file("vllm/2", 2, 20);
    engines.with_file("vllm/3", 3, 30);
    fs::write(&changed, "x".repeat(11)).unwrap();
    let plan = engines.collect(&engines.with_room(41)).plan;
    assert_eq!(given_up(&plan), ["vllm/2"]);
    assert_eq!(paths(&plan.artifacts), [second.as_path()]);
    assert_eq!(
        (room(&plan).bytes_before, room(&plan).bytes_after),
        (61, 41)
    );
}

#[test]
fn builds_that_share_a_file_give_way_together() {
    let engines = Engines::new();
    let shared = engines.write("shared", "shared");
    let link = engines.at("link");
    fs::hard_link(&shared, &link).unwrap();
    engines.record("vllm/1", 1, &[&shared]);
    engines.record("vllm/2", 2, &[&link]);
    engines.with_file("vllm/3", 3, 1);
    let plan = engines.home.catalog.plan_gc(&engines.with_room(6)).unwrap();
    assert_eq!(given_up(&plan), ["vllm/1", "vllm/2"]);
    assert_eq!(plan.artifact_bytes, 6);
    // The last version has it too.
    engines.record("vllm/4", 4, &[&shared]);
    let plan = engines.home.catalog.plan_gc(&engines.with_room(6)).unwrap();
    assert_eq!(given_up(&plan), ["vllm/3"]);
}

#[test]
fn directory_that_an_entry_names_holds_all_below_it() {
    let engines = Engines::new();
    engines.with_file("vllm/1", 1, 10);
    let dir = engines.at("vllm");
    engines.put("all", 2, &[&dir], None);
    let tgi = engines.with_file("tgi/1", 3, 20);
    engines.with_file("tgi/2", 4, 20);
    let plan = engines.home.catalog.plan_gc(&engines.with_room(0)).unwrap();
    assert_eq!(paths(&plan.artifacts), [tgi.as_path()]);
    assert_eq!(given_up(&plan), ["tgi/1"]);
}

#[test]
fn what_gives_way_is_what_no_limit_of_a_rule_keeps() {
    let engines = Engines::new();
    for n in 1..=4 {
        engines.with_file(&format!("vllm/{n}"), n, 10);
    }
    let options = |rule| {
        let options = engines.with_room_by(rule, 0);
        engines.home.catalog.plan_gc(&options).unwrap()
    };
    let pinned = RetentionRule {
        pinned: vec!["2".into()],
        ..any_engine()
    };
    assert_eq!(given_up(&options(pinned)), ["vllm/1", "vllm/3"]);
    let last = RetentionRule {
        versions: Some(3),
        ..any_engine()
    };
    let plan = options(last);
    assert_eq!(given_up(&plan), <[String; 0]>::default());
    assert_eq!((plan.artifacts.len(), room(&plan).excess_bytes()), (1, 30));
    let monthly = RetentionRule {
        versions: Some(1),
        monthly: 1,
        within_ms: Some(i64::MAX),
        ..any_engine()
    };
    assert_eq!(given_up(&options(monthly)), ["vllm/1", "vllm/2", "vllm/3"]);
    let others = RetentionRule::new("other".into());
    assert_eq!(given_up(&options(others)), <[String; 0]>::default());
}

#[test]
fn earlier_builds_of_a_version_go_before_it_and_with_it() {
    let engines = Engines::new();
    let build = |n: usize, at_ms| {
        let path = engines.write(&format!("build-{n}"), &"x".repeat(n));
        engines.record("vllm/1", at_ms, &[&path]);
    };
    build(10, 1);
    build(20, 2);
    build(30, 3);
    engines.with_file("vllm/2", 9, 1);
    let two = RetentionRule {
        builds: Some(2),
        ..any_engine()
    };
    let catalog = &engines.home.catalog;
    let plan = catalog.plan_gc(&engines.with_room(52)).unwrap();
    assert_eq!((plan.artifacts.len(), plan.retired().count()), (1, 0));
    let plan = engines.collect(&engines.with_room_by(two, 20)).plan;
    assert_eq!(given_up(&plan), ["vllm/1"]);
    let retired = plan
        .decisions
        .iter()
        .filter(|it| it.goes_by == Some(GoesBy::Retired));
    assert_eq!(retired.count(), 1);
    assert_eq!((plan.artifact_bytes, room(&plan).bytes_after), (60, 1));
}

#[test]
fn young_build_does_not_give_way_and_the_plan_says_so() {
    let engines = Engines::new();
    let files = [
        engines.with_file("vllm/1", 1, 10),
        engines.with_file("vllm/2", 2, 20),
        engines.with_file("vllm/3", 3, 30),
    ];
    let mut options = engines.with_room(50);
    options.keep.grace_ms = i64::MAX;
    let plan = engines.home.catalog.plan_gc(&options).unwrap();
    assert_eq!(plan.retired().count(), 0);
    let young = LeftReason::Young;
    let expected = [(files[0].as_path(), &young), (&files[1], &young)];
    assert_eq!(reasons(&plan.artifacts_left), expected);
    assert_eq!(room(&plan).excess_bytes(), 10);
    assert!(plan.is_empty());
}

/// Says when a file was last read.
fn set_accessed(path: &Path, seconds: u64) {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let times = fs::FileTimes::new().set_accessed(at);
    fs::File::open(path).unwrap().set_times(times).unwrap();
}

#[test]
fn least_recently_used_gives_way_first_where_that_is_wanted_and_kept() {
    let engines = Engines::new();
    let Some(mounted) = Mounted::over(&engines.dir) else {
        return;
    };
    let files = [
        engines.with_file("vllm/1", 1, 10),
        engines.with_file("vllm/2", 2, 10),
        engines.with_file("vllm/3", 3, 10),
        engines.with_file("vllm/4", 4, 10),
    ];
    let options = |order| {
        let mut options = engines.with_room(25);
        options.artifacts.as_mut().unwrap().order = order;
        options
    };
    let plan = |order| engines.home.catalog.plan_gc(&options(order)).unwrap();
    for (path, seconds) in files.iter().zip([900, 200, 300, 100]) {
        set_accessed(path, seconds);
    }
    let used = plan(EvictionOrder::LastUsed);
    assert_eq!(given_up(&used), ["vllm/2", "vllm/3"]);
    assert_eq!(room(&used).order, EvictionOrder::LastUsed);
    let changed = plan(EvictionOrder::LastChanged);
    assert_eq!(given_up(&changed), ["vllm/1", "vllm/2"]);
    assert_eq!(room(&changed).order, EvictionOrder::LastChanged);
    // A plan reads no file, and is outdated where its order is.
    assert_eq!(plan(EvictionOrder::LastUsed), used);
    set_accessed(&files[1], 999);
    assert_eq!(
        given_up(&plan(EvictionOrder::LastUsed)),
        ["vllm/1", "vllm/3"]
    );
    for option in ["noatime", "ro,relatime"] {
        mounted.remount(option);
        let fallen_back = plan(EvictionOrder::LastUsed);
        assert_eq!(room(&fallen_back).order, EvictionOrder::LastChanged);
        assert_eq!(given_up(&fallen_back), ["vllm/1", "vllm/2"]);
        mounted.remount("rw,relatime");
    }
    let current = engines.home.catalog.history(&name("vllm/2")).unwrap();
    assert_eq!(current.len(), 1, "planning changes nothing");
    drop(mounted);
}
