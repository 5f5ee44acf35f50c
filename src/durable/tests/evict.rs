//! Files of others: where paths lead, and that only what was looked at is removed.

use super::*;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

fn mark(dir: &Dir<'_>, name: &str) -> Mark {
    let file = dir.open_unnoticed(name).unwrap().unwrap();
    FileStat::of(&file).unwrap().mark
}

#[test]
fn only_the_file_that_was_looked_at_is_removed() {
    let scene = Scene::new();
    fs::create_dir(scene.path("a")).unwrap();
    let dir = scene.root.existing_dir(Path::new("a")).unwrap().unwrap();
    let file = scene.path("a/file");
    let write = |content: &str| fs::write(&file, content).unwrap();
    write("first");
    let first = mark(&dir, "file");
    // Written to, linked to, replaced: by a copy that has the same times, and by a link to the file itself.
    let changes: [&dyn Fn(); 4] = [
        &|| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap(),
        &|| fs::hard_link(&file, scene.path("a/other")).unwrap(),
        &|| {
            fs::write(scene.path("a/copy"), "first").unwrap();
            fs::rename(scene.path("a/copy"), &file).unwrap();
        },
        &|| {
            fs::rename(&file, scene.path("a/moved")).unwrap();
            symlink("moved", &file).unwrap();
        },
    ];
    for change in changes {
        let before = mark(&dir, "file");
        // The clock of files stands still for a while.
        std::thread::sleep(Duration::from_millis(20));
        change();
        assert_eq!(dir.remove_if("file", before).unwrap(), Unlinked::Another);
        assert!(file.symlink_metadata().is_ok());
    }
    assert_eq!(dir.remove_if("file", first).unwrap(), Unlinked::Another);
    fs::remove_file(&file).unwrap();
    assert_eq!(dir.remove_if("file", first).unwrap(), Unlinked::Absent);
    write("second");
    let second = mark(&dir, "file");
    assert_eq!(dir.remove_if("file", second).unwrap(), Unlinked::Yes);
    assert!(!file.exists() && scene.path("a/moved").exists());
    // A directory is not made by that.
    assert!(scene.root.existing_dir(Path::new("b")).unwrap().is_none());
    assert!(!scene.path("b").exists());
}

#[test]
fn opening_a_file_unnoticed_leaves_when_it_was_read() {
    let scene = Scene::new();
    fs::write(scene.path("file"), "content").unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30);
    let times = fs::FileTimes::new().set_accessed(long_ago);
    let file = fs::File::open(scene.path("file")).unwrap();
    file.set_times(times).unwrap();
    let dir = scene.root.own_dir().unwrap();
    let file = dir.open_unnoticed("file").unwrap().unwrap();
    assert_eq!(io::read_to_string(&file).unwrap(), "content");
    let accessed_ms = FileStat::of(&file).unwrap().accessed_ms;
    assert_eq!(accessed_ms, (1 << 30) * 1000);
    assert!(dir.open_unnoticed("none").unwrap().is_none());
    symlink("file", scene.path("link")).unwrap();
    let error = dir.open_unnoticed("link").unwrap_err();
    assert!(matches!(error.cause, Cause::Link), "{error}");
}

#[test]
fn directory_lies_in_those_above_it_by_whatever_path_it_was_opened() {
    let scene = Scene::new();
    let open = |path: &Path| Root::open(path).unwrap().unwrap();
    let outside = open(scene.scratch.path());
    let elsewhere = open(&scene.scratch.path().join("elsewhere"));
    fs::create_dir_all(scene.path("a/b")).unwrap();
    symlink(
        scene.path("a/b"),
        scene.scratch.path().join("elsewhere/link"),
    )
    .unwrap();
    let below = open(&scene.scratch.path().join("elsewhere/link"));
    let lies_in = |dir: &Root, above: &Root| {
        let above = BTreeSet::from([above.id().unwrap()]);
        dir.lies_in(&above).unwrap()
    };
    for (dir, above, expected) in [
        (&below, &scene.root, true),
        (&below, &outside, true),
        (&below, &elsewhere, false),
        (&scene.root, &scene.root, true),
        (&scene.root, &below, false),
        (&outside, &scene.root, false),
        (&outside, &open(Path::new("/")), true),
        (&open(Path::new("/")), &outside, false),
    ] {
        assert_eq!(lies_in(dir, above), expected, "{dir:?} {above:?}");
    }
    fs::remove_file(scene.scratch.path().join("elsewhere/link")).unwrap();
}

#[test]
fn path_outside_leads_to_what_it_links_to_or_to_nothing() {
    let scene = Scene::new();
    let outside = scene.scratch.path().canonicalize().unwrap().join("outside");
    symlink(&outside, scene.path("link")).unwrap();
    symlink("loop", scene.path("loop")).unwrap();
    symlink("nowhere", scene.path("dangling")).unwrap();
    let found = look_outside(&scene.path("link")).unwrap().unwrap();
    assert_eq!(found.canonical, outside);
    assert_eq!((found.stat.kind, found.stat.size), (FileKind::Regular, 7));
    let too_long = format!("none/{}", "x".repeat(300));
    for path in ["none", "loop", "dangling", "link/below", &too_long] {
        let found = look_outside(&scene.path(path)).unwrap();
        assert!(found.is_none(), "{path}");
    }
}
