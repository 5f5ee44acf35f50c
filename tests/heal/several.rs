//! Several peers, of which some are not there, and some lie.

use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::{Catalog, ObjectId};

use crate::support::{Home, files, listing, object_file};
use crate::two::{Two, destroy, objects, plant};

/// A catalog that has other bytes under the names of objects.
fn liar(of: &[ObjectId]) -> Home {
    let liar = Home::new();
    for id in of {
        let file = object_file(liar.catalog.root(), *id);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        plant(&file, format!("not {id}").as_bytes());
    }
    liar
}

fn source(root: &Path) -> String {
    format!("peer:{}", root.display())
}

#[test]
fn liar_heals_nothing_harms_nothing_and_the_next_peer_heals() {
    let Some(two) = Two::new() else { return };
    let ours = two.peer.ours.root();
    let gone = two.some(1, 12);
    destroy(&ours, &gone);
    let liar = liar(&gone);
    let root = liar.catalog.root();
    for named in [source(root), root.display().to_string()] {
        let (_, said, status) = two.heal(&["--from", &named]);
        assert_eq!(status, 1, "{said}");
        for id in &gone {
            let told = |line: &str| {
                line.starts_with(&format!("error: in {named}: ")) && line.contains(&id.to_string())
            };
            assert!(said.lines().any(told), "{id} of {named} is not in:\n{said}");
        }
        let mut left = two.objects.clone();
        left.retain(|id, _| !gone.contains(id));
        assert_eq!(objects(&ours), left);
        assert_eq!(files(&ours.join("tmp")), [""; 0]);
    }
    let lies = source(root);
    let (_, said, status) = two.heal(&["--from", &lies, "--from", &two.peer.source()]);
    assert_eq!(status, 0, "{said}");
    two.assert_whole();
}

#[test]
fn files_where_directories_belong_keep_no_other_peer_out() {
    let Some(two) = Two::new() else { return };
    destroy(&two.peer.ours.root(), &two.some(1, 12));
    // As one may have left it that speaks for itself, and not by rsync.
    let staging = two.peer.catalog().stage("heal").unwrap();
    fs::write(staging.path().join("objects"), "").unwrap();
    drop(staging);
    let odd = Home::new();
    fs::remove_dir(odd.at("objects")).unwrap();
    fs::write(odd.at("objects"), "").unwrap();
    let odd = source(odd.catalog.root());
    let (_, said, status) = two.heal(&["--from", &odd, "--from", &two.peer.source()]);
    assert_eq!(status, 0, "{said}");
    two.assert_whole();
}

#[test]
fn peer_that_is_not_there_is_told_and_the_next_one_asked() {
    let Some(two) = Two::new() else { return };
    let ours = two.peer.ours.root();
    destroy(&ours, &two.some(2, 12));
    let before = listing(&ours.join("objects"));
    let nowhere = two.peer.theirs.outside().join("nowhere");
    let down = [source(&nowhere), nowhere.display().to_string()];
    let from: Vec<_> = down.iter().flat_map(|down| ["--from", down]).collect();
    let (_, said, status) = two.heal(&from);
    assert_eq!(status, 3, "{said}");
    for down in &down {
        assert!(said.contains(&**down), "{down} is not in:\n{said}");
    }
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!(listing(&ours.join("objects")), before);
    assert!(!ours.join("quarantine").exists());

    let peer = two.peer.source();
    let (_, said, status) = two.heal(&[&from[..], &["--from", &peer]].concat());
    assert_eq!(status, 0, "{said}");
    two.assert_whole();
}

/// Each has a part; each is asked only for what the ones before it do not have.
#[test]
fn parts_come_from_several_peers() {
    let Some(two) = Two::new() else { return };
    let ours = two.peer.ours.root();
    let gone = two.some(4, 30);
    let parts: Vec<_> = gone.chunks(10).collect();
    destroy(&ours, &gone);
    let part = |ids: &[ObjectId]| {
        let home = Home::new();
        for id in ids {
            let file = object_file(home.catalog.root(), *id);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            plant(&file, &two.objects[id]);
        }
        home
    };
    let homes = [parts[0], parts[1], parts[2]].map(part);
    let roots: Vec<PathBuf> = homes.iter().map(|it| it.catalog.root().into()).collect();
    // By rsync, from a directory, by rsync.
    let names = [
        source(&roots[0]),
        roots[1].display().to_string(),
        source(&roots[2]),
    ];
    let from: Vec<_> = names.iter().flat_map(|name| ["--from", name]).collect();
    let (shown, said, status) = two.heal(&from);
    assert_eq!(status, 0, "{said}");
    for (name, left) in names.iter().zip([30, 20, 10]) {
        let has = format!("heal: {name} has 10 of {left} objects");
        assert!(said.contains(&has), "{has} is not in:\n{said}");
        assert!(
            shown.contains(&format!("from {name}/objects/")),
            "{name} is not in:\n{shown}"
        );
    }
    two.assert_whole();
}

#[test]
fn whole_catalog_asks_nobody() {
    let Some(two) = Two::new() else { return };
    let before = listing(&two.peer.ours.root());
    let (shown, said, status) = two.heal(&["--from", "nobody:/nowhere"]);
    assert_eq!((&*shown, status), ("", 0), "{said}");
    assert!(said.contains("nothing is damaged or missing"), "{said}");
    assert_eq!(listing(&two.peer.ours.root()), before);
    assert!(Catalog::open(two.peer.ours.root()).is_ok());
}

#[test]
fn what_came_and_is_wrong_is_removed_and_wanted_again() {
    let home = Home::new();
    let id = ObjectId::of(b"it");
    let staging = home.catalog.stage("heal").unwrap();
    let file = object_file(&staging.path(), id);
    let shard = file.parent().unwrap();
    for place in [&*file, shard, shard.parent().unwrap()] {
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, "that").unwrap();
        assert!(staging.has(&id).is_err());
        let wanted = staging
            .want(&std::collections::BTreeSet::from([id]).into())
            .unwrap();
        assert_eq!(wanted.objects.len(), 1);
        assert!(!staging.has(&id).unwrap(), "{} is there", place.display());
        let _ = fs::remove_dir_all(shard.parent().unwrap());
    }
}
