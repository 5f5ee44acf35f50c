//! How files are removed: by what they are then, not by what they were.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use engine_catalog::{Artifacts, Catalog, Error, GcOptions, Keep, LeftReason, PreparedEngine};

use super::{Engines, paths, reasons};
use crate::support::stamp;

#[test]
fn file_with_another_content_of_the_same_size_is_left() {
    let engines = Engines::new();
    let (old, other) = (engines.write("old", "old"), engines.write("other", "x"));
    engines.record("vllm/1", 1, &[&old, &other]);
    fs::write(&old, "new").unwrap();
    let last = engines.write("last", "last");
    engines.record("vllm/2", 2, &[&last]);
    let collected = engines.collect(&engines.options());
    // Planning reads no file.
    assert_eq!(collected.plan.artifact_bytes, 4);
    assert_eq!(paths(&collected.artifacts), [other.as_path()]);
    assert_eq!(collected.artifact_bytes, 1);
    let expected = [(old.as_path(), &LeftReason::Content)];
    assert_eq!(reasons(&collected.artifacts_left), expected);
    assert_eq!(collected.artifacts_left[0].bytes, 3);
    assert_eq!(fs::read_to_string(&old).unwrap(), "new");
}

#[test]
fn file_that_takes_the_place_of_one_that_was_planned_is_left() {
    let engines = Engines::new();
    let (old, new) = (engines.write("old", "old"), engines.write("new", "new"));
    engines.record("vllm/1", 1, &[&old]);
    engines.record("vllm/2", 2, &[&new]);
    let catalog = &engines.home.catalog;
    let plan = engines.plan();
    let instead = engines.write("instead", "its");
    fs::rename(&instead, &old).unwrap();
    let collected = catalog.carry_out(&plan, &stamp(crate::LATER_MS)).unwrap();
    let expected = [(old.as_path(), &LeftReason::Content)];
    assert_eq!(reasons(&collected.artifacts_left), expected);
    assert_eq!(fs::read_to_string(&old).unwrap(), "its");
}

#[test]
fn plan_is_outdated_once_other_files_would_go() {
    let engines = Engines::new();
    let (old, new) = (engines.write("old", "old"), engines.write("new", "new"));
    let changes: [&dyn Fn(); 3] = [
        &|| fs::write(&old, "another size").unwrap(),
        &|| fs::remove_file(&old).unwrap(),
        &|| {
            fs::remove_file(&old).unwrap();
            std::os::unix::fs::symlink(&new, &old).unwrap();
        },
    ];
    engines.record("vllm/1", 1, &[&old]);
    engines.record("vllm/2", 2, &[&new]);
    for change in changes {
        let _ = fs::remove_file(&old);
        engines.write("old", "old");
        let plan = engines.plan();
        assert_eq!(plan.artifacts.len(), 1);
        change();
        let refused = engines
            .home
            .catalog
            .carry_out(&plan, &stamp(crate::LATER_MS));
        let Err(Error::PlanOutdated { what, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(what, format!("file {}", old.display()));
    }
    assert!(new.exists());
}

#[test]
fn file_that_is_what_any_entry_that_goes_says_goes() {
    let engines = Engines::new();
    let path = engines.write("server", "one");
    let first = engines.record("vllm/1", 1, &[&path]);
    fs::write(&path, "two").unwrap();
    let second = engines.record("vllm/2", 2, &[&path]);
    fs::write(&path, "three").unwrap();
    engines.record("vllm/3", 3, &[&path]);
    engines.put("last", 4, &[], None);
    let by = [engines.write("last", "last")];
    engines.record("vllm/4", 5, &[&by[0]]);
    fs::write(&path, "two").unwrap();
    let collected = engines.collect(&engines.options());
    assert_eq!(paths(&collected.artifacts), [path.as_path()]);
    assert_eq!(collected.artifacts[0].digests.len(), 2);
    assert_eq!(collected.artifacts[0].entry, first.min(second));
    assert!(!path.exists());
}

#[test]
fn names_of_one_file_all_go_and_its_bytes_count_once() {
    let engines = Engines::new();
    let one = engines.write("one", "content");
    let two = engines.at("two");
    fs::hard_link(&one, &two).unwrap();
    let last = engines.write("last", "last");
    engines.record("vllm/1", 1, &[&one, &two]);
    engines.record("vllm/2", 2, &[&last]);
    let collected = engines.collect(&engines.options());
    assert_eq!(paths(&collected.artifacts), [one.as_path(), &two]);
    assert_eq!(
        (collected.artifact_bytes, collected.plan.artifact_bytes),
        (7, 7)
    );
    assert!(!one.exists() && !two.exists());
}

#[test]
fn file_that_is_read_to_be_compared_is_not_used_by_that() {
    let engines = Engines::new();
    let (old, new) = (engines.write("old", "old"), engines.write("new", "new"));
    engines.record("vllm/1", 1, &[&old]);
    engines.record("vllm/2", 2, &[&new]);
    fs::write(&old, "its").unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30);
    let times = fs::FileTimes::new().set_accessed(long_ago);
    fs::File::open(&old).unwrap().set_times(times).unwrap();
    let collected = engines.collect(&engines.options());
    assert_eq!(collected.artifacts_left.len(), 1);
    assert_eq!(accessed(&old), long_ago);
}

fn accessed(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().accessed().unwrap()
}

#[test]
fn many_files_in_many_directories_go() {
    let engines = Engines::new();
    let files: Vec<_> = (0..300)
        .map(|n| engines.write(&format!("{}/{n}", n % 150), &n.to_string()))
        .collect();
    let files: Vec<_> = files.iter().map(AsRef::as_ref).collect();
    engines.record("vllm/1", 1, &files);
    let last = engines.write("last", "last");
    engines.record("vllm/2", 2, &[&last]);
    let collected = engines.collect(&engines.options());
    assert_eq!(collected.artifacts.len(), 300);
    assert!(files.iter().all(|path| !path.exists()));
    let dirs = fs::read_dir(&engines.dir).unwrap().count();
    assert_eq!(dirs, 151, "directories stay");
}

#[test]
fn collection_that_was_cut_short_goes_on() {
    let engines = Engines::new();
    let (one, two) = (engines.write("one", "1"), engines.write("two", "2"));
    let last = engines.write("last", "last");
    engines.record("vllm/1", 1, &[&one, &two]);
    engines.record("vllm/2", 2, &[&last]);
    // The ref is gone, and one of the files.
    let options = engines.options();
    let young = GcOptions {
        keep: Keep {
            grace_ms: i64::MAX,
            ..options.keep.clone()
        },
        ..options.clone()
    };
    let catalog = &engines.home.catalog;
    let cut = catalog.collect_garbage(&young, &stamp(9)).unwrap();
    assert_eq!((cut.plan.retired().count(), cut.artifacts.len()), (1, 0));
    fs::remove_file(&one).unwrap();
    let collected = engines.collect(&options);
    assert_eq!(paths(&collected.artifacts), [two.as_path()]);
    assert!(!two.exists());
}

#[test]
fn file_that_changed_not_long_ago_is_left() {
    let engines = Engines::new();
    let old = engines.write("old", "old");
    engines.record("vllm/1", 1, &[&old]);
    let new = engines.write("new", "new");
    engines.record("vllm/2", 2, &[&new]);
    let pause = || std::thread::sleep(Duration::from_millis(50));
    pause();
    let since = SystemTime::now();
    pause();
    // Made anew, as it was: it may be about to be recorded.
    let again = engines.write("again", "old");
    fs::rename(&again, &old).unwrap();
    let ms = |it: SystemTime| {
        it.duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_millis()
    };
    let (now, since) = (ms(SystemTime::now()), ms(since));
    let mut options = engines.options();
    options.keep.now_ms = i64::try_from(now).unwrap();
    options.keep.grace_ms = i64::try_from(now - since).unwrap();
    let plan = engines.collect(&options).plan;
    // Else nobody would know of the file any more.
    assert_eq!(plan.objects.len(), 0, "its record stays too");
    let expected = [(old.as_path(), &LeftReason::Recent)];
    assert_eq!(reasons(&plan.artifacts_left), expected);
}

/// As where the file system is not mounted that the path leads to.
#[test]
fn file_stays_that_an_entry_names_by_a_path_that_leads_nowhere_now() {
    let engines = Engines::new();
    let old = engines.write("old", "the same");
    engines.record("vllm/1", 1, &[&old]);
    let (new, alias) = (
        engines.write("new", "new"),
        engines.write("alias", "the same"),
    );
    engines.record("vllm/2", 2, &[&new]);
    engines.record("tgi/1", 3, &[&alias]);
    fs::remove_file(&alias).unwrap();
    let collected = engines.collect(&engines.options());
    assert_eq!(paths(&collected.artifacts), Vec::<&Path>::new());
    let left = reasons(&collected.plan.artifacts_left);
    assert!(matches!(left[..], [(path, LeftReason::Named { .. })] if path == old));
}

#[test]
fn file_that_goes_while_it_is_recorded_is_not_recorded() {
    let engines = Engines::new();
    let file = engines.write("file", "file");
    let collector = fs::File::open(engines.home.at("lock")).unwrap();
    collector.lock().unwrap();
    let (hashed, is_hashed) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let recorder = scope.spawn(|| {
            let files = Artifacts::Files(vec![file.clone()]);
            let prepared = PreparedEngine::new("vllm", "1", files, 1);
            let catalog = Catalog::open(engines.home.catalog.root()).unwrap();
            catalog.record_with_progress(&prepared, &stamp(1), &mut |progress| {
                if progress.done == progress.total {
                    hashed.send(()).unwrap();
                }
            })
        });
        is_hashed.recv().unwrap();
        // Time to come to the lock, which is not needed for this to hold.
        std::thread::sleep(Duration::from_millis(100));
        fs::remove_file(&file).unwrap();
        collector.unlock().unwrap();
        let refused = recorder.join().unwrap().unwrap_err();
        assert!(matches!(refused, Error::Artifact(_)), "{refused}");
    });
    assert!(engines.home.catalog.get("vllm:1").unwrap().is_none());
}
