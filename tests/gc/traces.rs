//! What is left of what went: the file `removed`, and who goes by it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use engine_catalog::{Keep, ObjectId, RetentionRule, Slug, VerifyScope};

use crate::support::{Home, entry, stamp};
use crate::{any_engine, by_rule, collect};

fn missing(home: &Home) -> Vec<ObjectId> {
    let report = home.catalog.verify(&VerifyScope::Everything, &|_| {});
    let findings = report.unwrap().findings.into_iter();
    let of_history = findings.filter(|it| it.slug == Slug::HistoryObjectMissing);
    of_history.filter_map(|it| it.object).collect()
}

fn needed(home: &Home) -> Vec<ObjectId> {
    let plan = home.catalog.plan_repair(&|_| {}).unwrap();
    plan.needed.objects.into_iter().collect()
}

#[test]
fn what_was_removed_is_not_missing_and_what_was_lost_since_is() {
    let home = Home::new();
    let old = home.put(&entry("b1", 1));
    home.put(&entry("b1", 2));
    let rule = RetentionRule {
        builds: Some(1),
        ..any_engine()
    };
    let collected = home.catalog.collect_garbage(&by_rule(rule), &stamp(9));
    assert_eq!(crate::objects(&collected.unwrap().plan), [old]);
    assert_eq!((missing(&home), needed(&home)), (vec![], vec![]));
    // It comes back, and is lost.
    home.catalog.put(&entry("b1", 1), &stamp(10)).unwrap();
    home.catalog.put(&entry("b1", 3), &stamp(11)).unwrap();
    fs::remove_file(home.object(&old)).unwrap();
    assert_eq!((missing(&home), needed(&home)), (vec![old], vec![old]));
    let why = home.catalog.why(&old, &Keep::new(i64::MAX)).unwrap();
    assert!(why.is_kept(), "{why:?}");
    assert_eq!(why.removed.unwrap().at_ms, 9);
}

#[test]
fn file_that_is_no_file_holds_nothing_up() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let stored = home.catalog.store(&[entry("b2", 1)]).unwrap()[0];
    fs::create_dir(home.at("removed")).unwrap();
    fs::write(home.at("removed/x"), "").unwrap();
    let collected = home.catalog.collect_garbage(&crate::options(), &stamp(9));
    let collected = collected.unwrap();
    assert_eq!(crate::objects(&collected.plan), [stored]);
    assert_eq!(collected.undone.len(), 1, "{collected:?}");
    assert!(!home.object(&stored).exists());
    // What cannot be read is replaced.
    fs::remove_dir_all(home.at("removed")).unwrap();
    fs::write(home.at("removed"), vec![b'x'; (16 << 20) + 1]).unwrap();
    fs::set_permissions(home.at("removed"), fs::Permissions::from_mode(0o644)).unwrap();
    home.catalog.store(&[entry("b2", 1)]).unwrap();
    collect(&home, &crate::options());
    let told = fs::read_to_string(home.at("removed")).unwrap();
    assert!(told.contains(&stored.to_string()) && told.lines().count() == 1);
}

#[test]
fn file_keeps_the_last_lines_that_fit() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    let line = format!("1 object {0} {0} me\n", "ab".repeat(32));
    let many = line.repeat((16 << 20) / line.len());
    fs::write(home.at("removed"), &many).unwrap();
    let stored = home.catalog.store(&[entry("b2", 1)]).unwrap()[0];
    collect(&home, &crate::options());
    let told = fs::read_to_string(home.at("removed")).unwrap();
    assert!(told.len() <= 16 << 20 && told.len() > (16 << 20) - 1000);
    assert!(told.lines().last().unwrap().contains(&stored.to_string()));
    assert!(
        told.starts_with("1 object "),
        "the first line is a whole one"
    );
}
