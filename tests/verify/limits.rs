//! Every bit counts, nothing ends a verification early, nothing waits, and nothing is read that is too
//! large; and what is asked for is all that is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;

use engine_catalog::{Catalog, Severity, Slug, VerifyScope};

use crate::cases::{CASES, case, current, earlier, manifest, other, set, snapshot, sound};
use crate::support::mount::Mounted;
use crate::support::{Home, entry, listing, skip};
use crate::{repair, slugs, verify};

#[test]
fn sound_catalog_has_no_finding() {
    let home = sound();
    let report = verify(&home.catalog);
    assert_eq!(report.findings, []);
    assert!(report.is_clean());
    assert_eq!((report.objects, report.parts.verified), (5, 513));
    let sizes = [current(), earlier(), other(), manifest(), snapshot()];
    let sizes = sizes.map(|id| fs::metadata(home.object(&id)).unwrap().len());
    assert_eq!(report.bytes, sizes.iter().sum::<u64>());
    let repaired = repair(&home.catalog, &[]);
    assert!(repaired.is_clean() && repaired.repairs.is_empty() && repaired.lost.is_empty());
}

#[test]
fn one_bit_anywhere_in_an_object_is_found() {
    let home = sound();
    for id in [current(), snapshot(), manifest()] {
        let good = fs::read(home.object(&id)).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            set(&home, &id, &bad);
            let scope = VerifyScope::Objects([id].into());
            let found = home.catalog.verify(&scope, &|_| {}).unwrap().findings;
            assert_eq!(slugs(&found), ["object-hash"], "byte {at} of {id}");
        }
        set(&home, &id, &good);
    }
    assert!(verify(&home.catalog).findings.is_empty());
}

#[test]
fn all_damage_is_found_at_once() {
    let home = sound();
    let names = [
        "ref-torn",
        "history-line-malformed",
        "snapshot-torn",
        "link-not-empty",
    ];
    for name in names {
        case(name)(&home);
    }
    set(&home, &earlier(), b"");
    let found = verify(&home.catalog).findings;
    assert_eq!(
        slugs(&found),
        [
            "link-not-empty",
            "history-malformed",
            "object-hash",
            "ref-malformed",
            "snapshot-malformed"
        ]
    );
    assert!(found.is_sorted());
}

/// How often each content is in a file or link below the root, less those that nothing is lost with:
/// what is empty, and giants.
fn contents(home: &Home) -> BTreeMap<Vec<u8>, usize> {
    let mut contents = BTreeMap::new();
    for file in walkdir::WalkDir::new(home.catalog.root()) {
        let file = file.unwrap();
        let (kind, path) = (file.file_type(), file.path());
        let content = if kind.is_symlink() {
            fs::read_link(path)
                .unwrap()
                .into_os_string()
                .into_encoded_bytes()
        } else if kind.is_file() && file.metadata().unwrap().len() < 1 << 20 {
            fs::read(path).unwrap()
        } else {
            continue;
        };
        if !content.is_empty() {
            *contents.entry(content).or_default() += 1;
        }
    }
    contents
}

#[test]
fn repair_keeps_every_content() {
    for (name, damage) in CASES {
        let home = sound();
        damage(&home);
        let before = contents(&home);
        repair(&home.catalog, &[]);
        let after = contents(&home);
        for (content, count) in before {
            let found = after.get(&content).copied().unwrap_or_default();
            let content = String::from_utf8_lossy(&content);
            assert!(found >= count, "{name}: {content:?}");
        }
    }
}

#[test]
fn objects_that_are_asked_for_are_all_that_is_looked_at() {
    let home = sound();
    case("ref-torn")(&home);
    set(&home, &earlier(), b"bad");
    let verify = |ids: &[_]| {
        let scope = VerifyScope::Objects(ids.iter().copied().collect());
        home.catalog.verify(&scope, &|_| {}).unwrap()
    };
    let report = verify(&[current(), other()]);
    assert_eq!((report.findings.len(), report.objects), (0, 2));
    assert_eq!(report.parts.verified, 0);
    assert_eq!(
        slugs(&verify(&[current(), earlier()]).findings),
        ["object-hash"]
    );
    let absent = engine_catalog::ObjectId::of(b"absent");
    let report = verify(&[absent]);
    assert_eq!(slugs(&report.findings), ["object-missing"]);
    assert_eq!(report.findings[0].object, Some(absent));
}

#[test]
fn what_cannot_be_read_is_found_and_the_rest_is_verified() {
    let home = sound();
    set(&home, &earlier(), b"bad");
    let path = home.object(&current());
    let found = if skip::is_root() {
        let shard = path.parent().unwrap();
        let Some(_mounted) = Mounted::over(shard) else {
            return;
        };
        verify(&home.catalog).findings
    } else {
        fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
        verify(&home.catalog).findings
    };
    let slugs = slugs(&found);
    assert!(slugs.contains(&"unreadable"), "{slugs:?}");
    assert!(slugs.contains(&"object-hash"), "{slugs:?}");
    assert!(slugs.contains(&"ref-object-damaged"), "{slugs:?}");
}

#[test]
fn verifying_a_catalog_that_is_open_to_read_only_writes_nothing() {
    let home = sound();
    case("history-torn")(&home);
    let before = listing(home.catalog.root());
    let catalog = Catalog::open_read_only(home.catalog.root()).unwrap();
    let report = verify(&catalog);
    assert_eq!(slugs(&report.findings), ["history-torn"]);
    assert!(report.is_clean(), "a notice is no fault");
    assert_eq!(report.count(Severity::Notice), 1);
    assert_eq!(listing(home.catalog.root()), before);
}

#[test]
fn files_beside_a_bundle_are_not_foreign() {
    let home = sound();
    for name in [
        "engine_catalog.ndjson",
        "engine_catalog.md",
        "engine_catalog.json",
        "engine_catalog.json.meta",
        "B3SUMS",
    ] {
        fs::write(home.at(name), "").unwrap();
    }
    fs::remove_file(home.at("lock")).unwrap();
    fs::remove_dir(home.at("tmp")).unwrap();
    assert_eq!(verify(&home.catalog).findings, []);
}

#[test]
fn progress_ends_with_everything() {
    let home = sound();
    let last = Mutex::default();
    let report = home.catalog.verify(&VerifyScope::Everything, &|progress| {
        let mut last = last.lock().unwrap();
        if *last < (progress.parts_done, progress.objects) {
            *last = (progress.parts_done, progress.objects);
        }
        assert_eq!(progress.parts, 513);
    });
    assert!(report.unwrap().is_clean());
    assert_eq!(*last.lock().unwrap(), (513, 5));
}

#[test]
fn finding_says_what_it_is_about() {
    let home = sound();
    crate::cases::lose(&home, &current());
    let found = verify(&home.catalog).findings;
    let dangling = found
        .iter()
        .find(|it| it.slug == Slug::RefDangling)
        .unwrap();
    assert_eq!(dangling.object, Some(current()));
    assert_eq!(dangling.name, Some(crate::support::name("llamacpp/b1")));
    assert_eq!(dangling.severity(), Severity::Error);
    assert!(!dangling.advice().is_empty());
    let member = found
        .iter()
        .find(|it| it.slug == Slug::MemberMissing)
        .unwrap();
    assert_eq!(member.snapshot.as_ref().unwrap().as_str(), "release");
    home.put(&entry("b1", 2));
    assert_eq!(verify(&home.catalog).findings, []);
}

#[test]
fn of_very_many_missing_members_the_rest_is_counted_and_all_are_restored() {
    const MEMBERS: usize = 1010;
    let (home, peer) = (Home::new(), Home::new());
    let entries = (0..MEMBERS).map(|n| engine_catalog::encode_entry(&entry(&n.to_string(), 1)));
    let members: BTreeSet<_> = entries.map(|bytes| peer.plant(&bytes.unwrap())).collect();
    let snapshot = engine_catalog::Snapshot { objects: members };
    let object = home.plant(&snapshot.encode().unwrap());
    fs::create_dir(home.at("snapshots")).unwrap();
    fs::write(home.at("snapshots/large"), format!("{object}\n")).unwrap();
    let found = verify(&home.catalog).findings;
    let missing: Vec<_> = (found.iter())
        .filter(|it| it.slug == Slug::MemberMissing)
        .collect();
    assert_eq!(missing.len(), 1001);
    let rest: Vec<_> = missing.iter().filter(|it| it.object.is_none()).collect();
    assert_eq!(rest[0].message, "so it is with 10 more");
    let repaired = repair(&home.catalog, &[&peer.catalog]);
    assert!(repaired.is_clean(), "{:?}", repaired.after);
    assert_eq!(home.catalog.members(&snapshot).unwrap().len(), MEMBERS);
}
