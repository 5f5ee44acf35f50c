//! Named snapshots, and what is attached to an entry.

use std::fs;
use std::path::PathBuf;

use engine_catalog::{Catalog, ObjectId, Recorded, Snapshot};

use super::disk_model::{Event, events};
use super::record;
use super::rules::Rules;
use super::scene::Scene;
use super::support::sample::entry;
use super::support::{object_file, object_of, stamp};

impl Scene {
    /// The file of the name of a snapshot.
    fn snapshot(&self) -> PathBuf {
        self.root.join("snapshots/s")
    }

    /// The rules for giving the name to the snapshot of one build.
    fn snapshot_rules(&self, build: &str) -> Rules {
        let objects = [object_of(&entry("e", build))].into();
        let id = Snapshot { objects }.id().expect("it is small");
        let object = object_file(&self.root, id);
        Rules {
            root: self.root.clone(),
            at_the_end: vec![object.clone(), self.snapshot()],
            before: vec![(self.snapshot(), vec![object])],
        }
    }

    /// Makes the file that is recorded, and returns what recording it has to come to, with its
    /// manifest: first in another catalog.
    fn prepare_record(&self) -> (Recorded, ObjectId) {
        let file = self.scratch.path().join("opt/bin/server");
        fs::create_dir_all(file.with_file_name("")).expect("there is room");
        fs::write(&file, "ELF").expect("there is room");
        let other = tempfile::tempdir().expect("there is room");
        let catalog = Catalog::create(other.path().join("root")).expect("it can be made");
        let recorded = record(&catalog, &self.root);
        let attached = catalog.attachments(&recorded.put.object);
        let [manifest] = attached.expect("they are readable")[..] else {
            panic!("it has one manifest")
        };
        (recorded, manifest)
    }

    /// The rules for recording that file.
    fn record_rules(&self, recorded: &Recorded, manifest: ObjectId) -> Rules {
        let subject = recorded.put.object;
        let [object, attached] = [subject, manifest].map(|id| object_file(&self.root, id));
        let hex = subject.to_string();
        let link = format!("attachments/{}/{}/{manifest}", &hex[..2], &hex[2..]);
        let link = self.root.join(link);
        let file = self.scratch.path().join("opt/bin/server");
        let first = vec![
            file,
            object.clone(),
            attached.clone(),
            link.clone(),
            self.history(),
        ];
        Rules {
            root: self.root.clone(),
            at_the_end: [&first[..], &[self.reference()]].concat(),
            before: vec![(self.reference(), first), (link, vec![attached, object])],
        }
    }
}

#[test]
fn recorded_files_survive_before_the_ref_names_them() {
    let Some(scene) = Scene::with(&[]) else {
        return;
    };
    let (recorded, manifest) = scene.prepare_record();
    let rules = scene.record_rules(&recorded, manifest);
    scene.check("record", &[], &rules);
}

/// Also where nothing else changes: the entry was put, and is current.
#[test]
fn manifest_survives_before_its_link_does() {
    let Some(scene) = Scene::with(&[]) else {
        return;
    };
    let (recorded, manifest) = scene.prepare_record();
    let catalog = Catalog::open(&scene.root).expect("there is a catalog");
    let put = catalog.put(&recorded.entry, &stamp(1));
    assert_eq!(put.expect("it can be put").object, recorded.put.object);
    let rules = scene.record_rules(&recorded, manifest);
    scene.check("record", &[], &rules);
}

/// It may be there because of a process that was killed before it synced the link. What a link holds
/// needs no sync: it is nothing.
#[test]
fn link_that_is_there_survives_with_what_is_acknowledged() {
    let Some(scene) = Scene::with(&[]) else {
        return;
    };
    let (recorded, manifest) = scene.prepare_record();
    let catalog = Catalog::open(&scene.root).expect("there is a catalog");
    record(&catalog, &scene.root);
    let mut rules = scene.record_rules(&recorded, manifest);
    let (link, _) = rules.before.pop().expect("there is one for the link");
    let links = link.with_file_name("");
    for paths in [&mut rules.at_the_end, &mut rules.before[0].1] {
        let at = paths.iter().position(|path| *path == link);
        paths[at.expect("the link has to survive")].clone_from(&links);
    }
    let events = scene.check("record", &[], &rules);
    let synced = Event::Sync(links.components().collect());
    assert!(events.contains(&synced), "{synced:?} in {events:#?}");
}

#[test]
fn name_of_a_snapshot_comes_after_the_snapshot() {
    let Some(scene) = Scene::with(&["old"]) else {
        return;
    };
    scene.check("snapshot", &[], &scene.snapshot_rules("old"));
}

/// It may have the name because of a process that was killed before it synced anything.
#[test]
fn snapshot_that_has_the_name_already_survives_with_it() {
    let Some(scene) = Scene::with(&["old"]) else {
        return;
    };
    scene.run("snapshot", &[]);
    scene.check("snapshot", &[], &scene.snapshot_rules("old"));
}

#[test]
fn removal_of_the_name_of_a_snapshot_survives() {
    let Some(scene) = Scene::with(&["old"]) else {
        return;
    };
    scene.run("snapshot", &[]);
    let rules = Rules {
        before: Vec::new(),
        at_the_end: vec![scene.snapshot()],
        ..scene.rules(None)
    };
    scene.check("remove snapshot", &[], &rules);
    let events = events(&scene.run("remove snapshot again", &[]).calls);
    let synced = Event::Sync(scene.root.join("snapshots"));
    assert!(
        events.contains(&synced),
        "also where there was none: {events:#?}"
    );
}
