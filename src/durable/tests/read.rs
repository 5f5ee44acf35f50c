//! Reading is bounded, and never leads out of the root or to anything but regular files.

use std::os::unix::net::UnixListener;

use super::*;

fn read(scene: &Scene, path: &str, limit: u64) -> Result<Option<Vec<u8>>, PathError> {
    scene.root.read(Path::new(path), limit)
}

#[test]
fn files_are_read_up_to_the_limit() {
    let scene = Scene::new();
    fs::write(scene.path("file"), "12345").unwrap();
    fs::write(scene.path("empty"), "").unwrap();
    assert_eq!(read(&scene, "file", 5).unwrap().unwrap(), b"12345");
    assert_eq!(read(&scene, "empty", 0).unwrap().unwrap(), b"");
    let error = read(&scene, "file", 4).unwrap_err();
    assert!(
        matches!(error.cause, Cause::TooLarge { size: 5, limit: 4 }),
        "{error}"
    );
    assert_eq!(error.path, scene.path("file"));
}

#[test]
fn absent_files_and_directories_are_none() {
    let scene = Scene::new();
    assert!(read(&scene, "file", 5).unwrap().is_none());
    assert!(read(&scene, "no/such/file", 5).unwrap().is_none());
    assert!(scene.root.list(Path::new("no/such")).unwrap().is_empty());
    assert!(Root::open(&scene.path("none")).unwrap().is_none());
}

#[test]
fn growing_file_is_never_read_beyond_the_limit() {
    let scene = Scene::new();
    let path = scene.path("file");
    fs::write(&path, "12345").unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let file = fs::File::options().write(true).open(&path).unwrap();
            while !done.load(Ordering::Relaxed) {
                file.set_len(5).unwrap();
                file.set_len(50_000).unwrap();
            }
        });
        for _ in 0..5_000 {
            match read(&scene, "file", 5) {
                Ok(bytes) => assert_eq!(bytes.unwrap().len(), 5),
                Err(error) => {
                    let is_limit = matches!(error.cause, Cause::TooLarge { limit: 5, .. });
                    assert!(is_limit, "{error}");
                }
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn only_regular_files_are_read() {
    let scene = Scene::new();
    fs::create_dir(scene.path("dir")).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(scene.path("fifo"))
        .status();
    assert!(fifo.unwrap().success());
    let own = scene.root.own_dir().unwrap();
    let _socket = UnixListener::bind(scene.path("socket")).unwrap();
    for (name, kind) in [
        ("dir", FileKind::Directory),
        ("fifo", FileKind::Other),
        ("socket", FileKind::Other),
    ] {
        let error = read(&scene, name, 100).unwrap_err();
        assert!(
            matches!(error.cause, Cause::NotRegular(found) if found == kind),
            "{error}"
        );
        assert!(error.cause.is_damage(), "{name}");
        assert!(own.sync_file(name).is_err(), "{name}");
        assert!(own.renew(name).is_err(), "{name}");
    }
}

#[test]
fn links_are_not_followed() {
    let scene = Scene::new();
    fs::write(scene.path("file"), "inside").unwrap();
    fs::create_dir(scene.path("dir")).unwrap();
    fs::write(scene.path("dir/file"), "inside").unwrap();
    symlink("file", scene.path("relative")).unwrap();
    symlink(scene.scratch.path().join("outside"), scene.path("absolute")).unwrap();
    symlink("dir", scene.path("through")).unwrap();
    symlink("/proc/self/root", scene.path("magic")).unwrap();
    for path in ["relative", "absolute", "through/file", "magic/etc/passwd"] {
        let error = read(&scene, path, 100).unwrap_err();
        assert!(matches!(error.cause, Cause::Link), "{path}: {error}");
    }
    let error = scene.root.list(Path::new("through")).unwrap_err();
    assert!(matches!(error.cause, Cause::Link), "{error}");
    scene.assert_nothing_else();
}

#[test]
fn paths_that_lead_out_are_refused() {
    let scene = Scene::new();
    fs::create_dir(scene.path("dir")).unwrap();
    let absolute = scene.scratch.path().join("outside");
    for path in [
        "../outside",
        "dir/../../outside",
        absolute.to_str().unwrap(),
    ] {
        assert!(read(&scene, path, 100).is_err(), "{path}");
        assert!(scene.root.list(Path::new(path)).is_err(), "{path}");
    }
    scene.assert_nothing_else();
}

#[test]
fn listing_is_sorted_and_says_what_each_is() {
    let scene = Scene::new();
    fs::write(scene.path("b"), "").unwrap();
    fs::create_dir(scene.path("a")).unwrap();
    symlink("b", scene.path("c")).unwrap();
    let listed = scene.root.list(Path::new(".")).unwrap();
    let expected = [
        ("a", FileKind::Directory),
        ("b", FileKind::Regular),
        ("c", FileKind::Link),
    ];
    assert_eq!(listed, expected.map(|(name, kind)| (name.to_owned(), kind)));
}

#[test]
fn what_is_not_certainly_absent_is_there() {
    let scene = Scene::new();
    fs::write(scene.path("file"), "").unwrap();
    fs::create_dir(scene.path("dir")).unwrap();
    symlink("nowhere", scene.path("link")).unwrap();
    let has = |path: &str| scene.root.has(Path::new(path));
    for path in ["file", "dir", "link", "link/file", "file/file"] {
        assert!(has(path), "{path}");
    }
    assert!(!has("nothing") && !has("dir/nothing"));
}

/// Opening a FIFO would wait for a writer.
#[test]
fn root_that_is_no_directory_is_refused_at_once() {
    let scene = Scene::new();
    fs::write(scene.path("file"), "").unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(scene.path("fifo"))
        .status();
    assert!(fifo.unwrap().success());
    let paths = ["file", "fifo"].map(|name| scene.path(name));
    let (sender, answers) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for path in paths {
            let _ = sender.send(Root::open(&path).map(drop));
        }
    });
    for _ in 0..2 {
        let answer = answers.recv_timeout(Duration::from_secs(10));
        let error = answer.expect("it does not wait").unwrap_err();
        assert!(matches!(error.cause, Cause::Io(_)), "{error}");
    }
}
