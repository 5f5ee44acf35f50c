//! What keeps a file, and where none goes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use engine_catalog::{
    ArtifactOptions, Artifacts, Catalog, Error, ErrorKind, EvictionOrder, GcOptions, Keep,
    LeftReason, Members, Name, PreparedEngine, UnderError,
};

use super::{Engines, paths, reasons};
use crate::support::mount::Mounted;
use crate::support::nobody::{play, play_in, set_mode};
use crate::support::{attach, ordered_map, stamp, to_cbor};
use crate::{by_rule, options};

#[test]
fn file_that_a_kept_entry_names_by_whatever_path_stays() {
    let engines = Engines::new();
    let server = engines.write("1/server", "server");
    let hard = engines.at("hard");
    fs::hard_link(&server, &hard).unwrap();
    symlink("1", engines.at("current")).unwrap();
    let round = engines.at("current/../1/server");
    let parent = engines.at("1");
    let by_current = engines.at("current/server");
    for (n, path) in [&server, &hard, &by_current, &round, &parent, &engines.dir]
        .into_iter()
        .enumerate()
    {
        let at_ms = 2 * i64::try_from(n).unwrap();
        engines.record("llamacpp/old", at_ms, &[&server]);
        let by = engines.put(&format!("kept-{n}"), at_ms + 1, &[path], None);
        let plan = engines.collect(&engines.options()).plan;
        let named = LeftReason::Named { by };
        let left = reasons(&plan.artifacts_left);
        assert!(left.contains(&(server.as_path(), &named)), "{left:?}");
        assert_eq!(plan.artifacts, []);
    }
    // Where the link leads now counts, not where it did.
    engines.record("llamacpp/old", 20, &[&server]);
    engines.put("kept", 21, &[&by_current], None);
    fs::remove_file(engines.at("current")).unwrap();
    let collected = engines.collect(&engines.options());
    assert_eq!(paths(&collected.artifacts), [server.as_path()]);
    assert!(hard.exists());
}

#[test]
fn young_entries_and_members_of_snapshots_keep_their_files() {
    let engines = Engines::new();
    let (one, two) = (engines.write("1", "1"), engines.write("2", "2"));
    let old = engines.record("vllm/1", 1, &[&one]);
    engines.record("vllm/2", 2, &[&two]);
    let young = GcOptions {
        keep: Keep {
            grace_ms: i64::MAX,
            ..engines.options().keep
        },
        ..engines.options()
    };
    let plan = engines.home.catalog.plan_gc(&young).unwrap();
    assert_eq!((plan.retired().count(), plan.artifacts.len()), (1, 0));
    let name = Name::new("s").unwrap();
    let members = Members::Objects([old].into());
    let catalog = &engines.home.catalog;
    catalog.create_snapshot(&members, Some(&name)).unwrap();
    assert_eq!(engines.collect(&engines.options()).artifacts, []);
    catalog.remove_snapshot(&name).unwrap();
    let collected = engines.collect(&engines.options());
    assert_eq!(paths(&collected.artifacts), [one.as_path()]);
}

#[test]
fn directory_has_to_be_one_that_is_no_part_of_the_catalog() {
    let engines = Engines::new();
    let file = engines.write("file", "file");
    let link = engines
        .home
        .outside()
        .canonicalize()
        .unwrap()
        .join("to-catalog");
    symlink(engines.home.catalog.root(), &link).unwrap();
    let root = engines.home.catalog.root().to_owned();
    for (under, expected) in [
        (PathBuf::from("engines"), UnderError::NotAbsolute),
        (engines.at("none"), UnderError::NoDirectory),
        (file.join("below"), UnderError::NoDirectory),
        (file, UnderError::NoDirectory),
        (root.clone(), UnderError::InCatalog),
        (root.join("objects"), UnderError::InCatalog),
        (link, UnderError::InCatalog),
        (engines.home.outside().to_owned(), UnderError::AroundCatalog),
        (PathBuf::from("/"), UnderError::AroundCatalog),
    ] {
        let artifacts = ArtifactOptions {
            under: under.clone(),
            max_bytes: None,
            order: EvictionOrder::LastChanged,
        };
        let options = GcOptions {
            artifacts: Some(artifacts),
            ..options()
        };
        let planned = engines.home.catalog.plan_gc(&options).unwrap_err();
        assert!(planned.to_string().contains(under.to_str().unwrap()));
        let expected_kind = match expected {
            UnderError::NoDirectory => ErrorKind::NotFound,
            _ => ErrorKind::Refused,
        };
        assert_eq!(planned.kind(), expected_kind);
        assert!(
            matches!(planned, Error::Under { cause, .. } if cause == expected),
            "{planned}"
        );
        let collected = engines.home.catalog.collect_garbage(&options, &stamp(9));
        assert!(matches!(collected, Err(Error::Under { .. })));
    }
    let error = Error::Under {
        under: "/x".into(),
        cause: UnderError::NoDirectory,
    };
    insta::assert_snapshot!(error, @"no files of engines are removed below /x: there is no such directory");
}

#[test]
fn part_of_the_catalog_that_is_mounted_elsewhere_is_part_of_it() {
    let engines = Engines::new();
    let Some(mounted) = Mounted::over(&engines.dir) else {
        return;
    };
    let bind = engines.at("bind");
    fs::create_dir(&bind).unwrap();
    let objects = engines.home.at("objects");
    let status = std::process::Command::new("mount")
        .arg("--bind")
        .args([&objects, &bind])
        .status();
    assert!(status.unwrap().success());
    let mut options = engines.options();
    options.artifacts.as_mut().unwrap().under.clone_from(&bind);
    let refused = engines.home.catalog.plan_gc(&options);
    let unmounted = std::process::Command::new("umount").arg(&bind).status();
    assert!(unmounted.unwrap().success());
    drop(mounted);
    let is_refused =
        matches!(refused, Err(Error::Under { cause, .. }) if cause == UnderError::InCatalog);
    assert!(is_refused);
}

#[test]
fn file_on_another_file_system_below_the_directory_stays() {
    let engines = Engines::new();
    let dir = engines.at("mounted");
    fs::create_dir(&dir).unwrap();
    let Some(mounted) = Mounted::over(&dir) else {
        return;
    };
    let (old, new) = (
        engines.write("mounted/old", "old"),
        engines.write("new", "new"),
    );
    engines.record("vllm/1", 1, &[&old]);
    engines.record("vllm/2", 2, &[&new]);
    let plan = engines.collect(&engines.options()).plan;
    let expected = [(old.as_path(), &LeftReason::OtherFileSystem)];
    assert_eq!(reasons(&plan.artifacts_left), expected);
    assert!(old.exists());
    drop(mounted);
}

#[test]
fn what_may_name_a_file_and_cannot_be_known_keeps_everything() {
    let engines = Engines::new();
    let (one, two) = (engines.write("1", "1"), engines.write("2", "2"));
    engines.record("vllm/1", 1, &[&one]);
    let two_object = engines.record("vllm/2", 2, &[&two]);
    let newer = ordered_map(vec![
        ("schema", "engine-entry/9".into()),
        ("files", "1".into()),
    ]);
    let planted = engines.home.plant(&to_cbor(&newer));
    engines.home.point("vllm/3", &planted);
    // Without files it is of no concern.
    let rule = super::last_version();
    let without = engines.home.catalog.plan_gc(&by_rule(rule)).unwrap();
    assert_eq!(without.unknown, []);
    let catalog = &engines.home.catalog;
    let error = catalog.collect_garbage(&engines.options(), &stamp(9));
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Unsure { .. }), "{error}");
    assert!(
        error.to_string().contains("of an unknown schema"),
        "{error}"
    );
    assert!(one.exists());
    assert_eq!(engines.plan().unknown.len(), 1);
    // What is only attached to an entry names none.
    fs::remove_file(engines.home.at("refs/vllm/3")).unwrap();
    attach(engines.home.catalog.root(), two_object, &to_cbor(&newer));
    assert_eq!(engines.plan().unknown, []);
    engines.home.point("vllm/3", &planted);
    // Nothing goes that it might name.
    let all = engines.options_by(crate::any_engine());
    assert_eq!(catalog.plan_gc(&all).unwrap().unknown, []);
}

#[test]
fn kept_path_that_cannot_be_looked_at_may_lead_to_any_file() {
    play("hidden", act);
}

#[test]
fn file_that_cannot_be_removed_is_left_and_stops_nothing() {
    play("locked", act);
}

#[test]
fn files_go_before_the_records_that_tell_which() {
    play("cut", act);
}

#[test]
fn file_of_another_user_goes_where_he_may_remove_it() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("engines");
    fs::create_dir(&dir).unwrap();
    set_mode(&dir, 0o777);
    // Of root, if this is root: then nobody may not read it unnoticed.
    fs::write(dir.join("theirs"), "theirs").unwrap();
    play_in(scratch.path(), "another's", act);
}

pub(crate) fn act(role: &str, scratch: &Path) {
    let dir = scratch.canonicalize().unwrap().join("engines");
    let home = Catalog::create(scratch.join("catalog")).unwrap();
    fs::create_dir_all(dir.join("hidden")).unwrap();
    let file = |name: &str| {
        let path = dir.join(name);
        fs::write(&path, name).unwrap();
        path
    };
    let record = |catalog: &Catalog, version: &str, at_ms, path: PathBuf| {
        let files = Artifacts::Files(vec![path]);
        let prepared = PreparedEngine::new("vllm", version, files, at_ms);
        catalog.record(&prepared, &stamp(at_ms)).unwrap();
    };
    let mut rule = super::last_version();
    let options = |rule| GcOptions {
        artifacts: Some(ArtifactOptions {
            under: dir.clone(),
            max_bytes: None,
            order: EvictionOrder::LastUsed,
        }),
        ..by_rule(rule)
    };
    match role {
        "hidden" => {
            record(&home, "1", 1, file("one"));
            record(&home, "2", 2, file("hidden/two"));
            set_mode(&dir.join("hidden"), 0o000);
            let error = home.collect_garbage(&options(rule.clone()), &stamp(9));
            let error = error.unwrap_err();
            assert!(matches!(error, Error::Unsure { .. }), "{error}");
            assert!(error.to_string().contains("hidden/two"), "{error}");
            assert!(dir.join("one").exists());
            set_mode(&dir.join("hidden"), 0o700);
            home.collect_garbage(&options(rule), &stamp(9)).unwrap();
            assert!(!dir.join("one").exists());
        }
        "cut" => {
            record(&home, "1", 1, file("one"));
            record(&home, "2", 2, file("two"));
            let planned = home.plan_gc(&options(rule.clone())).unwrap();
            let shards = || fs::read_dir(scratch.join("catalog/objects")).unwrap();
            shards().for_each(|it| set_mode(&it.unwrap().path(), 0o500));
            let cut = home.collect_garbage(&options(rule.clone()), &stamp(9));
            assert_eq!(cut.unwrap().undone.len(), planned.objects.len());
            assert!(home.get("vllm:1").unwrap().is_none() && !dir.join("one").exists());
            // What else goes is the same.
            let rest = home.plan_gc(&options(rule.clone())).unwrap();
            assert_eq!(rest.objects.len(), planned.objects.len());
            assert_eq!(rest.artifacts, []);
            shards().for_each(|it| set_mode(&it.unwrap().path(), 0o700));
            home.collect_garbage(&options(rule.clone()), &stamp(9))
                .unwrap();
            assert!(home.plan_gc(&options(rule)).unwrap().is_empty());
        }
        "another's" => {
            record(&home, "1", 1, dir.join("theirs"));
            record(&home, "2", 2, file("two"));
            let collected = home.collect_garbage(&options(rule), &stamp(9)).unwrap();
            assert_eq!(paths(&collected.artifacts), [dir.join("theirs")]);
        }
        "locked" => {
            record(&home, "1", 1, file("hidden/one"));
            record(&home, "2", 2, file("unreadable"));
            record(&home, "3", 3, file("three"));
            record(&home, "4", 4, file("four"));
            set_mode(&dir.join("hidden"), 0o500);
            set_mode(&dir.join("unreadable"), 0o000);
            rule.versions = Some(1);
            let collected = home.collect_garbage(&options(rule.clone()), &stamp(9));
            let collected = collected.unwrap();
            assert_eq!(paths(&collected.artifacts), [dir.join("three")]);
            assert_eq!(collected.artifact_bytes, 5);
            let left = reasons(&collected.artifacts_left);
            assert_eq!(left.len(), 2, "{left:?}");
            assert!(
                left.iter()
                    .all(|(_, it)| matches!(it, LeftReason::Failed { .. }))
            );
            assert!(dir.join("hidden/one").exists() && dir.join("unreadable").exists());
            // Their records stay, and tell of them another time.
            set_mode(&dir.join("hidden"), 0o700);
            set_mode(&dir.join("unreadable"), 0o600);
            let collected = home.collect_garbage(&options(rule.clone()), &stamp(9));
            assert_eq!(collected.unwrap().artifacts.len(), 2);
            assert!(home.plan_gc(&options(rule)).unwrap().is_empty());
        }
        _ => unreachable!("there is no such role"),
    }
}
