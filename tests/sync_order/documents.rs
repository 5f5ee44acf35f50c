//! Documents: attached and taken off.

use std::path::PathBuf;

use engine_catalog::ObjectId;

use super::disk_model::{Event, events};
use super::note;
use super::rules::Rules;
use super::scene::Scene;
use super::support::{link_file, object_file};

impl Scene {
    /// The link to the document.
    fn link(&self) -> PathBuf {
        let object = ObjectId::of(&note().encode().expect("it is small"));
        link_file(&self.root, note().subject, object)
    }

    /// The rules for attaching the document: also what it is about has to survive.
    fn attach_rules(&self) -> Rules {
        let object = ObjectId::of(&note().encode().expect("it is small"));
        let both = [note().subject, object].map(|id| object_file(&self.root, id));
        Rules {
            root: self.root.clone(),
            at_the_end: [&both[..], &[self.link()]].concat(),
            before: vec![(self.link(), both.into())],
        }
    }

    fn assert_syncs_the_links(&self, role: &str) {
        let events = events(&self.run(role, &[]).calls);
        let synced = Event::Sync(self.link().with_file_name("").components().collect());
        assert!(events.contains(&synced), "{synced:?} in {events:#?}");
    }
}

#[test]
fn document_and_its_subject_survive_before_the_link_does() {
    let Some(scene) = Scene::with(&["old"]) else {
        return;
    };
    scene.check("attach", &[], &scene.attach_rules());
}

/// It may be there because of a process that was killed before it synced anything. What a link holds needs
/// no sync: it is nothing.
#[test]
fn document_that_is_attached_already_survives_with_what_is_acknowledged() {
    let Some(scene) = Scene::with(&["old"]) else {
        return;
    };
    scene.run("attach", &[]);
    let mut rules = scene.attach_rules();
    rules.before.clear();
    rules.at_the_end.pop();
    scene.check("attach", &[], &rules);
    scene.assert_syncs_the_links("attach");
}

#[test]
fn taking_a_document_off_survives() {
    let Some(scene) = Scene::with(&["old"]) else {
        return;
    };
    scene.run("attach", &[]);
    let rules = Rules {
        root: scene.root.clone(),
        at_the_end: vec![scene.link()],
        before: Vec::new(),
    };
    scene.check("detach", &[], &rules);
    // Whoever removed it may have been killed before it synced that.
    scene.assert_syncs_the_links("detach again");
}
