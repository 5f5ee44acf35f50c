//! A source that does not speak as rsync does, or says other things than it was asked for.

use crate::peer::Peer;

/// Pulls from a peer that has this script in the place of a remote shell.
fn speaks(script: &str, more: &[&str], named: &[&str]) {
    let Some(mut peer) = Peer::new() else { return };
    peer.speaks_by(script);
    peer.harms_nothing(more, named);
}

#[test]
fn stream_without_end() {
    speaks(
        "#!/bin/sh\nexec cat /dev/zero\n",
        &[],
        &["rsync ended with status"],
    );
}

#[test]
fn garbage() {
    let script = "#!/bin/sh\nexec head -c 100000 /dev/urandom\n";
    speaks(script, &[], &["rsync ended with status"]);
}

#[test]
fn silence() {
    let named = ["the source said nothing for too long"];
    let patience = ["--rsync-option=--timeout=1"];
    speaks("#!/bin/sh\nexec sleep 30\n", &patience, &named);
}

#[test]
fn complaints_without_end_are_cut() {
    let Some(mut peer) = Peer::new() else { return };
    peer.speaks_by("#!/bin/sh\nexec timeout 3 yes \"$(printf 'no \\033[2J')\" >&2\n");
    let output = peer.pull(&["--rsync-option=--timeout=1"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(said.lines().count() < 120, "{} lines", said.lines().count());
    assert!(!said.contains('\u{1b}'), "controls are made visible");
}

/// Sends all of a directory with links and devices, whatever it was asked for.
#[test]
fn files_that_nobody_asked_for() {
    let Some(mut peer) = Peer::new() else { return };
    let evil = peer.theirs.outside().join("evil");
    for path in [
        "lock",
        "refs/llamacpp/b1/deeper",
        "../evil2",
        "tmp/x",
        "objects/00/x",
    ] {
        let file = evil.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "x").unwrap();
    }
    // A sender that was told other things, and has filters of its own.
    let script = format!(
        "#!/bin/sh\nexec rsync --server --sender -logDtprRe.LsfxCIvu . {0}/./ {0}/../evil2\n",
        evil.display()
    );
    peer.speaks_by(&script);
    peer.harms_nothing(&[], &["rsync"]);
}
