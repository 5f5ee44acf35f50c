//! The order of the durability steps, from the system calls that the library really makes.
//!
//! Each test runs one call of the library in a helper process under `strace`, drives the model of
//! `support/disk_model.rs` with the trace, and requires what layout.md section 7 promises: nothing
//! gets its final name before its content survives, no ref changes before what it leads to does,
//! and what is acknowledged survives. Leaving out any one sync fails a test here.

use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::{
    Artifacts, Catalog, EngineEntry, Error, Expect, Filter, Members, Name, ObjectId,
    PreparedEngine, Recorded, Snapshot,
};
use support::disk_model::{Disk, Event, events};
use support::sample::{entry, name};
use support::strace::{self, Run};
use support::sync_rules::Rules;
use support::{child, object_file, object_of, skip, stamp};

mod support;

fn many() -> Vec<EngineEntry> {
    (0..96).map(|n| entry(&format!("e{n}"), "new")).collect()
}

/// What a helper process does; nothing when it runs as a test.
#[test]
fn child() {
    let Some((role, root)) = child::role() else {
        return;
    };
    let open = || Catalog::open(&root).expect("there is a catalog");
    strace::begin();
    match role.as_str() {
        "create" => drop(Catalog::create(&root).expect("it can be made")),
        "put" => drop(
            open()
                .put(&entry("e", "new"), &stamp(1))
                .expect("it can be put"),
        ),
        "put all" => drop(open().put_all(&many(), &stamp(1)).expect("they can be put")),
        "retire" => {
            let held = open().retire(&name("e"), Expect::Any, &stamp(1));
            assert!(held.expect("it can be retired").is_some());
        }
        "create again" => {
            let again = Catalog::create(&root).expect_err("there is one already");
            assert!(matches!(again, Error::AlreadyACatalog { .. }));
        }
        "retire again" => {
            let held = open().retire(&name("e"), Expect::Any, &stamp(1));
            assert_eq!(held.expect("it can be looked at"), None);
            assert!(
                !open()
                    .delete("e:1", &stamp(1))
                    .expect("it can be looked at")
            );
        }
        "rollback" => drop(
            open()
                .rollback(&name("e"), None, &stamp(1))
                .expect("it can"),
        ),
        "record" => drop(record(&open(), &root)),
        "snapshot" => {
            let members = Members::Current(Filter::default());
            let id = open().create_snapshot(&members, Some(&snapshot_name()));
            id.expect("it can be made");
        }
        "remove snapshot" => {
            let removed = open().remove_snapshot(&snapshot_name());
            assert!(removed.expect("it can be removed").is_some());
        }
        "remove snapshot again" => {
            let removed = open().remove_snapshot(&snapshot_name());
            assert_eq!(removed.expect("it can be looked at"), None);
        }
        "read" => read_everything(&Catalog::open_read_only(&root).expect("there is a catalog")),
        "look" => read_everything(&open()),
        _ => unreachable!("there is no such role"),
    }
    strace::end();
}

fn snapshot_name() -> Name {
    Name::new("s").expect("it is a name")
}

/// Records the engine whose file lies beside the root.
fn record(catalog: &Catalog, root: &Path) -> Recorded {
    let file = root.with_file_name("opt").join("bin/server");
    let engine = PreparedEngine::new("e", "1", Artifacts::Files(vec![file]), 1);
    let recorded = catalog.record(&engine, &stamp(1));
    recorded.expect("it can be recorded")
}

fn read_everything(catalog: &Catalog) {
    let listed = catalog.list(&Filter::default()).expect("it can be listed");
    assert_eq!(listed.filter_map(Result::ok).count(), 1);
    let id = "e:1";
    assert!(catalog.exists(id).expect("it is readable"));
    assert!(catalog.locate(id).expect("it is readable").is_some());
    for spec in [id, "e/1", "no such thing"] {
        let found = catalog.find(spec).expect("it is readable");
        assert_eq!(found.is_some(), spec != "no such thing");
    }
    let record = catalog
        .get(id)
        .expect("it is readable")
        .expect("it is there");
    assert_eq!(
        catalog.history(&name("e")).expect("it is readable").len(),
        2
    );
    catalog.state(&record).expect("it is readable");
    let prefix = record.object.to_string()[..8]
        .parse()
        .expect("it is a prefix");
    assert_eq!(
        catalog.resolve(&prefix).expect("it is readable"),
        Some(record.object)
    );
    assert_eq!(catalog.snapshots().expect("they are readable").len(), 1);
    let found = catalog.find_snapshot("s").expect("it is readable");
    let (_, snapshot) = found.expect("it is there");
    let members = catalog.members(&snapshot).expect("they are readable");
    assert_eq!(members, [record.clone()]);
    let manifests = catalog.manifests(&record.object);
    assert_eq!(manifests.expect("they are readable"), []);
}

/// A catalog in a scratch directory, and what a traced call did to it.
struct Scene {
    strace: PathBuf,
    scratch: tempfile::TempDir,
    root: PathBuf,
}

impl Scene {
    /// A catalog with `builds` put one after the other; `None` where nothing can be traced.
    fn with(builds: &[&str]) -> Option<Self> {
        let scene = Self::empty()?;
        let catalog = Catalog::create(&scene.root).expect("it can be made");
        for build in builds {
            catalog
                .put(&entry("e", build), &stamp(1))
                .expect("it can be put");
        }
        Some(scene)
    }

    /// No catalog yet.
    fn empty() -> Option<Self> {
        let strace = skip::program("strace")?;
        let scratch = tempfile::tempdir().expect("there is room");
        let root = scratch.path().join("root");
        Some(Self {
            strace,
            scratch,
            root,
        })
    }

    fn run(&self, role: &str, inject: &[String]) -> Run {
        let run = strace::run(&self.strace, inject, role, &self.root);
        assert!(run.output.status.success(), "{}", child::shown(&run.output));
        assert!(!run.calls.is_empty(), "nothing was traced");
        run
    }

    /// Runs the helper process and requires that it follows the rules. Returns what it did.
    fn check(&self, role: &str, inject: &[String], rules: &Rules) -> Vec<Event> {
        let mut disk = Disk::of(self.scratch.path());
        if self.root.join("format").exists() {
            // Whoever made the catalog saw to it.
            disk.apply(&Event::Sync(self.scratch.path().into()));
        }
        let events = events(&self.run(role, inject).calls);
        let broken = rules.broken(&mut disk, &events);
        assert!(broken.is_empty(), "{broken:#?}\nin {events:#?}");
        events
    }

    fn object(&self, build: &str) -> PathBuf {
        object_file(&self.root, object_of(&entry("e", build)))
    }

    fn reference(&self) -> PathBuf {
        self.root.join("refs/e/1")
    }

    fn history(&self) -> PathBuf {
        self.root.join("history/e/1")
    }

    /// The rules for one change of the one ref, to `build` or to nothing.
    fn rules(&self, build: Option<&str>) -> Rules {
        let object = build.map(|build| self.object(build));
        let first: Vec<_> = object.into_iter().chain([self.history()]).collect();
        Rules {
            root: self.root.clone(),
            at_the_end: [&first[..], &[self.reference()]].concat(),
            before: vec![(self.reference(), first)],
        }
    }

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
    let moved =
        at(&|event| matches!(event, Event::Rename { to, .. } if to.starts_with(&quarantine)));
    let synced = events
        .iter()
        .rposition(|event| *event == Event::Sync(quarantine.clone()));
    assert!(moved.is_some() && moved < synced, "{events:#?}");
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
