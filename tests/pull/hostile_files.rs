//! A source with files that are none, with names that lead elsewhere, and with too many.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::peer::{Peer, assert_sound};
use crate::support::{entry, object_of, skip};

/// Makes something that is no file.
fn make(program: &str, args: &[&str]) {
    assert!(Command::new(program).args(args).status().unwrap().success());
}

/// Has something else in the places of a ref, a snapshot and an object.
fn in_the_place_of_files(make_at: impl Fn(&str)) {
    let Some(peer) = Peer::new() else { return };
    let id = object_of(&entry("b1", 1));
    peer.theirs.point("llamacpp/b1", &id);
    for path in ["refs/llamacpp/b2", "snapshots/s"].map(|path| peer.theirs.at(path)) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        make_at(path.to_str().unwrap());
    }
    let object = peer.theirs.object(&id);
    fs::create_dir_all(object.parent().unwrap()).unwrap();
    make_at(object.to_str().unwrap());
    let shown = object.strip_prefix(peer.theirs.catalog.root()).unwrap();
    let shown = format!("skipping non-regular file \"{}\"", shown.display());
    let id = id.to_string();
    let named = [
        "file \"refs/llamacpp/b2\"",
        "file \"snapshots/s\"",
        &shown,
        &id,
    ];
    peer.harms_nothing(&[], &named);
}

#[test]
fn symbolic_links() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    let target = outside.path().to_owned();
    in_the_place_of_files(move |path| symlink(&target, path).unwrap());
}

#[test]
fn fifos() {
    in_the_place_of_files(|path| make("mkfifo", &[path]));
}

#[test]
fn devices() {
    let Some(()) = skip::root() else { return };
    in_the_place_of_files(|path| make("mknod", &[path, "c", "1", "5"]));
}

#[test]
fn links_in_the_place_of_directories() {
    let Some(peer) = Peer::new() else { return };
    let id = peer.theirs.put(&entry("b1", 1));
    for path in ["refs/llamacpp", "objects"].map(|path| peer.theirs.at(path)) {
        let elsewhere = peer.theirs.outside().join(path.file_name().unwrap());
        fs::rename(&path, &elsewhere).unwrap();
        symlink(elsewhere, path).unwrap();
    }
    assert!(peer.theirs.object(&id).exists(), "through the link");
    peer.harms_nothing(&[], &["skipping non-regular file \"refs/llamacpp\""]);
}

#[test]
fn names_that_lead_elsewhere_stand_for_nothing() {
    let Some(peer) = Peer::new() else { return };
    let good = peer.theirs.put(&entry("b1", 1));
    let names = [
        "%2E%2E",
        "..x",
        ".hidden",
        "a b",
        "%2F",
        "-rf",
        "--delete",
        "new\nline",
        "\u{202e}x",
        "\u{1b}[2J",
    ];
    for name in names {
        peer.theirs.point(&format!("llamacpp/{name}"), &good);
        peer.theirs.point(&format!("{name}/b1"), &good);
        fs::create_dir_all(peer.theirs.at("snapshots")).unwrap();
        fs::write(peer.theirs.at("snapshots").join(name), "../../../x\n").unwrap();
    }
    let output = peer.pull(&[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !said.contains('\u{1b}') && !said.contains('\u{202e}'),
        "{said:?}"
    );
    let ours = peer.catalog();
    let names: Vec<_> = ours.list(&Default::default()).unwrap().collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(ours.exists("llamacpp:b1").unwrap());
    assert_sound(&ours);
}

#[test]
fn more_files_than_are_wanted() {
    let Some(peer) = Peer::new() else { return };
    let id = object_of(&entry("b1", 1));
    for at in 0..300 {
        peer.theirs.point(&format!("llamacpp/b{at}"), &id);
    }
    let named = ["sends more than 100 files (--max-files), at refs/llamacpp/b"];
    peer.harms_nothing(&["--max-files=100"], &named);
}

#[test]
fn more_bytes_than_are_wanted() {
    let Some(peer) = Peer::new() else { return };
    for version in ["b1", "b2", "b3"] {
        peer.theirs.put(&entry(version, 1));
    }
    let named = ["sends more than 200 bytes (--max-bytes), at "];
    peer.harms_nothing(&["--max-bytes=200"], &named);
}

#[test]
fn directories_in_the_place_of_files() {
    let Some(peer) = Peer::new() else { return };
    let subject = object_of(&entry("ours", 1));
    let link = crate::support::link;
    link(peer.theirs.catalog.root(), subject, subject);
    let links = peer.theirs.at("attachments");
    let link = walkdir::WalkDir::new(&links)
        .into_iter()
        .map(Result::unwrap);
    let link = link.filter(|it| it.file_type().is_file()).last().unwrap();
    fs::remove_file(link.path()).unwrap();
    fs::create_dir(link.path()).unwrap();
    fs::create_dir_all(peer.theirs.at("refs/llamacpp/b1")).unwrap();
    let link = link.path().strip_prefix(peer.theirs.at("")).unwrap();
    let link = format!("{} is a directory", link.display());
    peer.harms_nothing(&[], &["refs/llamacpp/b1 is a directory", &link]);
}

#[test]
fn more_of_a_file_than_it_said_ends_rsync() {
    let Some(mut peer) = Peer::new() else { return };
    let file = peer.theirs.at("refs/llamacpp/b1");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "x".repeat(100_000)).unwrap();
    // As if it had said that it were small.
    let rsync = skip::program("rsync").unwrap();
    peer.runs(&format!(
        "#!/bin/sh\nfor arg; do\n  shift\n  case $arg in --max-size=*) ;; *) set -- \"$@\" \"$arg\" ;; esac\n\
         done\nexec {} \"$@\"\n",
        rsync.display()
    ));
    peer.harms_nothing(&[], &["File too large", "refs/llamacpp/b1"]);
}

#[test]
fn modes_are_not_taken_over() {
    let Some(peer) = Peer::new() else { return };
    let id = peer.theirs.put(&entry("b1", 1));
    let modes = [
        (peer.theirs.at("refs/llamacpp"), 0o7777),
        (peer.theirs.at("refs/llamacpp/b1"), 0o6777),
        (peer.theirs.object(&id), 0o4755),
    ];
    for (path, mode) in modes {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    assert!(peer.pull(&["--dry-run"]).status.success());
    for top in ["refs", "objects"] {
        for entry in walkdir::WalkDir::new(peer.staged()[0].join(top)) {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o7077;
            assert_eq!(mode, 0, "{}", entry.path().display());
        }
    }
    assert!(peer.pull(&[]).status.success());
    assert_sound(&peer.catalog());
}

#[test]
fn marker_of_another_format_is_refused() {
    for (marker, why) in [
        ("engine-catalog 2\n", "cannot be read"),
        ("hello\n", "cannot be read"),
        ("", "cannot be read"),
    ] {
        let Some(peer) = Peer::new() else { return };
        peer.theirs.put(&entry("b1", 1));
        fs::write(peer.theirs.at("format"), marker).unwrap();
        peer.harms_nothing(&[], &[why]);
    }
    let Some(peer) = Peer::new() else { return };
    fs::remove_file(peer.theirs.at("format")).unwrap();
    peer.harms_nothing(&[], &["is neither a catalog nor a proof bundle"]);
}
