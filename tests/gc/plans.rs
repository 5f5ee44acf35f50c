//! Plans that were saved: carried out they do what collecting does, and nothing where something has changed that
//! they are about.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine_catalog::{
    EngineEntry, Error, Expect, GcOptions, GcPlan, Keep, Members, Name, ObjectId, RetentionRule,
};

use crate::support::{Home, document, entry, files, listing, name, object_of, stamp};
use crate::{LATER_MS, by_rule, objects};

/// What [`scene`] has that nothing keeps.
fn garbage() -> EngineEntry {
    entry("never", 1)
}

/// A catalog of which something goes of each kind, and something stays.
fn scene() -> Home {
    let home = Home::new();
    let stored = home.catalog.store(&[garbage()]).unwrap()[0];
    home.catalog.attach(&document(stored, "a note")).unwrap();
    for (at_ms, version, build) in [
        (1, "b1", 1),
        (2, "b1", 2),
        (3, "b1", 3),
        (4, "b2", 1),
        (5, "b3", 1),
        (6, "b4", 1),
        (7, "b4", 2),
    ] {
        let put = home.catalog.put(&entry(version, build), &stamp(at_ms));
        put.unwrap();
    }
    let b1 = Members::Objects([object_of(&entry("b1", 2))].into());
    home.catalog
        .create_snapshot(&b1, Some(&snapshot()))
        .unwrap();
    home.catalog
        .attach(&document(object_of(&entry("b4", 2)), "kept"))
        .unwrap();
    let blob = ObjectId::of(b"blob").to_string();
    let blob = home.at(&format!("blobs/{}/{}", &blob[..2], &blob[2..]));
    fs::create_dir_all(blob.parent().unwrap()).unwrap();
    fs::write(blob, "blob").unwrap();
    fs::write(home.at("tmp/left"), "left").unwrap();
    home
}

fn snapshot() -> Name {
    Name::new("s").unwrap()
}

fn options() -> GcOptions {
    by_rule(RetentionRule {
        versions: Some(3),
        builds: Some(1),
        ..RetentionRule::new("llama*".into())
    })
}

fn plan(home: &Home) -> GcPlan {
    home.catalog.plan_gc(&options()).unwrap()
}

/// The plan as it is read from where it was written to.
fn saved(plan: &GcPlan) -> GcPlan {
    let text = serde_json::to_string(plan).unwrap();
    let read: GcPlan = serde_json::from_str(&text).unwrap();
    assert_eq!(&read, plan);
    assert_eq!(read.id(), plan.id());
    read
}

/// What is in a catalog, but which plan it was that removed something.
fn contents(home: &Home, plan: &GcPlan) -> BTreeMap<String, String> {
    let read = |path: String| {
        let text = String::from_utf8_lossy(&fs::read(home.at(&path)).unwrap()).into_owned();
        (path, text.replace(&plan.id().to_string(), "PLAN"))
    };
    files(home.catalog.root()).into_iter().map(read).collect()
}

#[test]
fn saved_plan_does_what_collecting_does() {
    let (home, other) = (scene(), scene());
    let planned = plan(&home);
    for (goes, count) in [
        (planned.retired().count(), 1),
        (planned.objects.len(), 5),
        (planned.blobs.len(), 1),
        (planned.links.len(), 1),
        (planned.leftovers.len(), 1),
    ] {
        assert_eq!(goes, count, "{planned:#?}");
    }
    let done = home
        .catalog
        .carry_out(&saved(&planned), &stamp(LATER_MS))
        .unwrap();
    assert_eq!(done.plan, planned);
    assert!(done.undone.is_empty());
    let collected = other
        .catalog
        .collect_garbage(&options(), &stamp(LATER_MS))
        .unwrap();
    assert_eq!(objects(&collected.plan), objects(&planned));
    assert_eq!(contents(&home, &planned), contents(&other, &collected.plan));
    assert!(plan(&home).is_empty());
    let again = home.catalog.carry_out(&planned, &stamp(LATER_MS));
    assert!(matches!(again, Err(Error::PlanOutdated { .. })), "once");
    // Of nothing there is a plan too.
    let nothing = saved(&plan(&home));
    home.catalog.carry_out(&nothing, &stamp(LATER_MS)).unwrap();
}

type Change = fn(&Home);

/// What a plan is about, changed in every way, one after the other.
const CHANGES: &[(&str, Change)] = &[
    ("put", |home| {
        home.put(&entry("b1", 4));
    }),
    ("put of another version", |home| {
        home.put(&entry("b5", 1));
    }),
    ("rollback", |home| {
        let back = home.catalog.rollback(&name("llamacpp/b1"), None, &stamp(8));
        back.unwrap();
    }),
    ("put of what goes", |home| {
        let object = object_of(&entry("b1", 1));
        let put = home.catalog.put_object(&object, Expect::Any, &stamp(8));
        put.unwrap();
    }),
    ("retire", |home| {
        let b3 = name("llamacpp/b3");
        home.catalog.retire(&b3, Expect::Any, &stamp(8)).unwrap();
    }),
    ("detach", |home| {
        let kept = object_of(&entry("b4", 2));
        let note = home.catalog.attachments(&kept).unwrap()[0];
        assert!(home.catalog.detach(&kept, &note).unwrap());
    }),
    ("attach", |home| {
        let note = document(object_of(&garbage()), "another");
        home.catalog.attach(&note).unwrap();
    }),
    ("store", |home| {
        home.catalog.store(&[entry("new", 1)]).unwrap();
    }),
    ("store of what goes", |home| {
        home.catalog.store(&[entry("new", 1)]).unwrap();
    }),
    ("object touched", |home| {
        let object = home.object(&object_of(&garbage()));
        fs::set_permissions(object, fs::Permissions::from_mode(0o444)).unwrap();
    }),
    ("object removed", |home| {
        fs::remove_file(home.object(&object_of(&entry("new", 1)))).unwrap();
    }),
    ("snapshot", |home| {
        let members = Members::Objects([object_of(&garbage())].into());
        let t = Name::new("t").unwrap();
        home.catalog.create_snapshot(&members, Some(&t)).unwrap();
    }),
    ("snapshot removed", |home| {
        assert!(home.catalog.remove_snapshot(&snapshot()).unwrap().is_some());
    }),
    ("blob removed", |home| {
        let mut shards = fs::read_dir(home.at("blobs")).unwrap();
        fs::remove_dir_all(shards.next().unwrap().unwrap().path()).unwrap();
    }),
    ("leftover written to", |home| {
        fs::write(home.at("tmp/left"), "left over").unwrap();
    }),
    ("leftover removed", |home| {
        fs::remove_file(home.at("tmp/left")).unwrap();
    }),
];

#[test]
fn plan_of_another_state_is_refused_and_nothing_changes() {
    let home = scene();
    for (what, change) in CHANGES {
        let plan = saved(&plan(&home));
        // Times of files go in ticks.
        std::thread::sleep(Duration::from_millis(12));
        change(&home);
        let before = listing(home.catalog.root());
        let refused = home.catalog.carry_out(&plan, &stamp(LATER_MS));
        let is_named =
            |it: &Error| matches!(it, Error::PlanOutdated { plan: id, .. } if *id == plan.id());
        assert!(refused.as_ref().is_err_and(is_named), "{what}: {refused:?}");
        assert_eq!(listing(home.catalog.root()), before, "{what}");
    }
}

#[test]
fn plan_stands_where_something_else_has_changed() {
    let home = scene();
    let plan = saved(&plan(&home));
    let kept = object_of(&entry("b4", 2));
    home.put(&entry("b4", 2));
    home.catalog.attach(&document(kept, "another")).unwrap();
    home.put(&EngineEntry::new("vllm", "1", 1));
    home.put(&EngineEntry::new("vllm", "1", 2));
    let done = home.catalog.carry_out(&plan, &stamp(LATER_MS)).unwrap();
    assert_eq!(done.plan, plan);
    home.catalog
        .rollback(&name("vllm/1"), None, &stamp(9))
        .unwrap();
    assert_eq!(home.catalog.attachments(&kept).unwrap().len(), 2);
}

#[test]
fn plan_that_was_tampered_with_is_refused() {
    let home = scene();
    let planned = plan(&home);
    let kept = object_of(&entry("b4", 2));
    let tamper = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = serde_json::to_value(&planned).unwrap();
        change(&mut value);
        serde_json::from_value::<GcPlan>(value).unwrap()
    };
    for plan in [
        tamper(&|it| it["objects"][0]["id"] = kept.to_string().into()),
        tamper(&|it| it["objects"] = serde_json::json!([])),
        tamper(&|it| it["links"] = serde_json::json!([])),
        tamper(&|it| it["leftovers"][0]["name"] = "../format".into()),
        tamper(&|it| it["decisions"][0]["ref"] = "llamacpp/b4".into()),
        tamper(&|it| it["objects"][0]["bytes"] = u64::MAX.into()),
        tamper(&|it| {
            it["histories"] = serde_json::json!([{
                "ref": "llamacpp/b4", "changes": usize::MAX, "kept_changes": 0, "bytes": 0, "kept_bytes": 1,
            }]);
        }),
        tamper(&|it| it["options"]["keep"]["grace_ms"] = LATER_MS.into()),
    ] {
        let before = listing(home.catalog.root());
        let refused = home.catalog.carry_out(&plan, &stamp(LATER_MS));
        assert!(
            matches!(refused, Err(Error::PlanOutdated { .. })),
            "{plan:?}"
        );
        assert_eq!(listing(home.catalog.root()), before);
        assert!(plan.bytes() > 0);
    }
}

#[test]
fn time_of_a_plan_does_not_make_old_what_is_young_when_it_is_carried_out() {
    const DAY_MS: i64 = Keep::GRACE_MS;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now_ms = i64::try_from(since.as_millis()).unwrap() + 1000;
    let home = Home::new();
    let stored = home.catalog.store(&[garbage()]).unwrap()[0];
    let plan = |now_ms| saved(&home.catalog.plan_gc(&GcOptions::new(now_ms)).unwrap());
    let later = plan(now_ms + DAY_MS);
    assert_eq!(objects(&later), [stored]);
    let before = listing(home.catalog.root());
    let refused = home.catalog.carry_out(&later, &stamp(now_ms));
    assert!(
        matches!(refused, Err(Error::PlanOutdated { .. })),
        "{refused:?}"
    );
    assert_eq!(listing(home.catalog.root()), before);
    // By a clock that is ahead of another nothing else goes, and by one that is behind.
    for ahead_ms in [5000, 0, -5000] {
        let planned = plan(now_ms + ahead_ms);
        assert!(planned.is_empty() && planned.young == 1);
        let done = home.catalog.carry_out(&planned, &stamp(now_ms)).unwrap();
        assert_eq!(done.plan, planned);
    }
    let done = home
        .catalog
        .carry_out(&later, &stamp(now_ms + DAY_MS))
        .unwrap();
    assert_eq!(objects(&done.plan), [stored]);
}
