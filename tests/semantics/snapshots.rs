//! Snapshots: which set they are, by which names they are found, and how a name is given and taken
//! away.

use std::collections::BTreeSet;
use std::fs;

use engine_catalog::{
    Catalog, EngineEntry, Error, ErrorKind, Expect, Filter, Members, Name, ObjectError, ObjectId,
    Pattern, ReadObjectError, Slug, Snapshot, SnapshotError, VerifyScope,
};

use super::support::{Home, entry, listing, name, object_of, stamp};

fn named(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn everything() -> Members {
    Members::Current(Filter::default())
}

fn these(ids: &[ObjectId]) -> Members {
    Members::Objects(ids.iter().copied().collect())
}

/// Makes a snapshot of these entries with a name.
fn create(home: &Home, ids: &[ObjectId], text: &str) -> Result<ObjectId, Error> {
    home.catalog
        .create_snapshot(&these(ids), Some(&named(text)))
}

fn entries() -> [EngineEntry; 3] {
    [
        entry("b2", 1),
        entry("b1", 1),
        EngineEntry::new("vllm", "0.9.2", 1),
    ]
}

#[test]
fn same_set_has_the_same_id_in_every_catalog_and_whatever_came_first() {
    let [one, other] = [Home::new(), Home::new()];
    for entry in entries() {
        one.put(&entry);
    }
    other.put(&entry("b1", 7));
    for entry in entries().iter().rev() {
        other.put(entry);
    }
    let made =
        [&one, &other].map(|home| home.catalog.create_snapshot(&everything(), None).unwrap());
    assert_eq!(made[0], made[1]);

    // By its members, in any order, and named or not.
    let mut ids = entries().map(|entry| object_of(&entry));
    for _ in 0..3 {
        ids.rotate_left(1);
        assert_eq!(create(&one, &ids, "named").unwrap(), made[0]);
    }
    let set = Snapshot {
        objects: ids.into(),
    };
    assert_eq!(set.id().unwrap(), made[0]);
    assert_eq!(one.catalog.snapshot(&made[0]).unwrap(), Some(set));

    one.put(&entry("b2", 2));
    let changed = one.catalog.create_snapshot(&everything(), None).unwrap();
    assert_ne!(changed, made[0]);
}

#[test]
fn snapshot_of_nothing_is_the_known_one() {
    let home = Home::new();
    let id = home.catalog.create_snapshot(&everything(), None).unwrap();
    let known = "59e37ba5342415e25fa85e807eca0849a5681eca7e3dc06521f96b08a2eca816";
    assert_eq!(id.to_string(), known);
    assert_eq!(home.catalog.members(&Snapshot::default()).unwrap(), []);
}

#[test]
fn snapshot_is_found_out_without_writing_anything_also_read_only_and_without_a_lock() {
    let home = Home::new();
    home.catalog.put_all(&entries(), &stamp(1)).unwrap();
    for without_lock in [false, true] {
        if without_lock {
            fs::remove_file(home.at("lock")).unwrap();
        }
        let before = listing(home.outside());
        for open in [Catalog::open, Catalog::open_read_only] {
            let catalog = open(home.catalog.root()).unwrap();
            let found = catalog.snapshot_of(&everything()).unwrap();
            assert_eq!(found.objects, entries().map(|it| object_of(&it)).into());
            let id = found.id().unwrap();
            assert_eq!(catalog.snapshot(&id).unwrap(), None);
        }
        assert_eq!(listing(home.outside()), before);
    }
    let found = home.catalog.snapshot_of(&everything()).unwrap();
    let made = home.catalog.create_snapshot(&everything(), None).unwrap();
    assert_eq!(found.id().unwrap(), made);
}

#[test]
fn filter_says_which_of_the_current_entries_are_members() {
    let home = Home::new();
    home.catalog.put_all(&entries(), &stamp(1)).unwrap();
    home.put(&entry("b2", 2));
    home.catalog
        .retire(&name("llamacpp/b1"), Expect::Any, &stamp(2))
        .unwrap();
    let of = |engine: &str| {
        let filter = Filter {
            engine: Some(Pattern::from(engine)),
            ..Filter::default()
        };
        home.catalog.snapshot_of(&Members::Current(filter)).unwrap()
    };
    assert_eq!(of("llama*").objects, [object_of(&entry("b2", 2))].into());
    assert_eq!(of("vllm").objects, [object_of(&entries()[2])].into());
    assert_eq!(of("tgi"), Snapshot::default());
}

#[test]
fn members_are_sorted_by_engine_and_version_and_need_not_be_current() {
    let home = Home::new();
    home.catalog.put_all(&entries(), &stamp(1)).unwrap();
    let old = object_of(&entry("b1", 1));
    home.put(&entry("b1", 2));
    let [b2, _, vllm] = entries().map(|it| object_of(&it));
    let new = object_of(&entry("b1", 2));
    let id = create(&home, &[vllm, b2, new, old], "x").unwrap();
    let snapshot = home.catalog.snapshot(&id).unwrap().unwrap();
    let members = home.catalog.members(&snapshot).unwrap();
    let found = members.iter().map(|it| (it.name().to_string(), it.object));
    let mut b1 = [old, new];
    b1.sort();
    let expected = [
        ("llamacpp/b1".to_owned(), b1[0]),
        ("llamacpp/b1".to_owned(), b1[1]),
        ("llamacpp/b2".to_owned(), b2),
        ("vllm/0.9.2".to_owned(), vllm),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
    assert_eq!(members[3].entry, entries()[2]);
}

#[test]
fn what_is_missing_or_no_entry_is_no_member_and_nothing_is_written() {
    let home = Home::new();
    let good = home.put(&entry("b1", 1));
    let snapshot = home.catalog.create_snapshot(&everything(), None).unwrap();
    let before = listing(home.catalog.root());
    for bad in [ObjectId::of(b"missing"), snapshot] {
        let errors = [
            home.catalog.snapshot_of(&these(&[good, bad])).unwrap_err(),
            create(&home, &[good, bad], "x").unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, Error::NoSuchEntry { object } if object == bad));
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
        let objects = [good, bad].into();
        let error = home.catalog.members(&Snapshot { objects }).unwrap_err();
        assert!(matches!(error, Error::MissingMember { object } if object == bad));
        assert_eq!(error.kind(), ErrorKind::Damage);
    }
    assert_eq!(listing(home.catalog.root()), before);
}

#[test]
fn damaged_entry_fails_the_snapshot_that_it_belongs_to() {
    let home = Home::new();
    home.catalog.put_all(&entries(), &stamp(1)).unwrap();
    let id = object_of(&entry("b1", 1));
    fs::remove_file(home.object(&id)).unwrap();
    fs::write(home.object(&id), "damaged").unwrap();
    let before = listing(home.catalog.root());
    let error = home
        .catalog
        .create_snapshot(&everything(), None)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damage);
    assert!(matches!(error, Error::Unreadable { .. }));
    let error = create(&home, &[id], "x").unwrap_err();
    let Error::Object(ReadObjectError::Refused { object, cause }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(object, id);
    assert!(matches!(cause, ObjectError::Hash { .. }));
    assert_eq!(listing(home.catalog.root()), before);
}

#[test]
fn name_is_given_once_and_giving_it_again_to_the_same_changes_nothing() {
    let home = Home::new();
    let id = home.put(&entry("b1", 1));
    let first = create(&home, &[id], "before the upgrade").unwrap();
    let file = home.at("snapshots/before%20the%20upgrade");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{first}\n"));
    let before = listing(&home.at("snapshots"));
    assert_eq!(create(&home, &[id], "before the upgrade").unwrap(), first);
    assert_eq!(listing(&home.at("snapshots")), before);

    // The other set does not become an object either.
    let before = listing(home.catalog.root());
    let error = create(&home, &[], "before the upgrade").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let shown = format!("the name before the upgrade is taken: it is that of snapshot {first}");
    assert_eq!(error.to_string(), shown);
    assert!(
        matches!(error, Error::Snapshot(SnapshotError::Taken { name, found })
            if name == named("before the upgrade") && found == first)
    );
    assert_eq!(listing(home.catalog.root()), before);
}

#[test]
fn removed_name_is_free_and_its_snapshot_stays() {
    let home = Home::new();
    let id = home.put(&entry("b1", 1));
    assert_eq!(home.catalog.remove_snapshot(&named("x")).unwrap(), None);
    assert!(!home.at("snapshots").exists());
    let first = create(&home, &[id], "x").unwrap();
    assert_eq!(
        home.catalog.remove_snapshot(&named("x")).unwrap(),
        Some(first)
    );
    assert_eq!(home.catalog.remove_snapshot(&named("x")).unwrap(), None);
    assert_eq!(home.catalog.find_snapshot("x").unwrap(), None);
    assert!(home.catalog.snapshot(&first).unwrap().is_some());
    let second = create(&home, &[], "x").unwrap();
    assert_ne!(second, first);
    assert_eq!(home.catalog.find_snapshot("x").unwrap().unwrap().0, second);
}

#[test]
fn snapshots_are_listed_by_name_and_a_damaged_one_hides_no_other() {
    let home = Home::new();
    assert_eq!(home.catalog.snapshots().unwrap().len(), 0);
    let id = home.put(&entry("b1", 1));
    for text in ["b", "a/b", "\u{e4}", ".a", "B"] {
        create(
            &home,
            if text == "b" {
                &[]
            } else {
                std::slice::from_ref(&id)
            },
            text,
        )
        .unwrap();
    }
    let list = || home.catalog.snapshots().unwrap();
    let all = list().into_iter().map(Result::unwrap);
    let all: Vec<_> = all.map(|it| (it.name.to_string(), it.object)).collect();
    let set = Snapshot {
        objects: [id].into(),
    }
    .id()
    .unwrap();
    let empty = Snapshot::default().id().unwrap();
    let expected = [
        (".a", set),
        ("B", set),
        ("a/b", set),
        ("b", empty),
        ("\u{e4}", set),
    ];
    assert_eq!(all, expected.map(|(name, id)| (name.to_owned(), id)));

    fs::write(home.at("snapshots/b"), "damaged").unwrap();
    let found = list();
    assert_eq!(found.len(), 5);
    let damaged = found.iter().filter_map(|it| it.as_ref().err());
    let damaged: Vec<_> = damaged.collect();
    let [Error::Snapshot(SnapshotError::Damaged { name, path })] = damaged[..] else {
        panic!("{damaged:?}")
    };
    assert_eq!((name, path), (&named("b"), &home.at("snapshots/b")));
    assert_eq!(damaged[0].kind(), ErrorKind::Damage);
    // What it was may still matter: it is for repair to move it aside.
    let before = listing(&home.at("snapshots"));
    assert!(home.catalog.remove_snapshot(&named("b")).is_err());
    assert!(create(&home, &[], "b").is_err());
    assert_eq!(listing(&home.at("snapshots")), before);
}

#[test]
fn snapshot_is_found_by_name_then_by_id_or_the_start_of_one() {
    let home = Home::new();
    let id = home.put(&entry("b1", 1));
    let set = home.catalog.create_snapshot(&everything(), None).unwrap();
    let find = |spec: &str| home.catalog.find_snapshot(spec).unwrap().map(|it| it.0);
    let hex = set.to_string();
    assert_eq!(find(&hex), Some(set));
    assert_eq!(find(&hex[..8]), Some(set));
    for unknown in ["x", "", "\n", "a/b", &"ab".repeat(32), "llamacpp/b1"] {
        assert_eq!(find(unknown), None, "{unknown:?}");
    }
    let (found, snapshot) = home.catalog.find_snapshot(&hex).unwrap().unwrap();
    assert_eq!((found, snapshot.objects), (set, [id].into()));

    // A name that looks like the start of an id is a name.
    let empty = create(&home, &[], &hex[..8]).unwrap();
    assert_eq!(find(&hex[..8]), Some(empty));
    assert_eq!(find(&hex[..9]), Some(set));

    // Somebody named an entry.
    let error = home.catalog.find_snapshot(&id.to_string()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let error = home.catalog.snapshot(&id).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    // A name that stands for one is damage.
    fs::write(home.at("snapshots/x"), format!("{id}\n")).unwrap();
    let error = home.catalog.find_snapshot("x").unwrap_err();
    assert!(matches!(error, Error::UnreadableSnapshot { .. }));
    assert_eq!(error.kind(), ErrorKind::Damage);
    fs::write(home.at("snapshots/x"), format!("{}\n", "ab".repeat(32))).unwrap();
    let error = home.catalog.find_snapshot("x").unwrap_err();
    assert!(matches!(error, Error::DanglingSnapshot { .. }));
    assert_eq!(error.kind(), ErrorKind::Damage);
}

/// Entries that are put together become current under one hold of the store lock, so that a snapshot
/// has all of them or none.
#[test]
fn snapshot_under_writers_is_a_state_that_was_there_at_one_moment() {
    let home = Home::new();
    let pair = |ms| [entry("b1", ms), entry("b2", ms)];
    home.catalog.put_all(&pair(0), &stamp(0)).unwrap();
    let root = home.catalog.root();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let catalog = Catalog::open(root).unwrap();
            for ms in 1..60 {
                catalog.put_all(&pair(ms), &stamp(ms)).unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        let mut seen = BTreeSet::new();
        while !done.load(std::sync::atomic::Ordering::SeqCst) {
            let snapshot = home.catalog.snapshot_of(&everything()).unwrap();
            let members = home.catalog.members(&snapshot).unwrap();
            let times: Vec<_> = members.iter().map(|it| it.entry.created_ms).collect();
            assert_eq!(times.len(), 2);
            assert_eq!(times[0], times[1]);
            seen.insert(times[0]);
        }
        assert!(seen.len() > 3, "the writer was at work meanwhile: {seen:?}");
    });
}

#[test]
fn id_stands_for_its_object_and_is_no_name() {
    let home = Home::new();
    let object = home.put(&entry("b1", 1));
    let empty = home.catalog.create_snapshot(&these(&[]), None).unwrap();
    let id = Name::new(&empty.to_string()).unwrap();
    let error = home
        .catalog
        .create_snapshot(&these(&[object]), Some(&id))
        .unwrap_err();
    assert!(matches!(
        error,
        Error::Snapshot(SnapshotError::IsAnId { .. })
    ));
    // Somebody gives it all the same.
    let other = home
        .catalog
        .create_snapshot(&these(&[object]), None)
        .unwrap();
    fs::create_dir_all(home.at("snapshots")).unwrap();
    fs::write(home.at(&format!("snapshots/{empty}")), format!("{other}\n")).unwrap();
    let (found, _) = home.catalog.find_snapshot(id.as_str()).unwrap().unwrap();
    assert_eq!(found, empty);
    // Its file is foreign, and no name of anything.
    assert!(home.catalog.snapshots().unwrap().is_empty());
    let report = home.catalog.verify(&VerifyScope::Everything, &|_| {});
    let found = report.unwrap().findings.into_iter().map(|it| it.slug);
    assert_eq!(found.collect::<Vec<_>>(), [Slug::ForeignFile]);
}
