//! What is kept.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use engine_catalog::{
    Artifacts, Error, Expect, Filter, GcOptions, Keep, Members, Name, PreparedEngine, RetentionRule,
};

use crate::support::{Home, document, entry, name, stamp};
use crate::{any_engine, by_rule, collect, objects, options, with_grace};

#[test]
fn nothing_goes_that_a_ref_holds_or_has_held() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    home.put(&entry("b1", 2));
    home.put(&entry("b2", 1));
    let retired = home
        .catalog
        .retire(&name("llamacpp/b2"), Expect::Any, &stamp(2));
    retired.unwrap();
    let plan = collect(&home, &options());
    assert_eq!(objects(&plan), []);
    assert_eq!(plan.decisions, [], "no rule is of any engine");
    home.catalog
        .rollback(&name("llamacpp/b1"), None, &stamp(3))
        .unwrap();
    home.catalog
        .rollback(&name("llamacpp/b2"), None, &stamp(3))
        .unwrap();
}

#[test]
fn what_was_stored_and_never_became_current_goes_with_what_is_attached() {
    let home = Home::new();
    let stored = home.catalog.store(&[entry("b1", 1)]).unwrap()[0];
    let note = home.catalog.attach(&document(stored, "a note")).unwrap();
    let about_it = home.catalog.attach(&document(note, "of a note")).unwrap();
    let kept = home.put(&entry("b2", 1));
    let kept_note = home.catalog.attach(&document(kept, "kept")).unwrap();
    let mut gone = [stored, note, about_it];
    gone.sort_unstable();
    let plan = collect(&home, &options());
    assert_eq!(objects(&plan), gone);
    assert_eq!(plan.links.len(), 2);
    for object in gone {
        assert!(!home.catalog.has_object(&object).unwrap());
        assert!(!home.object(&object).exists());
    }
    assert_eq!(home.catalog.attachments(&kept).unwrap(), [kept_note]);
    let top = home.at("attachments");
    assert_eq!(
        fs::read_dir(top).unwrap().count(),
        1,
        "empty directories are gone"
    );
}

#[test]
fn document_that_was_taken_off_goes() {
    let home = Home::new();
    let object = home.put(&entry("b1", 1));
    let note = home.catalog.attach(&document(object, "a note")).unwrap();
    home.catalog.detach(&object, &note).unwrap();
    assert_eq!(objects(&collect(&home, &options())), [note]);
}

#[test]
fn named_snapshot_keeps_its_members_and_one_without_a_name_nothing() {
    let home = Home::new();
    let stored = home
        .catalog
        .store(&[entry("b1", 1), entry("b2", 1)])
        .unwrap();
    let members = |at: usize| Members::Objects([stored[at]].into());
    let named = home
        .catalog
        .create_snapshot(&members(0), Some(&Name::new("s").unwrap()));
    let unnamed = home.catalog.create_snapshot(&members(1), None).unwrap();
    let mut gone = [stored[1], unnamed];
    gone.sort_unstable();
    assert_eq!(objects(&collect(&home, &options())), gone);
    assert!(home.catalog.snapshot(&named.unwrap()).unwrap().is_some());
    assert!(home.catalog.entry(&stored[0]).unwrap().is_some());
}

#[test]
fn what_is_young_stays_with_all_that_it_leads_to() {
    let home = Home::new();
    let stored = home.catalog.store(&[entry("b1", 1)]).unwrap()[0];
    let young = with_grace(i64::MAX);
    let plan = collect(&home, &young);
    assert_eq!((objects(&plan).len(), plan.young), (0, 1));
    assert_eq!(objects(&collect(&home, &options())), [stored]);
}

#[test]
fn what_was_stored_can_be_described_and_put_for_a_day() {
    let home = Home::new();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now_ms = i64::try_from(since.as_millis()).unwrap();
    let stored = home.catalog.store(&[entry("b1", 1)]).unwrap()[0];
    let day = GcOptions::new(now_ms + Keep::GRACE_MS - 1);
    assert_eq!(objects(&collect(&home, &day)), []);
    let note = home.catalog.attach(&document(stored, "a note")).unwrap();
    assert_eq!(objects(&collect(&home, &day)), []);
    let put = home.catalog.put_object(&stored, Expect::Absent, &stamp(1));
    put.unwrap();
    assert_eq!(objects(&collect(&home, &options())), []);
    assert_eq!(home.catalog.attachments(&stored).unwrap(), [note]);
}

#[test]
fn contents_of_files_go_with_the_last_manifest_that_names_them() {
    let home = Home::new();
    let file = |name: &str, content: &str| {
        let path = home.outside().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let (shared, own) = (file("shared", "shared"), file("own", "own"));
    let record = |version: &str, files: Vec<_>| {
        let engine = PreparedEngine::new("vllm", version, Artifacts::Files(files), 1);
        let recorded = home.catalog.record(&engine, &stamp(1)).unwrap();
        home.catalog
            .store_files(&recorded.record(), &mut |_| {})
            .unwrap();
    };
    record("1", vec![shared.clone()]);
    record("2", vec![shared, own]);
    assert_eq!(collect(&home, &options()).blobs, []);
    home.catalog
        .retire(&name("vllm/2"), Expect::Any, &stamp(2))
        .unwrap();
    let last = RetentionRule {
        builds: Some(1),
        ..any_engine()
    };
    let plan = collect(&home, &by_rule(last));
    assert_eq!(plan.blobs.len(), 1);
    assert_eq!(plan.blobs[0].bytes, 3);
    assert_eq!(plan.objects.len(), 2, "the entry and its manifest");
    let bytes: u64 = plan.objects.iter().map(|it| it.bytes).sum();
    assert_eq!(plan.bytes(), bytes + 3);
    assert_eq!(home.catalog.blobs().unwrap().len(), 1);
}

#[test]
fn damage_that_may_hide_something_keeps_everything() {
    let home = Home::new();
    home.catalog.store(&[entry("b2", 1)]).unwrap();
    home.put(&entry("b1", 1));
    for (file, content) in [
        ("refs/llamacpp/b1", "torn"),
        ("history/llamacpp/b1", "no line\n"),
    ] {
        let sound = fs::read(home.at(file)).unwrap();
        fs::write(home.at(file), content).unwrap();
        let error = home
            .catalog
            .collect_garbage(&options(), &stamp(9))
            .unwrap_err();
        assert!(matches!(error, Error::Unsure { .. }), "{error}");
        assert!(error.to_string().contains("b1"), "{error}");
        assert!(!home.catalog.plan_gc(&options()).unwrap().unknown.is_empty());
        fs::write(home.at(file), sound).unwrap();
    }
    assert_eq!(collect(&home, &options()).objects.len(), 1);
}

#[test]
fn retention_lets_old_builds_go() {
    let home = Home::new();
    let objects_put: Vec<_> = (1..=4).map(|ms| home.put(&entry("b1", ms))).collect();
    let last = RetentionRule {
        builds: Some(2),
        ..RetentionRule::new("llama*".into())
    };
    let plan = collect(&home, &by_rule(last));
    let mut gone = objects_put[..2].to_vec();
    gone.sort_unstable();
    assert_eq!(objects(&plan), gone);
    let report = home
        .catalog
        .verify(&engine_catalog::VerifyScope::Everything, &|_| {});
    assert!(report.unwrap().is_clean());
    let listed = home.catalog.list(&Filter::default()).unwrap();
    assert_eq!(listed.count(), 1);
}
