//! Where the kernel tells nothing, because it gives a user no more notices, changes are found by looking.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use engine_catalog::Catalog;
use rustix::fs::inotify::{self, CreateFlags};

use crate::support::sample::entry;
use crate::support::{child, skip, stamp};
use crate::waking::assert_wakes_by;

/// Each limit, how much of it is left, and what the helper process is to find out.
#[test]
fn changes_are_found_by_looking_where_there_are_no_notices() {
    play("max_inotify_instances", 0, "without notices");
}

#[test]
fn changes_are_found_by_looking_where_not_all_can_be_watched() {
    // The root, all refs, and one engine of three.
    play("max_inotify_watches", 3, "with a few notices");
}

/// Plays `role` where a user has little: in a user namespace, which has limits of its own.
fn play(limit: &str, left: u32, role: &str) {
    let Some(unshare) = skip::program("unshare") else {
        return;
    };
    let namespace = [
        unshare.to_str().expect("it is text"),
        "--user",
        "--map-root-user",
    ];
    let allowed = Command::new(namespace[0])
        .args(&namespace[1..])
        .arg("true")
        .output();
    if !allowed.is_ok_and(|it| it.status.success()) {
        return skip::because("user namespaces are not allowed");
    }
    let scratch = tempfile::tempdir().expect("there is room");
    let script = format!("echo {left} >/proc/sys/user/{limit} && exec \"$@\"");
    let wrapper = namespace.into_iter().chain(["sh", "-c", &script, "sh"]);
    child::run(child::command(wrapper, role, &scratch.path().join("root")));
}

pub(crate) fn act(role: &str, root: &Path) {
    let is_refused = inotify::init(CreateFlags::CLOEXEC).is_err();
    assert_eq!(is_refused, role == "without notices");
    let catalog = Catalog::create(root).expect("it can be made");
    for engine in ["e0", "e1", "e2"] {
        let put = catalog.put(&entry(engine, "first"), &stamp(1));
        put.expect("it can be put");
    }
    let watch = catalog.watch().expect("it is there");
    let mut watch = watch.looking_every(Duration::from_millis(5));
    for step in ["second", "third"] {
        for engine in ["e0", "e1", "e2"] {
            assert_wakes_by(&mut watch, engine, || {
                let put = catalog.put(&entry(engine, step), &stamp(1));
                put.expect("it can be put");
            });
        }
    }
}
