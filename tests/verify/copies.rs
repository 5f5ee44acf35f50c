//! Where repair finds copies: in other catalogs, and in this one wherever a file with the right hash
//! lies.

use std::fs;

use engine_catalog::{Action, Catalog, Slug};

use crate::cases::{
    self, current, earlier, huge, lose, manifest, other, remove, set, snapshot, sound, write,
};
use crate::support::{Home, entry, stamp};
use crate::{assert_shows, repair, shows, slugs, verify};

fn restored(home: &Home, from: &[&Catalog]) -> Vec<String> {
    let repairs = repair(&home.catalog, from).repairs.into_iter();
    let restored = repairs.filter_map(|it| match it.action {
        Action::Restored { from } => Some(format!("{} {}", it.finding.slug, from.display())),
        _ => None,
    });
    restored.collect()
}

#[test]
fn another_catalog_gives_what_is_missing_or_damaged() {
    let peer = sound();
    let damage = |home: &Home| {
        for id in [snapshot(), current(), earlier(), manifest()] {
            lose(home, &id);
        }
        set(home, &other(), b"bad");
    };
    let shown = shows(damage, &[&peer.catalog]);
    let peer = peer.catalog.root().display().to_string();
    assert_shows!(shown.replace(&peer, "[PEER]"), @"
    error link-dangling attachments/8e/d7569494…/7beba3b2…: object 7beba3b2… is missing
    notice history-object-missing history/llamacpp/b1: object 4a0ae150… is missing
    error object-hash objects/8e/d7569494…: its content hashes to 485216ad…
    error ref-dangling refs/llamacpp/b1: object dd8ea06b… is missing
    error ref-object-damaged refs/llamacpp/b2: object 8ed75694… is damaged: its content hashes to 485216ad…
    error snapshot-dangling snapshots/release: object 5cf766ba… is missing
    repair:
      link-dangling attachments/8e/d7569494…/7beba3b2…: restored from [PEER]/objects/7b/eba3b2f7…
      history-object-missing history/llamacpp/b1: restored from [PEER]/objects/4a/0ae150b0…
      object-hash objects/8e/d7569494…: restored from [PEER]/objects/8e/d7569494…
      ref-dangling refs/llamacpp/b1: restored from [PEER]/objects/dd/8ea06bd5…
      ref-object-damaged refs/llamacpp/b2: found no more
      snapshot-dangling snapshots/release: restored from [PEER]/objects/5c/f766ba6e…
    ");
}

#[test]
fn snapshot_that_is_restored_shows_which_members_are_missing_too() {
    let (home, peer) = (sound(), sound());
    let shard = |id: engine_catalog::ObjectId| home.object(&id).parent().unwrap().to_owned();
    for id in [snapshot(), current(), other()] {
        remove(&shard(id));
    }
    for name in ["refs", "history", "attachments"] {
        remove(&home.at(name));
    }
    let found = verify(&home.catalog).findings;
    assert_eq!(slugs(&found), ["snapshot-dangling"]);
    let repaired = repair(&home.catalog, &[&peer.catalog]);
    assert!(repaired.is_clean(), "{repaired:?}");
    assert_eq!(repaired.lost, []);
    let members = home.catalog.find_snapshot("release").unwrap().unwrap().1;
    assert_eq!(home.catalog.members(&members).unwrap().len(), 2);
}

#[test]
fn damaged_ref_and_its_lost_entry_are_restored_together() {
    let (home, peer) = (sound(), sound());
    remove(&home.at("snapshots"));
    remove(&home.at("attachments"));
    lose(&home, &current());
    write(&home, "refs/llamacpp/b1", "rubbish");
    let repaired = repair(&home.catalog, &[&peer.catalog]);
    assert!(repaired.is_clean(), "{repaired:?}");
    assert_eq!(repaired.lost, []);
    let name = "llamacpp/b1".parse().unwrap();
    let held = home.catalog.current(&name).unwrap().unwrap();
    assert_eq!(held.object, current());
}

#[test]
fn shard_that_is_a_file_is_made_anew_for_what_is_restored() {
    let (home, peer) = (sound(), sound());
    cases::case("shard-is-a-file")(&home);
    assert!(repair(&home.catalog, &[&peer.catalog]).is_clean());
    assert_eq!(
        home.catalog.entry(&current()).unwrap(),
        Some(entry("b1", 2))
    );
}

/// Loses an object, with a copy of it at a path.
fn with_copy_at(path: &str) -> Home {
    let home = sound();
    let bytes = fs::read(home.object(&current())).unwrap();
    write(&home, path, bytes);
    lose(&home, &current());
    home
}

#[test]
fn copy_is_found_wherever_a_tool_or_a_writer_left_it() {
    let hex = current().to_string();
    let shard = &hex[..2];
    for path in [
        "tmp/new-0123456789abcdef".to_owned(),
        format!("quarantine/{hex}.new-0123456789abcdef"),
        format!("objects/{shard}/.{}.X1y2Z3", &hex[2..]),
        format!("objects/{shard}/.~tmp~/{}", &hex[2..]),
        format!("objects/{hex}"),
        format!("objects/00/{}", "0".repeat(62)),
    ] {
        let home = with_copy_at(&path);
        assert_eq!(
            restored(&home, &[]),
            [
                format!("ref-dangling {path}"),
                format!("member-missing {path}")
            ]
        );
        assert!(home.catalog.entry(&current()).unwrap().is_some(), "{path}");
    }
}

#[test]
fn objects_that_changed_places_are_both_restored() {
    let home = sound();
    // Nothing names them but their history, and nothing at all.
    let unnamed = home.plant(&engine_catalog::encode_entry(&entry("b9", 9)).unwrap());
    let bytes = [unnamed, earlier()].map(|id| fs::read(home.object(&id)).unwrap());
    set(&home, &unnamed, &bytes[1]);
    set(&home, &earlier(), &bytes[0]);
    let repaired = repair(&home.catalog, &[]);
    assert!(
        repaired.is_clean() && repaired.lost.is_empty(),
        "{repaired:#?}"
    );
    for (id, bytes) in [unnamed, earlier()].iter().zip(&bytes) {
        assert_eq!(fs::read(home.object(id)).unwrap(), *bytes);
    }
}

#[test]
fn file_that_only_has_the_name_of_an_object_is_no_copy() {
    let (home, peer) = (sound(), sound());
    lose(&home, &current());
    set(&peer, &current(), b"something else");
    let repaired = repair(&home.catalog, &[&peer.catalog]);
    assert!(
        repaired
            .repairs
            .iter()
            .all(|it| it.action == Action::Nothing)
    );
    assert_eq!(repaired.lost.len(), 1);
    assert!(!home.object(&current()).exists());
}

#[test]
fn copy_outside_of_what_belongs_to_the_catalog_is_left_alone() {
    let home = with_copy_at("notes/copy");
    assert_eq!(restored(&home, &[]), [""; 0]);
}

#[test]
fn other_catalog_is_only_read() {
    let (home, peer) = (sound(), sound());
    lose(&home, &current());
    set(&peer, &other(), b"bad");
    let before = crate::support::listing(peer.catalog.root());
    let peer = Catalog::open_read_only(peer.catalog.root()).unwrap();
    assert!(repair(&home.catalog, &[&peer]).is_clean());
    assert_eq!(crate::support::listing(peer.root()), before);
}

#[test]
fn catalog_can_be_written_again_after_a_repair() {
    let home = sound();
    cases::case("ref-torn")(&home);
    home.catalog.put(&entry("b1", 9), &stamp(9)).unwrap_err();
    assert!(repair(&home.catalog, &[]).is_clean());
    home.catalog.put(&entry("b1", 9), &stamp(9)).unwrap();
    let found = verify(&home.catalog).findings;
    assert!(
        found.iter().all(|it| it.slug == Slug::Quarantined),
        "{found:?}"
    );
}

#[test]
fn catalog_that_may_not_be_written_is_not_repaired() {
    let home = sound();
    lose(&home, &current());
    let read_only = Catalog::open_read_only(home.catalog.root()).unwrap();
    let refused = read_only.repair(&[], &|_| {}).unwrap_err();
    assert!(matches!(refused, engine_catalog::Error::ReadOnly { .. }));
}

#[test]
fn object_that_grew_beyond_all_limits_is_restored_like_any_other() {
    let (home, peer) = (sound(), sound());
    // Nothing but a history names it.
    huge(&home.object(&earlier()), 70 << 20);
    assert_eq!(slugs(&verify(&home.catalog).findings), ["object-too-large"]);
    assert_eq!(restored(&home, &[&peer.catalog]).len(), 1);
    assert!(verify(&home.catalog).is_clean());
    // Without a copy it is moved aside, and said to be lost.
    huge(&home.object(&earlier()), 70 << 20);
    let repaired = repair(&home.catalog, &[]);
    let lost: Vec<_> = repaired.lost.iter().map(|lost| lost.object).collect();
    assert_eq!(lost, [earlier()]);
}
