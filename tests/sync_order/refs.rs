//! Refs, their objects and histories, and the catalog itself.

use std::fs;

use super::disk_model::{Event, events};
use super::many;
use super::rules::Rules;
use super::scene::Scene;
use super::support::sample::entry;
use super::support::{object_file, object_of};

#[test]
fn new_ref_comes_after_its_object_and_its_history() {
    let Some(scene) = Scene::with(&[]) else {
        return;
    };
    scene.check("put", &[], &scene.rules(Some("new")));
}

#[test]
fn ref_changes_after_its_new_object_and_its_history() {
    let Some(scene) = Scene::with(&["old"]) else {
        return;
    };
    scene.check("put", &[], &scene.rules(Some("new")));
}

/// By the clock of files, two changes within a tick would have one time.
#[test]
fn ref_is_given_its_time_before_it_has_its_name() {
    let Some(scene) = Scene::with(&["old"]) else {
        return;
    };
    let events = scene.check("put", &[], &scene.rules(Some("new")));
    let mut timed = Vec::new();
    for event in &events {
        match event {
            Event::SetTime(file) => timed.push(file),
            Event::Rename { from, to } if *to == scene.reference() => {
                assert!(timed.contains(&from), "{events:#?}");
                return;
            }
            _ => {}
        }
    }
    panic!("the ref did not change: {events:#?}");
}

/// It may be current because of a process that was killed before it synced anything.
#[test]
fn unchanged_put_makes_survive_what_it_acknowledges() {
    let Some(scene) = Scene::with(&["new"]) else {
        return;
    };
    scene.check("put", &[], &scene.rules(Some("new")));
}

#[test]
fn ref_is_removed_after_its_history_says_so() {
    let Some(scene) = Scene::with(&["new"]) else {
        return;
    };
    scene.check("retire", &[], &scene.rules(None));
}

/// The object may have come by a copy that was never synced.
#[test]
fn rollback_makes_survive_what_it_leads_back_to() {
    let Some(scene) = Scene::with(&["old", "new"]) else {
        return;
    };
    scene.check("rollback", &[], &scene.rules(Some("old")));
}

#[test]
fn refs_put_together_change_after_all_their_objects_and_histories() {
    let Some(scene) = Scene::with(&[]) else {
        return;
    };
    let (root, before, at_the_end) = (scene.root.clone(), vec![], vec![]);
    let mut rules = Rules {
        root,
        before,
        at_the_end,
    };
    for entry in many() {
        let at = |top: &str| scene.root.join(format!("{top}/{}/1", entry.engine));
        let first = vec![object_file(&scene.root, object_of(&entry)), at("history")];
        rules
            .at_the_end
            .extend_from_slice(&[&first[..], &[at("refs")]].concat());
        rules.before.push((at("refs"), first));
    }
    let events = scene.check("put all", &[], &rules);
    let waits_alone = |event: &&Event| matches!(event, Event::Sync(path) if !path.is_dir());
    assert_eq!(events.iter().find(waits_alone), None);
}

/// Else a cut could tear two of them, of which the first would be damage.
#[cfg(feature = "json")]
#[test]
fn lines_of_one_change_survive_one_after_the_other() {
    let Some(scene) = Scene::with(&[]) else {
        return;
    };
    let events = scene.check("import index", &[], &scene.rules(Some("new")));
    let history = scene.root.join("history/e/1");
    let steps = events.iter().filter_map(|event| match event {
        Event::Write(file) if *file == history => Some("append"),
        Event::Sync(file) if *file == history => Some("sync"),
        Event::SyncAll { .. } => Some("sync"),
        _ => None,
    });
    let appended = steps.skip_while(|step| *step != "append");
    let appended: Vec<_> = appended.collect();
    assert_eq!(appended[..4], ["append", "sync", "append", "sync"]);
}

#[test]
fn format_marker_comes_last_and_the_way_to_it_survives() {
    for dir in ["root", "new/deep/root"] {
        let Some(mut scene) = Scene::empty() else {
            return;
        };
        scene.root = scene.scratch.path().join(dir);
        let marker = scene.root.join("format");
        let parts = ["objects", "refs", "history", "tmp"].map(|part| scene.root.join(part));
        let rules = Rules {
            before: vec![(marker.clone(), parts.to_vec())],
            at_the_end: vec![marker],
            ..scene.rules(None)
        };
        scene.check("create", &[], &rules);
    }
}

/// A process that was killed may have done the last step and not synced it.
#[test]
fn answer_that_a_catalog_is_there_survives() {
    let Some(scene) = Scene::with(&[]) else {
        return;
    };
    let events = events(&scene.run("create again", &[]).calls);
    for path in [scene.root.join("format"), scene.root.clone()] {
        assert!(events.contains(&Event::Sync(path)), "{events:#?}");
    }
}

/// As above.
#[test]
fn answer_that_a_ref_is_gone_survives() {
    let Some(scene) = Scene::with(&["old"]) else {
        return;
    };
    fs::remove_file(scene.reference()).expect("it is there");
    let events = events(&scene.run("retire again", &[]).calls);
    let synced = Event::Sync(scene.root.join("refs/e"));
    let times = events.iter().filter(|event| **event == synced).count();
    assert_eq!(times, 2, "by retire and by delete: {events:#?}");
}

/// A process that was killed may have made the directory, or somebody who did not sync it.
#[test]
fn catalog_in_an_existing_directory_survives_with_the_directory() {
    let Some(scene) = Scene::empty() else { return };
    fs::create_dir(&scene.root).expect("there is room");
    let rules = Rules {
        before: Vec::new(),
        at_the_end: vec![scene.root.join("format")],
        ..scene.rules(None)
    };
    scene.check("create", &[], &rules);
}

#[test]
fn damaged_object_is_replaced_before_the_ref_changes_and_kept_aside() {
    let Some(scene) = Scene::with(&["new"]) else {
        return;
    };
    let object = scene.object("new");
    fs::remove_file(&object).expect("it is there");
    fs::write(&object, "damaged").expect("there is room");
    let mut rules = scene.rules(Some("new"));
    // It gets the name of the object and a random end; the directory tells whether it survives.
    rules.at_the_end.push(scene.root.join("quarantine"));
    let events = scene.check("put", &[], &rules);
    let quarantine = scene.root.join("quarantine");
    let at = |wanted: &dyn Fn(&Event) -> bool| events.iter().position(wanted);
    let kept = at(&|event| matches!(event, Event::Link { to, .. } if to.starts_with(&quarantine)));
    let synced = events
        .iter()
        .rposition(|event| *event == Event::Sync(quarantine.clone()));
    let replaced = at(&|event| matches!(event, Event::Rename { to, .. } if *to == object));
    assert!(kept.is_some() && kept < synced, "{events:#?}");
    assert!(synced < replaced, "{events:#?}");
}

/// A crash may tear the last line of a history, and no other.
#[test]
fn line_that_never_took_effect_survives_before_another_follows() {
    let Some(scene) = Scene::with(&["old"]) else {
        return;
    };
    let mut lines = fs::read_to_string(scene.history()).expect("it is there");
    let [old, other] = ["old", "other"].map(|build| object_of(&entry("e", build)));
    lines += &format!("7 put {old} {other} killed\n");
    fs::write(scene.history(), lines).expect("there is room");
    let events = scene.check("put", &[], &scene.rules(Some("new")));
    let at = |wanted: Event| events.iter().position(|event| *event == wanted);
    let (synced, written) = (
        at(Event::Sync(scene.history())),
        at(Event::Write(scene.history())),
    );
    assert!(synced.is_some() && synced < written, "{events:#?}");
}

/// As copying a catalog by hard links leaves it.
#[test]
fn history_with_another_name_is_copied_before_a_line_is_added() {
    let Some(scene) = Scene::with(&["old"]) else {
        return;
    };
    let other = scene.scratch.path().join("other");
    fs::hard_link(scene.history(), &other).expect("there is room");
    let before = fs::read(&other).expect("it is there");
    let events = scene.check("put", &[], &scene.rules(Some("new")));
    let is_copied =
        |event: &Event| matches!(event, Event::Rename { to, .. } if *to == scene.history());
    assert!(events.iter().any(is_copied), "{events:#?}");
    assert_eq!(fs::read(&other).expect("it is there"), before);
}

/// The other writer may be killed before it syncs what it gave the name.
#[test]
fn object_of_a_writer_that_was_first_is_synced_too() {
    let Some(scene) = Scene::with(&["new"]) else {
        return;
    };
    let looks = scene.run("put", &[]).calls.into_iter().find(|call| {
        call.name == "openat2" && !call.failed() && call.returned() == scene.object("new")
    });
    // As if it were not there yet when it was looked for.
    let absent = looks
        .expect("a put looks for its object")
        .at("error=ENOENT");
    let events = scene.check("put", &[absent], &scene.rules(Some("new")));
    let staged = |event: &Event| matches!(event, Event::OpenToWrite { path, .. } if path.to_string_lossy().contains('#'));
    assert!(events.iter().any(staged), "{events:#?}");
}

#[test]
fn reading_writes_nothing_and_takes_no_lock() {
    let Some(scene) = Scene::with(&["old", "new"]) else {
        return;
    };
    scene.run("snapshot", &[]);
    for role in ["read", "look"] {
        let run = scene.run(role, &[]);
        assert_eq!(events(&run.calls), [], "{role}");
        assert!(run.calls.iter().all(|call| call.name != "flock"), "{role}");
    }
}
