//! Tests of the disk layer on a real file system: what is written here, what is read in
//! `tests/read.rs`, files of others in `tests/evict.rs`, what is locked in `tests/lock.rs`, and whole directories in `tests/new_tree.rs`.

use std::fs;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use tempfile::TempDir;

use super::*;

mod evict;
mod lock;
mod new_tree;
mod read;

/// Asks the test binary to be a helper process: see [`helper`].
const ROLE: &str = "ENGINE_CATALOG_UNIT_TEST_ROLE";

/// A root in a directory of its own, with something beside it that must not be touched.
struct Scene {
    scratch: TempDir,
    root: Root,
}

impl Scene {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let root = Root::make(&scratch.path().join("root")).unwrap();
        fs::write(scratch.path().join("outside"), "outside").unwrap();
        fs::create_dir(scratch.path().join("elsewhere")).unwrap();
        Self { scratch, root }
    }

    /// One scene that has unnamed files, and one that has not.
    fn both() -> [Self; 2] {
        let without = Self::new();
        without
            .root
            .has_unnamed_files
            .store(false, Ordering::Relaxed);
        [Self::new(), without]
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn dir(&self, path: &str) -> Dir<'_> {
        self.root.dir(Path::new(path)).unwrap()
    }

    fn named(&self, bytes: &[u8]) -> Staged<'_> {
        let staged = self.root.stage_named(bytes, Permissions::ReadOnly);
        staged.unwrap()
    }

    fn assert_nothing_else(&self) {
        let names = |path: &Path| -> Vec<_> {
            let entries = fs::read_dir(path).into_iter().flatten();
            entries.map(|entry| entry.unwrap().file_name()).collect()
        };
        assert!(names(&self.path("tmp")).is_empty(), "tmp/ has leftovers");
        let outside = self.scratch.path().join("outside");
        assert_eq!(fs::read(outside).unwrap(), b"outside");
        assert!(names(&self.scratch.path().join("elsewhere")).is_empty());
        assert_eq!(names(self.scratch.path()).len(), 3);
    }
}

/// Runs [`helper`] in a process of its own, under `wrapper`.
fn helper_command(wrapper: &[&str], role: &str, path: &Path) -> std::process::Command {
    let binary = std::env::current_exe().unwrap();
    let mut line: Vec<_> = wrapper.iter().map(Into::into).collect();
    line.push(binary.into_os_string());
    let mut command = std::process::Command::new(&line[0]);
    command
        .args(&line[1..])
        .args(["durable::tests::helper", "--exact", "--nocapture"]);
    command.env(ROLE, role).current_dir(path);
    command
}

/// What a helper process does with the root in its working directory; nothing when it is a test.
#[test]
fn helper() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let root = Root::open(Path::new(".")).unwrap().unwrap();
    match role.as_str() {
        "write" => write_one_of_each(&root),
        "lock" => lock::hold_for_ever(&root),
        _ => unreachable!("there is no such role"),
    }
}

fn write_one_of_each(root: &Root) {
    for (name, is_unnamed) in [("a", true), ("b", false)] {
        root.has_unnamed_files.store(is_unnamed, Ordering::Relaxed);
        let dir = root.dir(Path::new("objects")).unwrap();
        let staged = dir.stage(name.as_bytes(), Permissions::ReadOnly).unwrap();
        assert_eq!(dir.publish(staged, name).unwrap(), Published::New);
    }
    let dir = root.dir(Path::new("refs")).unwrap();
    let staged = root.stage_named(b"c", Permissions::ByUmask).unwrap();
    dir.replace(staged, "c").unwrap();
}

#[test]
fn objects_are_readable_by_all_and_writable_by_none_whatever_the_umask() {
    for (umask, of_refs) in [("000", 0o666), ("077", 0o600), ("222", 0o444)] {
        let scene = Scene::new();
        for dir in ["objects", "refs", "tmp"] {
            scene.dir(dir);
        }
        let shell = format!("umask {umask}; exec \"$0\" \"$@\"");
        let output = helper_command(&["sh", "-c", &shell], "write", scene.root.path()).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        let mode = |path| fs::metadata(scene.path(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode("objects/a"), 0o444, "umask {umask}");
        assert_eq!(mode("objects/b"), 0o444, "umask {umask}");
        assert_eq!(mode("refs/c"), of_refs, "umask {umask}");
    }
}

#[test]
fn staged_file_has_no_name_until_it_is_published() {
    for scene in Scene::both() {
        let dir = scene.dir("objects/ab");
        let staged = dir.stage(b"content", Permissions::ReadOnly).unwrap();
        assert!(!scene.path("objects/ab/cd").exists());
        scene.root.sync([staged.file()], []).unwrap();
        assert_eq!(dir.publish(staged, "cd").unwrap(), Published::New);
        assert_eq!(fs::read(scene.path("objects/ab/cd")).unwrap(), b"content");
        scene.assert_nothing_else();
    }
}

#[test]
fn unnamed_files_are_used_where_the_file_system_has_them() {
    let [with, without] = Scene::both();
    let is_named = |scene: &Scene| {
        let dir = scene.dir("objects");
        let _staged = dir.stage(b"content", Permissions::ReadOnly).unwrap();
        fs::read_dir(scene.path("tmp"))
            .into_iter()
            .flatten()
            .count()
            == 1
    };
    assert!(is_named(&without));
    // The file system is asked here, and not the root, which may have given up too early.
    let flags = i32::try_from(rustix::fs::OFlags::TMPFILE.bits()).unwrap();
    let unnamed = fs::File::options()
        .write(true)
        .custom_flags(flags)
        .open(with.root.path());
    assert_eq!(is_named(&with), unnamed.is_err(), "{unnamed:?}");
}

#[test]
fn publishing_keeps_whatever_has_the_name() {
    for scene in Scene::both() {
        let dir = scene.dir("objects");
        let outside = scene.scratch.path().join("outside");
        fs::write(scene.path("objects/file"), "first").unwrap();
        fs::create_dir(scene.path("objects/dir")).unwrap();
        symlink(&outside, scene.path("objects/link")).unwrap();
        symlink("nowhere", scene.path("objects/dangling")).unwrap();
        for name in ["file", "dir", "link", "dangling"] {
            let before = fs::symlink_metadata(scene.path("objects").join(name)).unwrap();
            let staged = dir.stage(b"second", Permissions::ReadOnly).unwrap();
            assert_eq!(
                dir.publish(staged, name).unwrap(),
                Published::Exists,
                "{name}"
            );
            let after = fs::symlink_metadata(scene.path("objects").join(name)).unwrap();
            assert_eq!(before.ino(), after.ino(), "{name}");
        }
        assert_eq!(fs::read(scene.path("objects/file")).unwrap(), b"first");
        scene.assert_nothing_else();
    }
}

#[test]
fn dropped_files_leave_nothing() {
    for scene in Scene::both() {
        let dir = scene.dir("objects");
        drop(dir.stage(b"content", Permissions::ReadOnly).unwrap());
        drop(scene.named(b"content"));
        assert_eq!(fs::read_dir(scene.path("objects")).unwrap().count(), 0);
        scene.assert_nothing_else();
    }
}

#[test]
fn replacing_takes_the_name_from_a_file_or_from_nothing() {
    let scene = Scene::new();
    let dir = scene.dir("refs/e");
    for content in ["first", "second"] {
        dir.replace(scene.named(content.as_bytes()), "v").unwrap();
        assert_eq!(fs::read_to_string(scene.path("refs/e/v")).unwrap(), content);
    }
    scene.assert_nothing_else();
}

#[test]
fn replacing_a_link_leaves_its_target_and_a_directory_stays() {
    let scene = Scene::new();
    let dir = scene.dir("refs/e");
    symlink(
        scene.scratch.path().join("outside"),
        scene.path("refs/e/link"),
    )
    .unwrap();
    dir.replace(scene.named(b"new"), "link").unwrap();
    assert!(
        scene
            .path("refs/e/link")
            .symlink_metadata()
            .unwrap()
            .is_file()
    );
    fs::create_dir(scene.path("refs/e/dir")).unwrap();
    let error = dir.replace(scene.named(b"new"), "dir").unwrap_err();
    let cause = &error.cause;
    assert!(
        matches!(cause, Cause::NotRegular(FileKind::Directory)),
        "{error}"
    );
    assert_eq!(error.path, scene.path("refs/e/dir"));
    assert!(scene.path("refs/e/dir").is_dir());
    scene.assert_nothing_else();
}

#[test]
fn what_is_replaced_is_kept_whatever_it_is() {
    let scene = Scene::new();
    let (dir, kept) = (scene.dir("objects/ab"), scene.dir("quarantine"));
    let at = |name| scene.path("objects/ab").join(name);
    fs::write(at("file"), "damaged").unwrap();
    fs::create_dir(at("dir")).unwrap();
    fs::write(at("dir/inside"), "inside").unwrap();
    symlink(scene.scratch.path().join("outside"), at("link")).unwrap();
    for name in ["file", "dir", "link", "nothing"] {
        dir.keep(name, &kept, name).unwrap();
        dir.replace(scene.named(b"good"), name).unwrap();
        assert!(at(name).symlink_metadata().unwrap().is_file(), "{name}");
        assert_eq!(fs::read(at(name)).unwrap(), b"good", "{name}");
    }
    let moved = |name: &str| {
        let entries = fs::read_dir(scene.path("quarantine")).unwrap().flatten();
        let mut paths = entries.map(|entry| entry.path());
        paths.find(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(name)
        })
    };
    assert_eq!(fs::read(moved("file").unwrap()).unwrap(), b"damaged");
    assert_eq!(
        fs::read(moved("dir").unwrap().join("inside")).unwrap(),
        b"inside"
    );
    assert!(moved("link").unwrap().is_symlink());
    assert_eq!(moved("nothing"), None);
    scene.assert_nothing_else();
}

#[test]
fn directories_are_made_with_those_above_them() {
    let scene = Scene::new();
    let dir = scene.dir("a/b/c");
    assert_eq!(dir.path(), Path::new("a/b/c"));
    assert!(scene.path("a/b/c").is_dir());
    assert_eq!(scene.dir("a/b/c").path(), Path::new("a/b/c"));
}

#[test]
fn directories_are_not_made_through_files_or_links() {
    let scene = Scene::new();
    fs::write(scene.path("file"), "").unwrap();
    symlink(scene.scratch.path().join("elsewhere"), scene.path("link")).unwrap();
    symlink("file", scene.path("inner")).unwrap();
    for path in ["file", "file/a", "file/a/b"] {
        let error = scene.root.dir(Path::new(path)).unwrap_err();
        assert!(
            matches!(error.cause, Cause::NotADirectory),
            "{path}: {error}"
        );
    }
    for path in ["link", "link/a", "link/a/b", "inner/a"] {
        let error = scene.root.dir(Path::new(path)).unwrap_err();
        assert!(matches!(error.cause, Cause::Link), "{path}: {error}");
    }
    for path in ["../elsewhere/a", "a/../../elsewhere/a"] {
        assert!(scene.root.dir(Path::new(path)).is_err(), "{path}");
    }
    scene.assert_nothing_else();
}

/// A pipe cannot be synced, so it shows which files are synced one by one.
#[test]
fn more_than_eight_files_are_synced_with_the_file_system() {
    let scene = Scene::new();
    let staged = scene.named(b"content");
    let (_, pipe) = io::pipe().unwrap();
    let pipe = fs::File::from(std::os::fd::OwnedFd::from(pipe));
    for (count, at_once) in [(8, false), (9, true)] {
        let files = std::iter::repeat_n(staged.file(), count - 1).chain([&pipe]);
        let synced = scene.root.sync(files, []);
        assert_eq!(synced.is_ok(), at_once, "{count} files");
    }
}

#[test]
fn removing_what_is_not_there_is_no_error() {
    let scene = Scene::new();
    let dir = scene.dir("refs/e");
    fs::write(scene.path("refs/e/v"), "").unwrap();
    dir.remove("v").unwrap();
    dir.remove("v").unwrap();
    assert!(!scene.path("refs/e/v").exists());
}

#[test]
fn renewing_changes_the_ctime_and_not_the_file() {
    let scene = Scene::new();
    let dir = scene.dir("objects");
    dir.replace(scene.named(b"content"), "a").unwrap();
    let before = fs::metadata(scene.path("objects/a")).unwrap();
    // Time stamps are as coarse as the tick of the kernel.
    std::thread::sleep(Duration::from_millis(20));
    assert!(dir.renew("a").unwrap().is_some());
    let after = fs::metadata(scene.path("objects/a")).unwrap();
    assert!((after.ctime(), after.ctime_nsec()) > (before.ctime(), before.ctime_nsec()));
    assert_eq!(after.modified().unwrap(), before.modified().unwrap());
    assert_eq!((after.ino(), after.mode()), (before.ino(), before.mode()));
}
