//! What was removed on purpose stays away, although others have it.

use std::collections::BTreeSet;

use engine_catalog::{GcOptions, Name, ObjectId, Retention, RetentionRule};

use crate::support::{entry, object_of, stamp};
use crate::two::{Two, destroy, objects};

#[test]
fn only_what_was_lost_comes_back() {
    let Some(two) = Two::new() else { return };
    let (root, catalog) = (two.peer.ours.root(), two.peer.catalog());
    let (old, new): (Vec<_>, Vec<_>) = (0..10)
        .map(|n| (n, format!("b{n}")))
        .map(|(n, version)| (entry(&version, n), entry(&version, n + 100)))
        .unzip();
    catalog.put_all(&new, &stamp(3)).unwrap();
    for name in ["some", "all"] {
        catalog.remove_snapshot(&Name::new(name).unwrap()).unwrap();
    }
    let mut options = GcOptions::new(i64::MAX);
    options.keep.grace_ms = 0;
    options.keep.retention = Retention {
        rules: vec![RetentionRule {
            builds: Some(1),
            ..RetentionRule::new("*".into())
        }],
    };
    let gone = catalog.collect_garbage(&options, &stamp(4)).unwrap().plan;
    let gone: BTreeSet<_> = gone.objects.iter().map(|it| it.id).collect();
    assert!(gone.is_superset(&old.iter().map(object_of).collect()));
    assert_eq!(gone.len(), 10 + 2, "and the snapshots");
    let left = objects(&root);
    // Of what was removed nothing is asked for; of the rest, what theirs has comes.
    let lost: Vec<ObjectId> = (10..14)
        .map(|n| object_of(&entry(&format!("b{n}"), n)))
        .collect();
    destroy(&root, &lost);
    let (shown, said, status) = two.heal_ours();
    assert_eq!(status, 0, "{shown}{said}");
    assert_eq!(objects(&root), left);
    // What is put again is lost as anything else.
    let again = object_of(&old[0]);
    catalog.put(&old[0], &stamp(5)).unwrap();
    destroy(&root, &[again]);
    let (shown, said, status) = two.heal_ours();
    assert_eq!(status, 0, "{shown}{said}");
    assert!(catalog.has_object(&again).unwrap());
    assert_eq!(objects(&root).len(), left.len() + 1);
}
