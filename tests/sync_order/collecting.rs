//! Garbage collection: what is found survives before anything goes, and what leads to something goes before it.

use std::path::PathBuf;

use engine_catalog::{Catalog, ObjectId};

use super::disk_model::{Disk, Event};
use super::rules::Rules;
use super::scene::Scene;
use super::support::garbage::{BLOB, blob_file, strew};
use super::support::sample::entry;
use super::support::{link_file, object_file, object_of, stamp};

impl Scene {
    /// As [`check`](Self::check), and each name of a pair goes after the other is gone and would stay so.
    fn check_gone(&self, role: &str, rules: &Rules, pairs: &[(PathBuf, PathBuf)]) -> Vec<Event> {
        let mut disk = Disk::of(self.scratch.path());
        let events = self.check(role, &[], rules);
        for event in &events {
            if let Event::Remove(path) = event {
                let firsts = pairs.iter().filter(|(_, then)| then == path);
                for (first, then) in firsts {
                    let is_gone = disk.survives(first) && !disk.keeps(first);
                    assert!(is_gone, "{first:?} before {then:?}: {events:#?}");
                }
            }
            disk.apply(event);
        }
        for (first, then) in pairs {
            assert!(!first.exists() && !then.exists(), "{then:?} is to go");
        }
        events
    }

    fn catalog(&self) -> Catalog {
        Catalog::open(&self.root).expect("there is a catalog")
    }
}

#[test]
fn links_go_before_what_they_lead_to_and_all_that_goes_is_told_of_before() {
    let Some(scene) = Scene::with(&["old"]) else {
        return;
    };
    let objects = strew(&scene.catalog(), object_of(&entry("e", "old")));
    let [subject, note, manifest] = objects;
    let file = |id| object_file(&scene.root, id);
    let link = |object| link_file(&scene.root, subject, object);
    let pairs = [
        (link(note), file(note)),
        (link(manifest), file(manifest)),
        (link(note), file(subject)),
        (link(manifest), file(subject)),
    ];
    let mut gone = objects.map(file).to_vec();
    gone.push(blob_file(&scene.root, ObjectId::of(BLOB)));
    let first = vec![scene.root.join("removed"), scene.reference()];
    let before = gone.iter().map(|path| (path.clone(), first.clone()));
    let rules = Rules {
        before: before.collect(),
        at_the_end: [&gone[..], &[link(note), link(manifest)], &first].concat(),
        root: scene.root.clone(),
    };
    scene.check_gone("gc", &rules, &pairs);
}

/// Also what the refs hold that stay: a writer may have been killed before it synced that.
#[test]
fn refs_go_and_survive_before_objects_go_and_histories_are_shortened() {
    let Some(scene) = Scene::with(&["old", "other", "old", "other", "new"]) else {
        return;
    };
    let retired = entry("d", "old");
    let put = scene.catalog().put(&retired, &stamp(1));
    put.expect("it can be put");
    let at = |top: &str| scene.root.join(top).join("d/1");
    let object = object_file(&scene.root, object_of(&retired));
    let kept = vec![
        scene.root.join("removed"),
        scene.object("new"),
        scene.history(),
        scene.reference(),
        at("history"),
    ];
    let gone = [object.clone(), scene.object("old"), scene.object("other")];
    let before = gone.iter().map(|path| (path.clone(), kept.clone()));
    let of_ref = (at("refs"), vec![at("history")]);
    let rules = Rules {
        before: before.chain([of_ref]).collect(),
        at_the_end: [&gone[..], &[at("refs")], &kept].concat(),
        root: scene.root.clone(),
    };
    let pairs = gone.map(|object| (at("refs"), object));
    let events = scene.check_gone("prune", &rules, &pairs);
    let is_shortened =
        |event: &Event| matches!(event, Event::Rename { to, .. } if *to == scene.history());
    let shortened = events.iter().position(is_shortened);
    let removed = events
        .iter()
        .rposition(|event| *event == Event::Remove(object.clone()));
    assert!(removed.is_some() && removed < shortened, "{events:#?}");
}
