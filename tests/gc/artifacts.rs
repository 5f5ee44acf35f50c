//! Files of engines: those go that only entries name which go, and nothing else does.

mod kept;
mod removal;
mod room;

pub(crate) use kept::act;

use std::fs;
use std::path::{Path, PathBuf};

use engine_catalog::{
    ArtifactFile, ArtifactLeft, ArtifactOptions, Artifacts, Collected, EngineEntry, EvictionOrder,
    GcOptions, GcPlan, LeftReason, ObjectId, PreparedEngine, RetentionRule,
};

use crate::support::{Home, stamp};
use crate::{any_engine, by_rule};

/// A catalog, and beside it a directory with the files of its engines.
struct Engines {
    home: Home,
    dir: PathBuf,
}

impl Engines {
    fn new() -> Self {
        let home = Home::new();
        let dir = home.outside().canonicalize().unwrap().join("engines");
        fs::create_dir(&dir).unwrap();
        Self { home, dir }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    fn write(&self, path: &str, content: &str) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Records these files, with a manifest, as `engine/version`; the time is that of the change.
    fn record(&self, name: &str, at_ms: i64, files: &[&Path]) -> ObjectId {
        let (engine, version) = name.split_once('/').unwrap();
        let files = files.iter().map(|path| path.to_path_buf()).collect();
        let prepared = PreparedEngine::new(engine, version, Artifacts::Files(files), at_ms);
        let recorded = self.home.catalog.record(&prepared, &stamp(at_ms));
        recorded.unwrap().put.object
    }

    /// Puts an entry that names these paths, whatever they are.
    fn put(
        &self,
        version: &str,
        at_ms: i64,
        artifacts: &[&Path],
        digest: Option<&str>,
    ) -> ObjectId {
        let entry = EngineEntry {
            artifacts: artifacts.iter().map(|path| path.to_path_buf()).collect(),
            digest: digest.map(str::to_owned),
            ..EngineEntry::new("llamacpp", version, at_ms)
        };
        self.home.catalog.put(&entry, &stamp(at_ms)).unwrap().object
    }

    fn options_by(&self, rule: RetentionRule) -> GcOptions {
        GcOptions {
            artifacts: Some(ArtifactOptions {
                under: self.dir.clone(),
                max_bytes: None,
                order: EvictionOrder::LastChanged,
            }),
            ..by_rule(rule)
        }
    }

    /// Keeps the version of each engine that was changed last.
    fn options(&self) -> GcOptions {
        self.options_by(last_version())
    }

    fn plan(&self) -> GcPlan {
        self.home.catalog.plan_gc(&self.options()).unwrap()
    }

    /// Collects what was planned, and then there is nothing more to do but with files that may go another time.
    fn collect(&self, options: &GcOptions) -> Collected {
        let catalog = &self.home.catalog;
        let planned = catalog.plan_gc(options).unwrap();
        let collected = catalog.collect_garbage(options, &stamp(100)).unwrap();
        assert!(collected.undone.is_empty());
        assert_eq!(planned.artifacts, collected.plan.artifacts);
        let again = catalog.plan_gc(options).unwrap();
        let waits = |it: &ArtifactLeft| matches!(it.reason, LeftReason::Recent);
        assert!(
            again.is_empty() && again.artifacts_left.iter().all(waits),
            "{again:?}"
        );
        collected
    }
}

fn last_version() -> RetentionRule {
    RetentionRule {
        versions: Some(1),
        ..any_engine()
    }
}

fn paths(files: &[ArtifactFile]) -> Vec<&Path> {
    files.iter().map(|it| it.path.as_path()).collect()
}

fn reasons(left: &[ArtifactLeft]) -> Vec<(&Path, &LeftReason)> {
    left.iter()
        .map(|it| (it.path.as_path(), &it.reason))
        .collect()
}

#[test]
fn files_go_with_the_last_entry_that_names_them() {
    let engines = Engines::new();
    let (own, new) = (
        engines.write("1/server", "first"),
        engines.write("2/server", "2"),
    );
    let (shared, other) = (
        engines.write("lib.so", "shared"),
        engines.write("README", "not named"),
    );
    let old = engines.record("vllm/1", 1, &[&own, &shared]);
    let kept = engines.record("vllm/2", 2, &[&new, &shared]);
    let Collected {
        plan,
        artifacts,
        artifact_bytes,
        artifacts_left,
        ..
    } = engines.collect(&engines.options());
    assert_eq!(plan.artifacts, artifacts);
    assert_eq!(paths(&artifacts), [own.as_path()]);
    assert_eq!((artifacts[0].bytes, artifacts[0].entry), (5, old));
    let digest = format!("blake3:{}", ObjectId::of(b"first"));
    assert_eq!(artifacts[0].digests, [digest]);
    assert_eq!((artifact_bytes, plan.artifact_bytes), (5, 5));
    assert_eq!(plan.artifact_room, None);
    let named = LeftReason::Named { by: kept };
    assert_eq!(reasons(&plan.artifacts_left), [(shared.as_path(), &named)]);
    assert_eq!(
        (plan.artifacts_left[0].entry, plan.artifacts_left[0].bytes),
        (old, 6)
    );
    assert_eq!(artifacts_left, []);
    assert!(!own.exists() && engines.at("1").is_dir());
    assert!(new.exists() && shared.exists() && other.exists());
}

#[test]
fn no_file_goes_unless_that_is_wanted_or_by_a_plan_alone() {
    let engines = Engines::new();
    let (one, two) = (engines.write("1", "1"), engines.write("2", "2"));
    engines.record("vllm/1", 1, &[&one, &two]);
    engines.record("vllm/2", 2, &[&two]);
    let plan = engines.plan();
    assert_eq!(plan.artifacts_left.len(), 1);
    assert_eq!(paths(&plan.artifacts), [one.as_path()]);
    assert!(one.exists());
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<GcPlan>(&text).unwrap(), plan);
    let without = by_rule(last_version());
    let collected = engines.home.catalog.collect_garbage(&without, &stamp(9));
    let collected = collected.unwrap();
    assert_eq!(collected.artifacts, []);
    assert_eq!(collected.plan.artifacts_left, []);
    assert!(one.exists());
}

#[test]
fn only_a_regular_file_below_the_directory_goes_that_is_as_recorded() {
    let engines = Engines::new();
    let outside = engines
        .home
        .outside()
        .canonicalize()
        .unwrap()
        .join("elsewhere");
    fs::write(&outside, "elsewhere").unwrap();
    let grown = engines.write("grown", "grown");
    let fifo = engines.write("fifo", "fifo");
    let dir = engines.write("dir", "dir");
    let swapped = engines.write("swapped", "swapped");
    let moved = engines.write("moved/server", "moved");
    let missing = engines.write("missing", "missing");
    let gone = engines.write("gone/server", "gone");
    let all = [
        &outside, &grown, &fifo, &dir, &swapped, &moved, &missing, &gone,
    ];
    engines.record("vllm/1", 1, &all.map(PathBuf::as_path));
    fs::write(&grown, "grown larger").unwrap();
    fs::remove_file(&fifo).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    fs::remove_file(&dir).unwrap();
    fs::create_dir(&dir).unwrap();
    // The same, by a link.
    fs::rename(&swapped, engines.at("swapped-away")).unwrap();
    std::os::unix::fs::symlink("swapped-away", &swapped).unwrap();
    fs::rename(engines.at("moved"), engines.at("moved-away")).unwrap();
    std::os::unix::fs::symlink("moved-away", engines.at("moved")).unwrap();
    fs::remove_file(&missing).unwrap();
    fs::remove_dir_all(engines.at("gone")).unwrap();
    let last = engines.write("last", "last");
    engines.record("vllm/2", 2, &[&last]);
    let collected = engines.collect(&engines.options());
    let size = LeftReason::Size {
        recorded: 5,
        found: 12,
    };
    assert_eq!(
        reasons(&collected.plan.artifacts_left),
        [
            (outside.as_path(), &LeftReason::Elsewhere),
            (&dir, &LeftReason::NotAFile),
            (&fifo, &LeftReason::NotAFile),
            (&grown, &size),
            (&moved, &LeftReason::Link),
            (&swapped, &LeftReason::Link),
        ]
    );
    assert_eq!(collected.artifacts, []);
    assert_eq!(fs::read_dir(&engines.dir).unwrap().count(), 8);
    assert!(outside.exists());
}

#[test]
fn path_that_is_not_the_own_one_of_the_file_is_left() {
    let engines = Engines::new();
    let file = engines.write("bin/server", "server");
    let digest = format!("blake3:{}", ObjectId::of(b"server"));
    let round = engines.at("bin/../bin/server");
    std::os::unix::fs::symlink(&engines.dir, engines.home.outside().join("link")).unwrap();
    let by_link = engines
        .home
        .outside()
        .canonicalize()
        .unwrap()
        .join("link/bin/server");
    for (version, path, reason) in [
        ("1", &round, &LeftReason::ParentDir),
        ("2", &by_link, &LeftReason::Link),
    ] {
        engines.put(version, 1, &[path], Some(&digest));
        let last = engines.put("last", 2, &[], None);
        let plan = engines.collect(&engines.options()).plan;
        assert_eq!(reasons(&plan.artifacts_left), [(path.as_path(), reason)]);
        assert!(plan.objects.iter().all(|it| it.id != last));
        assert!(file.exists());
    }
    // Spelled otherwise it is the same.
    let odd = PathBuf::from(format!("{}//bin/./server", engines.dir.display()));
    engines.put("3", 1, &[&odd], Some(&digest));
    engines.put("last", 3, &[], None);
    assert_eq!(
        paths(&engines.collect(&engines.options()).artifacts),
        [file.as_path()]
    );
    assert!(!file.exists());
}

#[test]
fn entry_without_a_manifest_has_its_first_file_go_if_its_digest_can_be_checked() {
    let engines = Engines::new();
    let mut digests = vec![
        (Some(format!("blake3:{}", ObjectId::of(b"x"))), true),
        (
            Some("md5:9dd4e461268c8034f5c8564e155c67a6".to_owned()),
            false,
        ),
        (None, false),
    ];
    // Of "x".
    let sha256 = "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    digests.push((Some(sha256.to_owned()), cfg!(feature = "sha2")));
    for (digest, goes) in digests {
        let (first, second) = (engines.write("first", "x"), engines.write("second", "x"));
        engines.put("old", 1, &[&first, &second], digest.as_deref());
        engines.put("new", 2, &[Path::new("registry.example/image")], None);
        let collected = engines.collect(&engines.options());
        let expected: &[&Path] = if goes { &[&first] } else { &[] };
        assert_eq!(paths(&collected.artifacts), expected, "{digest:?}");
        let nothing = (second.as_path(), &LeftReason::NothingRecorded);
        assert_eq!(
            reasons(&collected.plan.artifacts_left).last(),
            Some(&nothing)
        );
        assert!(second.exists() && first.exists() != goes);
        let collected = collected.plan.artifacts_left.len();
        assert_eq!(collected, if goes { 1 } else { 2 });
    }
}
