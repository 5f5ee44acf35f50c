//! What keeps an object, as the library says it.

use std::collections::BTreeMap;
use std::fs;

use engine_catalog::{
    Artifacts, Catalog, Expect, Keep, Kept, Manifest, Members, Name, ObjectId, Op, PreparedEngine,
    Reason, Retention, RetentionRule, Stored, Why,
};

use super::support::{Home, entry, listing, name, object_of, stamp};

/// Keeps what each ref holds, and nothing else of its history; nothing for its age.
fn last_builds() -> Keep {
    let rule = RetentionRule {
        builds: Some(1),
        ..RetentionRule::new("*".into())
    };
    Keep {
        retention: Retention { rules: vec![rule] },
        grace_ms: 0,
        ..Keep::new(i64::MAX)
    }
}

fn why(home: &Home, object: ObjectId) -> Why {
    home.catalog.why(&object, &last_builds()).unwrap()
}

fn by_ref(text: &str) -> Reason {
    Reason::Ref { name: name(text) }
}

fn named(home: &Home, text: &str, members: &[ObjectId]) -> ObjectId {
    let members = Members::Objects(members.iter().copied().collect());
    let name = Name::new(text).unwrap();
    home.catalog.create_snapshot(&members, Some(&name)).unwrap()
}

fn attach(home: &Home, subject: ObjectId, object: ObjectId) {
    let hex = subject.to_string();
    let dir = home.at(&format!("attachments/{}/{}", &hex[..2], &hex[2..]));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join(object.to_string()), "").unwrap();
}

#[test]
fn ref_keeps_what_it_holds_and_a_history_only_mentions() {
    let home = Home::new();
    let (old, current) = (home.put(&entry("b1", 1)), home.put(&entry("b1", 2)));
    let found = why(&home, current);
    assert_eq!(found.kept, Kept::Yes);
    assert_eq!(found.reasons, [by_ref("llamacpp/b1")]);
    assert_eq!(found.above, []);
    let stored = Stored::Entry {
        name: name("llamacpp/b1"),
    };
    assert_eq!(found.stored, stored);
    assert_eq!(found.unknown, []);

    let found = why(&home, old);
    assert!(found.kept == Kept::No && !found.is_kept());
    assert_eq!(found.reasons, []);
    let [mention] = &found.history[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (&mention.name, mention.times, mention.op),
        (&name("llamacpp/b1"), 2, Op::Put)
    );
    assert_eq!((mention.old, mention.new), (Some(old), Some(current)));
}

#[test]
fn line_that_did_not_take_effect_mentions_nothing() {
    let home = Home::new();
    let (current, never) = (home.put(&entry("b1", 1)), ObjectId::of(b"never"));
    let file = home.at("history/llamacpp/b1");
    let lines = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{lines}2 put {current} {never} me\n")).unwrap();
    let found = why(&home, never);
    assert_eq!(found.history, []);
    assert!(!found.is_found());
    assert_eq!(found.kept, Kept::No);
}

#[test]
fn snapshots_keep_their_members_and_names_keep_snapshots() {
    let home = Home::new();
    let member = home.put(&entry("b1", 1));
    let b1 = name("llamacpp/b1");
    home.catalog.retire(&b1, Expect::Any, &stamp(2)).unwrap();
    assert_eq!(why(&home, member).kept, Kept::No);

    let snapshot = named(&home, "release", &[member]);
    assert_eq!(named(&home, "again", &[member]), snapshot);
    let found = why(&home, member);
    assert_eq!(found.reasons, [Reason::Member { snapshot }]);
    let [above] = &found.above[..] else {
        panic!("{found:?}")
    };
    let by_name = ["again", "release"].map(|text| Reason::Snapshot {
        name: Name::new(text).unwrap(),
    });
    assert_eq!((above.object, &above.reasons[..]), (snapshot, &by_name[..]));
    assert_eq!(found.history[0].op, Op::Retire);

    let found = why(&home, snapshot);
    assert_eq!(found.reasons, by_name);
    assert_eq!(found.stored, Stored::Snapshot { members: 1 });

    for text in ["again", "release"] {
        let name = Name::new(text).unwrap();
        home.catalog.remove_snapshot(&name).unwrap();
    }
    assert_eq!(why(&home, member).kept, Kept::No);
    assert_eq!(why(&home, snapshot).kept, Kept::No);
}

#[test]
fn attachment_is_kept_as_long_as_its_subject_is() {
    let home = Home::new();
    let file = home.outside().join("llama-server");
    fs::write(&file, "abc").unwrap();
    let prepared = PreparedEngine::new("llamacpp", "b1", Artifacts::Files(vec![file]), 1);
    let recorded = home.catalog.record(&prepared, &stamp(1)).unwrap();
    let subject = recorded.put.object;
    let [manifest] = home.catalog.attachments(&subject).unwrap()[..] else {
        panic!("it has one")
    };

    let found = why(&home, manifest);
    assert_eq!(found.stored, Stored::Manifest { subject, files: 1 });
    assert_eq!(found.reasons, [Reason::Attachment { subject }]);
    assert_eq!(found.above[0].reasons, [by_ref("llamacpp/b1")]);
    assert_eq!(found.attached_to, [subject]);
    assert_eq!(why(&home, subject).attached_to, []);

    let b1 = name("llamacpp/b1");
    home.catalog.retire(&b1, Expect::Any, &stamp(2)).unwrap();
    let found = why(&home, manifest);
    assert_eq!((found.kept, &found.reasons[..]), (Kept::No, &[][..]));
    assert_eq!(found.attached_to, [subject], "that says nothing of keeping");
}

#[test]
fn way_up_is_given_in_full_and_ends_where_it_goes_round() {
    let home = Home::new();
    let current = home.put(&entry("b1", 1));
    let manifest = |subject| Manifest {
        subject,
        files: BTreeMap::new(),
    };
    let first = home.plant(&manifest(current).encode().unwrap());
    let second = home.plant(&manifest(first).encode().unwrap());
    for (subject, object) in [(current, first), (first, second), (second, first)] {
        attach(&home, subject, object);
    }
    let found = why(&home, second);
    assert_eq!(found.reasons, [Reason::Attachment { subject: first }]);
    let above: BTreeMap<_, _> = found
        .above
        .iter()
        .map(|above| (above.object, above.reasons.len()))
        .collect();
    assert_eq!(above, [(current, 1), (first, 2), (second, 1)].into());
}

#[test]
fn object_need_not_be_there() {
    let home = Home::new();
    let current = home.put(&entry("b1", 1));
    fs::remove_file(home.object(&current)).unwrap();
    let found = why(&home, current);
    assert_eq!(
        (&found.stored, found.kept, found.unknown.len()),
        (&Stored::Missing, Kept::Yes, 1)
    );
    assert!(found.is_found());
    let nowhere = why(&Home::new(), current);
    assert!(!nowhere.is_found());
    assert_eq!(nowhere.kept, Kept::No);
}

#[test]
fn kind_of_what_is_stored_is_told() {
    let home = Home::new();
    let newer = home.plant(b"\xa1\x66schema\x6bsignature/9");
    let schema = "signature/9".to_owned();
    assert_eq!(why(&home, newer).stored, Stored::UnknownSchema { schema });
    let nothing = home.plant(b"no object at all");
    assert!(matches!(why(&home, nothing).stored, Stored::Damaged { .. }));
    let damaged = home.put(&entry("b1", 1));
    fs::remove_file(home.object(&damaged)).unwrap();
    fs::create_dir(home.object(&damaged)).unwrap();
    let found = why(&home, damaged);
    assert!(matches!(found.stored, Stored::Damaged { .. }), "{found:?}");
    assert_eq!(found.kept, Kept::Yes);
}

#[test]
fn damage_leaves_open_what_keeps_an_object() {
    type Damage = fn(&Home, ObjectId);
    let cases: [(&str, Damage); 4] = [
        ("a ref", |home, _| {
            fs::write(home.at("refs/llamacpp/b1"), "x").unwrap();
        }),
        ("a name", |home, _| {
            fs::write(home.at("snapshots/release"), "x").unwrap();
        }),
        ("a snapshot", |home, snapshot| {
            fs::remove_file(home.object(&snapshot)).unwrap();
            fs::write(home.object(&snapshot), "x").unwrap();
        }),
        ("a feature", |home, _| {
            fs::write(home.at("format"), "engine-catalog 1\nro-compat packs\n").unwrap();
        }),
    ];
    for (what, damage) in cases {
        let home = Home::new();
        let (old, current) = (home.put(&entry("b1", 1)), home.put(&entry("b1", 2)));
        let snapshot = named(&home, "release", &[old]);
        assert_eq!(why(&home, ObjectId::of(b"x")).kept, Kept::No, "{what}");
        damage(&home, snapshot);
        let found = why(&home, ObjectId::of(b"x"));
        assert_eq!(found.kept, Kept::Unknown, "{what}: {found:?}");
        assert_eq!(found.unknown.len(), 1, "{what}: {found:?}");
        // What is certain stays so.
        let certain = if what == "a ref" { old } else { current };
        assert_eq!(why(&home, certain).kept, Kept::Yes, "{what}");
    }
}

#[test]
fn damaged_history_hides_mentions_and_what_it_keeps() {
    let home = Home::new();
    let (old, current) = (home.put(&entry("b1", 1)), home.put(&entry("b1", 2)));
    fs::write(home.at("history/llamacpp/b1"), "x\n").unwrap();
    let found = why(&home, old);
    assert_eq!((found.kept, &found.history[..]), (Kept::Unknown, &[][..]));
    assert_eq!(found.unknown.len(), 1);
    assert_eq!(why(&home, current).reasons, [by_ref("llamacpp/b1")]);
}

#[test]
fn history_and_youth_keep_an_object_as_a_collection_has_it() {
    let home = Home::new();
    let (old, stored) = (
        home.put(&entry("b1", 1)),
        home.catalog.store(&[entry("b9", 1)]).unwrap()[0],
    );
    home.put(&entry("b1", 2));
    let all = Keep {
        grace_ms: 0,
        ..Keep::new(i64::MAX)
    };
    let of_history = Reason::History {
        name: name("llamacpp/b1"),
    };
    assert_eq!(home.catalog.why(&old, &all).unwrap().reasons, [of_history]);
    assert_eq!(home.catalog.why(&stored, &all).unwrap().kept, Kept::No);
    let young = Keep {
        grace_ms: i64::MAX,
        ..all
    };
    let found = home.catalog.why(&stored, &young).unwrap();
    assert_eq!(
        (found.kept, found.reasons),
        (Kept::Yes, vec![Reason::Young])
    );
}

#[test]
fn asking_why_writes_nothing() {
    let home = Home::new();
    home.put(&entry("b1", 1));
    named(&home, "release", &[object_of(&entry("b1", 1))]);
    fs::write(home.at("refs/llamacpp/b2"), "x").unwrap();
    fs::remove_file(home.at("lock")).unwrap();
    let before = listing(home.outside());
    let catalog = Catalog::open(home.catalog.root()).unwrap();
    catalog
        .why(&object_of(&entry("b1", 1)), &last_builds())
        .unwrap();
    catalog
        .why(&ObjectId::of(b"nowhere"), &last_builds())
        .unwrap();
    assert_eq!(listing(home.outside()), before);
}
