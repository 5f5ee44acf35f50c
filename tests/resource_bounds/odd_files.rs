//! What is no file in the place of one, and files far over their limits: FIFOs, sockets, devices, links
//! in circles, to devices and to the outside, and 10 GiB of zeros.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::bounded::{Limits, opened};
use crate::scene::{COMMANDS, Scene, assert_small, small_peaks};
use crate::support::{object_file, skip};

const HUGE: u64 = 10 << 30;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Odd {
    Fifo,
    Socket,
    /// `/dev/zero`: it never ends.
    Device,
    LinkToItself,
    LinkToDevice,
    LinkOutside,
    /// Without blocks on the disk.
    Huge,
    Directory,
}

impl Odd {
    const ALL: [Self; 8] = [
        Self::Fifo,
        Self::Socket,
        Self::Device,
        Self::LinkToItself,
        Self::LinkToDevice,
        Self::LinkOutside,
        Self::Huge,
        Self::Directory,
    ];

    /// Puts it in the place of what is at `path`, if anything is.
    fn plant(self, path: &Path, outside: &Path) {
        let above = path.parent().expect("it is below the root");
        fs::create_dir_all(above).expect("there is room");
        let _ = match path.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        };
        let node = |kind, device| {
            let made = mknodat(CWD, path, kind, Mode::from_raw_mode(0o666), device);
            made.expect("it can be made");
        };
        let link = |to: &Path| symlink(to, path).expect("there is room");
        match self {
            Self::Fifo => node(FileType::Fifo, 0),
            Self::Socket => node(FileType::Socket, 0),
            Self::Device => node(FileType::CharacterDevice, makedev(1, 5)),
            Self::LinkToItself => link(path),
            Self::LinkToDevice => link(Path::new("/dev/zero")),
            Self::LinkOutside => link(&outside.join("secret")),
            Self::Huge => {
                let file = fs::File::create(path).expect("there is room");
                file.set_len(HUGE).expect("it takes none");
            }
            Self::Directory => fs::create_dir(path).expect("there is room"),
        }
    }
}

/// The places of files, so that each is on the way of some command and none ends all commands.
fn places(scene: &Scene) -> Vec<String> {
    let root = scene.catalog.root();
    let file = object_file(root, scene.object);
    let object = file.strip_prefix(root).expect("it is below the root");
    let found = walkdir::WalkDir::new(root.join("attachments")).into_iter();
    let links = found.map(|it| it.expect("it can be read"));
    let mut links = links.filter(|it| it.file_type().is_file());
    let link = links.next().expect("the engine has a manifest").into_path();
    let link = link.strip_prefix(root).expect("it is below the root");
    let mut places = vec![
        object.display().to_string(),
        link.display().to_string(),
        format!("attachments/ff/{}/{}", "f".repeat(62), "f".repeat(64)),
        format!("objects/ff/{}", "f".repeat(62)),
    ];
    let fixed = [
        "refs/e1/1",
        "refs/odd/1",
        "history/e0/1",
        "history/odd/1",
        "snapshots/odd",
        "cache/verify",
        "tmp/odd",
        "quarantine/odd",
        "engine_catalog.ndjson",
        "engine_catalog.json",
        "B3SUMS",
        "foreign",
    ];
    places.extend(fixed.map(str::to_owned));
    places
}

#[test]
fn odd_files_everywhere_end_no_command_and_cost_nothing() {
    let Some(small) = small_peaks() else { return };
    for odd in Odd::ALL {
        if odd == Odd::Device && skip::root().is_none() {
            continue;
        }
        let Some(scene) = Scene::new() else { return };
        fs::write(scene.outside().join("secret"), "secret").expect("there is room");
        let places = places(&scene);
        for place in &places {
            odd.plant(&scene.at(place), scene.outside());
        }
        let runs = scene.run_all(Limits::default(), &format!("{odd:?}"));
        assert_small(&runs, &small, 0, &format!("{odd:?}"));
        // What needs what is odd says so; what does not goes on.
        let verify = &runs["verify"];
        for place in &places {
            // Nobody reads what is in a link, or what has no meaning; a directory is foreign.
            let is_named = verify.stdout.contains(&format!("\"path\":\"{place}\""));
            let is_harmless = odd == Odd::Huge
                && ["attachments", "engine_", "B3SUMS", "cache"]
                    .iter()
                    .any(|it| place.starts_with(it))
                || place.starts_with("cache");
            assert!(
                is_named || is_harmless,
                "{odd:?} at {place}: {}",
                verify.stdout
            );
        }
        for (command, expected) in [
            ("get", 3),
            ("diff", 3),
            ("list", 3),
            ("history", 3),
            ("verify", 1),
        ] {
            assert_eq!(
                runs[command].status,
                Some(expected),
                "{odd:?}: {:?}",
                runs[command]
            );
        }
        let read = runs["check"].status;
        assert!(
            read == Some(3) || odd == Odd::Huge,
            "{odd:?}: {:?}",
            runs["check"]
        );
        for run in runs.values() {
            assert!(!run.stdout.contains("secret\n") && !run.stderr.contains("secret\n"));
        }
        let most = runs.values().map(|run| run.peak_kib).max();
        let longest = runs.values().map(|run| run.seconds).fold(0.0, f64::max);
        println!(
            "{odd:?} in {} places: at most {most:?} KiB, {longest} s",
            places.len()
        );
    }
}

/// What each command needs before anything else, one at a time.
#[test]
fn odd_file_in_the_place_of_a_part_ends_no_command_and_costs_nothing() {
    let Some(small) = small_peaks() else { return };
    let parts = [
        "format",
        "lock",
        "objects",
        "refs",
        "history",
        "snapshots",
        "attachments",
        "tmp",
        "cache",
        "refs/e0",
        "history/e0",
    ];
    let odds = [Odd::Fifo, Odd::LinkToDevice, Odd::Huge, Odd::LinkToItself];
    for (at, part) in parts.iter().enumerate() {
        let Some(scene) = Scene::new() else { return };
        let odd = odds[at % odds.len()];
        odd.plant(&scene.at(part), scene.outside());
        let what = format!("{odd:?} at {part}");
        let runs = scene.run_all(Limits::default(), &what);
        assert_small(&runs, &small, 0, &what);
        if *part == "format" {
            assert!(runs.values().all(|run| run.status == Some(3)), "{what}");
        }
    }
    assert_eq!(COMMANDS.len(), small.len());
}

/// What is behind a link is not even opened.
#[test]
fn links_everywhere_lead_no_command_out_of_the_root() {
    let (Some(scene), Some(strace)) = (Scene::new(), skip::program("strace")) else {
        return;
    };
    let secret = scene.outside().join("secret");
    fs::write(&secret, "secret").expect("there is room");
    for place in places(&scene) {
        Odd::LinkOutside.plant(&scene.at(&place), scene.outside());
    }
    Odd::LinkOutside.plant(&scene.at("refs/linked"), scene.outside());
    Odd::LinkToDevice.plant(&scene.at("snapshots/zero"), scene.outside());
    for (command, args) in COMMANDS {
        let paths = scene.with(args, |root, words| {
            opened(&strace, root, scene.outside(), words)
        });
        let format = scene.at("format");
        assert!(
            paths.contains(&format),
            "{command}: it was not traced: {paths:?}"
        );
        for bad in [&secret, Path::new("/dev/zero")] {
            assert!(
                !paths.iter().any(|path| *path == bad),
                "{command}: {paths:?}"
            );
        }
    }
}
