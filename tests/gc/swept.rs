//! How what goes is removed.

use std::fs;
use std::time::Duration;

use engine_catalog::{Catalog, Error, GcOptions, Keep, LockWait, RetentionRule, VerifyScope};

use crate::support::{Home, entry, files, stamp};
use crate::{any_engine, by_rule, collect, options};

#[test]
fn what_is_left_is_a_sound_catalog_without_empty_directories() {
    let home = Home::new();
    let entries: Vec<_> = (0..600).map(|n| entry(&format!("b{n}"), 1)).collect();
    home.put(&entry("kept", 1));
    let before = files(home.catalog.root());
    let dirs = |home: &Home| {
        walkdir::WalkDir::new(home.at("objects"))
            .into_iter()
            .count()
    };
    let dirs_before = dirs(&home);
    home.catalog.store(&entries).unwrap();
    let plan = collect(&home, &options());
    assert_eq!(plan.objects.len(), 600);
    let told = fs::read_to_string(home.at("removed")).unwrap();
    assert_eq!(told.lines().count(), 600);
    fs::remove_file(home.at("removed")).unwrap();
    assert_eq!(files(home.catalog.root()), before);
    assert_eq!(dirs(&home), dirs_before);
    let report = home.catalog.verify(&VerifyScope::Everything, &|_| {});
    assert!(report.unwrap().findings.is_empty());
}

#[test]
fn catalog_that_must_not_be_written_is_planned_and_not_collected() {
    let home = Home::new();
    home.catalog.store(&[entry("b1", 1)]).unwrap();
    let reader = Catalog::open_read_only(home.catalog.root()).unwrap();
    assert_eq!(reader.plan_gc(&options()).unwrap().objects.len(), 1);
    let refused = reader.collect_garbage(&options(), &stamp(9));
    assert!(matches!(refused, Err(Error::ReadOnly { .. })));
}

#[test]
fn collection_waits_for_writers() {
    let home = Home::new();
    let writer = fs::File::open(home.at("lock")).unwrap();
    writer.lock_shared().unwrap();
    let impatient = Catalog::open(home.catalog.root()).unwrap();
    let impatient = impatient.with_lock_wait(LockWait::default().at_most(Duration::ZERO));
    let busy = impatient
        .collect_garbage(&options(), &stamp(9))
        .unwrap_err();
    assert_eq!(busy.kind(), engine_catalog::ErrorKind::Busy);
}

#[test]
fn directories_of_others_stay() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    for foreign in ["objects/lost+found", "blobs/.stfolder", "attachments/x"] {
        fs::create_dir_all(home.at(foreign)).unwrap();
    }
    fs::create_dir_all(home.at("objects/00")).unwrap();
    fs::create_dir_all(home.at(&format!("attachments/00/{}", "0".repeat(62)))).unwrap();
    collect(&home, &options());
    for foreign in ["objects/lost+found", "blobs/.stfolder", "attachments/x"] {
        assert!(home.at(foreign).is_dir(), "{foreign}");
    }
    assert!(!home.at("objects/00").exists() && !home.at("attachments/00").exists());
}

#[test]
fn catalog_of_which_a_half_is_elsewhere_loses_nothing() {
    for part in ["refs", "history"] {
        let home = Home::new();
        home.put(&entry("b1", 1));
        fs::rename(home.at(part), home.outside().join(part)).unwrap();
        if part == "refs" {
            fs::remove_dir_all(home.at("history/llamacpp")).unwrap();
        }
        let refused = home.catalog.collect_garbage(&options(), &stamp(9));
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::Unsure { .. }), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

/// As `rsync --times` and `tar` bring them.
#[test]
fn age_is_counted_from_when_a_file_came_and_not_from_when_it_was_written() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let stored = home.catalog.store(&[entry("b2", 1)]).unwrap()[0];
    let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1);
    let file = fs::File::open(home.object(&stored)).unwrap();
    file.set_modified(long_ago).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ms = i64::try_from(now.unwrap().as_millis()).unwrap();
    let at = |now_ms: i64| {
        let plan = home.catalog.plan_gc(&GcOptions::new(now_ms)).unwrap();
        (plan.objects.len(), plan.young)
    };
    let day = Keep::GRACE_MS;
    assert_eq!(at(now_ms + day - 60_000), (0, 1));
    assert_eq!(at(now_ms + day + 60_000), (1, 0));
}

#[test]
fn history_is_shortened_also_where_its_ref_is_retired_at_once() {
    let home = Home::new();
    let first = home.put(&entry("b1", 1));
    for at_ms in 2..200 {
        let n = at_ms % 2;
        home.catalog
            .put(&entry("b1", 7 + n), &stamp(at_ms))
            .unwrap();
    }
    home.catalog.put(&entry("b2", 1), &stamp(500)).unwrap();
    let rule = RetentionRule {
        versions: Some(1),
        ..any_engine()
    };
    let mut options = by_rule(rule);
    options.history_bytes = 4000;
    let members = engine_catalog::Members::Objects([first].into());
    let name = engine_catalog::Name::new("first").unwrap();
    home.catalog.create_snapshot(&members, Some(&name)).unwrap();
    let plan = collect(&home, &options);
    let [long] = &plan.histories[..] else {
        panic!("{:?}", plan.histories)
    };
    let changes = home.catalog.history(&long.name).unwrap();
    // One more: that it was retired.
    assert_eq!(changes.len(), long.kept_changes + 1);
    let told = changes
        .iter()
        .any(|it| it.new == Some(first) || it.old == Some(first));
    assert!(told, "what a named snapshot keeps is still in the history");
    assert_eq!(changes.last().unwrap().op, engine_catalog::Op::Prune);
}
