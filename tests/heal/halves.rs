//! Halves of two catalogs are destroyed, and each is healed from the other.

use std::collections::BTreeSet;
use std::fs;

use engine_catalog::{Catalog, ObjectId, VerifyScope};

use crate::support::{entry, files, name, object_file, object_of};
use crate::two::{Said, Two, destroy, objects, told_lost};

#[test]
fn two_that_each_lost_half_make_each_other_whole() {
    let Some(two) = Two::new() else { return };
    let rounds = std::env::var("ENGINE_CATALOG_TEST_HEALS");
    let rounds = rounds.map_or(3, |rounds| rounds.parse().unwrap());
    for seed in 0..rounds {
        let all = two.some(seed, two.objects.len());
        let (ours, theirs) = all.split_at(all.len() / 2);
        destroy(&two.peer.ours.root(), ours);
        destroy(two.theirs(), theirs);

        let (shown, said, status) = two.heal_ours();
        assert_eq!(status, 0, "seed {seed}: {said}");
        assert!(!shown.contains("leftover"), "what came is in use:\n{shown}");
        assert!(told_lost(&said).is_empty(), "{said}");
        let (_, said, status) = two.heal_theirs();
        assert_eq!(status, 0, "seed {seed}: {said}");
        two.assert_whole();
    }
    // Nothing that was damaged is thrown away: of each three, one was deleted.
    let aside = files(&two.peer.ours.root().join("quarantine")).len();
    assert_eq!(aside as u64, rounds * 20);
}

#[test]
fn only_what_both_have_lost_is_lost_and_it_is_told() {
    let Some(two) = Two::new() else { return };
    let all = two.some(7, two.objects.len());
    let (both, rest) = all.split_at(9);
    let (ours, theirs) = rest.split_at(rest.len() / 2);
    for (root, own) in [(&*two.peer.ours.root(), ours), (two.theirs(), theirs)] {
        destroy(root, both);
        destroy(root, own);
    }
    let both: BTreeSet<ObjectId> = both.iter().copied().collect();
    for heal in [Two::heal_ours, Two::heal_theirs] {
        let (_, said, status) = heal(&two);
        assert_eq!(status, 1, "{said}");
        assert_eq!(told_lost(&said), both, "{said}");
    }
    let mut left = two.objects.clone();
    left.retain(|id, _| !both.contains(id));
    for root in [&two.peer.ours.root(), two.theirs()] {
        assert_eq!(objects(root), left, "in {}", root.display());
        let catalog = Catalog::open_read_only(root).unwrap();
        let report = catalog.verify(&VerifyScope::default(), &|_| {}).unwrap();
        let faults = report.findings.iter().filter(|finding| finding.is_fault());
        for fault in faults {
            let object = fault.object.unwrap();
            assert!(both.contains(&object), "{fault:?}");
        }
    }
}

/// All that a snapshot names goes with it: only from the snapshot can that be known.
#[test]
fn members_of_lost_snapshots_come_with_them() {
    let Some(two) = Two::new() else { return };
    let heals: [fn(&Two) -> Said; 2] = [Two::heal_ours, Two::heal_theirs];
    for (heal, root) in heals
        .into_iter()
        .zip([&*two.peer.ours.root(), two.theirs()])
    {
        let catalog = Catalog::open(root).unwrap();
        let [all, some] = ["all", "some"].map(|name| catalog.find_snapshot(name).unwrap().unwrap());
        // No ref leads to them either.
        for top in ["refs", "history"] {
            fs::remove_dir_all(root.join(top)).unwrap();
        }
        let members = some.1.objects.into_iter().take(10);
        for id in members.chain([some.0, all.0]) {
            fs::remove_file(object_file(root, id)).unwrap();
        }
        let (_, said, status) = heal(&two);
        assert_eq!(status, 0, "{said}");
        assert_eq!(objects(root), two.objects);
    }
}

/// Only the history knows what the ref held.
#[test]
fn entry_of_a_damaged_ref_comes_too() {
    let Some(two) = Two::new() else { return };
    let ours = two.peer.ours.root();
    for snapshot in ["all", "some"] {
        fs::remove_file(ours.join("snapshots").join(snapshot)).unwrap();
    }
    let b1 = object_of(&entry("b1", 1));
    fs::write(ours.join("refs/llamacpp/b1"), "garbage").unwrap();
    fs::remove_file(object_file(&ours, b1)).unwrap();
    let (_, said, status) = two.heal_ours();
    assert_eq!(status, 0, "{said}");
    let current = two.peer.catalog().current(&name("llamacpp/b1")).unwrap();
    assert_eq!(current.unwrap().object, b1);
}

#[test]
fn dry_run_shows_what_would_be_asked_for_and_changes_nothing() {
    let Some(two) = Two::new() else { return };
    let gone = two.some(3, 12);
    destroy(&two.peer.ours.root(), &gone);
    let before = crate::support::listing(&two.peer.ours.root());
    let (shown, said, status) = two.heal(&["--dry-run", "--from", &two.peer.source()]);
    assert_eq!(status, 1, "{said}");
    let object = |line: &str| line.strip_prefix("object  ").unwrap().parse().unwrap();
    let shown: Vec<ObjectId> = shown.lines().map(object).collect();
    let gone: BTreeSet<_> = gone.into_iter().collect();
    assert_eq!(shown, Vec::from_iter(gone));
    assert_eq!(crate::support::listing(&two.peer.ours.root()), before);
}
